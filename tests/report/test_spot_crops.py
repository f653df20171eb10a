"""Cut-outs against Pillow's own crops and against pictures whose colour tells the place."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from saccade.draw.rectified import OUTSIDE
from saccade.report.spot_crops import HIGHEST, LOWEST, WIDEST, cut_out

from .spot_run import box


def places(width: int, height: int) -> Image.Image:
    """Red tells x, green y, of the middle of each pixel."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x, y, np.zeros_like(x)], axis=-1).astype(np.uint8))


def quad(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=np.float64).reshape(4, 2)


def test_an_upright_word_is_a_crop() -> None:
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (100, 200, 3), dtype=np.uint8))
    cut = cut_out(picture, quad(*box(20, 10, 70, 30)))
    assert cut is not None
    np.testing.assert_array_equal(np.asarray(cut), np.asarray(picture.crop((20, 10, 90, 40))))


def test_a_turned_word_is_level() -> None:
    """Along its upper edge from (20, 60) to (100, 20), each pixel of the cut-out is looked up where it lies."""
    along, down = np.array([80.0, -40.0]), np.array([15.0, 30.0])
    first = np.array([20.0, 60.0])
    corners = np.stack([first, first + along, first + along + down, first + down])
    cut = cut_out(places(140, 120), corners)
    assert cut is not None
    width, height = cut.size
    assert (width, height) == (round(np.hypot(80, 40)), round(np.hypot(15, 30)))
    i, j = (np.arange(n) + 0.5 for n in (width, height))
    expected = first + i[None, :, None] / width * along + j[:, None, None] / height * down - 0.5
    np.testing.assert_allclose(np.asarray(cut)[:, :, :2], expected, atol=1)


def test_a_word_in_perspective() -> None:
    """The middle of the cut-out is where the diagonals meet."""
    corners = quad(10, 10, 90, 30, 90, 60, 10, 90)
    cut = cut_out(places(100, 100), corners)
    assert cut is not None
    a, b, c, d = corners
    t, _ = np.linalg.solve(np.stack([c - a, b - d], axis=1), b - a)
    middle = np.asarray(cut)[cut.height // 2, cut.width // 2, :2]
    np.testing.assert_allclose(middle, a + t * (c - a) - 0.5, atol=2)


def test_tall_words_lie_with_their_upper_end_at_the_left() -> None:
    picture = Image.new("RGB", (60, 120), "red")
    picture.paste("blue", (0, 60, 60, 120))
    cut = cut_out(picture, quad(*box(20, 10, 25, 100)))
    assert cut is not None
    assert cut.size == (100, 25)
    assert cut.getpixel((5, 12)) == (255, 0, 0)
    assert cut.getpixel((95, 12)) == (0, 0, 255)


@pytest.mark.parametrize(
    ("width", "height", "size"),
    [(40, 10, (96, LOWEST)), (100, 30, (100, 30)), (300, 150, (96, HIGHEST)), (2000, 20, (WIDEST, 5))],
)
def test_how_large_a_cut_out_is(width: int, height: int, size: tuple[int, int]) -> None:
    cut = cut_out(Image.new("RGB", (2100, 200)), quad(*box(5, 5, width, height)))
    assert cut is not None
    assert cut.size == size


def test_fine_strokes_of_large_words_are_not_lost() -> None:
    """Stripes one pixel wide are grey where four pixels become one."""
    stripes = np.zeros((200, 800, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    cut = cut_out(Image.fromarray(stripes), quad(*box(0, 0, 800, 192)))
    assert cut is not None
    assert np.asarray(cut).std() < 6


@pytest.mark.parametrize("height", [91, 150])
def test_nor_are_those_of_words_that_are_a_little_larger(height: int) -> None:
    stripes = np.zeros((200, 800, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    cut = cut_out(Image.fromarray(stripes), quad(*box(0, 0, 4 * height, height)))
    assert cut is not None
    assert np.asarray(cut).std() < 60  # of 127 where single columns are picked


def test_a_quad_that_is_no_view_of_a_rectangle_has_the_shape_of_the_one_around_it() -> None:
    dented, crossed = quad(0, 0, 100, 0, 50, 20, 0, 40), quad(0, 0, 100, 20, 100, 0, 0, 20)
    for corners, ratio in ((dented, 100 / 40), (crossed, 100 / 20)):
        cut = cut_out(Image.new("RGB", (120, 60)), corners)
        assert cut is not None
        assert cut.width / cut.height == pytest.approx(ratio, rel=0.1)


def test_beyond_the_picture_it_is_grey() -> None:
    cut = cut_out(Image.new("RGB", (50, 50), "white"), quad(*box(25, 0, 50, 30)))
    assert cut is not None
    assert cut.getpixel((10, 15)) == (255, 255, 255)
    assert cut.getpixel((40, 15)) == OUTSIDE


@pytest.mark.parametrize(
    "corners",
    [
        (5, 5, 5, 5, 5, 5, 5, 5),
        (0, 0, 40, 0, 40, 0.5, 0, 0.5),
        (0, 0, 10, 10, 20, 20, 30, 30),
    ],
)
def test_what_has_no_surface_cannot_be_cut_out(corners: tuple[float, ...]) -> None:
    assert cut_out(Image.new("RGB", (50, 50)), quad(*corners)) is None


@pytest.mark.parametrize(
    "corners",
    [
        (0, 0, 40, 30, 40, 0, 0, 30),  # crossed
        (0, 0, 40, 0, 10, 10, 0, 40),  # dented
        (0, 0, 20, 0, 40, 0, 0, 30),  # three corners in a line
        (0, 0, 0, 30, 40, 30, 40, 0),  # the other way round
    ],
)
def test_odd_quads_are_cut_out_too(corners: tuple[float, ...]) -> None:
    cut = cut_out(Image.new("RGB", (50, 50), "white"), quad(*corners))
    assert cut is not None
    assert LOWEST <= cut.height <= HIGHEST
    assert np.asarray(cut).mean() > 128
