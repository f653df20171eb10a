"""Which letters were taken for which."""

from __future__ import annotations

from saccade.browse.letters import LONGEST, alike, confusions, same
from saccade.metrics.spotting.alignment import aligned


def test_letters_of_very_long_texts_are_not_compared() -> None:
    assert alike("x" * LONGEST, "x" * LONGEST) is not None
    assert alike("x" * (LONGEST + 1), "x" * (LONGEST + 1)) is None


def test_letters_of_words_that_are_mostly_wrong_tell_nothing() -> None:
    assert alike("OPEN", "oren") == [("O", "o"), ("P", "r"), ("E", "e"), ("N", "n")]
    assert alike("ab", "ax") is not None
    assert alike("abc", "axy") is None
    assert alike("", "") == []


def test_confusions_count_letters_that_differ() -> None:
    pairs = [aligned("o0O", "00o", same), aligned("ab", "b"), aligned("", "x")]
    assert confusions(pairs) == {("O", "0"): 1, ("A", ""): 1, ("", "X"): 1}
