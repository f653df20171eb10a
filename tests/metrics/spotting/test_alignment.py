"""Letters beside each other, by hand, and against edit distances."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.metrics.spotting.alignment import aligned
from saccade.metrics.spotting.words import edit_distance


@pytest.mark.parametrize(
    ("truth", "read", "expected"),
    [
        ("", "", []),
        ("AB", "", [("A", ""), ("B", "")]),
        ("", "AB", [("", "A"), ("", "B")]),
        ("OPEN", "0PEN", [("O", "0"), ("P", "P"), ("E", "E"), ("N", "N")]),
        ("OPEN", "OPENS", [("O", "O"), ("P", "P"), ("E", "E"), ("N", "N"), ("", "S")]),
        ("AA", "A", [("A", ""), ("A", "A")]),
        ("ABC", "AXC", [("A", "A"), ("B", "X"), ("C", "C")]),
    ],
)
def test_letters_side_by_side(truth: str, read: str, expected: list[tuple[str, str]]) -> None:
    assert aligned(truth, read) == expected


def test_no_alignment_has_fewer_edits() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        truth, read = ("".join(rng.choice(list("abc"), rng.integers(0, 9))) for _ in range(2))
        pairs = aligned(truth, read)
        assert ("".join(a for a, _ in pairs), "".join(b for _, b in pairs)) == (truth, read)
        assert sum(a != b for a, b in pairs) == edit_distance(truth, read)


def test_letters_may_be_the_same_in_another_sense() -> None:
    def folded(one: str, other: str) -> bool:
        return one.lower() == other.lower()

    assert aligned("Exit", "EXIT", folded) == [("E", "E"), ("x", "X"), ("i", "I"), ("t", "T")]
    assert aligned("kitten", "SITTING", folded) == [
        ("k", "S"), ("i", "I"), ("t", "T"), ("t", "T"), ("e", "I"), ("n", "N"), ("", "G")
    ]  # fmt: skip
