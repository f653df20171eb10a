"""Edit distances against the table that is usually filled, and error rates worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.metrics.spotting.words import Reading, edit_distance, reading


def table(first, second):
    """The textbook's, one row at a time."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, start=1):
        above, row = row, [i]
        for j, b in enumerate(second, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b)))
    return row[-1]


@pytest.mark.parametrize("letters", ["ab", "abcdefgh"])
def test_distances_equal_the_table(letters):
    rng = np.random.default_rng(0)
    for _ in range(400):
        first, second = ("".join(rng.choice(list(letters), rng.integers(0, 80))) for _ in range(2))
        assert edit_distance(first, second) == table(first, second)


@pytest.mark.parametrize(
    ("first", "second", "distance"),
    [
        ("", "", 0),
        ("a", "", 1),
        ("", "abc", 3),
        ("a", "a", 0),
        ("a", "A", 1),  # case matters
        ("kitten", "sitting", 3),
        ("ab", "ba", 2),  # a swap is two edits
        ("abc", "abcabc", 3),
        ("日本", "日木", 1),
        ("x" * 200, "x" * 130 + "y" * 70, 70),  # more letters than a machine word has bits
    ],
)
def test_short_and_long_distances(first, second, distance):
    assert edit_distance(first, second) == edit_distance(second, first) == distance


@pytest.mark.parametrize(
    ("pairs", "counts", "cer", "accuracy"),
    [
        ([], Reading(0, 0, 0, 0), None, None),
        ([("Sale", "Sale")], Reading(1, 1, 0, 4), 0.0, 1.0),
        ([("Sale", "SALE")], Reading(1, 0, 3, 4), 0.75, 0.0),
        ([("ab", "")], Reading(1, 0, 2, 2), 1.0, 0.0),
        ([("ab", "abcdef")], Reading(1, 0, 4, 2), 2.0, 0.0),  # above 1: more was read than is there
        ([("", "x")], Reading(1, 0, 1, 0), None, 0.0),  # no letters to err on
        # pooled: 1 edit on 10 letters, 1 on 2, so 2 / 12; the mean over words would be 0.3
        ([("abcdefghij", "abcdefghiX"), ("ab", "aX"), ("", "")], Reading(3, 1, 2, 12), 2 / 12, 1 / 3),
    ],
)
def test_rates_worked_by_hand(pairs, counts, cer, accuracy):
    found = reading(pairs)
    assert found == counts
    assert found.cer == cer
    assert found.word_accuracy == accuracy
