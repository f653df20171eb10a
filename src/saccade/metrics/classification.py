"""Decisions, and what comes of them: accuracy, precision, recall, F1, top-k, the confusion matrix.

Letters: N images, C classes. Precision, recall and F1 whose denominator is 0 count as 0, as in scikit-learn
with ``zero_division=0``; a class of which nothing is known (all ignored, no image at all) has no number: NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.ranking import rank
from saccade.metrics.scores import defined_mean, divide


def above(scores: NDArray[Any], threshold: float) -> NDArray[np.bool_]:
    """Where a score is above the threshold, strictly.

    The threshold is first rounded to the scores' own type, so that a stored float32 score of 0.3 is not above
    0.3.
    """
    return np.asarray(scores > scores.dtype.type(threshold))


@dataclass(frozen=True)
class Decisions:
    """How the yes-or-no decisions of each class came out; each field is (C,) int64."""

    true_positive: NDArray[np.int64]
    false_positive: NDArray[np.int64]
    false_negative: NDArray[np.int64]
    true_negative: NDArray[np.int64]

    @property
    def valid(self) -> NDArray[np.int64]:
        """(C,) number of decisions that count."""
        return self.true_positive + self.false_positive + self.false_negative + self.true_negative

    def accuracy(self) -> NDArray[np.float64]:
        """(C,) share of the decisions that are right; NaN where there is none."""
        return divide(self.true_positive + self.true_negative, self.valid)

    def precision(self) -> NDArray[np.float64]:
        """(C,) share of what is called positive that is."""
        return self._ratio(self.true_positive, self.true_positive + self.false_positive)

    def recall(self) -> NDArray[np.float64]:
        """(C,) share of what is positive that is called so."""
        return self._ratio(self.true_positive, self.true_positive + self.false_negative)

    def f1(self) -> NDArray[np.float64]:
        """(C,) harmonic mean of precision and recall."""
        return self._ratio(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)

    def pooled(self) -> Decisions:
        """All classes' decisions as those of one class, for micro averages."""
        return Decisions(
            self.true_positive.sum(keepdims=True),
            self.false_positive.sum(keepdims=True),
            self.false_negative.sum(keepdims=True),
            self.true_negative.sum(keepdims=True),
        )

    def _ratio(self, numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.where(self.valid > 0, divide(numerator, denominator, where_zero=0.0), np.nan)


def multilabel_decisions(scores: NDArray[Any], targets: NDArray[Any], threshold: float = 0.5) -> Decisions:
    """The decisions ``score > threshold``; ``scores`` (N, C), ``targets`` (N, C) of 1, 0, -1 ignored."""
    assert scores.shape == targets.shape
    predicted, positive, negative = above(scores, threshold), targets == 1, targets == 0
    true_positive = np.count_nonzero(predicted & positive, axis=0).astype(np.int64)
    false_positive = np.count_nonzero(predicted & negative, axis=0).astype(np.int64)
    return Decisions(
        true_positive,
        false_positive,
        np.count_nonzero(positive, axis=0) - true_positive,
        np.count_nonzero(negative, axis=0) - false_positive,
    )


def classify_prediction(
    scores: NDArray[Any], *, positive: int | None = None, threshold: float | None = None
) -> NDArray[np.int64]:
    """(N,) the class of each image; ``scores`` (N, C).

    Without a threshold it is the class with the highest score, among equals the first. With one, which takes two
    classes, it is class ``positive`` where its score is above, and else the other.
    """
    if threshold is None:
        return np.asarray(scores.argmax(axis=1), dtype=np.int64)
    assert scores.shape[1] == 2
    assert positive is not None
    return np.where(above(scores[:, positive], threshold), positive, 1 - positive).astype(np.int64)


def f1_threshold(scores: NDArray[Any], targets: NDArray[Any]) -> float:
    """The threshold above which calling images positive gives the highest F1; both arguments (N,), targets 1 or 0.

    All cuts between two neighbouring distinct scores are tried, those above the highest and below the lowest as well.
    A cut stands in the middle between its neighbours (0 and 1 are the outermost), so it is one of the scores' own type
    from 0 to 1. Of cuts with equal F1 the highest is taken: it calls the fewest images positive. Without a positive
    that is 1.

    >>> f1_threshold(np.array([0.75, 0.5, 0.25, 0.0]), np.array([1, 1, 0, 0]))
    0.375
    """
    ranking = rank(scores, targets)
    number = scores.dtype.type
    highest = np.concatenate([[number(1)], ranking.scores])  # the scores just above each cut, and just below it
    lowest = np.concatenate([ranking.scores, [number(0)]])
    middle = ((highest.astype(np.float64) + lowest) / 2).astype(scores.dtype)
    # rounded to the score that must lie above it, a cut moves down to its other neighbour
    cuts = np.where(middle < highest, middle, lowest)
    cuts[0] = 1  # above every score, nothing is called positive
    found, right = (np.concatenate([[0], counts]) for counts in (ranking.found, ranking.positives))
    f1 = divide(2 * right, found + ranking.n_positive, where_zero=0.0)
    # a score of 0 lies above no threshold from 0 to 1
    f1[1:][ranking.scores == 0] = -1.0
    return float(cuts[f1.argmax()])


def confusion_matrix(target: NDArray[Any], prediction: NDArray[Any], n_classes: int) -> NDArray[np.int64]:
    """(C, C) number of images of class i (row) called class j (column); both arguments (N,) in 0 ... C-1.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    cells = target.astype(np.int64) * n_classes + prediction
    return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes).astype(np.int64)


def classify_decisions(confusion: NDArray[np.int64]) -> Decisions:
    """Each class against the rest, from the (C, C) confusion matrix."""
    right = np.diagonal(confusion)
    false_positive = confusion.sum(axis=0) - right
    false_negative = confusion.sum(axis=1) - right
    return Decisions(right, false_positive, false_negative, confusion.sum() - right - false_positive - false_negative)


def accuracy(confusion: NDArray[np.int64]) -> float:
    """Share of all images whose class is right; NaN without an image."""
    images = int(confusion.sum())
    return int(np.diagonal(confusion).sum()) / images if images else math.nan


def class_accuracies(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C,) share of each class's images that are right; NaN for a class without an image."""
    return divide(np.diagonal(confusion), confusion.sum(axis=1))


def balanced_accuracy(confusion: NDArray[np.int64]) -> float:
    """Mean of ``class_accuracies`` over the classes that have an image; NaN where none has."""
    return defined_mean(class_accuracies(confusion))


def top_k_accuracy(scores: NDArray[Any], target: NDArray[Any], k: int = 1) -> float:
    """Share of images with their class among the k highest scores; ``scores`` (N, C), ``target`` (N,).

    Among equal scores the earlier class counts as higher, as argmax has it. NaN without an image.

    >>> top_k_accuracy(np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2]]), np.array([1, 0]), k=1)
    0.5
    """
    if len(target) == 0:
        return math.nan
    own = np.take_along_axis(scores, target[:, None].astype(np.int64), axis=1)
    earlier = np.arange(scores.shape[1]) < target[:, None]
    higher = np.count_nonzero((scores > own) | ((scores == own) & earlier), axis=1)
    return float(np.mean(higher < k))
