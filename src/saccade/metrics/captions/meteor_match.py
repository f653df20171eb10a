"""Which words of two captions METEOR 1.5 may match: those that are equal, of one stem, synonyms, or paraphrases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from saccade.metrics.captions.meteor_normalise import normalise
from saccade.metrics.captions.meteor_paraphrases import Phrase
from saccade.metrics.captions.meteor_stem import stem
from saccade.metrics.captions.meteor_tables import Tables

_Key = TypeVar("_Key")
_Place = TypeVar("_Place")

MATCHERS = 4
EXACT, STEM, SYNONYM, PARAPHRASE = range(MATCHERS)


class Match(NamedTuple):
    """Words of the reference and words of the hypothesis that say the same."""

    start: int
    length: int
    hyp_start: int
    hyp_length: int
    matcher: int


@dataclass(frozen=True)
class Sentence:
    """A caption of n words, and what the matchers ask of it."""

    words: list[str]
    stems: list[str]
    synsets: list[frozenset[str]]
    function: list[bool]
    """Whether each of the n words is a function word."""

    rewordings: list[tuple[Phrase, Mapping[int, int]]]
    """Phrases with their paraphrases (``Paraphrases.targets``), by start, shorter ones first."""

    word_places: Mapping[str, list[int]]
    stem_places: Mapping[str, list[int]]
    phrase_places: Mapping[int, list[Phrase]]
    """Where each word, stem, and phrase (by its node) stands, from first to last."""

    all_synsets: frozenset[str]


def read_sentence(text: str, tables: Tables) -> Sentence:
    """Part a caption into words and look up each of them."""
    words = normalise(text, tables.prefixes)
    stems = [stem(word) for word in words]
    synsets = [tables.synonyms.synsets(word) for word in words]
    phrases = tables.paraphrases.phrases(words)
    targets = [tables.paraphrases.targets(phrase.node) for phrase in phrases]
    return Sentence(
        words=words,
        stems=stems,
        synsets=synsets,
        function=[word in tables.function_words for word in words],
        rewordings=[(phrase, nodes) for phrase, nodes in zip(phrases, targets, strict=True) if nodes],
        word_places=_places(zip(words, range(len(words)), strict=True)),
        stem_places=_places(zip(stems, range(len(stems)), strict=True)),
        phrase_places=_places((phrase.node, phrase) for phrase in phrases),
        all_synsets=frozenset().union(*synsets),
    )


def candidates(hypothesis: Sentence, reference: Sentence) -> list[list[Match]]:
    """The matches that may be made, by where in the reference they start; their order decides between equals later."""
    found: list[list[Match]] = [[] for _ in reference.words]
    for match in _exact(hypothesis, reference):
        found[match.start].append(match)
    if hypothesis.words != reference.words:
        for matcher in (_of_one_stem, _synonyms, _paraphrases):
            for match in matcher(hypothesis, reference):
                found[match.start].append(match)
    return found


def _exact(hypothesis: Sentence, reference: Sentence) -> Iterator[Match]:
    for i, word in enumerate(reference.words):
        for j in hypothesis.word_places.get(word, ()):
            yield Match(i, 1, j, 1, EXACT)


def _of_one_stem(hypothesis: Sentence, reference: Sentence) -> Iterator[Match]:
    for i, root in enumerate(reference.stems):
        for j in hypothesis.stem_places.get(root, ()):
            if hypothesis.words[j] != reference.words[i]:
                yield Match(i, 1, j, 1, STEM)


def _synonyms(hypothesis: Sentence, reference: Sentence) -> Iterator[Match]:
    for i, synsets in enumerate(reference.synsets):
        if synsets.isdisjoint(hypothesis.all_synsets):
            continue
        for j, others in enumerate(hypothesis.synsets):
            if not synsets.isdisjoint(others) and hypothesis.words[j] != reference.words[i]:
                yield Match(i, 1, j, 1, SYNONYM)


def _paraphrases(hypothesis: Sentence, reference: Sentence) -> Iterator[Match]:
    for here, there in _reworded(reference, hypothesis):
        yield Match(here.start, here.length, there.start, there.length, PARAPHRASE)
    for here, there in _reworded(hypothesis, reference):
        yield Match(there.start, there.length, here.start, here.length, PARAPHRASE)


def _reworded(sentence: Sentence, other: Sentence) -> Iterator[tuple[Phrase, Phrase]]:
    """Phrases of ``sentence`` and the paraphrases of them in ``other``, in the order of the table."""
    for phrase, targets in sentence.rewordings:
        if not targets.keys().isdisjoint(other.phrase_places):
            for node in sorted(targets.keys() & other.phrase_places.keys(), key=targets.__getitem__):
                for place in other.phrase_places[node]:
                    yield phrase, place


def _places(items: Iterable[tuple[_Key, _Place]]) -> dict[_Key, list[_Place]]:
    """The places of each key."""
    places: dict[_Key, list[_Place]] = {}
    for key, place in items:
        places.setdefault(key, []).append(place)
    return places
