"""Overlap of quads as ICDAR 2015's scripts take it, also of quads that people drew concave or crossed.

Their polygon library fills by the even-odd rule, so that the surface of any quad is two triangles that do not overlap:
the two beside a diagonal, or the two wings of a quad that crosses itself. The area of a quad is half of its shoelace
sum, and in that of a crossed one the wings count against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.scores import divide
from saccade.overlap import covered

Points = NDArray[np.float64]

_NOTHING = 1e-9  # a union is none if it is so much less than its parts: crossed quads may leave nothing but rounding


@dataclass(frozen=True)
class Overlaps:
    """K words of an image's truth against its D detections; both (K, D) float64."""

    iou: NDArray[np.float64]  # 0 without a union; of two crossed quads it may lie outside of 0 to 1
    inside: NDArray[np.float64]  # the share of the detection's area inside the word; 0 where it has no area


def overlaps(words: NDArray[np.floating[Any]], found: NDArray[np.floating[Any]]) -> Overlaps:
    """Overlap of quads ``words`` (K, 4, 2) and ``found`` (D, 4, 2), in pixels, either way round."""
    quads, found_quads = (np.asarray(each, dtype=np.float64).reshape(-1, 4, 2) for each in (words, found))
    common = _intersections(quads, found_quads)
    areas, found_areas = _area(quads)[:, None], _area(found_quads)[None]
    union = areas + found_areas - common
    union[np.abs(union) < _NOTHING * (areas + found_areas)] = 0.0
    return Overlaps(
        iou=divide(common, union, where_zero=0.0),
        inside=divide(common, np.broadcast_to(found_areas, common.shape), where_zero=0.0),
    )


def triangles(quads: Points) -> Points:
    """Two triangles (N, 2, 3, 2) that make up the surface of each quad (N, 4, 2), by the even-odd rule."""
    a, b, c, d = (quads[:, i] for i in range(4))
    first = [[a, b, c], [a, c, d]]
    second = [[b, c, d], [b, d, a]]
    # Where neither diagonal has the two other corners on either side of it, two opposite sides cross.
    by_first, by_second = _apart(a, c, b, d), _apart(b, d, a, c)
    crossed = _apart(a, b, c, d)[:, None]
    a, b, c, d = np.where(crossed, (a, b, c, d), (b, c, d, a))
    at = _crossing(a, b, c, d)
    return np.select(
        [by_first[:, None, None, None], by_second[:, None, None, None]],
        [_stacked(first), _stacked(second)],
        _stacked([[at, b, c], [at, d, a]]),
    )


def _intersections(words: Points, found: Points) -> NDArray[np.float64]:
    """(K, D) area that each two have in common."""
    first, second = (triangles(quads).reshape(-1, 3, 2) for quads in (words, found))
    # a triangle is a quad whose last corner stands there twice
    shares = covered(first[:, [0, 1, 2, 2]], second[:, [0, 1, 2, 2]])
    areas: NDArray[np.float64] = (shares * _area(first)[:, None]).reshape(len(words), 2, len(found), 2).sum(axis=(1, 3))
    return areas


def _area(polygons: Points) -> NDArray[np.float64]:
    """(N,) half of the shoelace sum of (N, P, 2), without its sign."""
    x, y = np.moveaxis(polygons - polygons[:, :1], -1, 0)  # from a corner: small numbers lose no digits
    area: NDArray[np.float64] = 0.5 * np.abs((x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1))
    return area


def _side(start: Points, end: Points, points: Points) -> NDArray[np.float64]:
    """(N,) on which side of the line from ``start`` to ``end`` a point lies: above 0, below 0, or 0 on it."""
    (x, y), (u, v) = (end - start).T, (points - start).T
    side: NDArray[np.float64] = x * v - y * u
    return side


def _apart(start: Points, end: Points, p: Points, q: Points) -> NDArray[np.bool_]:
    """(N,) whether the line from ``start`` to ``end`` has p and q on either side, or touches one of them."""
    apart: NDArray[np.bool_] = np.sign(_side(start, end, p)) * np.sign(_side(start, end, q)) <= 0
    return apart


def _crossing(a: Points, b: Points, c: Points, d: Points) -> Points:
    """(N, 2) where the lines ab and cd meet; c where they do not."""
    at_c, at_d = _side(a, b, c), _side(a, b, d)
    part = divide(at_c, at_c - at_d, where_zero=0.0)
    return c + part[:, None] * (d - c)


def _stacked(corners: list[list[Points]]) -> Points:
    return np.stack([np.stack(triangle, axis=1) for triangle in corners], axis=1)
