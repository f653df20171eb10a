"""Outlines of words: what is set right, what is refused, and what is said of it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from saccade.data.mended import Mended, Row, describe, gathered
from saccade.errors import DataError
from saccade.quads import area

QUAD = ((10.0, 20.0), (90.0, 25.0), (88.0, 50.0), (12.0, 45.0))
"""Clockwise on screen from top left."""


def row(points: Sequence[tuple[float, float]], text: str = "word", *, ignored: bool = False, line: int = 1) -> Row:
    return Row(f"gt.txt:{line}", [number for point in points for number in point], text, ignored)


def test_a_good_word_stays_as_it_is() -> None:
    words, mended = gathered([[row(QUAD)]])
    assert words.quads.tolist() == [[list(point) for point in QUAD]]
    assert mended == Mended()
    assert describe(mended) == []


@pytest.mark.parametrize("start", range(4))
def test_a_good_word_keeps_the_corner_at_which_reading_begins(start: int) -> None:
    """Text that runs downwards or stands on its head begins elsewhere than at the top left of the screen."""
    turned = QUAD[start:] + QUAD[:start]
    words, mended = gathered([[row(turned)]])
    assert words.quads[0].tolist() == [list(point) for point in turned]
    assert mended == Mended()


def test_every_order_of_four_corners_ends_clockwise_and_uncrossed_from_the_same_first_corner() -> None:
    """Of 24 orders 4 are right, 4 anticlockwise and 16 crossed; the area tells a simple outline from a crossed one."""
    orders = list(itertools.permutations(QUAD))
    words, mended = gathered([[row(order) for order in orders]])
    assert [tuple(quad[0].tolist()) for quad in words.quads] == [order[0] for order in orders]
    assert area(words.quads).tolist() == [area(np.array(QUAD)).item()] * 24
    assert mended.crossed == 16
    assert mended.turned == 4 + 8
    for first, *rest in words.quads.tolist():
        at = QUAD.index(tuple(first))
        assert [tuple(point) for point in rest] == list((QUAD[at:] + QUAD[:at])[1:])


def test_corners_left_to_right_and_top_to_bottom_are_put_in_order() -> None:
    """Top left, top right, bottom left, bottom right, as people write who think of rows."""
    words, mended = gathered([[row([QUAD[0], QUAD[1], QUAD[3], QUAD[2]])]])
    assert words.quads[0].tolist() == [list(point) for point in QUAD]
    assert (mended.crossed, mended.turned) == (1, 0)


def test_an_outline_with_a_dent_stays() -> None:
    dented = ((0.0, 0.0), (10.0, 0.0), (3.0, 3.0), (0.0, 10.0))
    words, mended = gathered([[row(dented)]])
    assert words.quads[0].tolist() == [list(point) for point in dented]
    assert mended == Mended()


def test_corners_outside_of_the_image_stay() -> None:
    words, _ = gathered([[row([(-5.5, -3.0), (90.0, -3.0), (90.0, 9.0), (-5.5, 9.0)])]])
    assert words.quads[0, 0].tolist() == [-5.5, -3.0]


@pytest.mark.parametrize(
    ("text", "ignored", "cared", "silent"),
    [
        ("word", False, True, 0),
        ("###", False, False, 0),
        ("word", True, False, 0),
        ("", True, False, 0),
        ("", False, False, 1),
        ("##", False, True, 0),
        ("*", False, True, 0),
    ],
)
def test_what_is_cared_for(text: str, ignored: bool, cared: bool, silent: int) -> None:
    words, mended = gathered([[row(QUAD, text, ignored=ignored)]])
    assert words.cared.tolist() == [cared]
    assert list(words.texts) == [text]
    assert mended.silent == silent


DEGENERATE = [
    ([(1, 1), (1, 1), (9, 9), (1, 9)], "the outline 1,1 1,1 9,9 1,9 has two corners in one place"),
    ([(1, 1), (9, 1), (9, 9), (1, 1)], "has two corners in one place"),
    ([(1, 1), (5, 1), (9, 1), (7, 1)], "holds 0 square pixels; it takes at least 1"),
    ([(1, 1), (9, 1), (9, 1.1), (1, 1.1)], "holds 0.8 square pixels"),
    (
        [(float("nan"), 1), (9, 1), (9, 9), (1, 9)],
        "the outline nan,1 9,1 9,9 1,9 has a coordinate that is not a finite",
    ),
    ([(1, 1), (float("inf"), 1), (9, 9), (1, 9)], "is not a finite number"),
    ([(1, 1), (1e39, 1), (1e39, 9), (1, 9)], "is not a finite number"),
]


@pytest.mark.parametrize(("points", "said"), DEGENERATE)
@pytest.mark.parametrize("text", ["word", "###"])
def test_an_outline_without_an_inside_is_named(points: list[tuple[float, float]], said: str, text: str) -> None:
    with pytest.raises(DataError) as caught:
        gathered([[row(QUAD, line=6)], [row(points, text, line=7)]])
    assert str(caught.value).startswith("gt.txt:7: ")
    assert said in str(caught.value)


def test_one_square_pixel_is_enough() -> None:
    assert len(gathered([[row([(1, 1), (2, 1), (2, 2), (1, 2)])]])[0].texts) == 1


def test_the_first_eight_faults_are_named_and_the_others_counted() -> None:
    flat = [row([(1, 1), (9, 1), (9, 1), (1, 1)], line=k) for k in range(1, 12)]
    with pytest.raises(DataError) as caught:
        gathered([flat], ["gt.txt:99: no word"])
    lines = str(caught.value).splitlines()
    assert lines[0] == "gt.txt:99: no word"
    assert [line.split(": ")[0] for line in lines[1:8]] == [f"gt.txt:{k}" for k in range(1, 8)]
    assert lines[8:] == ["and 4 more of the kind"]


def test_no_words_at_all() -> None:
    words, mended = gathered([[], []])
    assert words.counts.tolist() == [0, 0]
    assert mended == Mended()
    assert len(gathered([])[0]) == 0


def test_what_was_set_right_is_told_in_sentences() -> None:
    assert describe(Mended(turned=1, polygons=2)) == [
        "1 word with corners anticlockwise: turned, the first corner kept",
        "2 words of more than four corners: taken as the rectangle of least area around them",
    ]
    assert describe(Mended(crossed=3, silent=1)) == [
        "3 words with an outline that crosses itself: corners put in order, the first one kept",
        "1 word without a transcript: taken as ###, neither learned nor scored",
    ]
