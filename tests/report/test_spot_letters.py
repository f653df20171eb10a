"""Letters beside each other, counted by hand, and against edit distances."""

from __future__ import annotations

from saccade.report.spot_letters import letters


def test_letters_are_counted_in_words_that_are_half_right() -> None:
    found = letters([("HOTEL", "H0TEL"), ("BOOK", "B00K"), ("NO", "xx"), ("BAR", "BAR"), ("TAXI", "TAXIS")])
    assert found.taken == {("O", "0"): 3, ("", "S"): 1}
    assert found.left_out == 1
    assert found.written["O"] == 3  # that of NO is not among them
    assert found.written["B"] == 2


def test_nothing_read_for_nothing() -> None:
    assert letters([("", "")]).left_out == 0
    assert letters([("", "a")]).left_out == 1
