"""The Snowball stemmer for English ("Porter 2") in its form of 2002 to 2021, which METEOR 1.5 was built with.

Written from the algorithm's description (https://snowballstem.org/algorithms/english/stemmer.html). That page and the
package ``snowballstemmer`` from 3.0 on describe a later form, which stems "evening" and "university" otherwise, and the
package before 3.0 gives way to PyStemmer where that is installed: METEOR would depend on who has installed what.

In here a ``Y`` is a y that is a consonant; R1 and R2 are the places where the algorithm's two regions begin.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_IRREGULAR = {
    "skis": "ski",
    "skies": "sky",
    "dying": "die",
    "lying": "lie",
    "tying": "tie",
    "idly": "idl",
    "gently": "gentl",
    "ugly": "ugli",
    "early": "earli",
    "only": "onli",
    "singly": "singl",
} | {word: word for word in ("sky", "news", "howe", "atlas", "cosmos", "bias", "andes")}

_DONE_AFTER_PLURAL = {"inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed"}

_VOWEL = re.compile("[aeiouy]")
_CONSONANT_Y = re.compile("(^|[aeiouy])y")
_SHORT_SYLLABLE = re.compile("([^aeiouy][aeiouy][^aeiouywxY]|^[aeiouy][^aeiouy])$")

_REGION = re.compile("[aeiouy]+[^aeiouy]")
"""A region begins after the first consonant that follows a vowel."""

_STARTS_R1 = re.compile("gener|commun|arsen")
"""Beginnings that end where R1 begins."""

_POSSESSIVE = re.compile("('s'|'s|')$")
_TENSE = re.compile("(eed|ed|ing)(ly)?$")
_DOUBLES = ("bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt")
_FINAL_Y = re.compile("(?<=.[^aeiouy])[yY]$")

_STEP_2 = {
    "tional": "tion",
    "enci": "ence",
    "anci": "ance",
    "abli": "able",
    "entli": "ent",
    "izer": "ize",
    "ization": "ize",
    "ational": "ate",
    "ation": "ate",
    "ator": "ate",
    "alism": "al",
    "aliti": "al",
    "alli": "al",
    "fulness": "ful",
    "ousli": "ous",
    "ousness": "ous",
    "iveness": "ive",
    "iviti": "ive",
    "biliti": "ble",
    "bli": "ble",
    "ogi": "og",
    "fulli": "ful",
    "lessli": "less",
    "li": "",
}
_STEP_2_AFTER = {"ogi": "l", "li": "cdeghkmnrt"}
"""Letters of which one has to stand before the ending."""

_STEP_3 = {
    "tional": "tion",
    "ational": "ate",
    "alize": "al",
    "icate": "ic",
    "iciti": "ic",
    "ical": "ic",
    "ful": "",
    "ness": "",
    "ative": "",
}

_STEP_4 = dict.fromkeys([
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ism", "ate", "iti", "ous", "ive",
    "ize", "ion",
], "")  # fmt: skip
_STEP_4_AFTER = {"ion": "st"}


@lru_cache(maxsize=1 << 17)
def stem(word: str) -> str:
    """The stem of a lower-case word.

    >>> [stem(word) for word in ("riding", "ponies", "generously", "sky", "by")]
    ['ride', 'poni', 'generous', 'sky', 'by']
    """
    if len(word) <= 2 or word in _IRREGULAR:
        return _IRREGULAR.get(word, word)
    word = _CONSONANT_Y.sub(r"\1Y", word.removeprefix("'"))
    r1, r2 = _regions(word)
    word = _without_plural(_POSSESSIVE.sub("", word))
    if word not in _DONE_AFTER_PLURAL:
        word = _FINAL_Y.sub("i", _without_tense(word, r1))
        word = _exchanged(word, _STEP_2, r1, after=_STEP_2_AFTER)
        word = _exchanged(word, _STEP_3, r2 if word.endswith("ative") else r1)
        word = _exchanged(word, _STEP_4, r2, after=_STEP_4_AFTER)
        word = _without_final_e_or_l(word, r1, r2)
    return word.replace("Y", "y")


def _regions(word: str) -> tuple[int, int]:
    """Where R1 and R2 begin."""
    starts = []
    match = _STARTS_R1.match(word) or _REGION.search(word)
    for _ in range(2):
        starts.append(match.end() if match else len(word))
        match = _REGION.search(word, starts[-1])
    return starts[0], starts[1]


def _without_plural(word: str) -> str:
    """Step 1a."""
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith(("ied", "ies")):
        return word[:-2] if len(word) > 4 else word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss")) and _VOWEL.search(word[:-2]):
        return word[:-1]
    return word


def _without_tense(word: str, r1: int) -> str:
    """Step 1b."""
    found = _TENSE.search(word)
    if found is None:
        return word
    before = word[: found.start()]
    if found[0].startswith("ee"):
        return before + "ee" if len(before) >= r1 else word
    if not _VOWEL.search(before):
        return word
    if before.endswith(("at", "bl", "iz")):
        return before + "e"
    if before.endswith(_DOUBLES):
        return before[:-1]
    return before + "e" if len(before) == r1 and _SHORT_SYLLABLE.search(before) else before


def _exchanged(word: str, endings: Mapping[str, str], region: int, *, after: Mapping[str, str] | None = None) -> str:
    """``word`` with its longest ending of ``endings`` exchanged, if that is in the region and after a right letter."""
    for size in range(min(7, len(word)), 1, -1):  # endings have 2 to 7 letters
        ending = word[-size:]
        if ending in endings:
            before = word[:-size]
            letters = (after or {}).get(ending)
            fits = len(before) >= region and (letters is None or before.endswith(tuple(letters)))
            return before + endings[ending] if fits else word
    return word


def _without_final_e_or_l(word: str, r1: int, r2: int) -> str:
    """Step 5."""
    before = word[:-1]
    if word.endswith("e"):
        goes = len(before) >= r2 or (len(before) >= r1 and not _SHORT_SYLLABLE.search(before))
    else:
        goes = len(before) >= r2 and word.endswith("ll")
    return before if goes else word
