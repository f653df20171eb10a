"""The inner loops of ``saccade.overlap``, which says what they mean; compiled by numba, and nowhere else.

Compiled code is kept in ``__pycache__`` or, where that may not be written to, in the user's folder for caches, or where
``NUMBA_CACHE_DIR`` says; where none of them may be written to, each process compiles anew, which takes some seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Grid: TypeAlias = tuple[float, float, float, float, int, int]  # left, top, columns a pixel, rows a pixel, columns, rows
Function = TypeVar("Function", bound=Callable[..., Any])

# A shape is a row of numbers: the convex outline as four x, y clockwise, what it spans, and its area.
_LEFT, _TOP, _RIGHT, _BOTTOM, _AREA, _NUMBERS = 8, 9, 10, 11, 12, 13
_FLAT = 1e-12  # an area of at most so much of the square of what the quad spans is rounding, and counts as none
_SLACK = 1 + 1e-9  # on what bounds an overlap from above, which is rounded too
_CORNERS = 24  # more than clipping makes: of n corners at most 1.5 n even where rounding makes a zigzag, four times
_ENTRIES = 10  # more than the cells that a shape touches on average; see _grid


def _compiled(function: Function) -> Function:
    """The function as machine code, made when it is first called, and kept for later processes if that is possible."""
    try:
        return cast(Function, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # there is no folder to keep it in
        return cast(Function, numba.njit(nogil=True)(function))


@_compiled
def _bend(quad: Floats, a: int, b: int, c: int) -> float:
    """Positive where the way from corner ``a`` over ``b`` to ``c`` bends clockwise."""
    x, y = quad[b, 0] - quad[a, 0], quad[b, 1] - quad[a, 1]
    return float(x * (quad[c, 1] - quad[b, 1]) - y * (quad[c, 0] - quad[b, 0]))


@_compiled
def _describe(quads: Floats, i: int, shape: Floats) -> None:
    """Write the shape of quad ``i``; to pick the row here is quicker than to be handed it."""
    quad = quads[i]
    shape[_LEFT] = min(min(quad[0, 0], quad[1, 0]), min(quad[2, 0], quad[3, 0]))
    shape[_TOP] = min(min(quad[0, 1], quad[1, 1]), min(quad[2, 1], quad[3, 1]))
    shape[_RIGHT] = max(max(quad[0, 0], quad[1, 0]), max(quad[2, 0], quad[3, 0]))
    shape[_BOTTOM] = max(max(quad[0, 1], quad[1, 1]), max(quad[2, 1], quad[3, 1]))
    shape[_AREA] = 0.0
    for a, b, c, d in ((0, 1, 2, 3), (0, 1, 3, 2), (0, 2, 1, 3)):
        at_a, at_b, at_c, at_d = _bend(quad, d, a, b), _bend(quad, a, b, c), _bend(quad, b, c, d), _bend(quad, c, d, a)
        if min(min(at_a, at_b), min(at_c, at_d)) >= 0:
            _outline(quad, a, b, c, d, shape)
            return
        if max(max(at_a, at_b), max(at_c, at_d)) <= 0:
            _outline(quad, a, d, c, b, shape)
            return
    # no order is convex, so that one corner lies among the others: their triangle, the largest of the four, is the hull
    largest = 0.0
    for a, b, c in ((0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)):
        bend = _bend(quad, a, b, c)
        if abs(bend) > largest:
            largest = abs(bend)
            second, third = (b, c) if bend > 0 else (c, b)
            _outline(quad, a, second, third, third, shape)


@_compiled
def _outline(quad: Floats, a: int, b: int, c: int, d: int, shape: Floats) -> None:
    """Write the corners, which go clockwise in this order, and the area."""
    shape[0], shape[1], shape[2], shape[3] = quad[a, 0], quad[a, 1], quad[b, 0], quad[b, 1]
    shape[4], shape[5], shape[6], shape[7] = quad[c, 0], quad[c, 1], quad[d, 0], quad[d, 1]
    area = ((shape[4] - shape[0]) * (shape[7] - shape[3]) - (shape[5] - shape[1]) * (shape[6] - shape[2])) / 2
    width, height = shape[_RIGHT] - shape[_LEFT], shape[_BOTTOM] - shape[_TOP]
    shape[_AREA] = area if area > _FLAT * (width * width + height * height) else 0.0


@_compiled
def _shared(a: Floats, b: Floats, work: Floats) -> float:
    """The area that two shapes share: the outline of the one cut by each edge of the other in turn.

    Sutherland and Hodgman 1974; ``work`` (2, _CORNERS, 2) holds the outline before and after a cut.
    """
    for corner in range(4):
        work[0, corner, 0], work[0, corner, 1] = a[2 * corner], a[2 * corner + 1]
    count, source = 4, 0
    for edge in range(4):
        x0, y0, after = b[2 * edge], b[2 * edge + 1], (2 * edge + 2) % 8
        dx, dy = b[after] - x0, b[after + 1] - y0
        last_x, last_y, kept = work[source, count - 1, 0], work[source, count - 1, 1], 0
        last = dx * (last_y - y0) - dy * (last_x - x0)  # >= 0 on the inner side of the edge
        for corner in range(count):
            x, y = work[source, corner, 0], work[source, corner, 1]
            side = dx * (y - y0) - dy * (x - x0)
            if (side >= 0) != (last >= 0):
                share = last / (last - side)
                work[1 - source, kept, 0] = last_x + share * (x - last_x)
                work[1 - source, kept, 1] = last_y + share * (y - last_y)
                kept += 1
            if side >= 0:
                work[1 - source, kept, 0], work[1 - source, kept, 1] = x, y
                kept += 1
            last_x, last_y, last = x, y, side
        if kept < 3:
            return 0.0
        count, source = kept, 1 - source
    twice, x0, y0 = 0.0, work[source, 0, 0], work[source, 0, 1]
    for corner in range(1, count - 1):
        x, y = work[source, corner, 0] - x0, work[source, corner, 1] - y0
        twice += x * (work[source, corner + 1, 1] - y0) - y * (work[source, corner + 1, 0] - x0)
    return float(max(0.0, min(twice / 2, min(a[_AREA], b[_AREA]))))


@_compiled
def _at_most(a: Floats, b: Floats) -> float:
    """An area that two shapes cannot share more than: what they span in common, and the smaller of them."""
    width = min(a[_RIGHT], b[_RIGHT]) - max(a[_LEFT], b[_LEFT])
    height = min(a[_BOTTOM], b[_BOTTOM]) - max(a[_TOP], b[_TOP])
    if not (width > 0 and height > 0):
        return 0.0
    return float(min(width * height * _SLACK, min(a[_AREA], b[_AREA])))


@_compiled
def _overlap(a: Floats, b: Floats, threshold: float, work: Floats) -> bool:
    """Whether the IoU of two shapes is over the threshold; their exact overlap is asked for only where it can be."""
    both, most = a[_AREA] + b[_AREA], _at_most(a, b)
    if most == 0 or most * _SLACK <= threshold * (both - most):
        return False
    shared = _shared(a, b, work)
    return bool(shared / (both - shared) > threshold)


@_compiled
def _shapes(quads: Floats) -> Floats:
    """(N, _NUMBERS) the shapes of N quads."""
    shapes = np.empty((len(quads), _NUMBERS))
    for i in range(len(quads)):
        _describe(quads, i, shapes[i])
    return shapes


@_compiled
def compare(a: Floats, b: Floats) -> tuple[Floats, Floats, Floats]:
    """The areas (N, M) that N and M quads share, and their own, (N,) and (M,)."""
    work, ours, theirs = np.empty((2, _CORNERS, 2)), _shapes(a), _shapes(b)
    shared = np.zeros((len(a), len(b)))
    for i in range(len(a)):
        for j in range(len(b)):
            if _at_most(ours[i], theirs[j]) > 0:
                shared[i, j] = _shared(ours[i], theirs[j], work)
    return shared, ours[:, _AREA].copy(), theirs[:, _AREA].copy()


@_compiled
def merge_runs(quads: Floats, scores: Floats, threshold: float) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """As ``merge_runs``."""
    work, last, this = np.empty((2, _CORNERS, 2)), np.zeros(_NUMBERS), np.empty(_NUMBERS)
    k, boxes, sums, counts = 0, np.empty((len(quads), 4, 2)), np.empty(len(quads)), np.empty(len(quads), np.int64)
    for i in range(len(quads)):
        _describe(quads, i, this)
        if _overlap(last, this, threshold, work):  # at first the last one has no area
            sums[k - 1] += scores[i]
            counts[k - 1] += 1
            _absorb(boxes, k - 1, quads, i, scores[i] / sums[k - 1] if sums[k - 1] > 0 else 0.5)
            _describe(boxes, k - 1, last)
        else:
            for corner in range(4):  # the same in one assignment takes three seconds to compile
                boxes[k, corner, 0], boxes[k, corner, 1] = quads[i, corner, 0], quads[i, corner, 1]
            sums[k], counts[k] = scores[i], 1
            last, this, k = this, last, k + 1
    return boxes[:k].copy(), sums[:k].copy(), counts[:k].copy()


@_compiled
def _absorb(boxes: Floats, b: int, quads: Floats, q: int, weight: float) -> None:
    """Move the corners of box ``b`` towards those of quad ``q`` by ``weight`` of the way, like corners to like ones."""
    box, quad, turn, nearest = boxes[b], quads[q], 0, -np.inf
    for t in range(4):  # the sum of squared distances is least where that of the products is greatest
        near = 0.0
        for corner in range(4):
            other = (corner + t) % 4
            near += (box[corner, 0] - box[0, 0]) * (quad[other, 0] - box[0, 0])
            near += (box[corner, 1] - box[0, 1]) * (quad[other, 1] - box[0, 1])
        if near > nearest:
            turn, nearest = t, near
    for corner in range(4):
        other = (corner + turn) % 4
        box[corner, 0] += weight * (quad[other, 0] - box[corner, 0])
        box[corner, 1] += weight * (quad[other, 1] - box[corner, 1])


@_compiled
def suppress(quads: Floats, order: NDArray[np.int64], threshold: float) -> NDArray[np.int64]:
    """As ``suppress``, N >= 1; quads that are kept are found again by the cells of a grid that they touch."""
    n, shapes, work = len(order), _shapes(quads), np.empty((2, _CORNERS, 2))
    grid, kept, count, entries = _grid(shapes), np.empty(n, np.int64), 0, 0
    newest, cells = np.full(4 * n, -1), np.empty(4 * n, np.int64)  # of each cell the last entry, or -1
    before, owner = np.empty(_ENTRIES * n, np.int64), np.empty(_ENTRIES * n, np.int64)  # of each entry
    for place in range(n):
        shape, free = shapes[order[place]], True
        touched = cells[: _touched(shape, grid, cells)]
        for cell in touched:
            entry = newest[cell]
            while free and entry >= 0:
                free = not _overlap(shape, shapes[owner[entry]], threshold, work)
                entry = before[entry]
        if free:
            kept[count] = order[place]
            count += 1
            for cell in touched:
                before[entries], owner[entries] = newest[cell], order[place]
                newest[cell] = entries
                entries += 1
    return kept[:count].copy()


@_compiled
def _grid(shapes: Floats) -> Grid:
    """At most 4 N cells, of which N shapes, N >= 1, touch at most _ENTRIES * N in all.

    Cells are as large as the root of the mean square of width and of height: for sums over shapes w * h <= N W H then,
    w <= N W and h <= N H, and a shape touches less than (w / W + 2) (h / H + 2) cells. Larger cells hold less.
    """
    n, left, top, right, bottom, widths, heights = len(shapes), np.inf, np.inf, -np.inf, -np.inf, 0.0, 0.0
    for s in shapes:
        left, right, widths = min(left, s[_LEFT]), max(right, s[_RIGHT]), widths + (s[_RIGHT] - s[_LEFT]) ** 2
        top, bottom, heights = min(top, s[_TOP]), max(bottom, s[_BOTTOM]), heights + (s[_BOTTOM] - s[_TOP]) ** 2
    across, down = max(right - left, _FLAT), max(bottom - top, _FLAT)
    columns = max(int(across / max((widths / n) ** 0.5, across / n)), 1)
    rows = max(int(down / max((heights / n) ** 0.5, down / n)), 1)
    while columns * rows > 4 * n:
        columns, rows = (columns + 1) // 2, (rows + 1) // 2
    return left, top, columns / across, rows / down, columns, rows


@_compiled
def _touched(shape: Floats, grid: Grid, cells: NDArray[np.int64]) -> int:
    """Write the numbers of the cells that a shape touches, and give how many; none where it has no area."""
    left, top, per_x, per_y, columns, rows = grid
    first, last = int((shape[_LEFT] - left) * per_x), int((shape[_RIGHT] - left) * per_x)
    upper, lower = int((shape[_TOP] - top) * per_y), int((shape[_BOTTOM] - top) * per_y)
    count = 0
    if shape[_AREA] > 0:
        for row in range(min(upper, rows - 1), min(lower, rows - 1) + 1):
            for column in range(min(first, columns - 1), min(last, columns - 1) + 1):
                cells[count] = row * columns + column
                count += 1
    return count
