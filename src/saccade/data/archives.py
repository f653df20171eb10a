"""Tar files from elsewhere: nothing in them may land outside of the folder they are unpacked to."""

from __future__ import annotations

import re
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from gzip import BadGzipFile
from pathlib import Path

from saccade.errors import DataError

Progress = Callable[[int], None]
"""Told how many more bytes are done, as the work goes on."""

_DAMAGED = (tarfile.TarError, EOFError, zlib.error, BadGzipFile)
_LEADS_AWAY = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)")
_BLOCK = 4096  # what a file system gives a file at the least; a tar rounds up to 512 bytes


@contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    """An opened tar file, compressed or not.

    Raises:
        DataError: naming the file, where it is damaged or not whole; also for what is read of it in the block.
    """
    with whole(str(path)), tarfile.open(path) as tar:
        yield tar


@contextmanager
def whole(name: str) -> Iterator[None]:
    """Say of a tar that turns out damaged which one it is."""
    try:
        yield
    except _DAMAGED as error:
        reason = str(error) or type(error).__name__
        raise DataError(f"{name}: damaged or not whole ({reason}); get it again and repeat the command") from None


def files(tar: tarfile.TarFile, name: str) -> Iterator[tarfile.TarInfo]:
    """The files in a tar that is called ``name`` in messages, in their order.

    Raises:
        DataError: a member that no data set holds: an absolute path, a path with "..", a link or a device.
    """
    for member in tar:
        if _LEADS_AWAY.search(member.name):
            raise DataError(f"{name}: holds {member.name!r}, which leads out of the folder; such a tar is refused")
        if member.isdir():
            continue
        if not member.isreg():
            kind = "a link" if member.issym() or member.islnk() else "neither file nor folder"
            raise DataError(f"{name}: {member.name!r} is {kind}, and only plain files are taken; such a tar is refused")
        yield member


def unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    """Write a file of a tar to ``path``; one of the same size that is there already stays.

    A writing that was stopped leaves a shorter file, so that a second call mends it.
    """
    if path.is_file() and path.stat().st_size == member.size:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source is not None, "files() yields regular files only"
    with source, path.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def need_space(folder: Path, needed: int, what: str) -> None:
    """Refuse where the disk that ``folder`` is on, or will be, has fewer than ``needed`` bytes free."""
    there = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise DataError(
            f"{folder}: {what} takes about {size_text(needed)}, and its disk has {size_text(free)} free; "
            "make room there, or choose another folder with --to"
        )


def on_disk(n_bytes: int, n_files: int) -> int:
    """About how many bytes ``n_files`` files of together ``n_bytes`` take on a disk."""
    return n_bytes + n_files * _BLOCK // 2


def bytes_below(folder: Path) -> int:
    """Size of all files below a folder; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def size_text(n: int) -> str:
    """``n`` bytes as people say it."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n >= factor:
            return f"{n / factor:.1f} {unit}"
    return f"{n} bytes"
