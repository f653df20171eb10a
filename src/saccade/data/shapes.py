"""The outlines of the built-in shapes, as polygons about the origin, of radius about 1 (x right, y down)."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Polygon: TypeAlias = NDArray[np.float64]
"""(V, 2) vertices x, y in order around the outline."""


def _arc(start: float, stop: float, *, radius: float = 1.0, centre_x: float = 0.0, points: int = 48) -> Polygon:
    """Points on a circle from one angle to another, in turns; both ends are included."""
    turns = 2 * np.pi * np.linspace(start, stop, points)
    return np.stack([centre_x + radius * np.cos(turns), radius * np.sin(turns)], axis=1)


def _regular(corners: int, radius: float) -> Polygon:
    """A regular polygon with one corner at the top."""
    return _arc(-0.25, 0.75, radius=radius, points=corners + 1)[:-1]


def _star() -> Polygon:
    """Five points, drawn as ten corners that lie far out and close in by turns."""
    return _regular(10, 1.0) * np.where(np.arange(10) % 2 == 0, 1.15, 0.5)[:, None]


def _cross() -> Polygon:
    """A plus sign: one of its four arms, turned."""
    arm = np.array([[-0.33, -0.33], [-0.33, -1.0], [0.33, -1.0]])
    quarter = np.array([[0.0, 1.0], [-1.0, 0.0]])
    return np.concatenate([arm @ np.linalg.matrix_power(quarter, k) for k in range(4)])


def _heart() -> Polygon:
    """The well-known curve of x = sin^3 t, scaled and centred."""
    t = 2 * np.pi * np.arange(64) / 64
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([16 * np.sin(t) ** 3, -y - 2], axis=1) / 15.5


def _crescent() -> Polygon:
    """A disc of radius 1.05 less a smaller disc that lies to its right."""
    inner, shift, outer = 0.85, 0.5, 1.05
    x = (outer**2 - inner**2 + shift**2) / (2 * shift)  # where the two circles cross
    away = np.arccos(x / outer) / (2 * np.pi)
    back = np.arccos((x - shift) / inner) / (2 * np.pi)
    return np.concatenate(
        [
            _arc(away, 1 - away, radius=outer),
            _arc(1 - back, back, radius=inner, centre_x=shift)[1:-1],
        ]
    )


OUTLINES: dict[str, tuple[Polygon, ...]] = {
    "circle": (_regular(48, 0.92),),
    "crescent": (_crescent(),),
    "cross": (_cross(),),
    "heart": (_heart(),),
    "ring": (_regular(48, 1.0), _regular(48, 0.55)),
    "square": (_arc(0.125, 1.125, radius=1.2, points=5)[:-1],),
    "star": (_star(),),
    "triangle": (_regular(3, 1.15),),
}
"""The polygons of each shape: the first is filled, the others are holes cut into it."""

REACH = max(float(np.hypot(*outline[0].T).max()) for outline in OUTLINES.values())
"""The farthest that any outline goes from the origin."""


def placed(outline: Polygon, *, centre_xy: tuple[float, float], radius: float, angle: float) -> Polygon:
    """The outline times ``radius``, turned clockwise as seen by ``angle`` radians, moved to ``centre_xy``."""
    c, s = np.cos(angle), np.sin(angle)
    moved: Polygon = radius * outline @ np.array([[c, s], [-s, c]]) + np.asarray(centre_xy)
    return moved
