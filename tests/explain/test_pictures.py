"""Numbers to colours, and panels."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.errors import ConfigError
from saccade.explain.pictures import (
    EDGE,
    PAPER,
    RISING,
    SIGNED,
    Panel,
    Scale,
    colour_table,
    columns_for,
    enlarged,
    laid_over,
    number,
    panels,
    probability,
    tiled,
)

VALUES = np.array([[-2.0, 0.0], [1.0, 4.0]], dtype=np.float32)


def test_scales() -> None:
    assert Scale.of(VALUES) == Scale(-4.0, 4.0, SIGNED, 0.5)
    assert Scale.of(VALUES.clip(0)) == Scale(0.0, 4.0, RISING, 0.0)
    assert Scale.of(VALUES).shares(VALUES).tolist() == [[0.25, 0.5], [0.625, 1.0]]
    assert Scale.from_zero(VALUES).shares(VALUES).tolist() == [[0.0, 0.0], [0.25, 1.0]]
    many = np.append(np.full(999, 2.0, dtype=np.float32), np.float32(50))
    assert Scale.around_zero(many, share=0.99).high == 2.0
    assert Scale.around_zero(VALUES, at_least=3.0).high == 4.0
    assert Scale.around_zero(VALUES, at_least=9.0) == Scale(-9.0, 9.0, SIGNED, 0.5)
    assert Scale.around_zero(np.array([0, 0, 0, 7], dtype=np.float32), share=0.5).high == 7.0, "not 0, which shows none"


def test_of_nothing_but_0_there_is_the_colour_of_0() -> None:
    zeros = np.zeros((2, 2), dtype=np.float32)
    assert (Scale.around_zero(zeros).paint(zeros) == colour_table(SIGNED)[128]).all()
    assert (Scale.from_zero(zeros).paint(zeros) == colour_table(RISING)[0]).all()
    assert (Scale.around_zero(zeros, "gray").paint(zeros) == 128).all()


def test_colours_are_matplotlibs() -> None:
    import matplotlib as mpl

    for name in ("gray", SIGNED):
        expected = np.rint(255 * np.array([mpl.colormaps[name](k / 255)[:3] for k in range(256)]))
        assert np.abs(colour_table(name) - expected).max() <= 1


def test_a_colour_map_that_there_is_not() -> None:
    with pytest.raises(ConfigError, match="--colours: no colour map is called 'viridsi'; did you mean viridis"):
        colour_table("viridsi")


def test_heat_over_an_image() -> None:
    image = np.full((1, 3, 3), 255, dtype=np.uint8)
    values = np.array([[0.0, 1.0, -1.0]], dtype=np.float32)
    found = laid_over(image, values, Scale.around_zero(values))
    assert found[0, 0].tolist() == [255, 255, 255], "where there is no heat the image is as it was, in grey"
    red, blue = (0.15 * 255 + 0.85 * colour_table(SIGNED)[k].astype(float) for k in (255, 0))
    assert np.abs(found[0, 1] - red).max() <= 1
    assert np.abs(found[0, 2] - blue).max() <= 1
    nothing = np.zeros_like(values)
    assert (laid_over(image, nothing, Scale.from_zero(nothing)) == 255).all()


def test_tiles() -> None:
    tiles = [np.full((1, 2, 3), 10 * k, dtype=np.uint8) for k in range(3)]
    found = tiled(tiles, columns=2, pixels=2, gap=1)
    assert found.shape == (2 * 3 + 1, 2 * 5 + 1, 3)
    edge, paper = EDGE[0], PAPER[0]
    assert found[1, :, 0].tolist() == [edge, 0, 0, 0, 0, edge, 10, 10, 10, 10, edge]
    assert found[4, :, 0].tolist() == [edge, 20, 20, 20, 20, edge, paper, paper, paper, paper, paper]


@pytest.mark.parametrize("tiles", [1, 2, 3, 7, 16, 17, 64, 96, 100])
@pytest.mark.parametrize(("height", "width"), [(3, 3), (2, 8), (9, 1)])
def test_a_grid_holds_all_and_is_no_strip(tiles: int, height: int, width: int) -> None:
    columns = columns_for(tiles, height=height, width=width)
    rows = -(-tiles // columns)
    assert 1 <= columns <= tiles
    assert rows * columns >= tiles
    assert columns * (rows - 1) < tiles, "no row is empty"
    if tiles >= 16:
        assert 0.4 < (columns * width) / (rows * height) < 3.5


def test_small_pictures_keep_their_pixels() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert (enlarged(picture, 6) == picture.repeat(3, axis=0).repeat(3, axis=1)).all()
    assert enlarged(np.zeros((10, 20, 3), dtype=np.uint8), 10).shape == (5, 10, 3)


def test_panels_hold_their_pictures() -> None:
    picture = np.full((40, 100, 3), 77, dtype=np.uint8)
    scale = Scale(0.0, 1.0, RISING, 0.0)
    found = panels(
        [[Panel(picture, "one"), Panel(picture, "two", "below", scale)], [Panel(picture, "three")]], title="all"
    )
    assert (found == 77).all(axis=2).sum() >= 3 * 40 * 100
    long = panels([[Panel(picture, "words " * 400)]], title="more words " * 400)
    assert long.shape[1] < 700, "words are cut where they do not fit"
    assert panels([[Panel(picture, "Wörter слова λέξη")]]).shape[1] >= 100


@pytest.mark.parametrize(("value", "text"), [(0.4321, "0.43"), (-1.25, "-1.2"), (123.4, "123"), (0.0, "0")])
def test_number(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.9944, "0.994"), (0.0, "0.000"), (4.9e-5, "5e-05"), (0.0005, "0.001")])
def test_a_small_probability_is_not_drawn_as_none(value: float, text: str) -> None:
    assert probability(value) == text
