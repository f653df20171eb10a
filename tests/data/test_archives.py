from __future__ import annotations

import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from saccade.data import archives
from saccade.errors import DataError
from tars import tar_of


def test_files_are_unpacked_with_their_folders(tmp_path: Path) -> None:
    tar_of(tmp_path / "a.tar", {"one/two/x.txt": b"x", "./y.txt": b"yy"})
    with archives.opened(tmp_path / "a.tar") as tar:
        for member in archives.files(tar, "a.tar"):
            archives.unpack(tar, member, tmp_path / "out" / member.name)
    assert (tmp_path / "out/one/two/x.txt").read_bytes() == b"x"
    assert (tmp_path / "out/y.txt").read_bytes() == b"yy"
    assert archives.bytes_below(tmp_path / "out") == 3
    assert archives.bytes_below(tmp_path / "none") == 0


def test_half_a_file_is_written_anew_and_a_whole_one_stays(tmp_path: Path) -> None:
    tar_of(tmp_path / "a.tar", {"half": b"1234", "whole": b"1234"})
    (tmp_path / "half").write_bytes(b"12")
    (tmp_path / "whole").write_bytes(b"abcd")
    with archives.opened(tmp_path / "a.tar") as tar:
        for member in archives.files(tar, "a.tar"):
            archives.unpack(tar, member, tmp_path / member.name)
    assert (tmp_path / "half").read_bytes() == b"1234"
    assert (tmp_path / "whole").read_bytes() == b"abcd"


def test_folders_in_a_tar_are_passed_by(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        tar.add(tmp_path, arcname="folder", recursive=False)
    with archives.opened(tmp_path / "a.tar") as tar:
        assert list(archives.files(tar, "a.tar")) == []


@pytest.mark.parametrize("name", ["/x", "\\x", "../x", "a/../x", "a/..", "..", "a\\..\\x", "c:\\x", "C:x"])
def test_paths_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    tar_of(tmp_path / "a.tar", {name: b""})
    with (
        archives.opened(tmp_path / "a.tar") as tar,
        pytest.raises(DataError, match=r"a\.tar: holds .* leads out of the folder"),
    ):
        list(archives.files(tar, "a.tar"))


@pytest.mark.parametrize("name", ["..x", "x..", "a/..b/c", "a/b:c", "...", "ab:c"])
def test_odd_names_are_taken(tmp_path: Path, name: str) -> None:
    tar_of(tmp_path / "a.tar", {name: b""})
    with archives.opened(tmp_path / "a.tar") as tar:
        assert [member.name for member in archives.files(tar, "a.tar")] == [name]


def test_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def usage(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(free=1500)

    monkeypatch.setattr(archives.shutil, "disk_usage", usage)
    archives.need_space(tmp_path / "not" / "yet", 1500, "this")
    assert asked == [tmp_path]
    with pytest.raises(DataError, match=r"yet: this takes about 1.5 kB, and its disk has 1.5 kB free; make room"):
        archives.need_space(tmp_path / "not" / "yet", 1501, "this")


def test_what_files_take_on_a_disk() -> None:
    """Half a block of 4096 bytes is lost at the end of each file, on average."""
    assert archives.on_disk(0, 0) == 0
    assert archives.on_disk(10_000, 3) == 10_000 + 3 * 2048


@pytest.mark.parametrize(
    ("n", "expected"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (2_568_145, "2.6 MB"), (147_897_477_120, "147.9 GB")],
)
def test_sizes_in_words(n: int, expected: str) -> None:
    assert archives.size_text(n) == expected
