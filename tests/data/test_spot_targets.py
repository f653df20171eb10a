"""Maps that a network that finds words is to learn, against points in polygons by shapely."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from shapely.geometry import Point, Polygon

from saccade.data.spot_targets import CARE, GEOMETRY, SCORE, cells_in, targets
from saccade.quads import restore, shrink

Quad = NDArray[np.float64]


def box(x: float, y: float, width: float, height: float, degrees: float = 0.0) -> Quad:
    """(4, 2) around x, y."""
    half = np.array([[height / 2, height / 2, width / 2, width / 2, math.radians(degrees)]])
    found: Quad = restore(np.array([[x, y]]), half)[0]
    return found


def drawn(
    *quads: Quad, cared: Any = None, size: tuple[int, int] = (120, 200), **settings: float
) -> NDArray[np.float32]:
    whole = np.array(quads).reshape(-1, 4, 2)
    return targets(whole, np.ones(len(whole), bool) if cared is None else np.array(cared), *size, **settings)


def at(i: int, j: int) -> Point:
    return Point(4 * j, 4 * i)


@pytest.mark.parametrize("degrees", [0, 10, 33, 45, 90, -60, 155, -170])
@pytest.mark.parametrize("size", [(90.3, 30.1), (60.7, 12.2), (24.9, 25.3)])
def test_a_cell_is_a_word_where_its_point_is_in_the_shrunk_quad(degrees: float, size: tuple[float, float]) -> None:
    quad = box(101.3, 57.7, *size, degrees)
    score, care = drawn(quad)[[SCORE, CARE]]
    core, whole = Polygon(shrink(quad)), Polygon(quad)
    assert score.shape == (30, 50)
    for i in range(30):
        for j in range(50):
            assert score[i, j] == core.contains(at(i, j))
            assert care[i, j] == (core.contains(at(i, j)) or not whole.contains(at(i, j)))
    assert score.any()


def test_cells_by_hand() -> None:
    """100 x 40 pixels shrink by 12 at every side, to x 22 ... 98 and y 32 ... 48: columns 6 to 24, rows 8 to 11."""
    quad = np.array([[10.0, 20], [110, 20], [110, 60], [10, 60]])
    maps = drawn(quad)
    expected = np.zeros((30, 50))
    expected[8:12, 6:25] = 1
    np.testing.assert_array_equal(maps[SCORE], expected)
    band = np.ones((30, 50))
    band[5:15, 3:28] = expected[5:15, 3:28]
    np.testing.assert_array_equal(maps[CARE], band)
    # the cell (9, 10) is the point (40, 36): 16 below the top, 24 above the bottom, 30 from the left, 70 to the right
    np.testing.assert_allclose(maps[GEOMETRY, 9, 10], [16, 24, 30, 70, 0])
    assert not maps[GEOMETRY][:, expected == 0].any()


@pytest.mark.parametrize("side", [(640, 640), (641, 643), (3, 5), (1260, 2240)])
def test_there_is_a_cell_for_each_four_pixels_begun(side: tuple[int, int]) -> None:
    assert drawn(size=side).shape == (7, math.ceil(side[0] / 4), math.ceil(side[1] / 4))


@pytest.mark.parametrize("degrees", [0, 10, 45, 60, 89.9, 90, -45.5, -89.9])
def test_the_rectangle_comes_back(degrees: float) -> None:
    """From every cell, within a thousandth of a pixel, in reading order."""
    quad = box(101.3, 57.7, 80.4, 24.6, degrees)
    maps = drawn(quad)
    rows, columns = np.nonzero(maps[SCORE])
    found = restore(4.0 * np.stack([columns, rows], axis=1), maps[GEOMETRY, rows, columns].T)
    assert len(found) > 10
    np.testing.assert_allclose(found, np.broadcast_to(quad, found.shape), atol=1e-3)


@pytest.mark.parametrize("degrees", [100, 180, -90, -135])
def test_text_upside_down_is_the_same_rectangle_read_the_other_way(degrees: float) -> None:
    quad = box(101.3, 57.7, 80.4, 24.6, degrees)
    maps = drawn(quad)
    rows, columns = np.nonzero(maps[SCORE])
    found = restore(4.0 * np.stack([columns, rows], axis=1), maps[GEOMETRY, rows, columns].T)
    np.testing.assert_allclose(found, np.broadcast_to(np.roll(quad, 2, axis=0), found.shape), atol=1e-3)
    assert np.unique(maps[GEOMETRY][4, rows, columns]).tolist() == pytest.approx(
        [math.radians(degrees - math.copysign(180, degrees) if degrees != -90 else 90)], abs=1e-6
    )


def test_other_quads_get_the_rectangle_of_least_area() -> None:
    quad = np.array([[20.0, 22], [120, 20], [118, 60], [22, 57]])
    maps = drawn(quad)
    rows, columns = np.nonzero(maps[SCORE])
    found = restore(4.0 * np.stack([columns, rows], axis=1), maps[GEOMETRY, rows, columns].T)
    least = Polygon(quad).minimum_rotated_rectangle
    for each in found:
        assert Polygon(each).symmetric_difference(least).area < 1e-2
    assert (maps[GEOMETRY][:4, rows, columns] >= 0).all()


def test_what_is_not_cared_for_does_not_count_as_a_whole() -> None:
    quad = box(100.3, 60.7, 80, 30, 10)
    maps = drawn(quad, cared=[False])
    assert not maps[SCORE].any()
    assert not maps[GEOMETRY].any()
    for i in range(30):
        for j in range(50):
            assert maps[CARE, i, j] == (not Polygon(quad).contains(at(i, j)))


@pytest.mark.parametrize(("height", "learned"), [(9.9, False), (10.1, True)])
@pytest.mark.parametrize("degrees", [0, 40])
def test_words_smaller_than_ten_pixels_do_not_count(height: float, learned: bool, degrees: float) -> None:
    """By the shorter side of the rectangle, and not by how high it is on the screen."""
    maps = drawn(box(100.3, 60.7, 80, height, degrees))
    assert maps[SCORE].any() == learned
    assert not maps[CARE].all()
    assert drawn(box(100.3, 60.7, 80, height, degrees), min_side=0)[SCORE].any()


@pytest.mark.parametrize("swapped", [False, True])
def test_where_words_overlap_the_smaller_one_owns_the_cell(swapped: bool) -> None:
    """Its distances are written and not added to those of the other, whatever the order in the file."""
    large, small = box(100, 60, 180, 100), box(120, 60, 60, 40)
    both = drawn(*((small, large) if swapped else (large, small)))
    alone, other = drawn(small), drawn(large)
    rows, columns = np.nonzero(alone[SCORE])
    np.testing.assert_array_equal(both[:, rows, columns], alone[:, rows, columns])
    outside = np.ones((30, 50), bool)
    outside[cells_in(small, 30, 50)] = False
    np.testing.assert_array_equal(both[:, outside], other[:, outside])
    assert (both[GEOMETRY].max(axis=(1, 2)) <= other[GEOMETRY].max(axis=(1, 2))).all()


def test_a_small_word_that_is_not_cared_for_hides_what_lies_below() -> None:
    large, small = box(100, 60, 180, 100), box(120, 60, 60, 40)
    maps = drawn(large, small, cared=[True, False])
    hidden = cells_in(small, 30, 50)
    assert not maps[:, hidden[0], hidden[1]].any()
    assert maps[SCORE].any()
    assert drawn(large, small, cared=[False, True])[SCORE].any(), "and a large one does not hide a small one"


def test_no_positive_is_masked_out() -> None:
    """Masked positives were why a score loss stayed at about 0.01."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        quads = [
            box(*rng.uniform((0, 0), (200, 120)), *rng.uniform(8, 90, 2), rng.uniform(-180, 180)) for _ in range(15)
        ]
        maps = drawn(*quads, cared=rng.random(15) < 0.7)
        assert set(np.unique(maps[:2])) <= {0, 1}
        assert (maps[CARE][maps[SCORE] == 1] == 1).all()
        assert not maps[GEOMETRY][:, maps[SCORE] == 0].any()
        assert (maps[GEOMETRY][:4] >= 0).all()
        assert (np.abs(maps[GEOMETRY][4]) <= math.pi / 2 + 1e-6).all()


