"""Against a small server on this machine; nothing here touches a network."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from torchvision.datasets.voc import DATASET_YEAR_DICT

from saccade.data import archives
from saccade.data.fetch import ATTEMPTS, SOURCES, Archive, Source, fetch
from saccade.errors import DataError
from tars import tar_bytes

FOLDER = "VOCdevkit/VOC2012"
NOISE = np.random.default_rng(0).bytes(60_000)
TAR = tar_bytes({f"{FOLDER}/ImageSets/Main/trainval.txt": b"a\n", f"{FOLDER}/JPEGImages/a.jpg": NOISE})


@dataclass
class Server:
    """What is served, how, and what was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True  # whether a Range is heeded
    cut: list[int] = field(default_factory=list)  # bytes after which each next answer breaks off
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    def archive(self, content: bytes = TAR, name: str = "voc.tar") -> Archive:
        self.files[f"/{name}"] = content
        return Archive((f"{self.url}/{name}",), hashlib.md5(content).hexdigest())

    def source(self, content: bytes = TAR) -> Source:
        return Source((self.archive(content),), FOLDER, ("ImageSets/Main/trainval.txt",))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            begin = self.headers.get("Range")
            state.asked.append((self.path, begin))
            if self.path not in state.files:
                self.send_error(404)
                return
            content = state.files[self.path]
            start = int(begin.removeprefix("bytes=").removesuffix("-")) if begin and state.ranges else 0
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            end = start + state.cut.pop(0) if state.cut else len(content)
            self.wfile.write(content[start:end])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as serving:
        state.url = f"http://127.0.0.1:{serving.server_port}"
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield state
        serving.shutdown()


def quiet(_: str, done: int, total: int) -> None:
    assert 0 <= done <= total


def whole(root: Path) -> bool:
    folder = root / FOLDER
    return (folder / "JPEGImages/a.jpg").read_bytes() == NOISE and not list(root.glob(".*"))


def refused(source: Source, root: Path) -> str:
    with pytest.raises(DataError) as caught:
        fetch(source, root, progress=quiet)
    assert not (root / FOLDER).exists()
    return str(caught.value)


def test_the_table_is_torchvisions() -> None:
    for name, years in (("voc2012", ["2012"]), ("voc2007", ["2007", "2007-test"])):
        for archive, year in zip(SOURCES[name].archives, years, strict=True):
            reference = DATASET_YEAR_DICT[year]
            assert archive.md5 == reference["md5"]
            assert archive.filename == reference["filename"]
            assert SOURCES[name].folder == reference["base_dir"]
            path = re.sub(r"^https?://\w+\.", "", reference["url"])
            assert [re.sub(r"^https?://\w+\.", "", url) for url in archive.urls] == [path, path]


def test_downloads_verifies_and_unpacks(server: Server, tmp_path: Path) -> None:
    told: list[str] = []
    folder = fetch(server.source(), tmp_path / "new", progress=lambda what, *_: told.append(what))
    assert folder == tmp_path / "new" / FOLDER
    assert whole(tmp_path / "new")
    assert list(dict.fromkeys(told)) == ["fetching voc.tar", "verifying voc.tar", "unpacking voc.tar"]
    assert server.asked == [("/voc.tar", None)]
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["VOCdevkit", "voc.tar"]


def test_what_is_there_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    fetch(server.source(), tmp_path, progress=quiet)
    (tmp_path / "voc.tar").unlink()
    assert fetch(server.source(), tmp_path, progress=quiet) == tmp_path / FOLDER
    assert len(server.asked) == 1


def test_two_archives_make_one_folder(server: Server, tmp_path: Path) -> None:
    test = tar_bytes({f"{FOLDER}/ImageSets/Main/test.txt": b"b\n", f"{FOLDER}/JPEGImages/b.jpg": b"b"})
    archives_ = (server.archive(), server.archive(test, "test.tar"))
    fetch(
        Source(archives_, FOLDER, ("ImageSets/Main/trainval.txt", "ImageSets/Main/test.txt")), tmp_path, progress=quiet
    )
    assert whole(tmp_path)
    assert (tmp_path / FOLDER / "JPEGImages/b.jpg").read_bytes() == b"b"


def test_goes_on_where_an_earlier_call_was(server: Server, tmp_path: Path) -> None:
    (tmp_path / "voc.tar.part").write_bytes(TAR[:1000])
    fetch(server.source(), tmp_path, progress=quiet)
    assert whole(tmp_path)
    assert server.asked == [("/voc.tar", "bytes=1000-")]
    assert not (tmp_path / "voc.tar.part").exists()


def test_goes_on_when_the_connection_breaks_off(server: Server, tmp_path: Path) -> None:
    server.cut = [1000, 500]
    fetch(server.source(), tmp_path, progress=quiet)
    assert whole(tmp_path)
    assert server.asked == [("/voc.tar", None), ("/voc.tar", "bytes=1000-"), ("/voc.tar", "bytes=1500-")]


