"""When ICDAR 2015's scripts call a word read, and which words of the truth they leave out of word spotting."""

from __future__ import annotations

DONT_CARE = "###"
"""The transcript of a word that cannot be read: what is found there counts neither for nor against a reader."""

_SPECIAL = "!?.:,*\"()·[]/'"
_MIN_LENGTH = 3  # letters of a word that can be spotted
_NOT_LETTERS = "×÷·"  # although the first two lie between the letters below
_LETTERS = (("a", "z"), ("A", "Z"), ("À", "ƿ"), ("Ǆ", "ɿ"), ("Ά", "Ͽ"), ("-", "-"))


def upper(text: str) -> str:
    """Capitals as the scripts make them, a letter for a letter: "ß" stays, where Python 3 says "SS".

    >>> upper("straße")
    'STRAßE'
    """
    return "".join(large if len(large := letter.upper()) == 1 else letter for letter in text)


def equal_end_to_end(truth: str, found: str) -> bool:
    """Whether a word of the truth was read, ignoring case.

    What was read may lack the first character of the truth, its last one, or both, where they are one of
    ``!?.:,*"()·[]/'``; further ones may not be missing, and what was read may not have more than the truth.

    >>> equal_end_to_end('"(Sale!"', "(SALE!"), equal_end_to_end('"(Sale!"', "sale")
    (True, False)
    """
    truth, found = upper(truth), upper(found)
    starts = (0, 1) if truth and truth[0] in _SPECIAL else (0,)
    ends = (len(truth), len(truth) - 1) if truth and truth[-1] in _SPECIAL else (len(truth),)
    return any(truth[start:end] == found for start in starts for end in ends)


def dictionary_form(text: str) -> str | None:
    """The word to spot that a transcript of the truth holds; None where it holds none, and is not cared for.

    A final ``'s``, hyphens at the ends and special characters are taken off. What remains must be one word of three
    or more letters, of the alphabets from Latin to Greek, with hyphens inside.

    >>> dictionary_form("Joe's"), dictionary_form("(x-ray)"), dictionary_form("at"), dictionary_form("24/7")
    ('Joe', 'x-ray', None, None)
    """
    text = text[:-2] if text.endswith(("'s", "'S")) else text
    text = text.strip("-")
    text = "".join(" " if letter in _SPECIAL else letter for letter in text).strip()
    return text if len(text) >= _MIN_LENGTH and all(map(_is_letter, text)) else None


def equal_word(word: str, found: str) -> bool:
    """Whether a dictionary form was read, ignoring case; nothing may be missing, and nothing else be there."""
    return upper(word) == upper(found)


def _is_letter(letter: str) -> bool:
    return letter not in _NOT_LETTERS and any(first <= letter <= last for first, last in _LETTERS)