def test_words_reach_out_of_the_image() -> None:
    quad = box(0, 60, 100, 40)
    maps = drawn(quad)
    assert maps[SCORE, :, 0].any()
    np.testing.assert_allclose(maps[GEOMETRY, 15, 0], [20, 20, 50, 50, 0], atol=1e-4)
    assert drawn(box(-500, 60, 100, 40))[CARE].all()
    assert drawn(box(100, 9000, 100, 40))[CARE].all()


def test_an_image_without_text_is_background_that_counts() -> None:
    maps = drawn()
    assert maps[CARE].all()
    assert not maps[[SCORE, 2, 3, 4, 5, 6]].any()


@pytest.mark.parametrize(
    "quad",
    [
        np.full((4, 2), 50.0),  # a point
        np.array([[10.0, 50], [90, 50], [90, 50], [10, 50]]),  # a line
        np.array([[10.0, 20], [90, 60], [90, 20], [10, 60]]),  # a bow tie
        np.array([[10.0, 20], [90, 20], [30, 30], [10, 90]]),  # a dart
    ],
)
def test_odd_quads_give_finite_numbers(quad: Quad) -> None:
    maps = drawn(quad)
    assert np.isfinite(maps).all()
    assert (maps[CARE][maps[SCORE] == 1] == 1).all()
    assert (maps[GEOMETRY][:4] >= 0).all()


def test_points_on_the_upper_and_left_sides_are_in_a_quad() -> None:
    quad = np.array([[8.0, 4], [20, 4], [20, 12], [8, 12]])
    rows, columns = cells_in(quad, 10, 10)
    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [(i, j) for i in (1, 2) for j in (2, 3, 4)]
