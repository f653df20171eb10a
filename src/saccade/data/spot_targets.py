"""What a network that finds words is to say of each cell of its map (Liu et al. 2018, arXiv 1801.01671, section 3.2).

Letters: K words, (h, w) cells. The cell (i, j) stands for the point x = 4 j, y = 4 i of the image, h = ceil(H / 4) and
w = ceil(W / 4) for an image of H x W pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade import quads as geometry
from saccade.quads import STRIDE

SCORE, CARE = 0, 1
GEOMETRY = slice(2, 7)
"""Rows of the target: whether a word's core is there; whether the cell counts; ``encode``'s five numbers."""

MIN_SIDE = 10.0
"""Pixels of the shorter side of the smallest word that is learned, unless said otherwise."""

SHRINK = 0.3
"""Of its shorter sides, by how much a word is made smaller at each end for its core, unless said otherwise."""


def targets(
    quads: NDArray[np.floating],
    cared: NDArray[np.bool_],
    height: int,
    width: int,
    *,
    shrink: float = SHRINK,
    min_side: float = MIN_SIDE,
) -> NDArray[np.float32]:
    """(7, h, w): score, care, pixels to the top, bottom, left and right side, angle in radians.

    Score and care are 1 in the core of a word, the quad made smaller by ``shrink``, and there stand the distances to
    the sides of its rectangle of least area, and its angle. Between core and quad nothing counts (care 0), nor in the
    quad of a word that is not cared for or too small. Elsewhere score is 0 and care is 1. Where quads overlap, the
    smaller one's cells are all its own. A cell is never a positive that does not count.

    Args:
        quads: (K, 4, 2) pixels of the image, in reading order; they may reach out of it.
        cared: (K,) False for words that are not to be learned, such as unreadable ones.
        height: H of the image in pixels.
        width: W.
        shrink: share of the shorter of the two sides at each corner.
        min_side: in pixels; words with a shorter side are not cared for.
    """
    corners = np.asarray(quads, dtype=np.float64).reshape(-1, 4, 2)
    found = np.zeros((7, -(-height // STRIDE), -(-width // STRIDE)), dtype=np.float32)
    found[CARE] = 1
    rectangles, cores = geometry.min_area_rectangle(corners), geometry.shrink(corners, shrink)
    learned = np.asarray(cared, dtype=bool) & (geometry.sides(rectangles).min(axis=1) >= min_side)
    # what comes later lies above
    for k in np.argsort(-np.abs(geometry.area(corners)), kind="stable").tolist():
        rows, columns = cells_in(corners[k], *found.shape[1:])
        found[:, rows, columns] = 0
        if learned[k]:
            _write(found, cores[k], rectangles[k])
    return found


def _write(maps: NDArray[np.float32], core: NDArray[np.float64], rectangle: NDArray[np.float64]) -> None:
    """A word in the cells of its core."""
    rows, columns = cells_in(core, *maps.shape[1:])
    rbox = geometry.encode(rectangle, STRIDE * np.stack([columns, rows], axis=1).astype(np.float64))
    rbox[:, :4] = rbox[:, :4].clip(min=0)  # below by rounding alone
    maps[SCORE, rows, columns] = maps[CARE, rows, columns] = 1
    maps[GEOMETRY, rows, columns] = rbox.T


def cells_in(quad: NDArray[np.float64], height: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the cells, of ``height`` x ``width``, whose points are in a quad (4, 2) in pixels.

    By the even-odd rule; points on its upper and left sides are in it, those on its lower and right sides are not.
    """
    corners = quad / STRIDE
    low = np.ceil(corners.min(axis=0)).clip(min=0)
    high = np.floor(corners.max(axis=0)).clip(max=(width - 1, height - 1))
    x, y = (np.arange(low[axis], high[axis] + 1) for axis in (0, 1))
    inside = np.zeros((len(y), len(x)), dtype=bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crossed = (ay > y) != (by > y)  # (rows,): whether the side passes the height of the row
        at = ax + (y[crossed] - ay) * ((bx - ax) / (by - ay) if by != ay else 0.0)
        inside[crossed] ^= x < at[:, None]
    rows, columns = np.nonzero(inside)
    return rows + int(y[0]) if len(y) else rows, columns + int(x[0]) if len(x) else columns
