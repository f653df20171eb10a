"""The views over all classes of an evaluation: its summary with the per-class table, and the confusions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.browse.predictions import Predictions
from saccade.runs import Evaluation

LARGEST_MATRIX = 40  # classes; a larger matrix is no longer readable, and only its largest cells are listed
LISTED = 100


def summary(predictions: Predictions) -> dict[str, Any]:
    """What the page needs once for an evaluation of ``classify`` or ``multilabel``."""
    return basics(predictions.evaluation, predictions.metrics, len(predictions.images)) | {
        "task": predictions.task,
        "threshold": predictions.threshold,
        "positive": predictions.positive,
        "rule": _rule(predictions.evaluation.about()),
    }


def basics(evaluation: Evaluation, metrics: Mapping[str, Any], n: int) -> dict[str, Any]:
    """What every task's page needs; a row of the table is the class, then ``columns``."""
    about = evaluation.about()
    per_class = metrics.get("per_class", {})
    columns = list(next(iter(per_class.values()), {}))
    return {
        "evaluation": evaluation.name,
        "n": n,
        "checkpoint": about.get("checkpoint"),
        "epoch": about.get("epoch"),
        "optimistic": bool(about.get("optimistic")),
        "folds": len(about["folds"]["epochs"]) if "folds" in about else None,
        "out_of_fold": bool(about.get("out_of_fold")),
        "metrics": dict(sorted(metrics.get("metrics", {}).items(), key=lambda item: item[0] == "loss")),
        "columns": columns,
        "table": [[name, *(per_class.get(name, {}).get(c) for c in columns)] for name in metrics["classes"]],
    }


def _rule(about: Mapping[str, Any]) -> str:
    """How classify comes to its answer, in words."""
    if about.get("positive") is None or about.get("threshold") is None:
        return "the class of its highest score"
    return f"{about['positive']} where that score is above {about['threshold']:.4g}"


def confusion(predictions: Predictions) -> dict[str, Any]:
    """Classify: how often each class is taken for each.

    ``matrix`` is (C, C) counts, rows labelled, columns predicted, or None for many classes; ``pairs`` lists
    the most frequent mistakes. Both are empty for multilabel, where a mistake names no other class.
    """
    names, answers, targets = predictions.classes, predictions.answers, predictions.targets
    if answers is None:
        return {"matrix": None, "pairs": []}
    size = len(names)
    cells, counts = np.unique(targets.astype(np.int64) * size + answers, return_counts=True)
    return _confusions(names, cells, counts, np.bincount(targets, minlength=size))


def largest_confusions(names: Sequence[str], counts: NDArray[np.int64] | None) -> dict[str, Any]:
    """What ``confusion`` says, from (C, C) counts, rows true, columns predicted; nothing without them."""
    if counts is None:
        return {"matrix": None, "pairs": []}
    cells = np.flatnonzero(counts)
    return _confusions(names, cells, counts.ravel()[cells], counts.sum(axis=1))


def _confusions(
    names: Sequence[str], cells: NDArray[np.int64], counts: NDArray[np.int64], of: NDArray[np.int64]
) -> dict[str, Any]:
    """Of cells (K,) that are not empty, by their place in the flattened matrix; ``of`` (C,) are its row sums."""
    size = len(names)
    matrix = None
    if size <= LARGEST_MATRIX:
        filled = np.zeros(size * size, np.int64)
        filled[cells] = counts
        matrix = filled.reshape(size, size).tolist()
    wrong = cells // size != cells % size
    cells, counts = cells[wrong], counts[wrong]
    most = np.argsort(-counts, kind="stable")[:LISTED]
    pairs = [
        {"labelled": names[c // size], "answer": names[c % size], "n": int(n), "of": int(of[c // size])}
        for c, n in zip(cells[most], counts[most], strict=True)
    ]
    return {"matrix": matrix, "pairs": pairs}
