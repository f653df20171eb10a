"""What captions are held against: the same one for every image."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from saccade.metrics.captions.cider import CiderD, NGramWeights, ngram_weights
from saccade.metrics.captions.ngrams import NGram, Tokens, count_ngrams

TRIED = 10
"""So many references are tried in full."""


def constant_caption(references: Sequence[Sequence[Tokens]]) -> tuple[Tokens, float]:
    """A caption that is as good as one can be for all images at once, and its CIDEr-D.

    Of all references the ``TRIED`` that are the most like all others are scored for every image, and the best is taken,
    the first among equals. That is no proof that none is better; there is at least one reference of each image.
    """
    weights = ngram_weights(references)
    distinct = list(dict.fromkeys(tuple(caption) for captions in references for caption in captions))
    units = {caption: _unit(caption, weights) for caption in distinct}
    total: dict[NGram, float] = defaultdict(float)
    for captions in references:
        for caption in captions:
            for ngram, weight in units[tuple(caption)].items():
                total[ngram] += weight / len(captions)
    likeness = {caption: sum(w * total[g] for g, w in unit.items()) for caption, unit in units.items()}
    scorer = CiderD(references)
    found = [
        (caption, float(scorer.scores([caption] * len(references)).mean()))
        for caption in sorted(distinct, key=lambda c: -likeness[c])[:TRIED]
    ]
    return max(found, key=lambda pair: pair[1])


def _unit(caption: Tokens, weights: NGramWeights) -> dict[NGram, float]:
    """The n-grams of ``caption``, weighed, of length 1 for each n."""
    unit: dict[NGram, float] = {}
    for of_n in count_ngrams(caption):
        weighed = {ngram: count * weights.seen.get(ngram, weights.unseen) for ngram, count in of_n.items()}
        norm = math.sqrt(sum(weight * weight for weight in weighed.values()))
        if norm:
            unit |= {ngram: weight / norm for ngram, weight in weighed.items()}
    return unit
