"""Many small text files, one an image, in one zip or folder, as ICDAR hands out truth and takes in results.

A zip is read in memory and never unpacked, so that no name in it leads anywhere.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from saccade.data.wording import named, refuse
from saccade.errors import DataError

_SUFFIX = ".txt"
_LIMIT = 256 * 2**20
"""Bytes that the text files of a zip may unpack to; ICDAR's largest have one megabyte."""
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""A damaged zip, one packed in a way that Python does not know, and one with a password."""


@dataclass(frozen=True)
class Kind:
    """What files of one kind are called: ``<prefix><image>.txt``."""

    prefix: str
    holds: str  # in words
    strict: bool = False  # whether files of other names are refused

    def image(self, name: str) -> str | None:
        """The image that the file of this name is of; None where it is not of this kind."""
        fits = name.startswith(self.prefix) and name.endswith(_SUFFIX)
        return name[len(self.prefix) : -len(_SUFFIX)] or None if fits else None

    @property
    def form(self) -> str:
        """What is looked for, for messages."""
        return f"expected a zip or folder of {self.holds}, in files such as {self.prefix}img_1{_SUFFIX}"


TRUTH = Kind("gt_", "ground truth")
RESULTS = Kind("res_", "results", strict=True)
LEXICONS = Kind("voc_", "lexicons of single images")


class TextFile(NamedTuple):
    """One file, read."""

    place: str  # for messages: its path, or that of the zip and its own in there
    text: str


def read_bundle(path: Path, kind: Kind) -> dict[str, TextFile]:
    """The files of one kind, by image, in a folder, or in a zip and there perhaps in folders.

    Hidden files are passed over. Text is UTF-8, with or without a byte order mark.

    Raises:
        DataError: no such zip or folder, none of the kind in it, two files of one image, files of other names where
            the kind is strict, a damaged zip or one that unpacks to more than 256 MB, or text that is not UTF-8.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file or folder; {kind.form}")
    try:
        files = list(_of_folder(path, kind) if path.is_dir() else _of_zip(path, kind))
    except _BROKEN as error:
        raise DataError(f"{path}: no zip that can be read ({error}); {kind.form}") from None
    found: dict[str, TextFile] = {}
    for image, place, data in files:
        if image in found:
            raise DataError(f"{place}: a second file of image {image!r}, which {found[image].place} is of already")
        found[image] = TextFile(place, _decoded(place, data))
    return found


def read_text(path: Path) -> TextFile:
    """A single file, in UTF-8.

    Raises:
        DataError: no such file, or it is not UTF-8.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    return TextFile(str(path), _decoded(str(path), data))


def _decoded(place: str, data: bytes) -> str:
    """The text of a file that messages call ``place``."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{place}:{line}: not UTF-8 text ({error.reason}); save the file as UTF-8") from None


def _of_folder(path: Path, kind: Kind) -> Iterator[tuple[str, str, bytes]]:
    """Image, place and content of each file of the kind."""
    files = {p.name: p for p in sorted(path.iterdir()) if p.is_file()}
    for image, name in _images(path, kind, files):
        yield image, str(files[name]), files[name].read_bytes()


def _of_zip(path: Path, kind: Kind) -> Iterator[tuple[str, str, bytes]]:
    """Image, place and content of each file of the kind."""
    with zipfile.ZipFile(path) as archive:
        files = {info.filename: info for info in archive.infolist() if not info.is_dir()}
        wanted = list(_images(path, kind, files))
        size = sum(files[name].file_size for _, name in wanted)
        if size > _LIMIT:
            raise DataError(f"{path}: unpacks to {size:,} bytes of text, and {_LIMIT:,} is all that is read")
        for image, name in wanted:
            yield image, f"{path}!{name}", archive.read(name)


def _images(path: Path, kind: Kind, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The image of each file of the kind, and the file's name."""
    paths = {name: PurePosixPath(name) for name in names}
    found = {
        name: kind.image(inside.name)
        for name, inside in paths.items()
        if not inside.name.startswith(".") and "__MACOSX" not in inside.parts
    }
    others = [name for name, image in found.items() if image is None]
    if not any(found.values()):
        raise DataError(f"{path}: {_instead(kind, others)}; {kind.form}")
    if kind.strict:
        refuse([f"{path}: holds {named(others, limit=3)}; {kind.form}, and nothing else"] if others else [])
    return ((image, name) for name, image in found.items() if image is not None)


def _instead(kind: Kind, others: list[str]) -> str:
    """What is there where nothing of the kind is."""
    for other in (RESULTS, TRUTH):
        if other is not kind and any(other.image(PurePosixPath(name).name) for name in others):
            return f"holds {other.holds} ({others[0]}); results come first, and the ground truth second"
    return f"holds {named(others, limit=3)}" if others else "holds no file"
