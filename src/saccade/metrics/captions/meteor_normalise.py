"""A caption as METEOR 1.5 reads it (``-norm``): words parted, quotes and dashes made alike, all in lower case.

The rules and their order are the jar's. Where a rule looks at both neighbours of a sign, it uses them up: "a-b-c" gives
"a b-c", for b is no neighbour of the second dash any more. METEOR's numbers depend on that, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

_LETTERS = (
    r"A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017e\u1d00-\u1d7f"  # Latin
    r"\u0400-\u0527\ua640-\ua66e\ua67e-\ua697"  # Cyrillic
)
"""The letters that the jar knows; any other is parted off like a punctuation mark."""

_PLAIN = re.compile("[A-Za-z0-9 ]*")
"""A caption that no rule applies to, as most are once they are tokenised."""

_SPACES = re.compile(r"[ \t\n\r\f\u00a0\u2000-\u200a\u202f\u205f\u3000]+")
_CONTROLS = "".join(map(chr, range(33)))
"""Space, and what the jar takes off a line's ends as if it were one."""


class Prefix(Enum):
    """What keeps the dot of an abbreviation such as "dr." or "no."."""

    ALWAYS = 1
    BEFORE_DIGIT = 2


_RULES = [
    (re.compile(pattern, re.ASCII), replacement)
    for pattern, replacement in (
        # signs that are always words
        (rf"([^{_LETTERS}0-9\s.'`,\-‘’])", r" \1 "),
        (r"(\.{2,})", r" \1 "),
        # commas, but for those in numbers
        (r"([^0-9]),([^0-9])", r"\1 , \2"),
        (r"([0-9]),([^0-9])", r"\1 , \2"),
        (r"([^0-9]),([0-9])", r"\1 , \2"),
        # quotes and dashes of one kind; a dash inside a word parts it
        (r"[‘’`]", "'"),
        (r"''|[“”]", ' " '),
        (r"–|--", "-"),
        (rf"([{_LETTERS}0-9.])-([{_LETTERS}0-9])", r"\1 \2"),
        # apostrophes, which stay with what follows them in a word
        (rf"([^{_LETTERS}])'([^{_LETTERS}])", r"\1 ' \2"),
        (rf"([^{_LETTERS}0-9])'([{_LETTERS}])", r"\1 ' \2"),
        (rf"([{_LETTERS}])'([^{_LETTERS}])", r"\1 ' \2"),
        (rf"([{_LETTERS}])'([{_LETTERS}])", r"\1 '\2"),
        (r"([0-9])'s", r"\1 's"),
    )
]

_LETTER = re.compile(f"[{_LETTERS}]")


def normalise(text: str, prefixes: Mapping[str, Prefix]) -> list[str]:
    """The words of ``text``; ``prefixes`` are the abbreviations whose dot belongs to them.

    >>> normalise('A man\\'s "T-shirt", U.S. made.', {})
    ['a', 'man', "'s", '"', 't', 'shirt', '"', ',', 'us', 'made', '.']
    """
    if _PLAIN.fullmatch(text):
        return text.lower().split()
    text = f" {text.strip(_CONTROLS)} "
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    words = [word for word in _SPACES.split(text) if word]
    followers = [*words, ""][1:]
    parted = [_dot_parted(word, follower, prefixes) for word, follower in zip(words, followers, strict=True)]
    return " ".join(parted).lower().split(" ") if words else []


def _dot_parted(word: str, follower: str, prefixes: Mapping[str, Prefix]) -> str:
    """``word`` with its final dot parted off, unless it is an abbreviation's."""
    if len(word) < 2 or not word.endswith(".") or not word.strip("."):
        return word
    stem = word[:-1]
    if "." in stem and _LETTER.search(stem):
        return stem.replace(".", "")
    prefix = prefixes.get(stem)
    kept = (
        prefix is Prefix.ALWAYS
        or "a" <= follower[:1] <= "z"
        or (prefix is Prefix.BEFORE_DIGIT and "0" <= follower[:1] <= "9")
    )
    return word if kept else f"{stem} ."
