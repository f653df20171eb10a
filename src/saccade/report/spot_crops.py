"""Words cut out of their image and set level."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from saccade.quads import is_convex, laid, min_area_rectangle, ordered, sides
from saccade.report.spot_matches import Points

LOWEST, HIGHEST, WIDEST = 24, 48, 480
"""Pixels of a cut-out: smaller words are enlarged to the first of the heights, if that does not make them too wide."""
_MOST = 8
"""A larger word is looked up at up to so many places for a pixel, each way; else fine strokes would be lost."""


def rectified(picture: Image.Image, quad: Points) -> Image.Image | None:
    """What is inside the quad (4, 2), in pixels of the picture; None where it is less than a pixel high or wide.

    Tall words lie on their side, as they are read. Beyond the picture it is black. A quad that is not convex is taken
    as the smallest rectangle around it.
    """
    corners = laid(quad if is_convex(quad) else min_area_rectangle(ordered(quad)[0]))
    top, right, bottom, left = sides(corners).tolist()
    width, height = (top + bottom) / 2, (left + right) / 2
    if min(width, height) < 1:
        return None
    scale = min(max(LOWEST, min(height, HIGHEST)) / height, WIDEST / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    more = min(_MOST, max(1, math.ceil(1 / scale)))
    large = (size[0] * more, size[1] * more)
    try:
        lookup = _homography(large, corners)
    except np.linalg.LinAlgError:  # three corners in a line
        lookup = _homography(large, min_area_rectangle(ordered(corners)[0]))
    cut = picture.transform(large, Image.Transform.PERSPECTIVE, lookup, Image.Resampling.BICUBIC)
    return cut.reduce(more) if more > 1 else cut


def _homography(size: tuple[int, int], corners: Points) -> tuple[float, ...]:
    """The eight numbers a to h by which Pillow looks up (a x + b y + c, d x + e y + f) / (g x + h y + 1)."""
    width, height = size
    rows, wanted = [], []
    for (x, y), (u, v) in zip([(0, 0), (width, 0), (width, height), (0, height)], corners.tolist(), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    return tuple(np.linalg.solve(np.array(rows, dtype=np.float64), np.array(wanted)).tolist())
