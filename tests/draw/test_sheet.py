"""Sheets of pictures: where each goes, how large, and what becomes of its caption."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFont

from saccade.draw.sheet import contact_sheet


def plain(height: int, width: int, colour: tuple[int, int, int] = (255, 0, 0)) -> NDArray[np.uint8]:
    return np.full((height, width, 3), colour, dtype=np.uint8)


def box(sheet: NDArray[np.uint8], colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Top, bottom, left, right (exclusive) of the pixels of that colour."""
    rows, columns = np.nonzero((sheet == colour).all(axis=2))
    return int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1


@pytest.mark.parametrize(
    ("n", "columns", "rows", "across"),
    [(1, 8, 1, 1), (3, 8, 1, 3), (8, 8, 1, 8), (9, 8, 2, 8), (5, 2, 3, 2), (4, 1, 4, 1)],
)
@pytest.mark.parametrize("cell", [40, 160])
def test_the_size_is_what_the_docstring_says(n: int, columns: int, rows: int, across: int, cell: int) -> None:
    sheet = contact_sheet([plain(10, 10)] * n, ["a"] * n, columns=columns, cell=cell)
    assert sheet.shape == (rows * (cell + 20), across * (cell + 4), 3)
    assert sheet.dtype == np.uint8


def test_none_is_an_empty_white_cell() -> None:
    sheet = contact_sheet([], [], cell=40)
    assert sheet.shape == (60, 44, 3)
    assert (sheet == 255).all()


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (10, 10, (2, 42, 2, 42)),  # enlarged to the whole cell
        (100, 100, (2, 42, 2, 42)),  # shrunk to it
        (40, 20, (2, 42, 12, 32)),  # proportions are kept, and it stands in the middle
        (50, 100, (12, 32, 2, 42)),
        (1, 1000, (21, 22, 2, 42)),  # never thinner than a pixel (at 21.5, rounded down)
    ],
)
def test_a_picture_fills_its_cell_and_keeps_its_proportions(
    height: int, width: int, expected: tuple[int, int, int, int]
) -> None:
    assert box(contact_sheet([plain(height, width)], [""], cell=40), (255, 0, 0)) == expected


def test_pictures_go_by_row() -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    sheet = contact_sheet([plain(8, 8, c) for c in colours], ["", "", ""], columns=2, cell=40)
    assert [box(sheet, c) for c in colours] == [(2, 42, 2, 42), (2, 42, 46, 86), (62, 102, 2, 42)]


def test_pixels_are_enlarged_without_blur() -> None:
    image = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [0, 0, 0]]], dtype=np.uint8)
    sheet = contact_sheet([image], [""], cell=40)
    np.testing.assert_array_equal(sheet[2:42, 2:42], image.repeat(20, axis=0).repeat(20, axis=1))


def test_an_image_of_the_cells_size_is_not_touched() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(contact_sheet([image], [""], cell=40)[2:42, 2:42], image)


def ink(sheet: NDArray[np.uint8], cell: int) -> NDArray[np.bool_]:
    """The pixels below the picture that are not white."""
    return (sheet[cell + 2 :] < 255).any(axis=2)


def test_the_caption_stands_below_its_picture() -> None:
    assert not ink(contact_sheet([plain(8, 8)] * 2, ["", ""], cell=60), 60).any()
    below = ink(contact_sheet([plain(8, 8)] * 2, ["", "cat"], cell=60), 60)
    assert not below[:, :64].any()
    assert below[:, 64:].any()


@pytest.mark.parametrize("caption", ["a very long caption " * 20, "W" * 500, "größer und größer " * 9])
def test_a_long_caption_is_cut_at_its_cell_with_an_ellipsis(caption: str) -> None:
    alone = ink(contact_sheet([plain(8, 8)], [caption], cell=80), 80)
    beside = ink(contact_sheet([plain(8, 8)] * 2, [caption, ""], cell=80), 80)
    assert not beside[:, 83:].any(), "it runs into its neighbour"
    font = ImageFont.load_default(size=11)
    kept = next(n for n in range(len(caption), 0, -1) if font.getlength(caption[:n] + "…") <= 80)
    same = ink(contact_sheet([plain(8, 8)], [f"{caption[:kept]}…"], cell=80), 80)
    np.testing.assert_array_equal(alone, same)


def test_a_caption_that_fits_is_not_cut() -> None:
    font = ImageFont.load_default(size=11)
    cell = int(np.ceil(font.getlength("dog, cat")))
    whole = ink(contact_sheet([plain(8, 8)], ["dog, cat"], cell=cell), cell)
    cut = ink(contact_sheet([plain(8, 8)], ["dog, ca…"], cell=cell), cell)
    assert not np.array_equal(whole, cut)


@pytest.mark.parametrize("caption", ["two\nlines", "two\r\n lines", "two\tlines"])
def test_a_caption_is_put_on_one_line(caption: str) -> None:
    found = contact_sheet([plain(8, 8)], [caption], cell=80)
    np.testing.assert_array_equal(found, contact_sheet([plain(8, 8)], ["two lines"], cell=80))


def test_a_cell_too_narrow_for_any_letter() -> None:
    assert contact_sheet([plain(8, 8)], ["cat"], cell=4).shape == (24, 8, 3)


def test_the_images_are_not_changed() -> None:
    image = plain(8, 8)
    contact_sheet([image], ["a"], cell=40)
    np.testing.assert_array_equal(image, plain(8, 8))


def test_a_sheet_can_be_saved_as_it_is() -> None:
    sheet = contact_sheet([plain(8, 8)], ["a"])
    np.testing.assert_array_equal(np.asarray(Image.fromarray(sheet)), sheet)
