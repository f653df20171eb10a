"""Letters beside each other, counted by hand, and against edit distances."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.metrics.spotting.words import edit_distance
from saccade.report.spot_letters import aligned, letters


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


def test_letters_are_counted_in_words_that_are_half_right() -> None:
    found = letters([("HOTEL", "H0TEL"), ("BOOK", "B00K"), ("NO", "xx"), ("BAR", "BAR"), ("TAXI", "TAXIS")])
    assert found.taken == {("O", "0"): 3, ("", "S"): 1}
    assert found.left_out == 1
    assert found.written["O"] == 3  # that of NO is not among them
    assert found.written["B"] == 2


def test_nothing_read_for_nothing() -> None:
    assert letters([("", "")]).left_out == 0
    assert letters([("", "a")]).left_out == 1
