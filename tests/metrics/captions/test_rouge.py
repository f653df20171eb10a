"""ROUGE-L worked by hand, and common subsequences against the table that is usually filled."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.metrics.captions.rouge import common_subsequence, rouge_l


def table(first, second):
    """The textbook's: one cell for each pair of prefixes."""
    cells = np.zeros((len(first) + 1, len(second) + 1), dtype=int)
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            cells[i + 1, j + 1] = cells[i, j] + 1 if a == b else max(cells[i, j + 1], cells[i + 1, j])
    return int(cells[-1, -1])


@pytest.mark.parametrize("letters", ["ab", "abcdef"])
def test_common_subsequences_equal_the_table(letters):
    rng = np.random.default_rng(0)
    for _ in range(300):
        first, second = ("".join(rng.choice(list(letters), rng.integers(0, 90))) for _ in range(2))
        assert common_subsequence(first, second) == table(first, second)


@pytest.mark.parametrize(
    ("first", "second", "length"), [("", "", 0), ("a", "", 0), ("", "a", 0), ("a", "a", 1), ("ab", "ba", 1)]
)
def test_short_subsequences(first, second, length):
    assert common_subsequence(first, second) == length


def f(precision, recall):
    return (1 + 1.44) * precision * recall / (recall + 1.44 * precision)


@pytest.mark.parametrize(
    ("hypothesis", "references", "expected"),
    [
        ("a b c", ["a b c"], 1.0),
        ("a b c", ["x y"], 0.0),
        ("a b c d", ["a x c"], f(2 / 4, 2 / 3)),
        # precision from the first reference and recall from the second
        ("a b c d", ["a b c x y z", "d"], f(3 / 4, 1.0)),
        ("police killed the gunman", ["police kill the gunman"], 0.75),  # Lin 2004, section 3
        ("the gunman kill police", ["police kill the gunman"], 0.5),
        # "".split(" ") is one empty word, equal to another
        ("", ["a b"], 0.0),
        ("a b", [""], 0.0),
        ("", [""], 1.0),
    ],
)
def test_values_worked_by_hand(hypothesis, references, expected):
    assert rouge_l(hypothesis.split(" "), [r.split(" ") for r in references]) == pytest.approx(expected, abs=1e-15)
