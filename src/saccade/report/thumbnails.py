"""Small pictures inside the page, so that it needs no file beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TypeVar

from PIL import Image

from saccade.data.images import read_rgb
from saccade.errors import DataError

SIDE = 160
QUALITY = 80

T = TypeVar("T")


class Files:
    """Reads files under one folder and counts those that it could not read."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked = 0
        self.missing: list[str] = []
        self.unreadable: list[str] = []

    def read(self, name: str, reader: Callable[[Path], T]) -> T | None:
        """What ``reader`` makes of the file; None where there is no such file, or ``reader`` raises ``DataError``."""
        self.asked += 1
        relative = PurePosixPath(name)
        # A run folder may come from anyone: its file names must not reach outside the root.
        inside = not relative.is_absolute() and ".." not in relative.parts
        path = self.root / relative if inside else None
        if path is None or not path.is_file():
            self.missing.append(name)
            return None
        try:
            return reader(path)
        except DataError:
            self.unreadable.append(name)
            return None


class Thumbnails(Files):
    """Makes data addresses of images under one folder and counts those that it could not make."""

    def __init__(self, root: Path, *, side: int = SIDE) -> None:
        super().__init__(root)
        self.side = side

    def address(self, image: str) -> str | None:
        """``data:image/jpeg;base64,...``, at most ``side`` pixels a side; None where there is no such image."""
        return self.read(image, lambda path: jpeg_address(_small(path, self.side), quality=QUALITY))


def jpeg_address(picture: Image.Image, *, quality: int, full_colour: bool = False) -> str:
    """The picture as ``data:image/jpeg;base64,...``; ``full_colour`` keeps the edges between colours sharp."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, optimize=True, subsampling=0 if full_colour else 2)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _small(path: Path, side: int) -> Image.Image:
    """The image upright, no larger than it was."""
    small = read_rgb(path, at_least=2 * side)
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small
