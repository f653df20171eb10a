"""The nearest word of a lexicon against a search through all of them, and the rules at the edges."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.metrics.spotting.lexicon import Lexicon, snapped, words_of
from saccade.metrics.spotting.words import edit_distance

WORDS = ("Sale", "Exit", "Hotel", "Hostel", "SALT", "salt", "Öl")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("sale", "Sale"),  # case is ignored, and the lexicon's is given
        ("SALT", "SALT"),  # of equal words the first in the file
        ("H0TEL", "Hotel"),
        ("HOSTE", "Hostel"),
        ("SALX", "Sale"),  # Sale and SALT are 1 away: the first in the file
        ("öl", "Öl"),
        ("x", "Öl"),  # 2 away, the others 4 and more
        ("", ""),  # nothing read is not a word misread
        ("Hotel" * 20, "Hotel"),  # 95 of 100 letters too many, and for Hostel 94 and one replaced
        ("日本語の", "Sale"),  # no letter in common: 4 replaced
    ],
)
def test_words_found_by_hand(text, word):
    assert Lexicon(WORDS).nearest(text) == word


def by_search(text, words):
    """The first of the words with the smallest distance."""
    return min(words, key=lambda word: edit_distance(text, word)) if text else ""


@pytest.mark.parametrize("longest", [3, 12, pytest.param(70, marks=pytest.mark.slow)])
def test_the_nearest_is_that_of_a_search_through_all(longest):
    rng = np.random.default_rng(longest)

    def word(shortest):
        return "".join(rng.choice(list("ABCDE"), rng.integers(shortest, longest + 1)))

    words = [word(1) for _ in range(300)]
    lexicon = Lexicon(words)
    for _ in range(100):
        text = word(0)
        assert lexicon.nearest(text) == by_search(text, words)


@pytest.mark.parametrize("length", [63, 64, 65])
def test_texts_as_long_as_a_machine_word(length):
    words = ["B" * length, "A" * (length - 1) + "B", "A" * 5, "A" * (length + 3)]
    text = "A" * length
    assert Lexicon(words).nearest(text) == "A" * (length - 1) + "B"
    assert by_search(text, words) == "A" * (length - 1) + "B"


def test_a_second_question_has_the_same_answer():
    lexicon = Lexicon(WORDS)
    assert [lexicon.nearest("H0TEL") for _ in range(2)] == ["Hotel", "Hotel"]
    assert snapped(["H0TEL", "", "exlt"], lexicon) == ("Hotel", "", "Exit")
    assert len(lexicon) == 6  # SALT and salt are one


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Sale\nExit\n", ("Sale", "Exit")),
        ("\ufeffSale\r\n\r\n  Exit \r\nNew York", ("Sale", "Exit", "New York")),
        ("", ()),
        ("\n \r\n", ()),
    ],
)
def test_files_have_one_word_a_line(text, words):
    assert words_of(text) == words
