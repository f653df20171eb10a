"""Words cut out of their image and set level, as a reader of words would see them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from saccade.quads import laid, min_area_rectangle, sides

OUTSIDE = (128, 128, 128)
"""What of a word lies outside of its image."""
_LEAST = 1e-3  # of a perspective's divisor at the corners: less is no view of a rectangle from before it
_NEARLY = 0.1  # so little larger than its picture is as large

Quad: TypeAlias = NDArray[np.floating[Any]]


def rectified(image: Image.Image, quad: Quad, size: tuple[int, int]) -> Image.Image:
    """The quad (4, 2) of an RGB image as a level picture of ``size``, width and height.

    A word taller than wide is laid on its side, as it is read. Of a quad that no rectangle looks like, it is the
    rectangle around it.
    """
    corners, view = _seen(quad)
    _, right, _, left = sides(corners).tolist()
    ratio = max(1.0, max(left, right) / size[1])
    shrunk, origin, factor = _reduced(image, corners, int(ratio))
    # what is still larger is looked up at several places for a pixel; else fine strokes would be lost
    more = 1 if factor > ratio - _NEARLY else 2
    width, height = (more * side for side in size)
    a, b, c, d, e, f, g, h = view
    x, y = origin
    # from the whole image to the part of it, and from the unit square to the pixels of the picture
    rows = np.array([[a - x * g, b - x * h, c - x], [d - y * g, e - y * h, f - y]]) / factor
    rows /= [width, height, 1]
    data = (*rows.ravel().tolist(), g / width, h / height)
    method, filtering = Image.Transform.PERSPECTIVE, Image.Resampling.BICUBIC
    found = shrunk.transform((width, height), method, data, filtering, fillcolor=OUTSIDE)
    return found.reduce(more) if more > 1 else found


def extent(quad: Quad) -> tuple[float, float]:
    """Width and height of what is in a quad (4, 2), laid on its side if it is taller than wide."""
    top, right, bottom, left = sides(_seen(quad)[0]).tolist()
    return (top + bottom) / 2, (left + right) / 2


def _seen(quad: Quad) -> tuple[Quad, tuple[float, ...]]:
    """The corners of what is cut out, laid on their side if need be, and where it lies, as ``_perspective`` says it."""
    corners = laid(quad)
    view = _perspective(corners)
    if view is not None:
        return corners, view
    rectangle = laid(min_area_rectangle(corners))
    return rectangle, _affine(rectangle)


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
