"""Files appear whole or not at all, whatever goes wrong while they are written."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from saccade.files import cache_folder, copy_file, to_json, write_json, write_text, written_aside


def break_off(path: Path, error: BaseException) -> None:
    with written_aside(path) as aside:
        aside.write_text("half")
        raise error


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_and_its_folders_are_made(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "c.txt", "Größe\n")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == "Größe\n".encode()
    assert names(tmp_path / "a" / "b") == ["c.txt"]


def test_the_earlier_file_stands_until_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with written_aside(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
        assert aside.parent == path.parent, "a rename across file systems is no rename"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [ValueError("ours"), OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_an_error_leaves_the_earlier_file_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(type(error)) as raised:
        break_off(path, error)
    assert raised.value is error
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_an_error_leaves_no_new_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ours"):
        break_off(tmp_path / "a.txt", ValueError("ours"))
    assert names(tmp_path) == []


def test_a_block_that_writes_nothing_is_an_error_and_no_loss(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(FileNotFoundError), written_aside(tmp_path / "a.txt"):
        pass
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_failed_rename_leaves_no_part(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "inside").touch()
    with pytest.raises(OSError, match="a"):
        write_text(tmp_path / "a", "text")
    assert names(tmp_path) == ["a"]


FULL_DISK = """
import os, resource, signal, sys
from pathlib import Path
from saccade.files import write_text, copy_file
os.link = lambda *_: open("")  # a file system that knows no links: bytes are copied
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
folder = Path(sys.argv[1])
for write in (lambda: write_text(folder / "a.txt", "x" * 100_000), lambda: copy_file(folder / "big", folder / "a.txt")):
    try:
        write()
    except OSError as error:
        print(error.errno)
"""


def test_the_earlier_file_survives_when_the_system_stops_a_write_in_the_middle(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: the kernel takes the first 4096 bytes and then no more."""
    write_text(tmp_path / "a.txt", "old")
    (tmp_path / "big").write_bytes(b"x" * 100_000)
    done = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(errno.EFBIG)] * 2, done.stderr
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt", "big"]


KILLED = """
import os, signal, sys
from pathlib import Path
from saccade.files import written_aside
with written_aside(Path(sys.argv[1])) as aside:
    aside.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")
    assert subprocess.run([sys.executable, "-c", KILLED, path], check=False).returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_json_is_written_for_people_and_parsers(tmp_path: Path) -> None:
    value = {"classes": ["Größe", "no"], "map": None, "n": 3, "list": [0.1]}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == value
    assert text == to_json(value)
    assert text.startswith('{\n  "classes": [\n    "Größe"')
    assert text.endswith("}\n")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_json_takes_no_undefined_numbers(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "a.json", {"old": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", value)
    assert json.loads((tmp_path / "a.json").read_text()) == {"old": 1}
    assert names(tmp_path) == ["a.json"]


def test_a_copy_is_whole_and_an_impossible_one_changes_nothing(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "in" / "b"
    source.write_bytes(os.urandom(10_000))
    copy_file(source, target)
    old = target.read_bytes()
    assert old == source.read_bytes()
    write_text(source, "new")
    assert target.read_bytes() == old  # though it was the same file a moment ago
    with pytest.raises(FileNotFoundError):
        copy_file(tmp_path / "missing", target)
    assert target.read_bytes() == old
    assert names(target.parent) == ["b"]


def test_cache_folder_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("SACCADE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert cache_folder() == Path.home() / ".cache" / "saccade"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "saccade"
    monkeypatch.setenv("SACCADE_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
