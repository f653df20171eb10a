"""Quads and rotated rectangles: the one convention by which text is placed, and the geometry that needs no compiler.

A quad is (4, 2): x and y of top left, top right, bottom right and bottom left as one reads, in pixels, x to the right
and y down, so that its corners go clockwise on screen. ``rbox`` is a rectangle seen from a pixel: how far it reaches
above, below, left and right of it as one reads (``DISTANCES``), in pixels, all >= 0 inside, and the angle of the
reading direction in radians, clockwise on screen, in (-pi/2, pi/2]. With u = (cos, sin) of the angle and v = (-sin,
cos), the top left corner lies at p - left * u - top * v. A half turn makes the same rectangle of any other direction:
``encode`` names the corners of text that stands on its head anew.

Functions take quads of any floating type, (4, 2) or with more axes in front, written (..., 4, 2); they compute in and
return float64, and leave what they are given as it is.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.floating[Any]]
Floats: TypeAlias = NDArray[np.float64]

STRIDE = 4
"""Cell (i, j) of a map stands for the point x = STRIDE * j, y = STRIDE * i of the image."""

DISTANCES = ("top", "bottom", "left", "right")
"""The order of the first four numbers of an rbox; the fifth is the angle."""

CONVENTION = (
    "quad: x, y of top left, top right, bottom right, bottom left as one reads, in pixels, x right, y down; "
    "rbox: top, bottom, left, right of the pixel in pixels, angle in radians, clockwise on screen, in (-pi/2, pi/2]; "
    f"cell (i, j) of a map is the point x = {STRIDE} j, y = {STRIDE} i"
)
"""What the numbers of a network that finds text mean; written into its checkpoints."""

MOVABLE = 1.0
"""Edges of at most so many pixels stay as they are when a quad shrinks."""

TALL = 1.5
"""How many times as high as wide a word is that is read lying on its side; a single letter seldom is."""

_SAME = 1 + 1e-9  # areas as near as this are equal, and the earlier direction is taken
_DIRECTIONS = np.array([(0, 1), (3, 2), (1, 2), (0, 3), (0, 2), (1, 3)])
_TURNS = np.array([[(corner + turn) % 4 for corner in range(4)] for turn in range(4)])


def area(quads: Numbers) -> Floats:
    """(...,) signed area in square pixels: positive where corners go clockwise on screen.

    >>> float(area(np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 2.0], [0.0, 2.0]])))
    6.0
    """
    points = np.asarray(quads, np.float64)
    falling, rising = points[..., 2, :] - points[..., 0, :], points[..., 3, :] - points[..., 1, :]
    return np.asarray(_cross(falling, rising) / 2)


def sides(quads: Numbers) -> Floats:
    """(..., 4) lengths of top, right, bottom and left edge in pixels."""
    points = np.asarray(quads, np.float64)
    return np.asarray(np.linalg.norm(np.roll(points, -1, axis=-2) - points, axis=-1))


def ordered(quads: Numbers) -> tuple[Floats, NDArray[np.bool_]]:
    """The quads with corners clockwise, and (...,) which of them were turned round; the first corner stays the first.

    Where edges cross, the order of the corners cannot be told from their places: such quads are turned by the sign of
    their area too, and stay crossed.
    """
    points = np.asarray(quads, np.float64)
    turned = np.asarray(area(points) < 0)
    return np.where(turned[..., None, None], points[..., [0, 3, 2, 1], :], points), turned


def is_convex(quads: Numbers) -> NDArray[np.bool_]:
    """(...,) whether all corners bend the same way; three corners in line may be, all four may not."""
    points = np.asarray(quads, np.float64)
    edges = np.roll(points, -1, axis=-2) - points
    bends = _cross(edges, np.roll(edges, -1, axis=-2))
    return np.asarray(((bends >= 0).all(axis=-1) | (bends <= 0).all(axis=-1)) & (bends != 0).any(axis=-1))


def laid(quads: Numbers) -> Floats:
    """(..., 4, 2) the quads, those ``TALL`` times as high as wide laid on their side: what was at the top is left."""
    points = np.asarray(quads, np.float64)
    top, right, bottom, left = np.moveaxis(sides(points), -1, 0)
    tall = np.asarray(left + right > TALL * (top + bottom))
    return np.where(tall[..., None, None], np.roll(points, -1, axis=-2), points)


def min_area_rectangle(quads: Numbers) -> Floats:
    """(..., 4, 2) the rectangle of least area around each quad, its corners named by those they lie nearest to.

    ``quads`` (..., 4, 2) are clockwise; they may be crossed or without area. The rectangle has a side on the hull of
    the four points, and all edges of a hull are among the six lines through two points, so that trying these six is
    exact. Of equal areas the one along the upper or lower edge is taken.
    """
    points = np.asarray(quads, np.float64)
    inside = points - points[..., :1, :]
    chords = inside[..., _DIRECTIONS[:, 1], :] - inside[..., _DIRECTIONS[:, 0], :]
    lengths = np.linalg.norm(chords, axis=-1, keepdims=True)
    # a chord without length stands for the direction of x, which can only give more area than the best
    u = np.divide(chords, lengths, out=np.broadcast_to([1.0, 0.0], chords.shape).copy(), where=lengths > 0)
    v = np.stack([-u[..., 1], u[..., 0]], axis=-1)
    along, across = u @ inside.swapaxes(-1, -2), v @ inside.swapaxes(-1, -2)  # (..., 6 directions, 4 points)
    areas = np.ptp(along, axis=-1) * np.ptp(across, axis=-1)
    best = np.argmax(areas <= areas.min(axis=-1, keepdims=True) * _SAME, axis=-1)[..., None, None]
    u, v, along, across = (np.take_along_axis(x, best, axis=-2) for x in (u, v, along, across))
    x0, x1 = along.min(axis=-1, keepdims=True), along.max(axis=-1, keepdims=True)
    y0, y1 = across.min(axis=-1, keepdims=True), across.max(axis=-1, keepdims=True)
    corners = np.concatenate([x0 * u + y0 * v, x1 * u + y0 * v, x1 * u + y1 * v, x0 * u + y1 * v], axis=-2)
    turned = corners[..., _TURNS, :]  # (..., 4 turns, 4, 2)
    off = ((turned - inside[..., None, :, :]) ** 2).sum(axis=(-1, -2))
    nearest = np.take_along_axis(turned, off.argmin(axis=-1)[..., None, None, None], axis=-3)[..., 0, :, :]
    return np.asarray(nearest + points[..., :1, :])


def encode(rectangle: Numbers, points: Numbers) -> Floats:
    """(M, 5) the rbox of a rectangle (4, 2), clockwise, at each of M points (M, 2).

    A rectangle without width takes its direction from its left edge. Distances are negative on sides past which the
    point lies. A rectangle whose reading direction is not in (-pi/2, pi/2] is encoded after a half turn, so that
    ``restore`` gives the same rectangle beginning with the corner opposite.
    """
    corners = np.asarray(rectangle, np.float64)
    (x, y), (down_x, down_y) = corners[1] - corners[0], corners[3] - corners[0]
    angle = math.atan2(y, x) if x or y else math.atan2(-down_x, down_y)
    if not -math.pi / 2 < angle <= math.pi / 2:
        angle -= math.copysign(math.pi, angle)
        corners = corners[_TURNS[2]]
    u = np.array([math.cos(angle), math.sin(angle)])
    v = np.array([-u[1], u[0]])
    from_first, to_third = points - corners[0], corners[2] - points
    return np.stack([from_first @ v, to_third @ v, from_first @ u, to_third @ u, np.full(len(points), angle)], axis=-1)


def restore(points: Numbers, rbox: Numbers) -> Floats:
    """(M, 4, 2) the rectangles that M points (M, 2) see as ``rbox`` (M, 5), in the order of the points."""
    top, bottom, left, right, angle = np.asarray(rbox, np.float64).reshape(-1, 5, 1).swapaxes(0, 1)
    u = np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    v = np.stack([-u[:, 1], u[:, 0]], axis=1)
    upper, lower = points - top * v, points + bottom * v
    return np.stack([upper - left * u, upper + right * u, lower + right * u, lower - left * u], axis=1)


def shrink(quads: Numbers, share: float = 0.3) -> Floats:
    """The quads with each corner moved inward along both its edges by ``share`` of the shorter of them (EAST, 3.3).

    First the edges of the longer pair of opposite ones shrink, then the others as they have become. An edge of at most
    ``MOVABLE`` pixels stays as it is.
    """
    points = np.asarray(quads, np.float64)
    lengths = sides(points)
    level_first = lengths[..., 0] + lengths[..., 2] > lengths[..., 1] + lengths[..., 3]
    turn = np.where(level_first, 0, 1)[..., None]
    corner = (np.arange(4) + turn) % 4
    points = np.take_along_axis(points, corner[..., None], axis=-2)  # a copy, beginning with an edge of the longer pair
    steps = share * np.minimum(lengths, np.roll(lengths, 1, axis=-1))
    steps = np.take_along_axis(steps, corner, axis=-1)
    for first, second in ((0, 1), (2, 3), (1, 2), (3, 0)):
        edge = points[..., second, :] - points[..., first, :]
        length = np.linalg.norm(edge, axis=-1, keepdims=True)
        unit = np.divide(edge, length, out=np.zeros_like(edge), where=length > MOVABLE)
        points[..., first, :] += unit * steps[..., first, None]
        points[..., second, :] -= unit * steps[..., second, None]
    return np.take_along_axis(points, ((np.arange(4) - turn) % 4)[..., None], axis=-2)


def _cross(a: Floats, b: Floats) -> Floats:
    """(...,) the third component of the product of vectors (..., 2); positive where ``b`` lies clockwise of ``a``."""
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])
