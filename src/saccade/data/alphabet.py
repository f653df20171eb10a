"""The characters that words are made of, and their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from saccade.data.json_records import load_object
from saccade.data.wording import counted, named, refuse
from saccade.data.words import UNREAD, Words
from saccade.errors import DataError
from saccade.files import write_json

BLANK = 0
"""The number of "no character" in CTC, which belongs to no character of any alphabet."""


@dataclass(frozen=True)
class Outside:
    """The characters of some words that an alphabet lacks.

    ``times``: how often each occurs. ``n_words``: how many words have any.
    """

    times: Counter[str]
    n_words: int


@dataclass(frozen=True)
class Alphabet:
    """S different characters by their numbers, 1 to S; upper and lower case are two characters, and so is a blank."""

    characters: tuple[str, ...]

    def __post_init__(self) -> None:
        assert len(set(self.characters)) == len(self.characters) > 0
        assert all(len(character) == 1 for character in self.characters)

    def __len__(self) -> int:
        """S, without CTC's blank."""
        return len(self.characters)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {character: number for number, character in enumerate(self.characters, start=BLANK + 1)}

    def lacks(self, text: str) -> tuple[str, ...]:
        """The characters of ``text`` that have no number, each once, as they come; such a text cannot be learned."""
        return tuple(character for character in dict.fromkeys(text) if character not in self._numbers)

    def encode(self, text: str) -> list[int]:
        """The numbers of the characters of ``text``, 1 to S.

        Raises:
            DataError: a character has none; ask ``lacks`` first. It gets no other character's number.
        """
        lacking = self.lacks(text)
        if lacking:
            raise DataError(
                f"the text {text!r} has {named(lacking)}, which the alphabet of {len(self)} characters lacks"
            )
        return [self._numbers[character] for character in text]

    def decode(self, numbers: Iterable[int]) -> str:
        """The characters of ``numbers``, 0 to S; CTC's blanks are left out. Repeated ones stay: CTC's were merged."""
        found = [number for number in numbers if number != BLANK]
        assert all(number > BLANK for number in found)
        return "".join(self.characters[number - 1] for number in found)

    def outside(self, words: Words) -> Outside:
        """What this alphabet lacks of those of ``words`` that are cared for."""
        times: Counter[str] = Counter()
        n_words = 0
        for text in _cared(words):
            lacking = self.lacks(text)
            times.update({character: text.count(character) for character in lacking})
            n_words += bool(lacking)
        return Outside(times, n_words)


def build(words: Words) -> Alphabet:
    """The characters of the texts that are cared for, each once, in the order of Unicode.

    ``words``: those of the training split alone; characters of the other splits would leak.

    Raises:
        DataError: there is no such text.
    """
    found = sorted(set().union(*(set(text) for text in _cared(words) if text != UNREAD)))
    if not found:
        there = f"none of its {counted(len(words.texts), 'word')} is cared for" if words.texts else "it has no word"
        raise DataError(f"the training split has no text to learn from: {there}")
    return Alphabet(tuple(found))


def save(path: Path, alphabet: Alphabet) -> None:
    """Write the characters to ``path`` as JSON, whole or not at all."""
    write_json(path, {"characters": list(alphabet.characters)})


def load(path: Path) -> Alphabet:
    """Read what ``save`` wrote.

    Raises:
        DataError: no such file, not JSON, or no list of different characters.
    """
    characters = load_object(path, {"characters": (list,)})["characters"]
    if not characters:
        raise DataError(f"{path}: 'characters' is empty; it lists at least one character")
    first: dict[object, int] = {}
    problems = []
    for i, character in enumerate(characters):
        if not isinstance(character, str) or len(character) != 1:
            problems.append(f"{path}: characters[{i}] is {character!r}; it takes one character")
        elif first.setdefault(character, i) != i:
            problems.append(f"{path}: characters[{i}] is {character!r}, as characters[{first[character]}] is already")
    refuse(problems)
    return Alphabet(tuple(characters))


def _cared(words: Words) -> Iterator[str]:
    """The texts that are cared for."""
    return (text for text, cared in zip(words.texts, words.cared.tolist(), strict=True) if cared)
