"""The outlines against plane geometry."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.data.shapes import OUTLINES, REACH, Polygon, placed


def area(polygon: Polygon) -> float:
    """Gauss's shoelace formula; negative where the corners run the other way round."""
    x, y = polygon.T
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2)


def inscribed(corners: int, radius: float) -> float:
    """Area of the regular polygon with that many corners on a circle."""
    return corners / 2 * radius**2 * np.sin(2 * np.pi / corners)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("circle", inscribed(48, 0.92)),
        ("ring", inscribed(48, 1.0) - inscribed(48, 0.55)),
        ("square", 2 * 1.2**2),  # half the square of the diagonal
        ("triangle", 3 * np.sqrt(3) / 4 * 1.15**2),
        ("star", 5 * 1.15 * 0.5 * np.sin(np.pi / 5)),  # ten triangles with sides 1.15 and 0.5
        ("cross", 0.66**2 + 4 * 0.66 * 0.67),  # the middle and four arms
    ],
)
def test_areas_agree_with_geometry(shape: str, expected: float) -> None:
    first, *holes = OUTLINES[shape]
    assert abs(area(first)) - sum(abs(area(hole)) for hole in holes) == pytest.approx(expected)


def test_crescent_is_the_big_disc_less_the_lens_it_shares_with_the_small_one() -> None:
    outer, inner, apart = 1.05, 0.85, 0.5
    a = np.arccos((apart**2 + outer**2 - inner**2) / (2 * apart * outer))
    b = np.arccos((apart**2 + inner**2 - outer**2) / (2 * apart * inner))
    kite = apart * outer * np.sin(a)
    lens = outer**2 * a + inner**2 * b - kite  # area common to two circles (MathWorld, circle-circle intersection)
    expected = np.pi * outer**2 - lens
    assert abs(area(OUTLINES["crescent"][0])) == pytest.approx(expected, rel=0.01)


def test_heart_has_the_area_of_its_curve_and_is_symmetric() -> None:
    heart = OUTLINES["heart"][0]
    assert abs(area(heart)) == pytest.approx(180 * np.pi / 15.5**2, rel=0.01)  # the integral of x dy
    mirrored = {(round(-x, 6) + 0.0, round(y, 6)) for x, y in heart}
    assert mirrored == {(round(x, 6) + 0.0, round(y, 6)) for x, y in heart}


def test_no_outline_goes_beyond_reach() -> None:
    farthest = [np.hypot(*polygon.T).max() for outline in OUTLINES.values() for polygon in outline]
    assert max(farthest) == REACH
    assert min(np.hypot(*outline[0].T).max() for outline in OUTLINES.values()) > 0.9  # all are about one size


def test_placed_turns_clockwise_as_seen_then_scales_then_moves() -> None:
    right = np.array([[1.0, 0.0]])
    assert placed(right, centre_xy=(10.0, 20.0), radius=3.0, angle=np.pi / 2) == pytest.approx(np.array([[10.0, 23.0]]))
