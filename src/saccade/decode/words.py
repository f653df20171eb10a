"""Score map and geometry of one image to the quads of its words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.decode.lanms import lanms
from saccade.quads import STRIDE, Floats, Numbers, restore, sides

SHORTEST = 5.0
"""Pixels of the image that the network saw; words with a shorter side are none."""

_EDGE = 1e-9  # points so near an edge, in cells, are on it


@dataclass(frozen=True)
class Found:
    """The K words found in one image, K >= 0, the one that most pixels are sure of first."""

    quads: Floats  # (K, 4, 2) in pixels of the image that the network saw; they may reach beyond it
    scores: Floats  # (K,) in [0, 1], mean over the pixels merged into it
    more_places: bool  # whether more cells were over the threshold than were looked at
    more_words: bool  # whether more words were found than are told


def decode(
    score_map: Numbers,
    rbox: Numbers,
    *,
    threshold: float = 0.8,
    merge_iou: float = 0.2,
    nms_iou: float = 0.2,
    max_places: int = 10_000,
    max_words: int = 500,
    min_score: float = 0.1,
) -> Found:
    """The words that ``score_map`` (h, w), in [0, 1], and ``rbox`` (5, h, w), as in ``saccade.quads``, speak of.

    Cells that score over ``threshold`` each give a quad; of more than ``max_places`` the surest are taken, in raster
    order still, since an untrained network is sure of everything. What ``lanms`` leaves of them is dropped where the
    mean of the map inside a quad is not over ``min_score``, or a side is shorter than ``SHORTEST`` pixels; of more than
    ``max_words`` the first are told. A cell whose numbers are not finite is left out.
    """
    assert rbox.shape == (5, *score_map.shape), (score_map.shape, rbox.shape)
    usable = np.isfinite(score_map) & np.isfinite(rbox).all(axis=0)
    scores = np.where(usable, score_map, 0)
    over = np.flatnonzero(usable & (scores > threshold))  # in raster order
    cells = surest(over, scores.ravel()[over], max_places)
    if not cells.size:
        return Found(np.zeros((0, 4, 2)), np.zeros(0), more_places=False, more_words=False)
    rows, columns = np.divmod(cells, score_map.shape[1])
    points = STRIDE * np.stack([columns, rows], axis=1).astype(np.float64)
    seen = restore(points, rbox.reshape(5, -1)[:, cells].T)
    quads, found = lanms(seen, scores.ravel()[cells], merge_iou=merge_iou, nms_iou=nms_iou)
    kept = np.flatnonzero((mean_inside(scores, quads / STRIDE) > min_score) & (sides(quads).min(axis=1) >= SHORTEST))
    told = kept[:max_words]
    return Found(quads[told], found[told], more_places=len(cells) < len(over), more_words=len(told) < len(kept))


def surest(cells: NDArray[np.int64], scores: Numbers, most: int) -> NDArray[np.int64]:
    """Those ``most`` of the cells (N,) that score highest, of equals the first, in the order that they have."""
    assert most > 0
    if len(cells) <= most:
        return cells
    least = np.partition(scores, len(scores) - most)[len(scores) - most]
    above, equal = scores > least, np.flatnonzero(scores == least)
    above[equal[: most - int(above.sum())]] = True
    return np.asarray(cells[above])


def mean_inside(values: Numbers, quads: Floats) -> Floats:
    """(K,) mean of a map (h, w) over the points inside each of K quads, in columns and rows of the map.

    ``quads`` (K, 4, 2) are convex and clockwise. Points on an edge are inside. A quad that lies between the points, or
    beside the map, takes the value of the point nearest to its middle.
    """
    height, width = values.shape
    sums = np.zeros((height, width + 1))  # of all that lies to the left in a row
    np.cumsum(values, axis=1, dtype=np.float64, out=sums[:, 1:])
    first = np.ceil(quads[..., 1].min(axis=1) - _EDGE).clip(0, height).astype(np.int64)
    last = np.floor(quads[..., 1].max(axis=1) + _EDGE).clip(-1, height - 1).astype(np.int64)
    counts = np.maximum(last - first + 1, 0)
    owner = np.repeat(np.arange(len(quads)), counts)
    row = np.arange(len(owner)) + np.repeat(first - (np.cumsum(counts) - counts), counts)
    left, right = crossed(quads[owner], row)
    start = np.ceil(left - _EDGE).clip(0, width).astype(np.int64)
    end = np.maximum(np.floor(right + _EDGE).clip(-1, width - 1).astype(np.int64) + 1, start)
    total = np.bincount(owner, sums[row, end] - sums[row, start], minlength=len(quads))
    points = np.bincount(owner, end - start, minlength=len(quads))
    x, y = quads.mean(axis=1).round().clip(0, (width - 1, height - 1)).astype(np.int64).T
    return np.where(points > 0, total / np.maximum(points, 1), values[y, x])


def crossed(quads: Floats, y: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The x at which lines (M,) of height y, each through one of M convex quads, clockwise, enter and leave them."""
    xs, ys = quads[..., 0], quads[..., 1]
    right, down = np.roll(xs, -1, axis=1) - xs, np.roll(ys, -1, axis=1) - ys
    steep = abs(down) > _EDGE  # the others bound only lines that run along them
    x = xs + np.divide(right, down, out=np.zeros_like(down), where=steep) * (y[:, None] - ys)
    # corners go clockwise on screen, so that the left edges go up
    entered = np.where(steep & (down < 0), x, xs.min(axis=1, keepdims=True)).max(axis=1)
    return entered, np.where(steep & (down > 0), x, xs.max(axis=1, keepdims=True)).min(axis=1)
