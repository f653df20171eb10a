"""Small pictures inside the page, so that it needs no file beside it."""

from __future__ import annotations

import base64
import io
from pathlib import Path, PurePosixPath

from PIL import Image, ImageOps

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
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            self.unreadable.append(image)
            return None


def _jpeg(path: Path) -> bytes:
    """The image upright, on white where it is transparent, no larger than it was."""
    with Image.open(path) as opened:
        opened.draft("RGB", (2 * SIDE, 2 * SIDE))
        opened.thumbnail((2 * SIDE, 2 * SIDE))
        upright = ImageOps.exif_transpose(opened).convert("RGBA")
    small = Image.new("RGB", upright.size, "white")
    small.paste(upright, mask=upright.getchannel("A"))
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return buffer.getvalue()
