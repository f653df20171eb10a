"""All numbers of a split at once, under the names that ``metrics.json`` uses.

The loss is not among them: it needs logits and weights, and is added where these are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.classification import (
    accuracy,
    balanced_accuracy,
    class_accuracies,
    classify_decisions,
    classify_prediction,
    confusion_matrix,
    multilabel_decisions,
    top_k_accuracy,
)
from saccade.metrics.ranking import auroc_of, average_precision_of, eleven_point_of, one_vs_rest, rankings
from saccade.metrics.scores import Scores, defined_mean, or_none, refuse_nan
from saccade.metrics.tail import tail_curve_of

MULTILABEL_POOLING: dict[str, str] = {
    "loss": "sum of the loss over all valid (image, class) pairs, divided by their number",
    "map": "average precision of each class over all images, mean over the classes with a positive",
    "map_11point": "VOC2007 11-point AP of each class over all images, mean over the classes with a positive",
    "micro_f1": "F1 of all valid (image, class) decisions pooled",
    "macro_f1": "F1 of each class over all images, mean over the classes with a valid target",
    "accuracy": "share of right decisions of each class, mean over the classes with a valid target",
    "tail_accuracy": "mean over 20 thresholds of a class, mean over the classes with a score above the first",
}
"""How each number of the multilabel task is pooled, in words."""


def classify_pooling(
    n_classes: int, top_k: int = 5, *, positive: str | None = None, threshold: float | None = None
) -> dict[str, str]:
    """How each number of the classify task is pooled, in words, under the names of ``classify_scores``."""
    top = {f"top{top_k}_accuracy": f"share of all images whose class is among the {top_k} highest scores"}
    return {
        "loss": "weighted sum of the loss over all images, divided by the sum of their weights",
        **({} if positive is None else _positive_pooling(positive)),
        "accuracy": "share of all images whose highest score is that of their class"
        if threshold is None
        else f"share of all images called right, which is {positive} where its score is above {threshold:g}",
        **(top if 1 < top_k < n_classes else {}),
        "balanced_accuracy": "share of right images of each class, mean over the classes with an image",
        "macro_precision": "precision of each class over all images, mean over all classes",
        "macro_recall": "recall of each class over all images, mean over all classes",
        "macro_f1": "F1 of each class over all images, mean over all classes",
        "map": "one-vs-rest average precision of each class over all images, mean over those with an image",
        "auroc": "one-vs-rest area under the ROC curve of each class, mean over those where it is defined",
    }


def _positive_pooling(name: str) -> dict[str, str]:
    return {
        "positive_ap": f"average precision of the score of {name} over all images, {name} against the rest",
        "positive_precision": f"of all images called {name}, the share that is",
        "positive_recall": f"of all images of {name}, the share called so",
        "positive_f1": f"harmonic mean of precision and recall of {name}",
    }


def multilabel_scores(
    scores: NDArray[Any], targets: NDArray[Any], *, classes: Sequence[str], threshold: float = 0.5
) -> Scores:
    """The multilabel numbers of a split; ``scores`` (N, C) in [0, 1], ``targets`` (N, C) of 1, 0, -1 ignored.

    Raises:
        SaccadeError: a score is NaN.
    """
    assert scores.shape == targets.shape == (len(targets), len(classes))
    refuse_nan(scores)
    ranked = [
        (average_precision_of(r), eleven_point_of(r), tail_curve_of(r, threshold).accuracy)
        for r in rankings(scores, targets)
    ]
    ap, ap_11point, tail = np.array(ranked, dtype=np.float64).reshape(-1, 3).T
    decisions = multilabel_decisions(scores, targets, threshold)
    share_right, f1 = decisions.accuracy(), decisions.f1()
    metrics = {
        "map": defined_mean(ap),
        "map_11point": defined_mean(ap_11point),
        "micro_f1": float(decisions.pooled().f1()[0]),
        "macro_f1": defined_mean(f1),
        "accuracy": defined_mean(share_right),
        "tail_accuracy": defined_mean(tail),
    }
    columns = {
        "ap": ap,
        "ap_11point": ap_11point,
        "n_positive": decisions.true_positive + decisions.false_negative,
        "n_negative": decisions.true_negative + decisions.false_positive,
        "n_ignored": len(targets) - decisions.valid,
        "accuracy": share_right,
        "precision": decisions.precision(),
        "recall": decisions.recall(),
        "f1": f1,
        "tail_accuracy": tail,
    }
    return Scores({k: or_none(v) for k, v in metrics.items()}, dict(_rows(classes, columns)))


def classify_scores(
    scores: NDArray[Any],
    target: NDArray[Any],
    *,
    classes: Sequence[str],
    top_k: int = 5,
    positive: str | None = None,
    threshold: float | None = None,
) -> Scores:
    """The classify numbers of a split; ``scores`` (N, C) in [0, 1], ``target`` (N,) in 0 ... C-1.

    ``top_k`` adds the top-k accuracy where 1 < k < C: from C on it is 1 for any network. ``positive`` is the class of
    ``positive_ap`` and the like, against the rest. Between two classes a ``threshold`` decides, as in
    ``classify_prediction``.

    Raises:
        SaccadeError: a score is NaN.
    """
    n_classes = len(classes)
    assert scores.shape == (len(target), n_classes)
    refuse_nan(scores)
    ranked = [(average_precision_of(r), auroc_of(r)) for r in rankings(scores, one_vs_rest(target, n_classes))]
    ap, auroc = np.array(ranked, dtype=np.float64).reshape(-1, 2).T
    place = None if positive is None else list(classes).index(positive)
    prediction = classify_prediction(scores, positive=place, threshold=threshold)
    confusion = confusion_matrix(target, prediction, n_classes)
    columns = {**_classify_columns(confusion), "ap": ap, "auroc": auroc}
    of_positive = ("ap", "precision", "recall", "f1") if place is not None else ()
    metrics = {
        **{f"positive_{name}": float(columns[name][place]) for name in of_positive},
        "accuracy": accuracy(confusion),
        **({f"top{top_k}_accuracy": top_k_accuracy(scores, target, top_k)} if 1 < top_k < n_classes else {}),
        "balanced_accuracy": balanced_accuracy(confusion),
        **{f"macro_{name}": defined_mean(columns[name]) for name in ("precision", "recall", "f1")},
        "map": defined_mean(ap),
        "auroc": defined_mean(auroc),
    }
    return Scores({k: or_none(v) for k, v in metrics.items()}, dict(_rows(classes, columns)))


def _classify_columns(confusion: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """What comes of the decisions for each class, (C,) each."""
    decisions = classify_decisions(confusion)
    return {
        "n_positive": confusion.sum(axis=1),
        "n_predicted": confusion.sum(axis=0),
        "accuracy": class_accuracies(confusion),
        "precision": decisions.precision(),
        "recall": decisions.recall(),
        "f1": decisions.f1(),
    }


def _rows(
    classes: Sequence[str], columns: Mapping[str, NDArray[Any]]
) -> Iterator[tuple[str, dict[str, float | int | None]]]:
    """The columns, each (C,), as one dict of plain Python numbers a class; counts stay whole."""
    for i, name in enumerate(classes):
        yield (
            name,
            {k: int(v[i]) if v.dtype.kind == "i" else or_none(float(v[i])) for k, v in columns.items()},
        )
