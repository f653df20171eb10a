"""METEOR 1.5 (Denkowski and Lavie 2014), English, weights of the "rank" task: what coco-caption reports, without Java.

The hypothesis is aligned with each reference. Precision P is the share of its words that are matched, recall R that of
the reference's, where a match weighs by its matcher and a content word three times as much as a function word:

    F = 1 / ((1 - alpha) / P + alpha / R)
    METEOR = F * (1 - gamma * (chunks / matched) ^ beta),  matched = mean of both sides' matched words

All numbers follow from 23 counts, which equal those of METEOR's jar.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from saccade.metrics.captions.meteor_align import align, chunks
from saccade.metrics.captions.meteor_match import MATCHERS, Match, Sentence, candidates, read_sentence
from saccade.metrics.captions.meteor_tables import MeteorMissingError, Tables, load_tables

_ALPHA = 0.85
"""How much recall weighs, of 1."""
_BETA = 0.2
_GAMMA = 0.6
"""What the words' order costs at most, as a share of F."""
_DELTA = 0.75
"""How much a content word weighs, of 1 for it and a function word."""
_WEIGHTS = (1.0, 0.6, 0.8, 0.6)
"""How much a match of each matcher weighs."""

Statistics: TypeAlias = tuple[int, ...]
"""23 counts, in the jar's order: the words of hypothesis and reference, the function words of either; for each of the
four matchers the matched content words of either, the matched function words of either; chunks; the matched words of
either."""

_BY_MATCHER = slice(4, 20)
_CHUNKS = 20


class Meteor:
    """METEOR with its tables. The processes of a pool each load their own: it takes a fraction of a second."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @classmethod
    def load(cls, cache: Path) -> Meteor:
        """METEOR with the tables of an installed ``pycocoevalcap``.

        ``cache``: a folder for an index of its paraphrases (60 MB), made at the first call; that takes about 10 s.

        Raises:
            MeteorMissingError: the package is not installed.
        """
        return cls(load_tables(cache))

    def __call__(self, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[float, list[float]]:
        """METEOR of all images and of each, from 0 to 1; ``references``: of each hypothesis, at least one."""
        items = [self.statistics(*captions) for captions in zip(hypotheses, references, strict=True)]
        return corpus_score(items), [score(statistics) for statistics in items]

    def statistics(self, hypothesis: str, references: Sequence[str]) -> Statistics:
        """The counts against the reference with the highest score, of several such the first."""
        sentence = read_sentence(hypothesis, self._tables)
        each = [statistics_of_pair(sentence, read_sentence(reference, self._tables)) for reference in references]
        return max(each, key=score)


def if_installed(cache: Path, say: Callable[[str], None]) -> Meteor | None:
    """METEOR, or None where its tables are not installed: it is never approximated under its name.

    Args:
        cache: as for ``Meteor.load``.
        say: is told what takes long, or what to install.
    """
    if not any(cache.glob("paraphrases-*")):
        say("METEOR: looking for its tables; the first time they are indexed, which takes some ten seconds")
    try:
        return Meteor.load(cache)
    except MeteorMissingError as error:
        say(f"without METEOR: {error}")
        return None


def statistics_of_pair(hypothesis: Sentence, reference: Sentence) -> Statistics:
    """The counts of a hypothesis against one reference."""
    matches = align(candidates(hypothesis, reference), len(hypothesis.words))
    return (
        len(hypothesis.words),
        len(reference.words),
        sum(hypothesis.function),
        sum(reference.function),
        *_matched_words(matches, hypothesis, reference),
        chunks(matches),
        sum(match.hyp_length for match in matches),
        sum(match.length for match in matches),
    )


def score(statistics: Statistics) -> float:
    """METEOR from the counts of one image, or their sum over several; 0 where nothing matches.

    >>> score((3, 3, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3))
    1.0
    """
    words, reference_words, function, reference_function = statistics[:4]
    chunk_count, matched, reference_matched = statistics[_CHUNKS:]
    by_matcher = statistics[_BY_MATCHER]
    if not matched:
        return 0.0
    precision = _share(by_matcher[0::2], words, function)
    recall = _share(by_matcher[1::2], reference_words, reference_function)
    f_mean = 1 / ((1 - _ALPHA) / precision + _ALPHA / recall)
    disorder: float = 0 if _in_one_piece(statistics) else chunk_count / ((matched + reference_matched) / 2)
    return f_mean * (1 - _GAMMA * math.pow(disorder, _BETA))


def corpus_score(items: Sequence[Statistics]) -> float:
    """METEOR of several images, at least one: the score of their added counts, not the mean of their scores."""
    total = [sum(counts) for counts in zip(*items, strict=True)]
    total[_CHUNKS] -= sum(_in_one_piece(statistics) for statistics in items)
    return score(tuple(total))


def _in_one_piece(statistics: Statistics) -> bool:
    """Whether all words of both sides are matched in one chunk, which then costs nothing."""
    return statistics[_CHUNKS:] == (1, *statistics[:2])


def _share(matched: Sequence[int], words: int, function: int) -> float:
    """The weighted share of matched words; ``matched``: content words and function words of each matcher in turn."""
    weighed = zip(_WEIGHTS, matched[0::2], matched[1::2], strict=True)
    found = sum(weight * _weigh(content, functional) for weight, content, functional in weighed)
    return found / _weigh(words - function, function)


def _weigh(content: int, function: int) -> float:
    return _DELTA * content + (1 - _DELTA) * function


def _matched_words(matches: Sequence[Match], hypothesis: Sentence, reference: Sentence) -> list[int]:
    """The 16 counts by matcher, as in ``Statistics``."""
    counts = [0] * 4 * MATCHERS
    for match in matches:
        place = 4 * match.matcher
        for functional in hypothesis.function[match.hyp_start : match.hyp_start + match.hyp_length]:
            counts[place + 2 * functional] += 1
        for functional in reference.function[match.start : match.start + match.length]:
            counts[place + 2 * functional + 1] += 1
    return counts
