"""How far the numbers of a split would move with other images: bootstrap over images (Efron 1979).

N images are drawn from the N with replacement, again and again, and the number is computed of each draw; 95 % of the
draws lie in the interval. It tells of the choice of images alone, not of another training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.captions.bleu import BleuCounts, bleu, bleu_counts
from saccade.metrics.captions.ngrams import LONGEST, Tokens

DRAWS = 1000

Interval: TypeAlias = tuple[float, float]


def caption_intervals(
    hypotheses: Sequence[Tokens], references: Sequence[Sequence[Tokens]], means: Mapping[str, Sequence[float]]
) -> dict[str, Interval]:
    """95 % intervals of BLEU-1 to BLEU-4, and of each of ``means``, whose numbers of the N images are averaged.

    BLEU is computed of the added-up counts of each draw, as it is of a split. Numbers of an image stay as they are, and
    so do the word weights in CIDEr-D. Of one image nothing can be said. The draws are the same at every call.
    """
    n = len(hypotheses)
    if n < 2:
        return {}
    counts = [_row(bleu_counts(h, r)) for h, r in zip(hypotheses, references, strict=True)]
    table = np.column_stack([np.array(counts, dtype=np.float64), *means.values()])
    names = [*(f"bleu{k}" for k in range(1, LONGEST + 1)), *means]
    return intervals(table, names, lambda sums: _of_draw(sums, n))


def intervals(
    table: NDArray[np.float64], names: Sequence[str], numbers: Callable[[NDArray[np.float64]], Sequence[float]]
) -> dict[str, Interval]:
    """95 % intervals of ``numbers``, one for each of ``names``, which are made of the sums (K,) over a draw's images.

    ``table`` (N, K) has a row for each image. Draws of which a number is NaN are left out of its interval; a number
    that is NaN of all draws has none. Of one image nothing can be said. The draws are the same at every call.
    """
    n = len(table)
    if n < 2:
        return {}
    generator = np.random.default_rng(0)
    draws = (generator.integers(n, size=n) for _ in range(DRAWS))
    drawn = np.array([numbers(np.bincount(draw, minlength=n) @ table) for draw in draws])
    found = {}
    for name, column in zip(names, drawn.T, strict=True):
        defined = column[~np.isnan(column)]
        if defined.size:
            low, high = np.percentile(defined, [2.5, 97.5]).tolist()
            found[name] = (low, high)
    return found


def _row(counts: BleuCounts) -> list[int]:
    return [*counts.correct.tolist(), *counts.guessed.tolist(), counts.length, counts.reference_length]


def _of_draw(sums: NDArray[np.float64], n: int) -> list[float]:
    """The numbers of one draw of ``n`` images from their sums, the first of which are those of ``_row``."""
    correct, guessed, lengths = np.split(sums[: 2 * LONGEST + 2].astype(np.int64), [LONGEST, 2 * LONGEST])
    return [*bleu(BleuCounts(correct, guessed, *lengths.tolist())).tolist(), *(sums[2 * LONGEST + 2 :] / n).tolist()]
