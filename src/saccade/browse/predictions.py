"""The predictions of one evaluation as arrays laid out for ranking: one contiguous row of scores a class.

Letters: N images, C classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saccade.errors import RunError
from saccade.runs import Evaluation

Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int32]
Labels: TypeAlias = NDArray[np.int8]
Flags: TypeAlias = NDArray[np.bool_]

BLOCK = 50_000_000 // 8  # numbers decoded at once: bounds the memory that reading takes beside the arrays themselves
COLUMNS = {
    "multilabel": ("image", "targets", "scores", "loss"),
    "classify": ("image", "target", "prediction", "scores", "loss"),
}


@dataclass(frozen=True, eq=False)
class Predictions:
    """All predictions of one evaluation.

    The decision on a class is ``score > threshold`` for multilabel, and being the answer for classify, as it was
    written: the class of the highest score, or what a threshold decided.
    """

    evaluation: Evaluation
    metrics: dict[str, Any]  # metrics.json
    task: str  # multilabel or classify
    classes: tuple[str, ...]
    threshold: float  # of the decision; 0.5 where it is the highest score
    images: list[str]  # N paths below the data root, forward slashes
    scores: Floats  # (C, N) in [0, 1]
    targets: Labels | Ints  # multilabel: (C, N) of 1, 0, -1 ignored; classify: (N,) class
    answers: Ints | None  # classify: (N,) predicted class; multilabel: None
    losses: Floats  # (N,); NaN where everything is ignored
    missed: Ints  # (N,) classes present but not decided
    false_alarms: Ints  # (N,) classes decided but absent
    positive: str | None = None  # the class in question, of whose score ``threshold`` is

    def slider(self, index: int) -> float:
        """Where the slider of a class starts: the answer is the other of two classes where the score is not above."""
        return self.threshold if self.classes[index] == (self.positive or self.classes[index]) else 1 - self.threshold

    def labels(self, index: int) -> Labels:
        """(N,) int8: 1 where class ``index`` is present, 0 where absent, -1 where ignored."""
        row = self.targets[index] if self.answers is None else self.targets == index
        return np.asarray(row, np.int8)

    def decided(self, index: int, threshold: float | None = None) -> Flags:
        """(N,) bool: where the model says class ``index``, multilabel at ``threshold`` if one is given."""
        if self.answers is not None:
            return np.asarray(self.answers == index)
        return np.asarray(self.scores[index] > np.float32(self.threshold if threshold is None else threshold))


def load(evaluation: Evaluation) -> Predictions:
    """Read one evaluation.

    Raises:
        RunError: a file is missing, or the three files of the evaluation do not fit each other.
    """
    metrics, about, file = evaluation.metrics(), evaluation.about(), evaluation.predictions_file
    task, classes = about.get("task"), tuple(metrics["classes"])
    if task not in COLUMNS:
        raise RunError(
            f"{evaluation.path}: predictions of task {task!r}; "
            f"browse shows {', '.join(COLUMNS)}, segment, caption and spot"
        )
    scan = scanned(evaluation, COLUMNS[task])
    threshold = 0.5 if about.get("threshold") is None else float(about["threshold"])
    read = _read_multilabel if task == "multilabel" else _read_classify
    return Predictions(
        evaluation=evaluation,
        metrics=metrics,
        task=task,
        classes=classes,
        threshold=threshold,
        positive=about.get("positive"),
        images=scan.select("image").collect()["image"].to_list(),
        losses=floats(scan.select("loss").collect()["loss"]),
        **read(scan, classes, threshold, file),
    )


def scanned(evaluation: Evaluation, columns: Sequence[str]) -> pl.LazyFrame:
    """The predictions of an evaluation, of which nothing has been read but that it has ``columns``.

    Raises:
        RunError: the file is missing or damaged, or has not all of the columns.
    """
    file = evaluation.predictions_file
    if not file.is_file():
        raise RunError(f"{file}: not found; make it with `saccade evaluate`")
    try:
        scan = pl.scan_parquet(file)
        missing = [name for name in columns if name not in scan.collect_schema()]
    except pl.exceptions.PolarsError:
        raise RunError(f"{file}: not a Parquet file; make it again with `saccade evaluate`") from None
    if missing:
        raise RunError(f"{file}: no column {', '.join(missing)}; score the split again with `saccade evaluate`")
    return scan


def floats(column: pl.Series) -> Floats:
    """(N,) float32, NaN for null."""
    return column.cast(pl.Float32).fill_null(np.nan).to_numpy()


def _read_multilabel(scan: pl.LazyFrame, classes: tuple[str, ...], threshold: float, file: Path) -> dict[str, Any]:
    n = scan.select(pl.len()).collect().item()
    scores, targets = np.empty((len(classes), n), np.float32), np.empty((len(classes), n), np.int8)
    missed, false_alarms = np.empty(n, np.int32), np.empty(n, np.int32)
    for rows, block in _blocks(scan, "scores", pl.Float32, len(classes), file):
        scores[:, rows] = block.T
    for rows, block in _blocks(scan, "targets", pl.Int8, len(classes), file):
        targets[:, rows] = block.T
        decided = np.greater(scores[:, rows].T, np.float32(threshold))
        missed[rows] = ((block == 1) & ~decided).sum(axis=1)
        false_alarms[rows] = ((block == 0) & decided).sum(axis=1)
    return {
        "scores": scores,
        "targets": targets,
        "answers": None,
        "missed": missed,
        "false_alarms": false_alarms,
    }


def _read_classify(scan: pl.LazyFrame, classes: tuple[str, ...], _: float, file: Path) -> dict[str, Any]:
    names = scan.select("target", "prediction").collect()
    unknown = (set(names["target"]) | set(names["prediction"])) - set(classes)
    if unknown:
        raise RunError(f"{file}: class {min(map(str, unknown))!r} is not among the classes of metrics.json")
    number = {name: index for index, name in enumerate(classes)}
    targets = np.array([number[name] for name in names["target"]], np.int32)
    answers = np.array([number[name] for name in names["prediction"]], np.int32)
    scores = np.empty((len(classes), len(names)), np.float32)
    for rows, said in _blocks(scan, "scores", pl.Float32, len(classes), file):
        scores[:, rows] = said.T
    wrong = (targets != answers).astype(np.int32)
    return {"scores": scores, "targets": targets, "answers": answers, "missed": wrong, "false_alarms": wrong}


def _blocks(
    scan: pl.LazyFrame, column: str, dtype: type[pl.DataType], width: int, file: Path
) -> Iterator[tuple[slice, NDArray[Any]]]:
    """A list column in blocks of rows: the slice of rows and its (rows, width) array."""
    n = scan.select(pl.len()).collect().item()
    step = max(1, BLOCK // max(width, 1))
    for start in range(0, n, step):
        lists = scan.select(pl.col(column).cast(pl.List(dtype))).slice(start, step).collect()[column]
        odd = lists.list.len().ne_missing(width).arg_true()
        if len(odd):
            raise RunError(
                f"{file}: {column} of row {start + odd[0]} are not {width} numbers, one a class; "
                "score the split again with `saccade evaluate`"
            )
        yield slice(start, start + len(lists)), lists.explode().to_numpy().reshape(-1, width)
