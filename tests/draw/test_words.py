"""Words over their image."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.draw.words import CARED, LEGIBLE, UNCARED, lettered, outlined

BOX = np.array([[[20.0, 30], [80, 30], [80, 50], [20, 50]]])


def black(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 3), dtype=np.uint8)


def test_outlines_run_along_the_sides_in_the_colour_of_their_kind() -> None:
    image = black(100, 100)
    for cared, colour in ((True, CARED), (False, UNCARED)):
        shown = outlined(image, BOX, np.array([cared]))
        assert {tuple(shown[y, x]) for y, x in ((30, 50), (50, 50), (40, 20), (40, 80))} == {colour}
        assert not shown[40, 50].any()
        assert tuple(shown[29, 20]) == colour, "a dot at the first corner"
        assert not shown[52, 80].any(), "and at no other"
    assert not image.any()


def test_a_small_image_is_enlarged_with_its_words() -> None:
    shown = lettered(black(60, 100), BOX, ["EXIT"])
    assert shown.shape == (600, 1000, 3)
    assert tuple(shown[300, 500]) == CARED
    above, inside = shown[250:294, 200:400], shown[310:490, 210:790]
    assert (above == 255).all(axis=2).any(), "letters above the first corner"
    assert not inside.any()


@pytest.mark.parametrize("shape", [(1, 1), (7, 3000), (LEGIBLE, 10)])
def test_any_image_and_no_words(shape: tuple[int, int]) -> None:
    shown = lettered(black(*shape), np.zeros((0, 4, 2)), [])
    assert max(shown.shape) >= LEGIBLE
    assert not shown.any()


def test_letters_stay_within_the_picture() -> None:
    corner = BOX - [0, 30] + [900, 0]
    shown = lettered(black(1000, 1000), corner, ["A LONG LINE OF TEXT THAT ENDS AT THE EDGE"])
    assert (shown[:40, -12:] > 128).all(axis=2).any()
    assert not (shown[:40, :500] > 128).all(axis=2).any()
