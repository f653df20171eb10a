"""The tables that METEOR 1.5 goes by, read from an installed ``pycocoevalcap``: nothing of them stands in this package.

The function words, synonyms (of WordNet), irregular forms and abbreviations lie in METEOR's jar, which is a zip
archive; the paraphrases lie beside it.
"""

from __future__ import annotations

import importlib.util
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from saccade.errors import SaccadeError
from saccade.metrics.captions.meteor_normalise import Prefix
from saccade.metrics.captions.meteor_paraphrases import Paraphrases, load_paraphrases

_ENDINGS = [
    (re.compile(f"{ending}$"), replacement)
    for ending, replacement in (
        ("s", ""),
        ("ses", "s"),
        ("xes", "x"),
        ("zes", "z"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("men", "man"),
        ("ies", "y"),
        ("es", "e"),
        ("es", ""),
        ("ed", "e"),
        ("ed", ""),
        ("ing", "e"),
        ("ing", ""),
        ("er", ""),
        ("est", ""),
        ("er", "e"),
        ("est", "e"),
    )
]
"""WordNet's endings of nouns, verbs and adjectives and what they stand for, in the order in which they are tried."""


class MeteorMissingError(SaccadeError):
    """METEOR's tables are not installed."""


class Synonyms:
    """WordNet's sets of synonyms: two words are synonyms where they share one."""

    def __init__(self, synsets: Mapping[str, str], exceptions: Mapping[str, Sequence[str]]) -> None:
        """``synsets``: the names of each word's sets, parted by spaces; ``exceptions``: irregular forms' base words."""
        self._synsets = synsets
        self._exceptions = exceptions
        self._kept: dict[str, frozenset[str]] = {}

    def synsets(self, word: str) -> frozenset[str]:
        """The sets that ``word`` and its base words are in."""
        kept = self._kept.get(word)
        if kept is None:
            bases = self._exceptions.get(word) or [self._regular_base(word)]
            kept = frozenset(name for each in (word, *bases) for name in self._synsets.get(each, "").split())
            self._kept[word] = kept
        return kept

    def _regular_base(self, word: str) -> str:
        """The first word of the table that the regular endings of ``word`` lead to; itself where there is none."""
        if len(word) > 2 and not word.endswith("ss"):
            for ending, replacement in _ENDINGS:
                base, exchanged = ending.subn(replacement, word)
                if exchanged and base in self._synsets:
                    return base
        return word


@dataclass(frozen=True)
class Tables:
    """All that METEOR has to know of English, but for the stemmer."""

    function_words: frozenset[str]
    prefixes: Mapping[str, Prefix]
    synonyms: Synonyms
    paraphrases: Paraphrases


def load_tables(cache: Path) -> Tables:
    """The tables of the installed ``pycocoevalcap``; ``cache`` as in ``load_paraphrases``.

    Raises:
        MeteorMissingError: it is not installed.
    """
    folder = _folder()
    with zipfile.ZipFile(folder / "meteor-1.5.jar") as jar:
        texts = {
            name: jar.read(f"{kind}/english.{name}").decode()
            for kind, name in (
                ("function", "words"),
                ("nonbreaking", "prefixes"),
                ("synonym", "synsets"),
                ("synonym", "exceptions"),
            )
        }
    return Tables(
        function_words=frozenset(texts["words"].split()),
        prefixes=dict(_prefixes(texts["prefixes"])),
        synonyms=Synonyms(dict(_pairs(texts["synsets"])), _bases(texts["exceptions"])),
        paraphrases=load_paraphrases(folder / "data" / "paraphrase-en.gz", cache),
    )


def _folder() -> Path:
    """Where ``pycocoevalcap`` keeps METEOR; the package itself is not imported."""
    spec = importlib.util.find_spec("pycocoevalcap")
    for place in spec.submodule_search_locations or () if spec else ():
        folder = Path(place) / "meteor"
        if (folder / "meteor-1.5.jar").is_file() and (folder / "data" / "paraphrase-en.gz").is_file():
            return folder
    raise MeteorMissingError(
        "METEOR needs its tables of synonyms and paraphrases, which come with the package pycocoevalcap 1.2: "
        "pip install 'saccade[captions]'"
    )


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """First and second line, third and fourth, and so on."""
    lines = text.splitlines()
    return zip(lines[::2], lines[1::2], strict=True)


def _bases(text: str) -> dict[str, list[str]]:
    """The base words of each irregular form, from lines with a base word, each followed by one with its forms."""
    bases: dict[str, list[str]] = {}
    for base, forms in _pairs(text):
        for form in forms.split():
            bases.setdefault(form, []).append(base)
    return bases


def _prefixes(text: str) -> Iterator[tuple[str, Prefix]]:
    """The abbreviations of a list with one a line, of which some keep their dot before a digit alone."""
    for line in text.splitlines():
        prefix, _, remark = line.partition(" ")
        if prefix and not prefix.startswith("#"):
            yield prefix, Prefix.BEFORE_DIGIT if remark.strip() == "#NUMERIC_ONLY#" else Prefix.ALWAYS
