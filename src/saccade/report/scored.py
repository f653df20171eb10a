"""What every evaluation has; and one read whole, in the same arrays for multilabel and classify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saccade.errors import RunError
from saccade.runs import Evaluation

HEADLINE = {
    "multilabel": "map",
    "classify": "accuracy",
    "segment": "miou",
    "caption": "cider",
    "spot": "end_to_end_hmean",
}
"""The one metric of each task that its headline names, where no class is in question and text is read."""

KIND = {"multilabel": "labels", "classify": "labels", "segment": "masks", "caption": "captions", "spot": "words"}
"""What each task says of an image, by which its page is laid out: ``templates/<kind>.html`` is the middle of it."""


def headline_key(about: Mapping[str, Any]) -> str:
    """The key of the one metric that the headline of an evaluation names; ``about`` is its ``about.json``."""
    if about.get("positive") is not None:
        return "positive_ap"
    return HEADLINE[about["task"]] if about.get("reads", True) else "detection_hmean"


@dataclass(frozen=True)
class Evaluated:
    """N images scored, whatever the task; for C classes, where it has any."""

    name: str  # of the evaluation's folder
    metrics: dict[str, Any]  # metrics.json
    about: dict[str, Any]  # about.json
    images: Sequence[str]  # N paths relative to the data root

    @property
    def task(self) -> str:
        """``multilabel``, ``classify``, ``segment``, ``caption`` or ``spot``."""
        return str(self.about["task"])

    @property
    def positive(self) -> str | None:
        """The class in question, against the rest; None where no class is special."""
        return self.about.get("positive")

    @property
    def split(self) -> str:
        """The split that was scored."""
        return str(self.metrics["split"])

    @property
    def classes(self) -> list[str]:
        """C class names, in the order of the columns."""
        return list(self.metrics["classes"])

    @property
    def headline(self) -> float | None:
        """The one number at the top, such as mAP or the AP of the class in question; None where it is undefined."""
        value = self.metrics["metrics"][headline_key(self.about)]
        return None if value is None else float(value)

    @property
    def highest(self) -> float:
        """The highest that the headline can be."""
        return 10.0 if self.task == "caption" else 1.0

    def of_class(self, key: str) -> list[float | None]:
        """One number of ``per_class`` for each class, in their order; None where it is undefined."""
        return [self.metrics["per_class"][name].get(key) for name in self.classes]


@dataclass(frozen=True)
class Scored(Evaluated):
    """N images with a score for each of C classes."""

    targets: NDArray[np.int8]  # (N, C) 1 present, 0 absent, -1 ignored; classify: one 1 a row
    scores: NDArray[np.float32]  # (N, C) in [0, 1]
    found: NDArray[np.bool_]  # (N, C) multilabel: score above the threshold; classify: the one prediction
    losses: NDArray[np.float32]  # (N,), NaN where everything is ignored

    @classmethod
    def read(cls, evaluation: Evaluation) -> Scored:
        """Read the three files of ``evaluation``.

        Raises:
            RunError: one of them is missing, or the predictions do not fit the class names.
        """
        metrics, about, rows = evaluation.metrics(), evaluation.about(), evaluation.predictions()
        classes = metrics["classes"]
        if not (rows["scores"].list.len() == len(classes)).all():
            raise RunError(
                f"{evaluation.predictions_file}: a row does not hold {len(classes)} scores, one for each "
                f"class of {evaluation.metrics_file.name}; write both again with `saccade evaluate`"
            )
        scores = _matrix(rows["scores"], len(classes)).astype(np.float32, copy=False)
        if about["task"] == "multilabel":
            targets = _matrix(rows["targets"], len(classes)).astype(np.int8, copy=False)
            found = scores > np.float32(about["threshold"])
        else:
            targets = _one_hot(rows["target"], classes).astype(np.int8)
            found = _one_hot(rows["prediction"], classes)
        losses = rows["loss"].cast(pl.Float32).fill_null(float("nan")).to_numpy()
        return cls(evaluation.name, metrics, about, rows["image"].to_list(), targets, scores, found, losses)

    def baseline(self) -> float | None:
        """What no network at all would reach.

        multilabel: the share of positives among the valid targets, averaged over the classes that have a
        positive; about the AP of a random ranking. classify: the share of the largest class, or that of the
        class in question, which is about the AP of a random ranking.
        """
        positives = (self.targets == 1).sum(axis=0)
        if self.positive is not None:
            return float(positives[self.classes.index(self.positive)] / len(self.images))
        if self.task == "classify":
            return float(positives.max() / len(self.images))
        valid = (self.targets >= 0).sum(axis=0)
        seen = positives > 0
        return float(np.mean(positives[seen] / valid[seen])) if seen.any() else None

    def always_absent(self) -> float:
        """multilabel: the ``accuracy`` of saying absent to every class of every image."""
        valid = (self.targets >= 0).sum(axis=0)
        absent = (self.targets == 0).sum(axis=0)
        return float(np.mean(absent[valid > 0] / valid[valid > 0]))


def _matrix(column: pl.Series, width: int) -> NDArray[Any]:
    """(N, ``width``) from a column of lists."""
    return column.list.to_array(width).to_numpy()


def _one_hot(names: pl.Series, classes: list[str]) -> NDArray[np.bool_]:
    """(N, C) with one True a row."""
    place = {name: i for i, name in enumerate(classes)}
    columns = np.fromiter((place[name] for name in names), dtype=np.int64, count=len(names))
    hot = np.zeros((len(names), len(classes)), dtype=np.bool_)
    hot[np.arange(len(names)), columns] = True
    return hot
