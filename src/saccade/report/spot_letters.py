"""Which letters are taken for which others, from the alignment of what was read with what is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from saccade.metrics.spotting.alignment import aligned
from saccade.metrics.spotting.words import edit_distance


@dataclass(frozen=True)
class Letters:
    """Counts over pairs of what is written and what was read."""

    taken: Counter[tuple[str, str]]  # (written, read) that differ, one of them "" where a letter has no partner
    written: Counter[str]  # letters of what is written, of the same pairs
    left_out: int  # pairs with more edits than half their letters: who would know which letter was taken for which?


def letters(pairs: Iterable[tuple[str, str]]) -> Letters:
    """Count letters over pairs of what is written and what was read."""
    taken: Counter[tuple[str, str]] = Counter()
    written: Counter[str] = Counter()
    left_out = 0
    for truth, read in pairs:
        if 2 * edit_distance(truth, read) > len(truth):
            left_out += 1
            continue
        written.update(truth)
        if truth != read:
            taken.update(pair for pair in aligned(truth, read) if pair[0] != pair[1])
    return Letters(taken, written, left_out)
