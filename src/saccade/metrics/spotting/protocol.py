"""Detection, end-to-end reading and word spotting as ICDAR 2015's scripts (version 1.1) count them, image by image.

Words of the truth are gone through in the order of the file, and for each of them the detections; the first two that
are both cared for, both free, and overlap by more than half are a match, be there a better one or not. A detection is
not cared for where more than half of its area lies in one word of the truth that is not cared for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.spotting.overlaps import Overlaps
from saccade.metrics.spotting.transcripts import dictionary_form, equal_end_to_end, equal_word

_MORE_THAN_HALF = 0.5 + 1e-9
"""Corners are whole pixels, so that overlaps of exactly one half happen; rounding must not lift them above it."""


@dataclass(frozen=True)
class Truth:
    """The K words of one image, in the order of the file."""

    quads: NDArray[np.floating[Any]]  # (K, 4, 2) x, y in pixels
    texts: tuple[str, ...]
    cared: NDArray[np.bool_]  # (K,); in ICDAR's files, False of ``DONT_CARE``


@dataclass(frozen=True)
class Detections:
    """What was found in one image, D words in the order of the file."""

    quads: NDArray[np.floating[Any]]  # (D, 4, 2) x, y in pixels
    texts: tuple[str, ...] | None = None  # None where nothing was read
    confidences: NDArray[np.floating[Any]] | None = None  # (D,)

    def ranked(self) -> Detections:
        """The most confident first, as the scripts sort them; equal ones stay in their order, and so do all without."""
        if self.confidences is None:
            return self
        order = np.argsort(-self.confidences, kind="stable")
        texts = None if self.texts is None else tuple(self.texts[i] for i in order)
        return Detections(self.quads[order], texts, self.confidences[order])


@dataclass(frozen=True)
class Counts:
    """What the numbers are made of; of one image, or added up over many."""

    correct: int  # matches, for the protocols that read: with the right transcript
    truths: int  # words of the truth that are cared for
    detections: int  # detections that are cared for

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.correct + other.correct, self.truths + other.truths, self.detections + other.detections)

    @property
    def precision(self) -> float:
        """Share of the detections that are correct; 0 where there are none."""
        return self.correct / self.detections if self.detections else 0.0

    @property
    def recall(self) -> float:
        """Share of the truth that was found; 0 where there is none."""
        return self.correct / self.truths if self.truths else 0.0

    @property
    def hmean(self) -> float:
        """Harmonic mean of precision and recall; 0 where both are."""
        return harmonic_mean(self.precision, self.recall)

    def of_image(self) -> tuple[float, float, float]:
        """Precision, recall and hmean as the scripts give them for one image.

        Without a word that is cared for, recall is 1, and precision is 1 unless something was found.
        """
        if self.truths:
            return self.precision, self.recall, self.hmean
        precision = 0.0 if self.detections else 1.0
        return precision, 1.0, harmonic_mean(precision, 1.0)


@dataclass(frozen=True)
class Outcome:
    """One protocol on one image."""

    pairs: list[tuple[int, int]]  # each match: position of the word in the truth, position of the detection
    correct: list[bool]  # of each pair
    truths_cared: NDArray[np.bool_]  # (K,)
    detections_cared: NDArray[np.bool_]  # (D,)

    @property
    def counts(self) -> Counts:
        """How many there are of each."""
        return Counts(sum(self.correct), int(self.truths_cared.sum()), int(self.detections_cared.sum()))

    @property
    def hits(self) -> NDArray[np.bool_]:
        """(D,) which detections are correct."""
        hits = np.zeros(len(self.detections_cared), dtype=np.bool_)
        hits[[found for (_, found), correct in zip(self.pairs, self.correct, strict=True) if correct]] = True
        return hits


Protocol: TypeAlias = Callable[[Truth, Detections, Overlaps], Outcome]


def detection(truth: Truth, found: Detections, overlap: Overlaps) -> Outcome:
    """Where words are."""
    return _outcome(overlap, truth.cared, lambda word, i: True)


def end_to_end(truth: Truth, found: Detections, overlap: Overlaps) -> Outcome:
    """Where words are and what they say; a wrong transcript uses up both the word and the detection."""
    texts = _texts(found)
    return _outcome(overlap, truth.cared, lambda word, i: equal_end_to_end(truth.texts[word], texts[i]))


def word_spotting(truth: Truth, found: Detections, overlap: Overlaps) -> Outcome:
    """End-to-end with dictionary words alone; what has no ``dictionary_form`` is not cared for."""
    texts = _texts(found)
    forms = [dictionary_form(text) for text in truth.texts]
    cared = truth.cared & np.array([form is not None for form in forms], dtype=np.bool_)
    return _outcome(overlap, cared, lambda word, i: equal_word(forms[word] or "", texts[i]))


PROTOCOLS: Final[dict[str, Protocol]] = {
    "detection": detection,
    "end_to_end": end_to_end,
    "word_spotting": word_spotting,
}


def harmonic_mean(precision: float, recall: float) -> float:
    """Of two fractions; 0 where both are 0."""
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def matches(overlap: Overlaps, truths_cared: NDArray[np.bool_]) -> tuple[list[tuple[int, int]], NDArray[np.bool_]]:
    """The pairs of words (K) and detections (D) that match, and which detections (D,) are cared for."""
    detections_cared: NDArray[np.bool_] = np.asarray((overlap.inside[~truths_cared] <= _MORE_THAN_HALF).all(axis=0))
    free = detections_cared.copy()
    pairs = []
    for word in np.flatnonzero(truths_cared).tolist():
        fitting = np.flatnonzero((overlap.iou[word] > _MORE_THAN_HALF) & free)
        if fitting.size:
            pairs.append((word, int(fitting[0])))
            free[fitting[0]] = False
    return pairs, detections_cared


def _outcome(overlap: Overlaps, truths_cared: NDArray[np.bool_], read: Callable[[int, int], bool]) -> Outcome:
    pairs, detections_cared = matches(overlap, truths_cared)
    return Outcome(pairs, [read(*pair) for pair in pairs], truths_cared, detections_cared)


def _texts(found: Detections) -> Sequence[str]:
    assert found.texts is not None, "without transcripts there is detection alone"
    return found.texts
