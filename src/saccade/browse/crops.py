"""Words cut out of their images and turned level, as a reader of words would see them."""

from __future__ import annotations

import io
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from saccade.browse.thumbnails import QUALITY, Kept, Thumbnail
from saccade.data.images import read_rgb
from saccade.errors import DataError
from saccade.quads import laid, min_area_rectangle, sides

HEIGHT, WIDEST = 64, 640  # pixels of a crop at most
DECODED = 2  # images kept while their words are asked for one by one
OUTSIDE = (128, 128, 128)  # what of a word lies outside of its image
_LEAST = 1e-3  # of a perspective's divisor at the corners: less is no view of a rectangle from before it

Quad = NDArray[np.floating[Any]]


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
        return self.made(file, f"crop {quad.tolist()}", lambda: rectified(self._decoded(file), quad))

    def _decoded(self, file: Path) -> Image.Image:
        with self._reading:  # the words of an image are asked for at the same time, and it is decoded once
            return self._read(file, file.stat().st_mtime_ns)


def crop_size(quad: Quad) -> tuple[int, int]:
    """Width and height of the crop of a quad (4, 2): not enlarged, and the shape of the word where it fits."""
    top, right, bottom, left = sides(laid(quad)).tolist()
    along, across = (top + bottom) / 2, (left + right) / 2
    scale = min(1.0, HEIGHT / max(across, 1e-9), WIDEST / max(along, 1e-9))
    return max(1, round(along * scale)), max(1, round(across * scale))


def rectified(image: Image.Image, quad: Quad) -> bytes:
    """The quad (4, 2) of an image as a level JPEG; of a quad that no rectangle looks like, the rectangle around it.

    A word taller than wide is laid on its side, as it is read.
    """
    corners = laid(quad)
    view = _perspective(corners)
    if view is None:
        corners = laid(min_area_rectangle(corners))
        view = _affine(corners)
    width, height = crop_size(corners)
    shrunk, origin, factor = _reduced(image, corners, int(sides(corners)[1] / height))
    a, b, c, d, e, f, g, h = view
    x, y = origin
    # from the whole image to the part of it, and from the unit square to the pixels of the crop
    rows = np.array([[a - x * g, b - x * h, c - x], [d - y * g, e - y * h, f - y]]) / factor
    rows /= [width, height, 1]
    data = (*rows.ravel().tolist(), g / width, h / height)
    method, filtering = Image.Transform.PERSPECTIVE, Image.Resampling.BICUBIC
    crop = shrunk.transform((width, height), method, data, filtering, fillcolor=OUTSIDE)
    buffer = io.BytesIO()
    crop.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return buffer.getvalue()


def _perspective(quad: Quad) -> tuple[float, ...] | None:
    """Where (x, y) of the unit square lie in the quad: a x + b y + c and d x + e y + f, both over g x + h y + 1.

    Heckbert 1989, section 2.2.3. None where the quad is not convex or has three corners in line.
    """
    first, second, third, fourth = quad
    bend, right, down = first - second + third - fourth, second - third, fourth - third
    by = _cross(right, down)
    if not by:
        return None
    g, h = _cross(bend, down) / by, _cross(right, bend) / by
    if not min(1 + g, 1 + h, 1 + g + h) > _LEAST:
        return None
    a, d = second - first + g * second
    b, e = fourth - first + h * fourth
    return (float(a), float(b), float(first[0]), float(d), float(e), float(first[1]), g, h)


def _affine(rectangle: Quad) -> tuple[float, ...]:
    """As ``_perspective``, of a rectangle, which may be without area."""
    (a, d), (b, e), (c, f) = rectangle[1] - rectangle[0], rectangle[3] - rectangle[0], rectangle[0]
    return (float(a), float(b), float(c), float(d), float(e), float(f), 0.0, 0.0)


def _cross(first: Quad, second: Quad) -> float:
    return float(first[0] * second[1] - first[1] * second[0])


def _reduced(image: Image.Image, quad: Quad, factor: int) -> tuple[Image.Image, tuple[int, int], int]:
    """The part of an image around a quad with ``factor`` pixels made one, where that part begins, and that factor."""
    size = np.array(image.size)
    start = np.clip(np.floor(quad.min(axis=0)), 0, size - 1).astype(int)
    end = np.clip(np.ceil(quad.max(axis=0)), start + 1, size).astype(int)
    x, y = start.tolist()
    part = image.crop((x, y, *end.tolist()))
    factor = max(1, min(factor, *part.size))
    return part.reduce(factor) if factor > 1 else part, (x, y), factor


def _read(file: Path, _: int) -> Image.Image:
    try:
        return read_rgb(file)
    except DataError as error:
        raise OSError(str(error)) from None
