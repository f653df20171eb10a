"""Lexicons: words of which one is known to stand there, so that what was read is replaced by the nearest of them.

ICDAR 2015 has three: strong, 100 words for each image; weak, all words of the test set; generic, 90,000 words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.spotting.transcripts import upper
from saccade.metrics.spotting.words import edit_distance, next_column, places_of

_BITS = 64


class Lexicon:
    """Words to choose from, at least one; they keep the case in which they are given."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words: dict[str, str] = {}  # by the capitals in which they are compared; the first in the file wins
        for word in words:
            self._words.setdefault(upper(word), word)
        assert self._words
        self._capitals = list(self._words)
        self._found: dict[str, str] = {}
        alphabet = sorted({letter for word in self._capitals for letter in word})
        self._letters = {letter: i for i, letter in enumerate(alphabet)}
        self._by_length = self._spread()

    def __len__(self) -> int:
        return len(self._words)

    def nearest(self, text: str) -> str:
        """The word with the smallest edit distance from ``text``, ignoring case; of equally near ones the first.

        Where nothing was read, nothing stays.

        >>> Lexicon(["Sale", "Exit", "Hotel"]).nearest("H0TEL"), Lexicon(["Sale"]).nearest("")
        ('Hotel', '')
        """
        capitals = upper(text)
        if not capitals or capitals in self._words:
            return self._words.get(capitals, text)
        if capitals not in self._found:
            self._found[capitals] = self._capitals[self._search(capitals)]
        return self._words[self._found[capitals]]

    def _search(self, text: str) -> int:
        """Position of the nearest word. One that differs by n letters in length is n away or further."""
        nearest = (len(text) + max(self._by_length) + 1, -1)
        for length in sorted(self._by_length, key=lambda length: abs(length - len(text))):
            if abs(length - len(text)) > nearest[0]:
                break
            positions, letters = self._by_length[length]
            distances = self._distances(text, letters, positions)
            i = int(np.argmin(distances))  # the first of the nearest, as positions ascend
            nearest = min(nearest, (int(distances[i]), int(positions[i])))
        return nearest[1]

    def _distances(self, text: str, letters: NDArray[np.int32], positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n,) edit distances of words of one length, at ``positions``; all of them go through a machine word each."""
        if len(text) > _BITS:
            return np.array([edit_distance(text, self._capitals[i]) for i in positions])
        equal = np.zeros(len(self._letters), dtype=np.uint64)
        for letter, places in places_of(text).items():
            if letter in self._letters:
                equal[self._letters[letter]] = places
        rises = np.full(len(positions), 2**_BITS - 1, dtype=np.uint64)
        falls = np.zeros(len(positions), dtype=np.uint64)
        distances = np.full(len(positions), len(text), dtype=np.int64)
        last = np.uint64(len(text) - 1)
        for column in letters:
            rises, falls, right_rises, right_falls = next_column(equal[column], rises, falls)
            distances += (right_rises >> last & np.uint64(1)).astype(np.int64)
            distances -= (right_falls >> last & np.uint64(1)).astype(np.int64)
        return distances

    def _spread(self) -> dict[int, tuple[NDArray[np.int64], NDArray[np.int32]]]:
        """By length: the positions of the n words of that length (n,), and their letters by number (length, n)."""
        by_length: dict[int, list[int]] = {}
        for i, word in enumerate(self._capitals):
            by_length.setdefault(len(word), []).append(i)
        return {
            length: (
                np.array(positions),
                np.array([[self._letters[letter] for letter in self._capitals[i]] for i in positions], dtype=np.int32)
                .reshape(len(positions), length)
                .T.copy(),
            )
            for length, positions in by_length.items()
        }


def words_of(text: str) -> tuple[str, ...]:
    """The words of a lexicon's file, one a line; blanks around them and empty lines are left out."""
    return tuple(filter(None, (line.strip() for line in text.removeprefix("\ufeff").split("\n"))))


def snapped(texts: Sequence[str], lexicon: Lexicon) -> tuple[str, ...]:
    """What was read, each replaced by the nearest word."""
    return tuple(lexicon.nearest(text) for text in texts)
