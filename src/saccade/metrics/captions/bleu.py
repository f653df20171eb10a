"""BLEU-1 to BLEU-4 (Papineni et al. 2002) with coco-caption's reference length and constants, and no smoothing.

    BLEU_k = brevity * (prod_{n <= k} (correct_n + 1e-15) / (guessed_n + 1e-9)) ^ (1 / k)
    brevity = min(1, exp(1 - 1 / r)),  r = (length + 1e-15) / (reference_length + 1e-9)

The counts are added up over images before the formula: BLEU of a split is not the mean of its images' BLEU.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.captions.ngrams import LONGEST, Tokens, count_ngrams

_ORDERS = np.arange(1, LONGEST + 1)


@dataclass(frozen=True)
class BleuCounts:
    """What BLEU is made of, for one image or, added up, for several; ``n`` is 1 to 4 along the arrays."""

    correct: NDArray[np.int64]  # (4,) n-grams found in a reference, at most as often as in the one that has most
    guessed: NDArray[np.int64]  # (4,) n-grams of the hypothesis
    length: int  # tokens of the hypothesis
    reference_length: int  # of the reference nearest in length, of two as near the shorter

    def __add__(self, other: BleuCounts) -> BleuCounts:
        return BleuCounts(
            self.correct + other.correct,
            self.guessed + other.guessed,
            self.length + other.length,
            self.reference_length + other.reference_length,
        )


NOTHING = BleuCounts(np.zeros(LONGEST, dtype=np.int64), np.zeros(LONGEST, dtype=np.int64), 0, 0)
"""The counts of no image, to start a sum from."""


def bleu_counts(hypothesis: Tokens, references: Sequence[Tokens]) -> BleuCounts:
    """The counts of one image, which has at least one reference."""
    guessed = count_ngrams(hypothesis)
    found = [count_ngrams(reference) for reference in references]
    correct = [
        sum(min(count, max(counts[n].get(ngram, 0) for counts in found)) for ngram, count in of_n.items())
        for n, of_n in enumerate(guessed)
    ]
    length = len(hypothesis)
    nearest = min((abs(len(reference) - length), len(reference)) for reference in references)[1]
    return BleuCounts(np.array(correct), np.array([of_n.total() for of_n in guessed]), length, nearest)


def bleu(counts: BleuCounts) -> NDArray[np.float64]:
    """(4,) BLEU-1 to BLEU-4, from 0 to 1.

    >>> bleu(bleu_counts("a cat is here".split(), ["a cat is in here".split(), ["dog"]])).round(3).tolist()
    [0.779, 0.636, 0.54, 0.0]
    """
    precisions = (counts.correct + 1e-15) / (counts.guessed + 1e-9)
    ratio = (counts.length + 1e-15) / (counts.reference_length + 1e-9)
    brevity = 1.0 if ratio >= 1 else math.exp(1 - 1 / ratio)
    means: NDArray[np.float64] = np.cumprod(precisions) ** (1 / _ORDERS)
    return brevity * means
