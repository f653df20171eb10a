"""Quads and rotated rectangles: by hand, there and back, and against plain loops over the definitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.quads import (
    CONVENTION,
    DISTANCES,
    STRIDE,
    area,
    encode,
    is_convex,
    min_area_rectangle,
    ordered,
    restore,
    shrink,
    sides,
)

Floats = NDArray[np.float64]

SQUARE = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])
CROSSED = SQUARE[[0, 1, 3, 2]]
DENTED = np.array([[0.0, 0.0], [4.0, 0.0], [1.0, 1.0], [0.0, 4.0]])


def rectangle(x: float, y: float, width: float, height: float, angle: float) -> Floats:
    """Of that centre, reading in the direction of ``angle``."""
    u = np.array([math.cos(angle), math.sin(angle)])
    v = np.array([-u[1], u[0]])
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    return np.array([[x, y] + a * width / 2 * u + b * height / 2 * v for a, b in corners])


def random_quads(n: int, seed: int = 0) -> Floats:
    """Convex, clockwise, of four random angles on an ellipse each."""
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, (n, 4)), axis=1)
    radii, centres = rng.uniform(5, 200, (n, 1, 2)), rng.uniform(0, 1000, (n, 1, 2))
    return centres + radii * np.stack([np.cos(angles), np.sin(angles)], axis=2)


def plain_shrink(quad: Floats, share: float) -> Floats:
    """One corner after another, in the words of the paper."""
    p = [np.array(corner) for corner in quad]

    def length(i: int) -> float:
        return float(np.linalg.norm(p[(i + 1) % 4] - p[i]))

    r = [min(length(i), length(i - 1)) for i in range(4)]
    first = 0 if length(0) + length(2) > length(1) + length(3) else 1
    for i in (first, first + 2, first + 1, first + 3):
        a, b = i % 4, (i + 1) % 4
        if length(a) > 1:
            unit = (p[b] - p[a]) / length(a)
            p[a], p[b] = p[a] + share * r[a] * unit, p[b] - share * r[b] * unit
    return np.array(p)


def test_the_worked_example() -> None:
    box = rectangle(100, 60, 80, 20, math.radians(10))
    expected = [[62.344, 43.206], [141.129, 57.098], [137.656, 76.794], [58.871, 62.902]]
    assert box == pytest.approx(np.array(expected), abs=5e-4)
    seen = encode(box, np.array([[96.0, 56.0]]))
    assert seen[0] == pytest.approx([6.7554, 13.2446, 35.3662, 44.6338, 0.1745], abs=5e-5)
    assert restore(np.array([[96.0, 56.0]]), seen)[0] == pytest.approx(box, abs=1e-12)


def test_boxes_at_any_angle_come_back_from_any_point() -> None:
    rng = np.random.default_rng(0)
    for angle in rng.uniform(-np.pi, np.pi, 1000):
        width, height = rng.uniform(1, 600, 2)
        box = rectangle(*rng.uniform(0, 1500, 2), width, height, angle)
        shares = rng.uniform(0, 1, (5, 2))
        points = box[0] + shares[:, :1] * (box[1] - box[0]) + shares[:, 1:] * (box[3] - box[0])
        seen = encode(box, points)
        assert (seen[:, :4] > -1e-9).all()
        assert -np.pi / 2 < seen[0, 4] <= np.pi / 2
        expected = box if abs(angle) < np.pi / 2 else box[[2, 3, 0, 1]]
        assert abs(restore(points, seen) - expected).max() < 1e-9


@pytest.mark.parametrize(
    ("angle", "encoded", "first"),
    [(0.0, 0.0, 0), (np.pi / 2, np.pi / 2, 0), (-np.pi / 2, np.pi / 2, 2), (np.pi, 0.0, 2), (2.5, 2.5 - np.pi, 2)],
)
def test_text_that_stands_on_its_head_is_encoded_after_half_a_turn(angle: float, encoded: float, first: int) -> None:
    box = rectangle(50, 50, 40, 10, angle).round(12)
    seen = encode(box, np.array([[50.0, 50.0]]))
    assert seen[0, 4] == pytest.approx(encoded, abs=1e-12)
    assert restore(np.array([[50.0, 50.0]]), seen)[0, 0] == pytest.approx(box[first], abs=1e-9)


def test_distances_stand_in_the_order_that_has_a_name() -> None:
    box = np.array([[10.0, 20.0], [50.0, 20.0], [50.0, 32.0], [10.0, 32.0]])
    seen = dict(zip(DISTANCES, encode(box, np.array([[13.0, 22.0]]))[0], strict=False))
    assert seen == {"top": 2, "bottom": 10, "left": 3, "right": 37}


def test_a_point_beside_the_box_has_a_negative_distance() -> None:
    seen = encode(rectangle(50, 50, 40, 10, 0.0), np.array([[75.0, 50.0]]))
    assert seen[0].tolist() == [5, 5, 45, -5, 0]


def test_a_box_without_width_takes_its_direction_from_its_left_edge() -> None:
    box = np.array([[0.0, 0.0], [0.0, 0.0], [-3.0, 4.0], [-3.0, 4.0]])
    seen = encode(box, np.array([[0.0, 0.0]]))
    assert seen[0, :4] == pytest.approx([0, 5, 0, 0], abs=1e-12)
    assert restore(np.array([[0.0, 0.0]]), seen)[0] == pytest.approx(box, abs=1e-12)


def test_each_of_many_boxes_comes_back_to_its_own_point() -> None:
    # boxes of positive and negative angles in turn: sorted by sign, they would belong to other points
    points = np.array([[10.0 * i, 0.0] for i in range(6)])
    rbox = np.array([[1.0, 1.0, 2.0, 2.0, 0.3 * (-1) ** i] for i in range(6)])
    assert restore(points, rbox).mean(axis=1) == pytest.approx(points, abs=1e-12)
    assert restore(np.zeros((0, 2)), np.zeros((0, 5))).shape == (0, 4, 2)


def test_area_is_positive_clockwise_on_screen() -> None:
    assert float(area(SQUARE)) == 16
    assert area(np.stack([SQUARE[::-1], DENTED, CROSSED])).tolist() == [-16, 4, 0]


def test_sides_go_round_from_the_top() -> None:
    assert sides(np.array([[0, 0], [4, 0], [4, 3], [0, 3]], np.float32)).tolist() == [4, 3, 4, 3]


def test_anticlockwise_quads_are_turned_and_keep_their_first_corner() -> None:
    given = np.stack([SQUARE, SQUARE[[1, 0, 3, 2]], SQUARE[[3, 2, 1, 0]]])
    before = given.copy()
    found, turned = ordered(given)
    assert turned.tolist() == [False, True, True]
    assert np.array_equal(found, np.stack([SQUARE, SQUARE[[1, 2, 3, 0]], SQUARE[[3, 0, 1, 2]]]))
    assert (area(found) == 16).all()
    assert np.array_equal(given, before)


def test_one_quad_alone_is_ordered_too() -> None:
    found, turned = ordered(SQUARE[::-1])
    assert bool(turned)
    assert np.array_equal(found, SQUARE[[3, 0, 1, 2]])
    assert not bool(ordered(SQUARE)[1])


def test_a_crossed_quad_stays_crossed() -> None:
    found, turned = ordered(CROSSED)
    assert not bool(turned)
    assert not bool(is_convex(found))


@pytest.mark.parametrize(
    ("quad", "convex"),
    [
        (SQUARE, True),
        (SQUARE[::-1], True),
        (CROSSED, False),
        (DENTED, False),
        ([[0, 0], [2, 0], [4, 0], [4, 4]], True),
        ([[0, 0], [0, 0], [4, 0], [4, 4]], True),
        ([[0, 0], [1, 0], [2, 0], [3, 0]], False),
        ([[1, 1], [1, 1], [1, 1], [1, 1]], False),
    ],
)
def test_convex(quad: Any, convex: bool) -> None:
    assert bool(is_convex(np.array(quad, np.float64))) is convex


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2, np.pi / 2, 2.8, -1.5, -np.pi / 2])
def test_a_rectangle_is_its_own_rectangle_of_least_area_in_the_order_of_its_names(angle: float, turn: int) -> None:
    box = np.roll(rectangle(300, 200, 90, 17, angle), turn, axis=0)
    assert min_area_rectangle(box) == pytest.approx(box, abs=1e-9)


def test_no_rectangle_around_a_quad_has_less_area() -> None:
    quads = random_quads(200)
    found = min_area_rectangle(quads)
    for quad, box in zip(quads, found, strict=True):
        directions = [(math.cos(t), math.sin(t)) for t in np.linspace(0, np.pi / 2, 400)]
        least = min(np.ptp(quad @ (c, s)) * np.ptp(quad @ (-s, c)) for c, s in directions)
        assert float(area(box)) <= least * (1 + 1e-9)
        seen = encode(box, quad)
        assert (seen[:, :4] > -1e-7).all()  # all corners lie in it
        assert seen[:, :4].min(axis=0) == pytest.approx(np.zeros(4), abs=1e-7)  # and one on each side
        assert sides(box)[:2] == pytest.approx(sides(box)[2:], abs=1e-7)


def test_corners_of_the_rectangle_are_named_by_the_nearest_of_the_quad() -> None:
    rng = np.random.default_rng(1)
    for angle in rng.uniform(-np.pi, np.pi, 100):
        box = rectangle(0, 0, 80, 20, angle)
        found = min_area_rectangle(box + rng.normal(0, 1.5, (4, 2)))
        assert abs(found - box).max() < 8


@pytest.mark.parametrize(
    "quad",
    [
        [[5, 0], [5, 0], [5, 9], [5, 9]],
        [[0, 0], [1e-9, 30], [0, 60], [0, 90]],
        [[3, 3], [3, 3], [3, 3], [3, 3]],
        [[0, 0], [0, 0], [7, 0], [7, 5]],
        [[0, 0], [0, 8], [0, 8], [3, 8]],
        [[0, 0], [4, 4], [8, 8], [2, 2]],
    ],
)
def test_vertical_edges_and_edges_without_length_give_finite_rectangles_around_them(quad: Any) -> None:
    points = np.array(quad, np.float64)
    box = min_area_rectangle(points)
    assert np.isfinite(box).all()
    seen = encode(box, points)
    assert np.isfinite(seen).all()
    assert seen[:, :4].min() > -1e-7
    assert abs(restore(points, seen).min(axis=(0, 1)) - box.min(axis=0)).max() < 1e-7


def test_a_shrunk_box_by_hand() -> None:
    found = shrink(rectangle(50, 20, 100, 40, 0.0))  # the shorter edge is 40: 12 pixels from each side
    assert found == pytest.approx(rectangle(50, 20, 76, 16, 0.0), abs=1e-12)
    assert shrink(SQUARE, 0.25) == pytest.approx(np.array([[1, 1], [3, 1], [3, 3], [1, 3]], float), abs=1e-12)


def test_shrinking_follows_the_definition_corner_by_corner() -> None:
    quads = np.concatenate([random_quads(300), random_quads(100, 1) * 0.01])  # some with edges not worth to be moved
    for share in (0.1, 0.3):
        expected = np.array([plain_shrink(quad, share) for quad in quads])
        assert abs(shrink(quads, share) - expected).max() < 1e-9
        assert np.array_equal(shrink(quads[7], share), shrink(quads, share)[7])


def test_edges_of_a_pixel_do_not_shrink() -> None:
    found = shrink(np.array([[0.0, 0.0], [30.0, 0.0], [30.0, 1.0], [0.0, 1.0]]))
    assert found == pytest.approx(np.array([[0.3, 0], [29.7, 0], [29.7, 1], [0.3, 1]]), abs=1e-12)
    point = np.ones((4, 2))
    assert np.array_equal(shrink(point), point)


def test_what_is_given_stays_as_it_is_and_may_be_of_single_precision() -> None:
    quads = random_quads(20)
    single = quads.astype(np.float32)
    before = single.copy()
    for function in (area, sides, is_convex, min_area_rectangle, shrink):
        found = function(single)
        assert np.array_equal(found, function(before.astype(np.float64)))
        assert found.dtype in (np.float64, np.bool_)
    assert np.array_equal(single, before)


def test_no_quads() -> None:
    none = np.zeros((0, 4, 2))
    assert area(none).shape == is_convex(none).shape == ordered(none)[1].shape == (0,)
    assert min_area_rectangle(none).shape == shrink(none).shape == ordered(none)[0].shape == (0, 4, 2)
    assert encode(SQUARE, np.zeros((0, 2))).shape == (0, 5)


def test_the_convention_names_what_the_constants_say() -> None:
    assert ", ".join(DISTANCES) in CONVENTION
    assert f"x = {STRIDE} j, y = {STRIDE} i" in CONVENTION
