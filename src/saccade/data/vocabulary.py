"""The words that a caption is made of, and their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from saccade.data.captions import Captions
from saccade.data.json_records import load_object
from saccade.data.wording import counted, refuse
from saccade.errors import DataError
from saccade.files import write_json

PAD, START, UNKNOWN, END = range(4)
SPECIAL = ("<pad>", "<start>", "<unk>", "<end>")
"""The first four entries of every vocabulary: padding, what stands before the first word, any word that is not in it,
what stands after the last word."""

Tokenize: TypeAlias = Callable[[str], Sequence[str]]
"""A caption to its words, as they are learned and scored."""


@dataclass(frozen=True)
class Vocabulary:
    """V words by their numbers, ``SPECIAL`` first."""

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        assert self.words[: len(SPECIAL)] == SPECIAL

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The number of each word that a caption may hold; the special ones are not for captions."""
        return {word: number for number, word in enumerate(self.words) if number >= len(SPECIAL)}

    def encode(self, words: Iterable[str]) -> list[int]:
        """The numbers of a caption's words, between those of ``<start>`` and ``<end>``."""
        return [START, *(self._numbers.get(word, UNKNOWN) for word in words), END]

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """The words up to the first ``<end>``, without ``<pad>`` and ``<start>``; ``<unk>`` stays."""
        found = []
        for number in numbers:
            if number == END:
                break
            if number not in (PAD, START):
                found.append(self.words[number])
        return found


def build(captions: Captions, tokenize: Tokenize, *, min_count: int = 1) -> Vocabulary:
    """The words that occur at least ``min_count`` times, the most frequent first, equally frequent ones by alphabet.

    ``captions``: those of the training split alone; words of the other splits would leak.

    Raises:
        DataError: no word occurs so often.
    """
    assert min_count >= 1
    counts: Counter[str] = Counter()
    for caption in captions.texts:
        counts.update(tokenize(caption))
    kept = [word for word, count in counts.items() if count >= min_count and word not in SPECIAL]
    if not kept:
        found = f"{counted(len(captions.texts), 'caption')} of {counted(len(counts), 'distinct word')}"
        raise DataError(f"no word occurs {min_count} times in {found}; lower the minimum count")
    return Vocabulary((*SPECIAL, *sorted(kept, key=lambda word: (-counts[word], word))))


def save(path: Path, vocabulary: Vocabulary) -> None:
    """Write the words to ``path`` as JSON, whole or not at all."""
    write_json(path, {"words": list(vocabulary.words)})


def load(path: Path) -> Vocabulary:
    """Read what ``save`` wrote.

    Raises:
        DataError: no such file, not JSON, or no list of different words that begins with ``SPECIAL``.
    """
    words = load_object(path, {"words": (list,)})["words"]
    first: dict[object, int] = {}
    problems = []
    for i, word in enumerate(words):
        if not isinstance(word, str) or not word or " " in word:  # "1\xa01/2" is a word to the PTB tokeniser
            problems.append(f"{path}: words[{i}] is {word!r}; it takes one word, without blanks")
        elif first.setdefault(word, i) != i:
            problems.append(f"{path}: words[{i}] is {word!r}, as words[{first[word]}] is already")
    refuse(problems)
    if tuple(words[: len(SPECIAL)]) != SPECIAL:
        raise DataError(f"{path}: 'words' begins with {words[: len(SPECIAL)]}; it begins with {list(SPECIAL)}")
    return Vocabulary(tuple(words))
