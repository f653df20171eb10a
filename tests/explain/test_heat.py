"""Where heat is drawn: a single hot pixel, found again in the picture."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.explain.heat import Heat, heat_picture, heat_rows
from saccade.explain.pictures import BAR, GAP, LINE, Floats, Picture, Scale

HEIGHT, WIDTH = 20, 40
IMAGE = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
FIRST = 2 * GAP + 2 * LINE
"""The first row of pixels of the upper pictures, below a title and a line of words each."""


def hot(row: int, column: int) -> Heat:
    """1 at one pixel and 0 at all others, from black to white."""
    values: Floats = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    values[row, column] = 1.0
    return Heat("hot", values, Scale(0.0, 1.0, "gray", 0.0))


def brightest(picture: Picture, y: int, x: int, pixels: float) -> tuple[int, int]:
    """The pixel of the image to which the brightest point belongs, of the panel whose picture begins there."""
    part = picture[y : y + round(pixels * HEIGHT), x : x + round(pixels * WIDTH)].sum(axis=2)
    row, column = np.unravel_index(part.argmax(), part.shape)
    return int((row + 0.5) / pixels), int((column + 0.5) / pixels)


@pytest.mark.parametrize("place", [(5, 30), (0, 0), (19, 39), (3, 3)])
def test_heat_over_an_image_and_alone(place: tuple[int, int]) -> None:
    picture = heat_picture(IMAGE, hot(*place), title="all")
    step = 280 + GAP
    assert (picture[FIRST : FIRST + 140, GAP : GAP + 280] == 0).all(), "the image"
    for panel in (1, 2):
        assert brightest(picture, FIRST, GAP + panel * step, 280 / WIDTH) == place


def test_heat_of_words_and_below_it_where_the_network_looked() -> None:
    heats, looks = [hot(5, 30), hot(2, 7)], [hot(15, 10), hot(12, 35)]
    picture = heat_rows(IMAGE, heats, looks, title="all")
    step, below = 180 + GAP, 90 + LINE + (BAR + LINE + 4) + GAP
    for k in (0, 1):
        x = GAP + (k + 1) * step
        assert brightest(picture, FIRST, x, 180 / WIDTH) == [(5, 30), (2, 7)][k]
        assert brightest(picture, FIRST + below, x, 180 / WIDTH) == [(15, 10), (12, 35)][k]
