"""Tail accuracy: how often the network is right among what it is most certain of.

    Tailacc(t) = sum I[f(x) = y] I[f(x) > t] / sum I[f(x) > t]

is taken for one class at 20 thresholds t. They are at or above the decision threshold, so an image scored
above t is one that the network calls positive, and it is right where the class is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.ranking import Ranking, rank, rankings
from saccade.metrics.scores import defined_mean, divide

N_THRESHOLDS = 20


@dataclass(frozen=True)
class TailCurve:
    """Tail accuracy of one class at each of its thresholds.

    ``thresholds``: (20,) float64, ascending from the decision threshold. ``accuracies``: (20,) float64, from
    0 to 1; NaN where nothing is scored above the threshold.
    """

    thresholds: NDArray[np.float64]
    accuracies: NDArray[np.float64]

    @property
    def accuracy(self) -> float:
        """Mean over the thresholds where it is defined; NaN where nothing is scored above the first."""
        return defined_mean(self.accuracies)


def tail_curve_of(ranking: Ranking, threshold: float = 0.5) -> TailCurve:
    """The curve of a ranked class.

    With the M scores above ``threshold`` ascending as s_1 ... s_M, and s_0 the threshold itself, t_k is
    s_floor(M k / 20) for k = 0 ... 19: an equal share of the scores lies between neighbours and above t_19.
    """
    start = ranking.scores.dtype.type(threshold)  # compared in the scores' own type, as ``above`` does
    steps = int(np.count_nonzero(ranking.scores > start))
    m = int(ranking.found[steps - 1]) if steps else 0
    passed = m * np.arange(N_THRESHOLDS) // N_THRESHOLDS
    # s_j is the (M - j + 1)-th best image; ``step`` is its place among the distinct scores, best first.
    step = np.where(passed == 0, steps, np.searchsorted(ranking.found, m - passed + 1))
    ladder = np.concatenate([ranking.scores[:steps], [start]]).astype(np.float64)
    found = np.concatenate([[0], ranking.found])[step]
    right = np.concatenate([[0], ranking.positives])[step]
    return TailCurve(ladder[step], divide(right, found))


def tail_curve(scores: NDArray[Any], targets: NDArray[Any], threshold: float = 0.5) -> TailCurve:
    """The thresholds and tail accuracies of one class; ``scores`` (N,), ``targets`` (N,) of 1, 0, -1 ignored.

    >>> curve = tail_curve(np.array([0.9, 0.8, 0.7, 0.6, 0.2]), np.array([1, 1, 0, 1, 1]))
    >>> curve.accuracies[[0, 5, 10, 15]].tolist()  # above 0.5, 0.6, 0.7, 0.8
    [0.75, 0.6666666666666666, 1.0, 1.0]
    """
    return tail_curve_of(rank(scores, targets), threshold)


def tail_curves(scores: NDArray[Any], targets: NDArray[Any], threshold: float = 0.5) -> list[TailCurve]:
    """The curve of each class; ``scores`` and ``targets`` (N, C)."""
    return [tail_curve_of(ranking, threshold) for ranking in rankings(scores, targets)]


def mean_tail_accuracies(curves: Iterable[TailCurve]) -> NDArray[np.float64]:
    """(20,) tail accuracy at the k-th threshold of each class, averaged over the classes where defined."""
    table = np.array([curve.accuracies for curve in curves], dtype=np.float64).reshape(-1, N_THRESHOLDS)
    return np.array([defined_mean(column) for column in table.T], dtype=np.float64)


def tail_accuracy(scores: NDArray[Any], targets: NDArray[Any], threshold: float = 0.5) -> float:
    """The mean over the thresholds of one class; NaN where no score is above the first."""
    return tail_curve(scores, targets, threshold).accuracy
