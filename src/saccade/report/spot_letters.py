"""Which letters are taken for which others, from the alignment of what was read with what is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

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


def aligned(truth: str, read: str) -> list[tuple[str, str]]:
    """Letters side by side with as few edits as can be; "" stands for none.

    Of equally good alignments, from the end to the beginning, one letter for another goes before one that is left out,
    and that before one that is added.

    >>> aligned("HOTEL", "H0TL")
    [('H', 'H'), ('O', '0'), ('T', 'T'), ('E', ''), ('L', 'L')]
    """
    table = _distances(truth, read)
    i, j, found = len(truth), len(read), []
    while i or j:
        if i and j and table[i][j] == table[i - 1][j - 1] + (truth[i - 1] != read[j - 1]):
            i, j = i - 1, j - 1
            found.append((truth[i], read[j]))
        elif i and table[i][j] == table[i - 1][j] + 1:
            i -= 1
            found.append((truth[i], ""))
        else:
            j -= 1
            found.append(("", read[j]))
    return found[::-1]


def _distances(truth: str, read: str) -> list[list[int]]:
    """Cell (i, j): edits between the first i letters of one and the first j of the other (Wagner and Fischer 1974)."""
    table = [list(range(len(read) + 1))]
    for i, letter in enumerate(truth, start=1):
        above, row = table[-1], [i]
        for j, other in enumerate(read, start=1):
            row.append(min(above[j - 1] + (letter != other), above[j] + 1, row[j - 1] + 1))
        table.append(row)
    return table
