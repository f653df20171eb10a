"""Overlap and rectangles of quads against Shapely, whose polygons are the convex hulls of the four corners."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from saccade.overlap import covered, intersection, iou_matrix
from saccade.quads import area, min_area_rectangle

Floats = NDArray[np.float64]

UNIT = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def hulls(quads: Floats) -> NDArray[np.object_]:
    return np.asarray(shapely.convex_hull(shapely.multipoints(quads)))


def turned(angle: Floats) -> Floats:
    """(N, 2, 2) that turn points in rows."""
    return np.stack([np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle)], axis=-1).reshape(-1, 2, 2)


def boxes(rng: np.random.Generator, n: int) -> Floats:
    """Rectangles of any angle, long and short, near each other."""
    sizes = rng.lognormal(3, 0.8, (n, 1, 2)) * [2, 0.6]
    return UNIT * sizes @ turned(rng.uniform(-np.pi, np.pi, n)) + rng.uniform(0, 150, (n, 1, 2))


def cases() -> dict[str, tuple[Floats, Floats]]:
    rng = np.random.default_rng(0)
    some = boxes(rng, 150)
    middle = some.mean(axis=1, keepdims=True)
    whole = np.round(boxes(rng, 100) / 8)  # corners on whole numbers: many edges and corners in common
    flat = np.repeat(some[:40, :2], 2, axis=1)
    return {
        "rectangles": (some, boxes(rng, 150)),
        "any four points": (rng.uniform(0, 100, (150, 4, 2)), rng.uniform(0, 100, (150, 4, 2))),
        "identical": (some, some),
        "nearly identical": (some, some + rng.normal(0, 1e-9, some.shape)),
        "nested": (some, middle + (some - middle) * rng.uniform(0, 1, (150, 1, 1))),
        "touching": (some, some + (some[:, 1:2] - some[:, :1])),
        "sharing a part of an edge": (some, some + 0.5 * (some[:, 1:2] - some[:, :1])),
        "whole numbers": (whole, whole[::-1]),
        "without area": (flat, some),
        "points": (np.repeat(some[:, :1], 4, axis=1), some),
        "triangles": (some[:, [0, 0, 1, 2]], some[:, [1, 2, 3, 3]]),
        "slivers": (some * [1, 1e-4], some[::-1] * [1, 1e-4]),
        "anticlockwise": (some[:, ::-1], boxes(rng, 150)),
        "far away": (some + 1e4, boxes(rng, 150) + 1e4),
    }


@pytest.mark.parametrize("case", cases())
def test_overlaps_are_those_of_shapely(case: str) -> None:
    a, b = cases()[case]
    ours, theirs = hulls(a), hulls(b)
    shared = shapely.area(shapely.intersection(ours[:, None], theirs[None]))
    areas, others = shapely.area(ours), shapely.area(theirs)
    union = areas[:, None] + others - shared
    solid = (areas > 1e-9)[:, None] & (others > 1e-9)
    assert case in ("without area", "points") or solid.mean() > 0.5
    expected = np.divide(shared, union, out=np.zeros_like(union), where=solid)
    assert abs(iou_matrix(a, b) - expected).max() < 1e-9
    inside = np.divide(shared, areas[:, None], out=np.zeros_like(union), where=solid)
    assert abs(covered(a, b) - inside).max() < 1e-9
    each = [intersection(x, y) for x, y in zip(a[:20], b[:20], strict=True)]
    assert each == pytest.approx(np.diagonal(shared)[:20], rel=1e-9, abs=1e-9)


def test_rectangles_of_least_area_are_those_of_shapely() -> None:
    rng = np.random.default_rng(1)
    for quads in (boxes(rng, 200) + rng.normal(0, 3, (200, 4, 2)), rng.uniform(0, 100, (200, 4, 2))):
        found = min_area_rectangle(quads)
        theirs = [shapely.minimum_rotated_rectangle(shapely.MultiPoint(quad)).area for quad in quads]
        assert area(found) == pytest.approx(np.array(theirs), rel=1e-9)
        around = shapely.buffer(shapely.polygons(found), 1e-6)
        assert shapely.covers(around[:, None], shapely.points(quads)).all()