def test_a_connection_that_breaks_off_for_ever(server: Server, tmp_path: Path) -> None:
    server.cut = [100] * ATTEMPTS
    source = server.source()
    assert refused(source, tmp_path) == (
        f"{server.url}/voc.tar: breaks off again and again; 500 bytes are in {tmp_path}/voc.tar.part, "
        "and the same command goes on from there"
    )
    fetch(source, tmp_path, progress=quiet)
    assert server.asked[ATTEMPTS] == ("/voc.tar", "bytes=500-")
    assert whole(tmp_path)


def test_a_server_that_knows_no_ranges_sends_all(server: Server, tmp_path: Path) -> None:
    (tmp_path / "voc.tar.part").write_bytes(b"x" * 1000)
    server.ranges = False
    fetch(server.source(), tmp_path, progress=quiet)
    assert whole(tmp_path)


def test_a_part_that_is_whole(server: Server, tmp_path: Path) -> None:
    (tmp_path / "voc.tar.part").write_bytes(TAR)
    fetch(server.source(), tmp_path, progress=quiet)
    assert whole(tmp_path)


def test_a_part_that_is_too_long_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "voc.tar.part").write_bytes(TAR + b"x")
    fetch(server.source(), tmp_path, progress=quiet)
    assert whole(tmp_path)
    assert [asked[1] for asked in server.asked] == [f"bytes={len(TAR) + 1}-", None]


def test_the_second_address_serves_where_the_first_does_not(server: Server, tmp_path: Path) -> None:
    archive = server.archive()
    for bad in (f"http://127.0.0.1:{closed_port()}/voc.tar", f"{server.url}/moved/voc.tar"):
        root = tmp_path / str(len(bad))
        source = Source((Archive((bad, *archive.urls), archive.md5),), FOLDER, ("ImageSets/Main/trainval.txt",))
        fetch(source, root, progress=quiet)
        assert whole(root)


def test_a_download_that_is_damaged_is_removed(server: Server, tmp_path: Path) -> None:
    source = server.source()
    server.files["/voc.tar"] = TAR[:-1] + b"x"
    found = hashlib.md5(server.files["/voc.tar"]).hexdigest()
    assert refused(source, tmp_path) == (
        f"{tmp_path}/voc.tar: its MD5 is {found} instead of {source.archives[0].md5}; it was damaged on the way and is "
        "removed; repeat the command to fetch it again"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_the_users_that_is_damaged_stays(server: Server, tmp_path: Path) -> None:
    (tmp_path / "voc.tar").write_bytes(b"something else")
    assert "it stays where it is: remove it, and repeat the command" in refused(server.source(), tmp_path)
    assert (tmp_path / "voc.tar").read_bytes() == b"something else"
    assert server.asked == []


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_without_a_network_it_says_what_to_place_where(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    url = f"http://127.0.0.1:{closed_port()}/voc.tar"
    here = server.archive(name="test.tar")
    source = Source((Archive((url,), hashlib.md5(TAR).hexdigest()), here), FOLDER, ("ImageSets/Main/trainval.txt",))
    first, *rest = refused(source, tmp_path).splitlines()
    assert first.startswith(f"{url}: cannot be reached (")
    assert rest == [
        "Repeat the command when the network is back: it goes on where it was. Without one, fetch elsewhere",
        f"  {url}  (MD5 {source.archives[0].md5})",
        f"  {here.urls[0]}  (MD5 {here.md5})",
        f"and put it into {tmp_path}; the same command then verifies and unpacks it without a network",
    ]
    for name in ("voc.tar", "test.tar"):
        (tmp_path / name).write_bytes(TAR)
    fetch(source, tmp_path, progress=quiet)
    assert whole(tmp_path)
    assert server.asked == []


def test_an_address_that_is_gone(server: Server, tmp_path: Path) -> None:
    source = server.source()
    server.files.clear()
    assert f"{server.url}/voc.tar: the server says 404 Not Found" in refused(source, tmp_path)


def test_no_room_for_the_file_and_what_is_in_it(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: SimpleNamespace(free=len(TAR)))
    needed = archives.size_text(2 * len(TAR))
    assert f"fetching and unpacking voc.tar takes about {needed}" in refused(server.source(), tmp_path)


def test_a_tar_of_something_else(server: Server, tmp_path: Path) -> None:
    source = server.source(tar_bytes({"VOCdevkit/VOC2007/x": b""}))
    assert f"the tar files hold no {FOLDER}/ImageSets/Main/trainval.txt" in refused(source, tmp_path)
    evil = server.source(tar_bytes({"../evil": b""}))
    (tmp_path / "voc.tar").unlink()
    assert "leads out of the folder" in refused(evil, tmp_path)
    assert not (tmp_path.parent / "evil").exists()


def test_a_folder_that_lacks_something_is_left_alone(server: Server, tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir(parents=True)
    with pytest.raises(DataError, match=r"is there, without ImageSets/Main/trainval.txt; move it away"):
        fetch(server.source(), tmp_path, progress=quiet)


def test_unpacking_that_was_stopped_is_done_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(what: str, *_: int) -> None:
        if what.startswith("unpacking"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(server.source(), tmp_path, progress=stop)
    assert not (tmp_path / FOLDER).exists()
    fetch(server.source(), tmp_path, progress=quiet)
    assert whole(tmp_path)
    assert len(server.asked) == 1
