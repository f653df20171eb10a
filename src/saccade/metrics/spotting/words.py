"""How words that were found were read, letter by letter.

Both numbers are of the pairs that detection matches, over all images together, and see what is written: case, blanks
and punctuation matter, where the protocols ignore some of it. Words that were not found are in recall and not in here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Bits = TypeVar("Bits", int, NDArray[np.uint64])


@dataclass(frozen=True)
class Reading:
    """Counts over pairs of a word of the truth and what was read there."""

    pairs: int
    right: int  # pairs with the same transcript, to the letter
    edits: int  # letters to insert, delete or replace to turn what was read into the truth, added up
    letters: int  # in the transcripts of the truth, added up

    @property
    def cer(self) -> float | None:
        """Character error rate, edits / letters: 0 is best, and above 1 where more was read than is there.

        None where there are no letters.
        """
        return self.edits / self.letters if self.letters else None

    @property
    def word_accuracy(self) -> float | None:
        """Share of the pairs that are right; None where there are none."""
        return self.right / self.pairs if self.pairs else None


def reading(pairs: Iterable[tuple[str, str]]) -> Reading:
    """Count over pairs of truth and what was read."""
    of_pairs = [(truth == found, edit_distance(truth, found), len(truth)) for truth, found in pairs]
    right, edits, letters = (sum(column) for column in zip(*of_pairs, strict=True)) if of_pairs else (0, 0, 0)
    return Reading(len(of_pairs), right, edits, letters)


def edit_distance(first: str, second: str) -> int:
    """How many letters to insert, delete or replace at the least (Levenshtein 1966).

    >>> edit_distance("kitten", "sitting")
    3
    """
    if not first:
        return len(second)
    places = places_of(first)
    full, last = (1 << len(first)) - 1, len(first) - 1
    rises, falls, distance = full, 0, len(first)
    for letter in second:
        rises, falls, right_rises, right_falls = next_column(places.get(letter, 0), rises, falls)
        rises, falls = rises & full, falls & full
        distance += (right_rises >> last & 1) - (right_falls >> last & 1)
    return distance


def places_of(text: str) -> dict[str, int]:
    """For each letter of ``text`` a number whose bit i is set where ``text[i]`` is that letter."""
    places: dict[str, int] = {}
    for i, letter in enumerate(text):
        places[letter] = places.get(letter, 0) | 1 << i
    return places


def next_column(equal: Bits, rises: Bits, falls: Bits) -> tuple[Bits, Bits, Bits, Bits]:
    """The next column of the usual table of distances, whose cells are bits (Myers 1999, Hyyrö 2003).

    Neighbours in the table differ by 1 at most. Bit i of ``rises`` and ``falls``: the distance grows or shrinks from
    cell i to cell i + 1 of a column; bit i of ``equal``: the letters of cell i + 1 are the same. Returns rises and
    falls of the next column, and those from this column to the next at the cells 1, 2, .... Bits above the length of
    the text mean nothing.
    """
    kept = equal | falls
    diagonal = (((equal & rises) + rises) ^ rises) | equal
    right_rises = falls | ~(diagonal | rises)
    right_falls = rises & diagonal
    above_rises, above_falls = right_rises + right_rises + 1, right_falls + right_falls  # one cell further down
    return above_falls | ~(kept | above_rises), above_rises & kept, right_rises, right_falls
