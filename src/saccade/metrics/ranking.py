"""Numbers that come from the order of the scores alone: average precision, VOC's 11-point AP, AUROC.

Letters: N images, C classes, K distinct scores of one class. A target is 1 present, 0 absent, -1 ignored;
what is ignored takes no part. Images with the same score enter a ranking together, so nothing depends on the
order of the images.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.scores import refuse_nan

# Columns of a row-major matrix are copied out this many at a time: one by one, each would read the whole
# matrix.
COLUMNS_AT_ONCE = 64


@dataclass(frozen=True)
class Ranking:
    """The images of one class, best first, with equal scores as one step.

    ``scores``: (K,) distinct scores, descending. ``found``: (K,) int64, how many images score at least that.
    ``positives``: (K,) int64, how many of them are positive.
    """

    scores: NDArray[Any]
    found: NDArray[np.int64]
    positives: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Number of images that are not ignored."""
        return int(self.found[-1]) if len(self.found) else 0

    @property
    def n_positive(self) -> int:
        """Number of positive images."""
        return int(self.positives[-1]) if len(self.positives) else 0

    @property
    def n_negative(self) -> int:
        """Number of negative images."""
        return self.n - self.n_positive


def rank(scores: NDArray[Any], targets: NDArray[Any]) -> Ranking:
    """The ranking of one class; ``scores`` (N,) of any float type, ``targets`` (N,) of 1, 0, -1.

    Raises:
        SaccadeError: a score that counts is NaN.
        ValueError: the shapes differ, or are not (N,).
    """
    _same_shape(scores, targets, ndim=1)
    valid = scores[targets >= 0]
    refuse_nan(valid)
    # Sorting all scores and the positives' scores on their own is several times faster than one argsort.
    ascending = np.sort(valid)
    is_new = np.ones(len(ascending), dtype=np.bool_)
    is_new[1:] = ascending[1:] != ascending[:-1]
    first = np.flatnonzero(is_new)
    distinct = ascending[first]
    step_of_positive = np.searchsorted(distinct, np.sort(scores[targets == 1]))
    positives = np.bincount(step_of_positive, minlength=len(distinct))
    return Ranking(
        scores=distinct[::-1],
        found=(len(ascending) - first)[::-1].astype(np.int64),
        positives=np.cumsum(positives[::-1]).astype(np.int64),
    )


def rankings(scores: NDArray[Any], targets: NDArray[Any]) -> Iterator[Ranking]:
    """The ranking of each class in turn; ``scores`` and ``targets`` (N, C).

    Raises:
        SaccadeError: a score that counts is NaN.
        ValueError: the shapes differ, or are not (N, C).
    """
    _same_shape(scores, targets, ndim=2)
    for start in range(0, scores.shape[1], COLUMNS_AT_ONCE):
        columns = slice(start, start + COLUMNS_AT_ONCE)
        block = np.ascontiguousarray(scores[:, columns].T)
        block_targets = np.ascontiguousarray(targets[:, columns].T)
        for one, one_targets in zip(block, block_targets, strict=True):
            yield rank(one, one_targets)


def average_precision_of(ranking: Ranking) -> float:
    """Sum over the ranking of (recall gained) times (precision there); NaN without a positive."""
    if ranking.n_positive == 0:
        return math.nan
    gained = np.diff(ranking.positives, prepend=0)
    return float(np.sum(gained * (ranking.positives / ranking.found))) / ranking.n_positive


def eleven_point_of(ranking: Ranking) -> float:
    """Mean over recall 0, 0.1, ... 1 of the best precision at that recall or more; NaN without a positive."""
    if ranking.n_positive == 0:
        return math.nan
    precision = ranking.positives / ranking.found
    best_from_here = np.maximum.accumulate(precision[::-1])[::-1]
    # recall >= k / 10 in whole numbers: 3 of 10 reaches 0.3, whatever 0.1 * 3 is in floats.
    first = np.searchsorted(ranking.positives * 10, np.arange(11) * ranking.n_positive)
    return float(best_from_here[first].mean())


def auroc_of(ranking: Ranking) -> float:
    """Share of the pairs (positive, negative) in the right order, ties counting half; NaN without a pair."""
    if ranking.n_positive == 0 or ranking.n_negative == 0:
        return math.nan
    negatives = np.diff(ranking.found - ranking.positives, prepend=0)
    above = np.concatenate([[0], ranking.positives[:-1]])
    right = np.sum(negatives * (above + ranking.positives)) / 2
    return float(right) / ranking.n_positive / ranking.n_negative


def average_precision(scores: NDArray[Any], targets: NDArray[Any]) -> float:
    """Average precision of one class, as scikit-learn's ``average_precision_score`` over what is not ignored.

    ``scores`` (N,), ``targets`` (N,) of 1, 0, -1. NaN without a positive (scikit-learn warns and says 0).

    >>> average_precision(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 0, 1, -1]))
    0.8333333333333333
    """
    return average_precision_of(rank(scores, targets))


def eleven_point_average_precision(scores: NDArray[Any], targets: NDArray[Any]) -> float:
    """VOC2007's 11-point AP of one class, as the VOC development kit defines it for image classification.

    ``scores`` (N,), ``targets`` (N,) of 1, 0, -1. NaN where there is no positive.

    >>> eleven_point_average_precision(np.array([0.9, 0.8, 0.7, 0.6]), np.array([1, 0, 1, -1]))
    0.8484848484848484
    """
    return eleven_point_of(rank(scores, targets))


def auroc(scores: NDArray[Any], targets: NDArray[Any]) -> float:
    """Area under the ROC curve of one class, as ``sklearn.metrics.roc_auc_score`` over what is not ignored.

    ``scores`` (N,), ``targets`` (N,) of 1, 0, -1. NaN without a positive or without a negative.

    >>> auroc(np.array([0.9, 0.8, 0.7]), np.array([1, 0, 1]))
    0.5
    """
    return auroc_of(rank(scores, targets))


def average_precisions(scores: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
    """(C,) ``average_precision`` of each class; ``scores`` and ``targets`` (N, C)."""
    return np.array([average_precision_of(r) for r in rankings(scores, targets)], dtype=np.float64)


def eleven_point_average_precisions(scores: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
    """(C,) ``eleven_point_average_precision`` of each class; ``scores`` and ``targets`` (N, C)."""
    return np.array([eleven_point_of(r) for r in rankings(scores, targets)], dtype=np.float64)


def aurocs(scores: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.float64]:
    """(C,) ``auroc`` of each class; ``scores`` and ``targets`` (N, C)."""
    return np.array([auroc_of(r) for r in rankings(scores, targets)], dtype=np.float64)


def one_vs_rest(target: NDArray[Any], n_classes: int) -> NDArray[np.int8]:
    """(N, C) int8 of 1 at each image's class and 0 elsewhere; ``target`` (N,) in 0 ... C-1."""
    return np.asarray(target[:, None] == np.arange(n_classes), dtype=np.int8)


def _same_shape(scores: NDArray[Any], targets: NDArray[Any], ndim: int) -> None:
    if scores.shape != targets.shape or scores.ndim != ndim:
        axes = "(N,)" if ndim == 1 else "(N, C)"
        raise ValueError(f"scores are {scores.shape} and targets {targets.shape}; both take {axes}")
