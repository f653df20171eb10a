"""How far quads overlap, exactly, and the inner loops of finding words.

Quads are (4, 2) as in ``saccade.quads``, clockwise or anticlockwise, of any floating type; all is computed in float64.
A quad that is not convex, be it dented or crossed, counts as the convex hull of its four corners. One whose corners lie
in a line has no area and overlaps nothing. What is compiled is imported when it is needed: numba takes a quarter of a
second.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.quads import Floats, Numbers


def intersection(a: Numbers, b: Numbers) -> float:
    """The area that two quads (4, 2) share, in square pixels."""
    return float(_compare(a, b)[0][0, 0])


def iou(a: Numbers, b: Numbers) -> float:
    """Intersection over union of two quads (4, 2), 0 to 1; 0 where both are without area."""
    return float(iou_matrix(a, b)[0, 0])


def iou_matrix(a: Numbers, b: Numbers) -> Floats:
    """(N, M) intersection over union of each of N quads (N, 4, 2) with each of M (M, 4, 2)."""
    shared, ours, theirs = _compare(a, b)
    return np.divide(shared, ours[:, None] + theirs - shared, out=shared, where=shared > 0)


def covered(a: Numbers, b: Numbers) -> Floats:
    """(N, M) the share of the area of each of N quads (N, 4, 2) that lies in each of M; 0 where it has none."""
    shared, ours, _ = _compare(a, b)
    return np.divide(shared, ours[:, None], out=shared, where=shared > 0)


def merge_runs(quads: Numbers, scores: Numbers, threshold: float) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Merge each of N quads (N, 4, 2), in their order, into the last merged one where their IoU is over ``threshold``.

    Gives K merged quads (K, 4, 2), their sums of scores (K,), and how many were merged into each (K,). Corners are
    means weighted by scores. Quads are clockwise; before each mean one is turned so that like corners meet.
    """
    from saccade.overlap_compiled import merge_runs as compiled

    return compiled(_quads(quads), np.ascontiguousarray(scores, np.float64), threshold)


def suppress(quads: Numbers, order: NDArray[np.int64], threshold: float) -> NDArray[np.int64]:
    """Which of N quads (N, 4, 2) stay when, in ``order`` (N,), each goes whose IoU with one kept is over ``threshold``.

    Gives their numbers in that order. Memory grows as N, and so does time where few quads lie at the same place.
    """
    from saccade.overlap_compiled import suppress as compiled

    return compiled(_quads(quads), order, threshold) if len(order) else order


def _quads(quads: Numbers) -> Floats:
    return np.ascontiguousarray(quads, np.float64).reshape(-1, 4, 2)


def _compare(a: Numbers, b: Numbers) -> tuple[Floats, Floats, Floats]:
    """(N, M) shared areas, and (N,) and (M,) areas."""
    from saccade.overlap_compiled import compare

    return compare(_quads(a), _quads(b))
