"""The ranking of one class and what a cut through it gives: pure functions of arrays.

N images, of which M are valid (not ignored). Ignored images keep a place in the order and count neither way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.browse.predictions import Flags, Floats, Labels

REJECTED, HIT, MISS, FALSE_ALARM, IGNORED = range(5)
OUTCOMES = ("rejected", "hit", "miss", "false alarm", "ignored")
BINS = 50


@dataclass(frozen=True, eq=False)
class Ranking:
    """The images of a class from the highest score to the lowest; equal scores in the order of the split."""

    order: NDArray[np.int64]  # (N,) rows; a score that is not a number stands last
    position: NDArray[np.int64]  # (N,) 1..M by row, 0 where ignored
    scores: Floats  # (M,) falling
    positives: NDArray[np.int64]  # (M + 1,) how many of the first k are present
    right: NDArray[np.int64]  # (M + 1,) on how many of the first k the model's decision is right
    histogram: NDArray[np.int64]  # (2, BINS) absent, present; equal bins of [0, 1]


@dataclass(frozen=True)
class Cut:
    """What lies above a threshold; a share of nothing is None."""

    above: int  # valid images with a greater score: the ranking is cut after this position
    ranked: int  # M
    hits: int  # present and above
    positives: int  # present
    precision: float | None  # hits / above
    recall: float | None  # hits / positives
    tail_accuracy: float | None  # right decisions above / above


def rank(scores: Floats, labels: Labels, decided: Flags) -> Ranking:
    """Rank the images of one class by score; all three arrays are (N,), labels 1, 0, or -1 ignored."""
    order = np.argsort(-scores, kind="stable")
    ranked = order[labels[order] >= 0]
    position = np.zeros(len(scores), np.int64)
    position[ranked] = np.arange(1, len(ranked) + 1)
    present = labels[ranked] == 1
    bins = [np.histogram(scores[ranked[present == side]], BINS, (0.0, 1.0))[0] for side in (False, True)]
    return Ranking(
        order=order,
        position=position,
        scores=scores[ranked],
        positives=_running(present),
        right=_running(decided[ranked] == present),
        histogram=np.stack(bins),
    )


def cut(ranking: Ranking, threshold: float) -> Cut:
    """Count what scores above ``threshold``.

    Tail accuracy is the share of right decisions among these. From the decision threshold upwards every image
    above is decided to be of the class, and it equals precision; below it, it also counts the right refusals.
    """
    above = int((ranking.scores > np.float32(threshold)).sum())
    hits, positives = int(ranking.positives[above]), int(ranking.positives[-1])
    return Cut(
        above=above,
        ranked=len(ranking.scores),
        hits=hits,
        positives=positives,
        precision=hits / above if above else None,
        recall=hits / positives if positives else None,
        tail_accuracy=int(ranking.right[above]) / above if above else None,
    )


def outcomes(labels: Labels, decided: Flags) -> Labels:
    """(N,) int8 codes of ``OUTCOMES`` from labels and decisions."""
    codes = np.where(labels == 1, np.where(decided, HIT, MISS), np.where(decided, FALSE_ALARM, REJECTED))
    return np.where(labels < 0, IGNORED, codes).astype(np.int8)


def _running(flags: Flags) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(flags, dtype=np.int64)])
