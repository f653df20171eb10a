"""Letters of two texts side by side."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TypeAlias

Pairs: TypeAlias = list[tuple[str, str]]
"""Pairs of what is written and what was read there; "" stands for none."""


def aligned(truth: str, read: str, same: Callable[[str, str], bool] = operator.eq) -> Pairs:
    """Letters side by side with as few edits as can be.

    Of equally good alignments, from the end to the beginning, one letter for another goes before one that is left out,
    and that before one that is added.

    >>> aligned("HOTEL", "H0TL")
    [('H', 'H'), ('O', '0'), ('T', 'T'), ('E', ''), ('L', 'L')]
    """
    table = _distances(truth, read, same)
    i, j, found = len(truth), len(read), []
    while i or j:
        if i and j and table[i][j] == table[i - 1][j - 1] + (not same(truth[i - 1], read[j - 1])):
            i, j = i - 1, j - 1
            found.append((truth[i], read[j]))
        elif i and table[i][j] == table[i - 1][j] + 1:
            i -= 1
            found.append((truth[i], ""))
        else:
            j -= 1
            found.append(("", read[j]))
    return found[::-1]


def _distances(truth: str, read: str, same: Callable[[str, str], bool]) -> list[list[int]]:
    """Cell (i, j): edits between the first i letters of one and the first j of the other (Wagner and Fischer 1974)."""
    table = [list(range(len(read) + 1))]
    for i, letter in enumerate(truth, start=1):
        above, row = table[-1], [i]
        for j, other in enumerate(read, start=1):
            row.append(min(above[j - 1] + (not same(letter, other)), above[j] + 1, row[j - 1] + 1))
        table.append(row)
    return table
