"""Which letters were taken for which."""

from __future__ import annotations

import pytest

from saccade.browse.letters import LONGEST, aligned, alike, confusions


@pytest.mark.parametrize(
    ("truth", "read", "expected"),
    [
        ("", "", []),
        ("a", "", [("a", "")]),
        ("", "a", [("", "a")]),
        ("Exit", "EXIT", [("E", "E"), ("x", "X"), ("i", "I"), ("t", "T")]),
        ("kitten", "sitting", [("k", "s"), *((c, c) for c in "itt"), ("e", "i"), ("n", "n"), ("", "g")]),
        ("OPEN", "OEN", [("O", "O"), ("P", ""), ("E", "E"), ("N", "N")]),
        ("x" * (LONGEST + 1), "x", None),
    ],
)
def test_letters_are_aligned(truth: str, read: str, expected: list[tuple[str, str]] | None) -> None:
    assert aligned(truth, read) == expected


def test_letters_of_words_that_are_mostly_wrong_tell_nothing() -> None:
    assert alike("OPEN", "oren") == [("O", "o"), ("P", "r"), ("E", "e"), ("N", "n")]
    assert alike("ab", "ax") is not None
    assert alike("abc", "axy") is None
    assert alike("", "") == []


def test_confusions_count_letters_that_differ() -> None:
    pairs = [aligned("o0O", "00o") or [], aligned("ab", "b") or [], aligned("", "x") or []]
    assert confusions(pairs) == {("O", "0"): 1, ("A", ""): 1, ("", "X"): 1}
