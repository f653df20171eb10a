"""Downloading Pascal VOC from its official address, so that an evening's connection need not hold in one go."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from saccade.data import archives
from saccade.data.archives import size_text
from saccade.errors import DataError

Progress = Callable[[str, int, int], None]
"""Told what is going on, how many bytes of it are done, and of how many."""

ATTEMPTS = 5
"""How often a connection that breaks off is taken up again within one call."""
_TIMEOUT = 60.0  # seconds without a byte
_CHUNK = 1 << 20
_NETWORK = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


@dataclass(frozen=True)
class Archive:
    """A tar file, and where it can be had."""

    urls: tuple[str, ...]  # the second is tried where the first does not answer
    md5: str  # 32 hex digits

    @property
    def filename(self) -> str:
        """Its name on disk, which is that in the address."""
        return PurePosixPath(self.urls[0]).name


@dataclass(frozen=True)
class Source:
    """A data set that is fetched as one or more tar files."""

    archives: tuple[Archive, ...]
    folder: str  # what is in them, and what is there in the end
    proof: tuple[str, ...]  # files within the folder, one of each archive


def _oxford(path: str, md5: str) -> Archive:
    """A file of the group that made VOC, at its new and its old address."""
    hosts = ("https://thor.robots.ox.ac.uk", "http://host.robots.ox.ac.uk")
    return Archive(tuple(f"{host}/pascal/VOC/{path}" for host in hosts), md5)


# Addresses and checksums are those of torchvision.datasets.voc.DATASET_YEAR_DICT, which a test compares; importing
# that takes seconds, since it imports torch.
SOURCES: Mapping[str, Source] = {
    "voc2012": Source(
        (_oxford("voc2012/VOCtrainval_11-May-2012.tar", "6cd6e144f989b92b3379bac3b3de84fd"),),
        "VOCdevkit/VOC2012",
        ("ImageSets/Main/trainval.txt",),
    ),
    "voc2007": Source(
        (
            _oxford("voc2007/VOCtrainval_06-Nov-2007.tar", "c52e279531787c972589f7e41ab4ae64"),
            _oxford("voc2007/VOCtest_06-Nov-2007.tar", "b6e924de25625d8de591ea690078ad9f"),
        ),
        "VOCdevkit/VOC2007",
        ("ImageSets/Main/trainval.txt", "ImageSets/Main/test.txt"),
    ),
}
"""What can be fetched, by name."""


def fetch(source: Source, root: Path, *, progress: Progress) -> Path:
    """Download, verify and unpack what is not there yet; the folder of the data set, below ``root``.

    A tar file that lies in ``root`` already is verified and taken. A download that was stopped goes on where it was,
    and the folder appears only when it is whole.

    Raises:
        DataError: no network, a wrong checksum, a full disk; it says what to do.
    """
    folder = root / source.folder
    if folder.exists():
        lacking = [name for name in source.proof if not (folder / name).is_file()]
        if lacking:
            raise DataError(f"{folder}: is there, without {', '.join(lacking)}; move it away, and it is fetched whole")
        return folder
    root.mkdir(parents=True, exist_ok=True)
    absent = [a for a in source.archives if not (root / a.filename).is_file()]
    for archive in source.archives:
        if archive in absent:
            _download(archive, root, absent, progress)
        _verify(archive, root / archive.filename, downloaded=archive in absent, progress=progress)
    _unpack(source, root, progress)
    return folder


def _download(archive: Archive, root: Path, absent: Sequence[Archive], progress: Progress) -> None:
    """Bring an archive to ``root``, going on with what there is of it; an address that does not answer is passed by."""
    part = root / f"{archive.filename}.part"
    failed: list[str] = []
    for attempt in range(ATTEMPTS):
        url, had = archive.urls[attempt % len(archive.urls)], _size(part)
        try:
            if _receive(url, part, progress):
                part.replace(root / archive.filename)
                return
        except urllib.error.HTTPError as error:
            failed.append(f"{url}: the server says {error.code} {error.reason}")
        except _NETWORK as error:
            failed.append(f"{url}: cannot be reached ({getattr(error, 'reason', None) or error})")
        if _size(part) > had:
            failed = []
        if len(failed) == len(archive.urls):
            raise DataError("\n".join([*failed, _elsewhere(root, absent)]))
    have = f"{size_text(_size(part))} are in {part}"
    raise DataError(f"{archive.urls[0]}: breaks off again and again; {have}, and the same command goes on from there")


def _receive(url: str, part: Path, progress: Progress) -> bool:
    """One connection: append what the server sends; whether the file is whole now."""
    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # the range begins at the end of the file, or after it
            raise
        if _total(error.headers.get("Content-Range")) == start:
            return True
        part.unlink()
        return False
    name = part.name.removesuffix(".part")
    with response:
        if response.status != 206:  # the server sends everything, from the start
            start = 0
        total = start + int(response.headers.get("Content-Length") or 0)
        archives.need_space(part.parent, 2 * total - start, f"fetching and unpacking {name}")
        with part.open("ab" if start else "wb") as file:
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                start += len(chunk)
                progress(f"fetching {name}", start, max(start, total))
    return start >= total


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _total(content_range: str | None) -> int | None:
    """Size of the whole file by a header such as ``bytes */1000``."""
    size = re.fullmatch(r"bytes .*/(\d+)", content_range or "")
    return int(size[1]) if size else None


def _elsewhere(root: Path, absent: Sequence[Archive]) -> str:
    """How to go on without a network."""
    files = [f"  {' or '.join(archive.urls)}  (MD5 {archive.md5})" for archive in absent]
    return "\n".join(
        [
            "Repeat the command when the network is back: it goes on where it was. Without one, fetch elsewhere",
            *files,
            f"and put it into {root}; the same command then verifies and unpacks it without a network",
        ]
    )


def _verify(archive: Archive, path: Path, *, downloaded: bool, progress: Progress) -> None:
    """Refuse a file of another checksum; one that was downloaded just now is removed."""
    digest, size = hashlib.md5(usedforsecurity=False), path.stat().st_size
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            progress(f"verifying {path.name}", file.tell(), size)
    found = digest.hexdigest()
    if found == archive.md5:
        return
    if downloaded:
        path.unlink()
        after = "it was damaged on the way and is removed; repeat the command to fetch it again"
    else:
        after = "it is damaged or another file; it stays where it is: remove it, and repeat the command"
    raise DataError(f"{path}: its MD5 is {found} instead of {archive.md5}; {after}")


def _unpack(source: Source, root: Path, progress: Progress) -> None:
    """Unpack all archives into a folder aside, and rename what they hold."""
    aside = root / f".{PurePosixPath(source.folder).name}.part"
    sizes = [(root / archive.filename).stat().st_size for archive in source.archives]
    archives.need_space(root, max(0, sum(sizes) - archives.bytes_below(aside)), f"unpacking {source.folder}")
    for archive in source.archives:
        path = root / archive.filename
        with archives.opened(path) as tar:
            for member in archives.files(tar, str(path)):
                archives.unpack(tar, member, aside / member.name)
                progress(f"unpacking {path.name}", tar.offset, path.stat().st_size)
    lacking = [name for name in source.proof if not (aside / source.folder / name).is_file()]
    if lacking:
        raise DataError(f"{root}: the tar files hold no {', '.join(f'{source.folder}/{name}' for name in lacking)}")
    (root / source.folder).parent.mkdir(parents=True, exist_ok=True)
    os.replace(aside / source.folder, root / source.folder)  # noqa: PTH105
    shutil.rmtree(aside)
