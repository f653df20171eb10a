"""Overlap of quads whose areas are told by counting squares: convex, dented, crossed, and without an area."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.metrics.spotting.overlaps import overlaps, triangles

SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]
LEFT_HALF = [(0, 0), (5, 0), (5, 10), (0, 10)]
DENTED = [(0, 0), (10, 0), (2, 2), (0, 10)]
"""Half of the square, 50, less the triangle from its diagonal to (2, 2): 0.5 * 10√2 * 3√2 = 30."""
CROSSED = [(0, 0), (10, 10), (10, 0), (0, 10)]
"""A bow tie whose wings, 25 each, lie left and right of (5, 5); its shoelace sum is 0."""
UNEVEN = [(0, 0), (12, 6), (12, 0), (0, 3)]
"""y = x / 2 and y = 3 - x / 4 cross at (4, 2): wings of 3 * 4 / 2 = 6 and 6 * 8 / 2 = 24; shoelace sum 24 - 6 = 18."""
LINE = [(0, 0), (10, 0), (5, 0), (0, 0)]
POINT = [(3, 3)] * 4


def both(first, second):
    found = overlaps(np.array([first], dtype=np.float64), np.array([second], dtype=np.float64))
    return float(found.iou[0, 0]), float(found.inside[0, 0])


def turned(quad, by):
    return quad[by:] + quad[:by]


@pytest.mark.parametrize("by", range(4))
@pytest.mark.parametrize("step", [1, -1])
@pytest.mark.parametrize(
    ("first", "second", "iou", "inside"),
    [
        (SQUARE, SQUARE, 1.0, 1.0),
        (SQUARE, LEFT_HALF, 0.5, 1.0),
        (LEFT_HALF, SQUARE, 0.5, 0.5),
        (SQUARE, DENTED, 0.2, 1.0),  # 20 of 100
        (DENTED, SQUARE, 0.2, 0.2),
        # below y = 10 - 4 x from x = 0 to 2 lie 12, and below y = 2.5 - x / 4 from 2 to 5 lie 7.5 - 21 / 8 = 4.875
        (LEFT_HALF, DENTED, 16.875 / (50 + 20 - 16.875), 16.875 / 20),
        (SQUARE, CROSSED, 50 / (100 + 0 - 50), 0.0),  # no area by its shoelace sum
        (CROSSED, SQUARE, 50 / (100 + 0 - 50), 0.5),
        (CROSSED, LEFT_HALF, 25 / (0 + 50 - 25), 0.5),
        ([(0, 0), (5, 5), (0, 10), (0, 5)], CROSSED, 0.0, 0.0),  # the left wing: 25 + 0 - 25 leaves no union
        ([(0, 0), (12, 0), (12, 6), (0, 6)], UNEVEN, 30 / (72 + 18 - 30), 30 / 18),
        (SQUARE, LINE, 0.0, 0.0),
        (LINE, SQUARE, 0.0, 0.0),
        (LINE, LINE, 0.0, 0.0),
        (POINT, POINT, 0.0, 0.0),
        (SQUARE, [(20, 0), (30, 0), (30, 10), (20, 10)], 0.0, 0.0),
        (SQUARE, [(10, 0), (20, 0), (20, 10), (10, 10)], 0.0, 0.0),  # one edge in common
    ],
)
def test_areas_counted_by_hand(first, second, iou, inside, by, step):
    found = both(turned(first, by)[::step], turned(second, -by)[::step])
    assert found == pytest.approx((iou, inside), abs=1e-12)


def test_tables_have_words_along_rows():
    words = np.array([SQUARE, LEFT_HALF], dtype=np.float32)
    found = overlaps(words, np.array([SQUARE, DENTED, LEFT_HALF], dtype=np.float32))
    assert found.iou.dtype == found.inside.dtype == np.float64
    np.testing.assert_allclose(found.iou[:, [0, 2]], [[1, 0.5], [0.5, 1]], atol=1e-12)
    np.testing.assert_allclose(found.inside, [[1, 1, 1], [0.5, 16.875 / 20, 1]], atol=1e-12)


@pytest.mark.parametrize(("k", "d"), [(0, 0), (0, 2), (2, 0)])
def test_nothing_has_a_table_without_entries(k, d):
    found = overlaps(np.zeros((k, 4, 2)), np.zeros((d, 4, 2)))
    assert found.iou.shape == found.inside.shape == (k, d)


@pytest.mark.parametrize("far", [0, 10**6])
def test_two_triangles_make_up_a_quad(far):
    quads = np.array([SQUARE, DENTED, CROSSED, UNEVEN, LINE], dtype=np.float64) + far
    a, b, c = np.moveaxis(triangles(quads), 2, 0)
    areas = np.abs((b - a)[..., 0] * (c - a)[..., 1] - (b - a)[..., 1] * (c - a)[..., 0]).sum(axis=1) / 2
    np.testing.assert_allclose(areas, [100, 20, 50, 30, 0], atol=1e-9 * max(far, 1))
