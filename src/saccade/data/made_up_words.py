"""Words that nobody has seen: pronounceable ones, numbers, prices and short codes, made from random numbers.

No word list is shipped. Which split a word belongs to is a function of its letters and digits alone, so that no word
of validation has been read in training, whatever its case and whatever stands around it.
"""

from __future__ import annotations

import zlib
from typing import Literal, TypeAlias

import numpy as np

from saccade.data.scenes import SceneSplit
from saccade.data.textures import pick

Characters: TypeAlias = Literal["digits", "upper", "mixed"]

_DIGITS, _CAPITALS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALPHABETS: dict[Characters, str] = {
    "digits": "-." + _DIGITS,
    "upper": "!&-." + _DIGITS + _CAPITALS,
    "mixed": "!&-." + _DIGITS + _CAPITALS + _CAPITALS.lower(),
}
"""What the words are written in. The comma is left out: small, it cannot be told from the point; so is the apostrophe,
which a little blur takes away."""

LONGEST = 9
"""Characters of the longest word; the shortest has 2."""

_BEFORE = "bl br ch cl cr dr fl fr gl gr pl pr sc sh sl sp st th tr qu"
_AFTER = "ff ll lt mp nd ng nk nt rd rm rn rt sh st tt"
_ONSETS = (*"bcdfghjklmnprstvwxyz", *_BEFORE.split())
_VOWELS = (*"aeiouaeiou", "ai", "au", "ea", "ee", "oo", "ou")
_CODAS = (*"bcdfgklmnprstvwxz", *_AFTER.split())
_OF_CODES = _CAPITALS.replace("I", "").replace("O", "")  # as on number plates: some fonts draw 1 and 0 like them


def split_of(word: str) -> SceneSplit:
    """The only split in which a word occurs: one word in five is of ``val``, one of ``test``, the others of ``train``.

    "Kilo!" and "KILO" are the same word, "12.50" and "1250" too.
    """
    key = "".join(c for c in word.lower() if c.isalnum())
    share = zlib.crc32(key.encode("ascii")) % 5
    return "val" if share == 0 else "test" if share == 1 else "train"


def made_up_word(rng: np.random.Generator, *, split: SceneSplit, characters: Characters) -> str:
    """A word of ``split`` with 2 to ``LONGEST`` of the characters of that alphabet, at least two letters or digits."""
    make = _figures if characters == "digits" else _any
    while True:
        word = make(rng)
        if 2 <= len(word) <= LONGEST and split_of(word) == split:
            return word if characters == "upper" else _cased(word, rng)


def _any(rng: np.random.Generator) -> str:
    """Seven words in ten can be spoken; the others are figures and codes."""
    share = rng.random()
    if share < 0.16:
        return _figures(rng)
    if share < 0.30:
        return _code(rng)
    word = _spoken(rng)
    return word + "!" if share < 0.38 else word


def _spoken(rng: np.random.Generator) -> str:
    """One to three syllables in capitals; one alone is open, and they may be more than ``LONGEST`` letters."""
    syllables = pick((1, 2, 2, 2, 3), rng)
    parts = [pick(_ONSETS, rng) + pick(_VOWELS, rng) for _ in range(syllables)]
    if syllables > 1 and rng.random() < 0.6:
        parts.append(pick(_CODAS, rng))
    return "".join(parts).upper()


def _number(rng: np.random.Generator, digits: int) -> str:
    return "".join(pick(_DIGITS, rng) for _ in range(digits))


def _figures(rng: np.random.Generator) -> str:
    """A number of 2 to 6 digits, a price as 4.95, or two numbers as 12-40."""
    share, digits = rng.random(), 1 + int(rng.random() * 3)
    if share < 0.5:
        return _number(rng, 1 + digits if share < 0.3 else 3 + digits)
    if share < 0.8:
        return f"{_number(rng, digits)}.{_number(rng, 2)}"
    return f"{_number(rng, digits)}-{_number(rng, 2)}"


def _code(rng: np.random.Generator) -> str:
    """As B72, K-204 or R&D: what no language helps to read."""
    letters = pick(_OF_CODES, rng) + pick(_OF_CODES, rng)
    number = _number(rng, 1 + int(rng.random() * 3))
    forms = (letters[0] + number, letters + number, f"{letters[0]}-{number}", number + letters, "&".join(letters))
    return pick(forms, rng)


def _cased(word: str, rng: np.random.Generator) -> str:
    """Small letters, a capital and small letters, or capitals; codes stay in capitals."""
    share = rng.random()
    if share < 0.2 or any(c in _DIGITS + "&" for c in word):
        return word
    return word.lower() if share < 0.6 else word.capitalize()
