"""Words of captions: a table that Stanford's tokenizer agrees with, which tests/reference compares with the jar."""

from __future__ import annotations

import pytest

from caption_words import WORDS
from saccade.metrics.captions.tokenizer import tokenize


@pytest.mark.parametrize(("caption", "words"), WORDS.items(), ids=map(repr, WORDS))
def test_words_are_those_of_the_penn_treebank(caption, words):
    assert tokenize(caption) == words


@pytest.mark.parametrize("mark", ["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"])
def test_punctuation_that_coco_caption_drops(mark):
    assert tokenize(f"a {mark} b") == "a b"


def test_brackets_stay_because_they_arrive_in_lower_case():
    assert tokenize("(a) {b}") == "-lrb- a -rrb- -lcb- b -rcb-"


@pytest.mark.parametrize("blank", ["\n", "\r\n", "\t", "\u2028", "\x0b", "\x85", "\xa0"])
def test_any_blank_parts_words_and_no_line_is_begun(blank):
    assert tokenize(f"a man's{blank}dog.") == "a man 's dog"


@pytest.mark.parametrize("caption", ["a man 's dog is n't on the t-shirt", "two dogs run", "at 5:30 p.m. or 1,000", ""])
def test_words_already_parted_are_left_alone(caption):
    assert tokenize(caption) == caption


def test_a_long_caption_takes_no_longer_than_its_length():
    # a rule that tries all ways to part a text would take hours
    for text in ("a-" * 5000, "a." * 5000, "5," * 5000, "a@" * 5000, "'" * 10000, "<a " * 5000, "x" * 10000 + "'"):
        assert isinstance(tokenize(text), str)
