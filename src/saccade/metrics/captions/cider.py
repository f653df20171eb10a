"""CIDEr-D (Vedantam et al. 2015), which is what coco-caption reports as CIDEr.

A caption is a vector over its n-grams for each n = 1 ... 4: counts times ``log(N) - log(max(1, df))``, where df is the
number of the N images with the n-gram in a reference. The similarity to a reference is, for each n,

    sum min(h, r) r / (|h| |r|) * exp(-(b_h - b_r)^2 / (2 * 6^2))

with b the captions' numbers of bigrams; the score is 10 times the mean over n and references. With one image every
weight is 0 and so is the score. As df depends on the images, scores of different sets of images do not compare.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.captions.ngrams import LONGEST, NGram, Tokens, count_ngrams

_SIGMA = 6.0


@dataclass(frozen=True)
class NGramWeights:
    """How rare n-grams are: the inverse document frequency ``log(N) - log(df)`` in the references of N images."""

    seen: Mapping[NGram, float]
    unseen: float  # of an n-gram that no reference has: log(N)


def ngram_weights(references: Sequence[Sequence[Tokens]]) -> NGramWeights:
    """Those in ``references``, the captions of each of at least one image."""
    return _weights([[count_ngrams(caption) for caption in captions] for captions in references])


class _Vector(NamedTuple):
    """A caption, n being 1 to 4 along the lists."""

    weights: list[dict[NGram, float]]
    norms: list[float]
    n_bigrams: int


class CiderD:
    """Scores captions against the references of fixed images, which are weighed once.

    ``references``: the captions of each image, at least one, as tokens: words, or numbers of a vocabulary, with an end
    token or without, as long as hypotheses are written alike. ``weights``: those in another set of images, such as the
    whole training split when ``references`` are of a batch; by default those in ``references``.

    >>> references = [[["a", "cat"], ["the", "cat"]], [["a", "dog"]]]
    >>> CiderD(references).scores([["a", "cat"], ["a", "cat"]]).round(3).tolist()
    [3.384, 0.0]
    """

    def __init__(self, references: Sequence[Sequence[Tokens]], *, weights: NGramWeights | None = None) -> None:
        assert all(references), "an image without a reference"
        counts = [[count_ngrams(caption) for caption in captions] for captions in references]
        self._weights = _weights(counts) if weights is None else weights
        self._references = [[self._vector(caption) for caption in captions] for captions in counts]

    def scores(self, hypotheses: Sequence[Tokens], *, images: Sequence[int] | None = None) -> NDArray[np.float64]:
        """(len(hypotheses),) from 0 to 10.

        ``images``: the place in ``references`` of the image that each hypothesis is of, for several of one image; by
        default there is one of each, in order.
        """
        places = range(len(self._references)) if images is None else images
        pairs = zip(hypotheses, places, strict=True)
        return np.array(
            [self._score(self._vector(count_ngrams(h)), self._references[i]) for h, i in pairs], dtype=np.float64
        )

    def _vector(self, counts: Sequence[Counter[NGram]]) -> _Vector:
        seen, unseen = self._weights.seen, self._weights.unseen
        weights = [{ngram: count * seen.get(ngram, unseen) for ngram, count in of_n.items()} for of_n in counts]
        norms = [math.sqrt(sum(weight * weight for weight in of_n.values())) for of_n in weights]
        return _Vector(weights, norms, counts[1].total())

    def _score(self, hypothesis: _Vector, references: Sequence[_Vector]) -> float:
        return 10 * sum(_similarity(hypothesis, reference) for reference in references) / len(references)


def _similarity(hypothesis: _Vector, reference: _Vector) -> float:
    """From 0 to 1, the mean over n; for an n of which either has no n-gram of weight it is 0."""
    cosines = 0.0
    for h, r, h_norm, r_norm in zip(
        hypothesis.weights, reference.weights, hypothesis.norms, reference.norms, strict=True
    ):
        if h_norm and r_norm:
            cosines += sum(min(weight, r[g]) * r[g] for g, weight in h.items() if g in r) / (h_norm * r_norm)
    delta = hypothesis.n_bigrams - reference.n_bigrams
    return cosines / LONGEST * math.exp(-(delta**2) / (2 * _SIGMA**2))


def _weights(counts: Sequence[Sequence[Sequence[Counter[NGram]]]]) -> NGramWeights:
    """From the n-grams of each image's captions, counted for each n."""
    n_images: Counter[NGram] = Counter()
    for captions in counts:
        n_images.update({ngram for caption in captions for of_n in caption for ngram in of_n})
    unseen = math.log(len(counts))
    return NGramWeights({ngram: unseen - math.log(df) for ngram, df in n_images.items()}, unseen)
