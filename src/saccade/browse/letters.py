"""How what was read differs from the truth, letter by letter, ignoring case as end-to-end scores do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from saccade.metrics.spotting.alignment import Pairs, aligned

LONGEST = 100  # letters; aligning takes time as the product of both lengths


def alike(truth: str, read: str) -> Pairs | None:
    """Pairs of letters side by side; None for very long texts, and where less than half of the pairs are the same:
    they tell nothing of single letters.

    >>> alike("EXIT", "ex1tt")
    [('E', 'e'), ('X', 'x'), ('I', '1'), ('T', 't'), ('', 't')]
    """
    if max(len(truth), len(read)) > LONGEST:
        return None
    pairs = aligned(truth, read, same)
    return None if 2 * sum(same(*pair) for pair in pairs) < len(pairs) else pairs


def same(letter: str, other: str) -> bool:
    """Whether two letters are one but for their case; "" is the same as nothing else."""
    return letter == other or letter.lower() == other.lower()


def confusions(pairs: Iterable[Pairs]) -> Counter[tuple[str, str]]:
    """How often each letter, as a capital where it has one, was taken for which other one; "" is none."""
    return Counter(
        (letter.upper(), other.upper()) for pair in pairs for letter, other in pair if not same(letter, other)
    )
