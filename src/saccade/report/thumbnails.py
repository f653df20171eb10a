"""Small pictures inside the page, so that it needs no file beside it."""

from __future__ import annotations

import base64
import io
from pathlib import Path, PurePosixPath

from PIL import Image

from saccade.data.images import read_rgb
from saccade.errors import DataError

SIDE = 160
QUALITY = 80


class Thumbnails:
    """Makes data addresses of images under one folder and counts those that it could not make."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.asked = 0
        self.missing: list[str] = []
        self.unreadable: list[str] = []

    def address(self, image: str) -> str | None:
        """``data:image/jpeg;base64,...``, at most 160 pixels a side; None where there is no such image."""
        self.asked += 1
        relative = PurePosixPath(image)
        # A run folder may come from anyone: its file names must not reach outside the data root.
        inside = not relative.is_absolute() and ".." not in relative.parts
        path = self.root / relative if inside else None
        if path is None or not path.is_file():
            self.missing.append(image)
            return None
        try:
            return "data:image/jpeg;base64," + base64.b64encode(_jpeg(path)).decode("ascii")
        except DataError:
            self.unreadable.append(image)
            return None


def _jpeg(path: Path) -> bytes:
    """The image upright, no larger than it was."""
    small = read_rgb(path, at_least=2 * SIDE)
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return buffer.getvalue()
