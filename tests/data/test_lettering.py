"""Lettering: where a homography takes ink, to a fraction of a pixel, and fonts that draw what they are asked for."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from PIL import Image

from saccade.data import lettering
from saccade.data.lettering import EM, FACES, carried, corners, face, ink, looked_up, painted, seen, shifted
from saccade.data.made_up_words import ALPHABETS
from saccade.errors import DataError

ALPHABET = ALPHABETS["mixed"]


def glyph(character: str, name: str) -> NDArray[np.float64]:
    """The character on its baseline, in few and soft pixels, less its mean and scaled to length 1."""
    frame = Image.new("L", (80, 96))
    try:
        picture, above = ink(character, name)
    except AssertionError:  # no ink at all
        picture, above = Image.new("L", (1, 1)), 0
    frame.paste(picture, (40 - picture.width // 2, 64 - above))
    values = np.asarray(frame.reduce(8).resize((20, 24), Image.Resampling.BILINEAR), float).ravel()
    values = values - values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-9)


def likeness(name: str) -> NDArray[np.float64]:
    """Of each character, the correlation of its glyph with the mean of that in all other ``FACES``."""
    means = np.stack([[glyph(character, other) for character in ALPHABET] for other in FACES if other != name]).mean(
        axis=0
    )
    own = np.stack([glyph(character, name) for character in ALPHABET])
    return (own * means).sum(axis=1) / np.linalg.norm(means, axis=1)


def test_a_camera_straight_ahead_scales_and_turns() -> None:
    points = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 5.0]])
    plain = seen(turn=0, yaw=0, pitch=0, scale=2, distance=100)
    assert carried(plain, points) == pytest.approx(2 * points)
    turned = shifted(7, 3) @ seen(turn=np.pi / 2, yaw=0, pitch=0, scale=2, distance=100)
    assert carried(turned, points) == pytest.approx(np.array([[7, 3], [7, 23], [-3, 3]]))  # clockwise on screen


def test_a_tilted_plane_is_smaller_on_the_side_that_turns_away() -> None:
    """A pinhole 100 pixels off: a point at x of a plane tilted by 60 degrees lies x sin 60 nearer."""
    left, right = carried(
        seen(turn=0, yaw=np.pi / 3, pitch=0, scale=1, distance=100), np.array([[-20.0, 0.0], [20.0, 0.0]])
    )
    far, near = 100 + 20 * np.sin(np.pi / 3), 100 - 20 * np.sin(np.pi / 3)
    assert left == pytest.approx([-20 * 0.5 * 100 / far, 0])
    assert right == pytest.approx([20 * 0.5 * 100 / near, 0])
    top, bottom = carried(
        seen(turn=0, yaw=0, pitch=np.pi / 3, scale=1, distance=100), np.array([[0.0, -20.0], [0.0, 20.0]])
    )
    assert top == pytest.approx([0, -20 * 0.5 * 100 / near])
    assert bottom == pytest.approx([0, 20 * 0.5 * 100 / far])


@pytest.mark.parametrize("seed", range(12))
def test_a_solid_box_covers_what_its_quad_covers(seed: int) -> None:
    """Against the exact area of the quad in each pixel, by shapely; two by two samples tell quarters at an edge."""
    rng = np.random.default_rng(seed)
    width, height = (int(v) for v in rng.uniform(40, 220, 2))
    tilt = {"turn": rng.uniform(-0.8, 0.8), "yaw": rng.uniform(-0.6, 0.6), "pitch": rng.uniform(-0.4, 0.4)}
    view = seen(**tilt, scale=rng.uniform(0.15, 0.4), distance=150) @ shifted(-width / 2, -height / 2)
    view = shifted(*rng.uniform(45, 55, 2)) @ view
    canvas = np.zeros((100, 100, 3), np.float32)
    here, share = painted(canvas, Image.new("L", (width, height), 255), view, np.ones(3, np.float32))
    quad = shapely.Polygon(carried(view, corners(0, 0, width, height)))
    xs, ys = np.meshgrid(np.arange(100), np.arange(100))
    expected = shapely.area(shapely.intersection(shapely.box(xs, ys, xs + 1, ys + 1), quad))
    assert np.array_equal(canvas[here][:, :, 0], share)
    assert np.abs(canvas[:, :, 0] - expected).max() <= 0.4
    assert canvas[:, :, 0].sum() == pytest.approx(quad.area, rel=0.01)
    weights = canvas[:, :, 0] / canvas[:, :, 0].sum()
    assert [((xs + 0.5) * weights).sum(), ((ys + 0.5) * weights).sum()] == pytest.approx(
        [quad.centroid.x, quad.centroid.y], abs=0.1
    )


def test_paint_beyond_the_canvas_is_lost_and_half_a_cover_mixes_by_half() -> None:
    canvas = np.zeros((20, 30, 3), np.float32)
    half, rgb = Image.new("L", (40, 40), 128), np.array([1.0, 0.5, 0.0], np.float32)
    here, share = painted(canvas, half, shifted(-30, -30), rgb)
    assert here == (slice(0, 10), slice(0, 10))
    assert share == pytest.approx(np.full((10, 10), 128 / 255))
    assert canvas[0, 0] == pytest.approx(rgb * 128 / 255)
    assert canvas[10:].max() == canvas[:, 10:].max() == 0
    here, share = painted(canvas, half, shifted(50, 50), rgb)
    assert share.size == 0


def test_blur_keeps_the_amount_of_paint() -> None:
    sharp, soft = (np.zeros((60, 60, 3), np.float32) for _ in range(2))
    box, view, rgb = Image.new("L", (40, 40), 255), shifted(20, 20) @ np.diag([0.5, 0.5, 1]), np.ones(3, np.float32)
    painted(sharp, box, view, rgb)
    painted(soft, box, view, rgb, blur=3)
    assert soft.sum() == pytest.approx(sharp.sum(), rel=0.01)
    assert np.abs(np.diff(soft[30, :, 0])).max() < 0.2 < np.abs(np.diff(sharp[30, :, 0])).max()


def test_looking_up_takes_the_middle_of_each_pixel() -> None:
    """A ramp of ten a pixel, moved by a quarter: the middle of pixel x lies at x + 0.75 of the ramp."""
    ramp = Image.fromarray((10 * np.arange(20) * np.ones((4, 1))).astype(np.uint8))
    moved = np.asarray(looked_up(ramp, shifted(0.25, 0), 19, 4), float)
    assert np.abs(moved[1, :18] - (10 * np.arange(18) + 2.5)).max() <= 1


def test_ink_fills_its_picture_to_all_four_sides() -> None:
    for name in FACES:
        for text in ("Sky", "sea", "1-7", "fjord!"):
            picture = np.asarray(ink(text, name)[0])
            assert picture[[0, -1]].any(axis=1).all()
            assert picture[:, [0, -1]].any(axis=0).all()


def test_rows_above_the_baseline_are_counted() -> None:
    for name in FACES:
        flat, above = ink("H", name)
        assert abs(flat.height - above) <= 2  # it stands on the line
        low, its_own = ink("g", name)
        assert low.height - its_own > EM / 10  # it hangs below it


@pytest.mark.parametrize("name", FACES)
@pytest.mark.slow
def test_every_font_draws_every_character_as_that_character(name: str) -> None:
    """Measured: 0.65 or more; the fonts that are left out have characters below 0.35."""
    found = likeness(name)
    assert found.min() > 0.55, f"{name} draws {ALPHABET[int(found.argmin())]} as something else"


@pytest.mark.parametrize(
    "name", ["cmex10", "cmmi10", "cmsy10", "DejaVuSansDisplay", "DejaVuSerifDisplay", "STIXNonUni", "STIXSizOneSymReg"]
)
def test_fonts_that_are_left_out_do_not(name: str) -> None:
    assert likeness(name).min() < 0.45


def test_missing_fonts_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = ModuleSpec("matplotlib", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(lettering, "find_spec", lambda name: spec)
    with pytest.raises(DataError, match=r"ttf.cmr10\.ttf cannot be read .*come with matplotlib: reinstall it"):
        face.__wrapped__("cmr10")
