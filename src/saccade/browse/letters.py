"""How what was read differs from the truth, letter by letter, ignoring case as end-to-end scores do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

LONGEST = 100  # letters; aligning takes time as the product of both lengths

Letters = list[tuple[str, str]]


def aligned(truth: str, read: str) -> Letters | None:
    """Pairs of letters, "" where the other side has one too many; as few as can be differ. None for very long texts.

    >>> aligned("EXIT", "ex1tt")
    [('E', 'e'), ('X', 'x'), ('I', '1'), ('T', 't'), ('', 't')]
    """
    if max(len(truth), len(read)) > LONGEST:
        return None
    cost = [list(range(len(read) + 1))]
    for i, letter in enumerate(truth, start=1):
        above, row = cost[-1], [i]
        for j, other in enumerate(read, start=1):
            row.append(min(above[j - 1] + (not same(letter, other)), above[j] + 1, row[-1] + 1))
        cost.append(row)
    return _traced(truth, read, cost)


def alike(truth: str, read: str) -> Letters | None:
    """As ``aligned``; None also where less than half of the pairs are the same: they tell nothing of single letters."""
    pairs = aligned(truth, read)
    if pairs is None or 2 * sum(same(*pair) for pair in pairs) < len(pairs):
        return None
    return pairs


def same(letter: str, other: str) -> bool:
    """Whether two letters are one but for their case; "" is the same as nothing else."""
    return letter == other or letter.lower() == other.lower()


def confusions(pairs: Iterable[Letters]) -> Counter[tuple[str, str]]:
    """How often each letter, as a capital where it has one, was taken for which other one; "" is none."""
    return Counter(
        (letter.upper(), other.upper()) for pair in pairs for letter, other in pair if not same(letter, other)
    )


def _traced(truth: str, read: str, cost: list[list[int]]) -> Letters:
    """Back from the last cell of (len(truth) + 1, len(read) + 1) costs, replacing rather than leaving out."""
    i, j, found = len(truth), len(read), []
    while i or j:
        if i and j and cost[i][j] == cost[i - 1][j - 1] + (not same(truth[i - 1], read[j - 1])):
            i, j = i - 1, j - 1
            found.append((truth[i], read[j]))
        elif j and cost[i][j] == cost[i][j - 1] + 1:
            j -= 1
            found.append(("", read[j]))
        else:
            i -= 1
            found.append((truth[i], ""))
    return found[::-1]
