"""Masks as pictures: the published palette, what is mixed, what is right and wrong, and where names stand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from saccade.draw.overlay import RIGHT, UNKNOWN, VOID, WRONG, blend, colourise, errors, palette

# the colours of the 21 classes in the order of VOClabelcolormap.m, as the palette PNGs of VOC 2007 and 2012 carry them
VOC = """0 0 0, 128 0 0, 0 128 0, 128 128 0, 0 0 128, 128 0 128, 0 128 128, 128 128 128, 64 0 0, 192 0 0, 64 128 0,
192 128 0, 64 0 128, 192 0 128, 64 128 128, 192 128 128, 0 64 0, 128 64 0, 0 192 0, 128 192 0, 0 64 128"""
COLOURS = np.array([[10, 20, 30], [200, 100, 0]], dtype=np.uint8)
MASK = np.array([[0, 1], [1, VOID]], dtype=np.uint8)


def test_the_palette_is_that_of_pascal_voc():
    assert palette(21).tolist() == [[int(v) for v in colour.split()] for colour in VOC.split(",")]
    assert palette(256)[255].tolist() == [224, 224, 192]
    assert palette(21).dtype == np.uint8


@pytest.mark.parametrize("classes", [0, 1, 12, 21, 255])
def test_a_shorter_palette_begins_as_the_whole_one(classes):
    assert palette(classes).shape == (classes, 3)
    np.testing.assert_array_equal(palette(classes), palette(256)[:classes])


def test_no_two_classes_share_a_colour():
    assert len(np.unique(palette(256), axis=0)) == 256


def test_each_pixel_gets_the_colour_of_its_class():
    assert colourise(MASK, COLOURS).tolist() == [[[10, 20, 30], [200, 100, 0]], [[200, 100, 0], [224, 224, 192]]]


def test_a_whole_palette_says_what_void_looks_like():
    whole = np.full((256, 3), 7, dtype=np.uint8)
    assert colourise(MASK, whole).tolist() == [[[7, 7, 7]] * 2] * 2


def test_pictures_are_the_palette_png_that_pillow_shows():
    mask = np.random.default_rng(0).integers(0, 256, (9, 13), dtype=np.uint8)
    png = Image.fromarray(mask)
    png.putpalette(palette(256).tobytes())
    np.testing.assert_array_equal(colourise(mask, palette(21)), np.asarray(png.convert("RGB")))


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (0.0, [[[100, 100, 100], [0, 0, 1]], [[255, 255, 255], [9, 9, 9]]]),
        (1.0, [[[10, 20, 30], [200, 100, 0]], [[200, 100, 0], [9, 9, 9]]]),
        # 0.75 * 100 + 0.25 * 10 = 77.5, to the even of its neighbours; void stays the image
        (0.25, [[[78, 80, 82], [50, 25, 1]], [[241, 216, 191], [9, 9, 9]]]),
    ],
)
def test_blending_worked_by_hand(alpha, expected):
    image = np.array([[[100] * 3, [0, 0, 1]], [[255] * 3, [9] * 3]], dtype=np.uint8)
    before = image.copy()
    found = blend(image, MASK, COLOURS, alpha)
    assert found.tolist() == expected
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


def test_errors_tell_right_from_wrong_and_void_from_both():
    predicted = np.array([[0, 0], [1, 1]], dtype=np.uint8)
    assert errors(MASK, predicted).tolist() == [[list(RIGHT), list(WRONG)], [list(RIGHT), list(UNKNOWN)]]
    assert errors(MASK, predicted).dtype == np.uint8


def test_a_picture_without_a_pixel():
    none = np.zeros((0, 4), dtype=np.uint8)
    assert colourise(none, COLOURS).shape == errors(none, none).shape == (0, 4, 3)
    assert blend(np.zeros((0, 4, 3), dtype=np.uint8), none, COLOURS).shape == (0, 4, 3)


def swatch(strip: NDArray[np.uint8], colour: NDArray[np.uint8]) -> tuple[int, int]:
    """Top and left of the inside of that colour, and nothing of it elsewhere."""
    rows, columns = np.nonzero((strip == colour).all(axis=2))
    assert len(rows) == 9 * 9, "a swatch is 11 pixels wide with its outline"
    return int(rows.min()), int(columns.min())
