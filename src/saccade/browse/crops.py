"""Words cut out of their images and set level, as JPEGs."""

from __future__ import annotations

import io
import threading
from functools import lru_cache
from pathlib import Path

from PIL import Image

from saccade.browse.thumbnails import QUALITY, Kept, Thumbnail
from saccade.data.images import read_rgb
from saccade.draw.rectified import Quad, extent, rectified
from saccade.errors import DataError

HEIGHT, WIDEST = 64, 640  # pixels of a crop at most
DECODED = 2  # images kept while their words are asked for one by one


class Crops(Kept):
    """Makes JPEGs of words and keeps the last used ones, up to ``limit`` bytes."""

    def __init__(self, limit: int = 32_000_000) -> None:
        super().__init__(limit)
        self._reading = threading.Lock()
        self._read = lru_cache(maxsize=DECODED)(_read)

    def get(self, file: Path, quad: Quad) -> Thumbnail:
        """What an image shows within a quad (4, 2), in pixels of the file turned upright.

        Raises:
            OSError: the image cannot be read.
        """
        return self.made(file, f"crop {quad.tolist()}", lambda: jpeg(self._decoded(file), quad))

    def _decoded(self, file: Path) -> Image.Image:
        with self._reading:  # the words of an image are asked for at the same time, and it is decoded once
            return self._read(file, file.stat().st_mtime_ns)


def crop_size(quad: Quad) -> tuple[int, int]:
    """Width and height of the crop of a quad (4, 2): not enlarged, and the shape of the word where it fits."""
    along, across = extent(quad)
    scale = min(1.0, HEIGHT / max(across, 1e-9), WIDEST / max(along, 1e-9))
    return max(1, round(along * scale)), max(1, round(across * scale))


def jpeg(image: Image.Image, quad: Quad) -> bytes:
    """The crop of a quad (4, 2)."""
    buffer = io.BytesIO()
    rectified(image, quad, crop_size(quad)).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def _read(file: Path, _: int) -> Image.Image:
    try:
        return read_rgb(file)
    except DataError as error:
        raise OSError(str(error)) from None
