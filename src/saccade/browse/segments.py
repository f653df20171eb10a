"""The predictions of one evaluation of ``segment``: a mask an image, and the numbers of each image alone.

Letters: N images, C classes. Numbers of an image rank it; those of the split are made of all its pixels together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saccade.browse.predictions import Floats, floats, scanned
from saccade.data.masks import VOID, MaskCoding
from saccade.draw.overlay import palette
from saccade.errors import RunError
from saccade.runs import Evaluation

COLUMNS = ("image", "target", "mask", "pixel_accuracy", "iou", "loss")


@dataclass(frozen=True, eq=False)
class SegmentPredictions:
    """All predictions of one evaluation of ``segment``."""

    evaluation: Evaluation
    metrics: dict[str, Any]  # metrics.json
    classes: tuple[str, ...]
    colours: list[list[int]]  # C times red, green, blue, 0 to 255
    void_colour: list[int] | None  # None where no pixel is void
    coding: MaskCoding  # of the target masks
    images: list[str]  # N paths below the data root, forward slashes
    targets: list[str]  # N paths of the true masks, below the data root
    masks: list[str]  # N paths of the predicted masks, below the folder of the evaluation
    pixel_accuracy: Floats  # (N,); NaN where all pixels are void
    iou: Floats  # (C, N); NaN where a class is absent from both masks
    mean_iou: Floats  # (N,) over the classes that occur in either mask; NaN where none does
    losses: Floats  # (N,); NaN where all pixels are void

    @property
    def predicted_coding(self) -> MaskCoding:
        """Of the predicted masks: the stored ids are the classes."""
        return MaskCoding(ids=tuple(range(len(self.classes))), void_id=None)


def load_segment(evaluation: Evaluation) -> SegmentPredictions:
    """Read one evaluation of ``segment``.

    Raises:
        RunError: a file is missing, or the files of the evaluation do not fit each other.
    """
    metrics, about = evaluation.metrics(), evaluation.about()
    file, table = evaluation.predictions_file, scanned(evaluation, COLUMNS).select(COLUMNS).collect()
    if "coding" not in about:
        raise RunError(
            f"{file}: about.json does not say how the masks are coded; score the split again with `saccade evaluate`"
        )
    classes, coding = tuple(metrics["classes"]), _coding(about["coding"])
    colours = about.get("colours") or []
    iou = _iou(table["iou"], len(classes), file)
    return SegmentPredictions(
        evaluation=evaluation,
        metrics=metrics,
        classes=classes,
        colours=colours if len(colours) == len(classes) else palette(len(classes)).tolist(),
        void_colour=_void_colour(about, coding),
        coding=coding,
        images=table["image"].to_list(),
        targets=table["target"].fill_null("").to_list(),
        masks=table["mask"].fill_null("").to_list(),
        pixel_accuracy=floats(table["pixel_accuracy"]),
        iou=iou,
        mean_iou=_mean(iou),
        losses=floats(table["loss"]),
    )


def _coding(told: Mapping[str, Any]) -> MaskCoding:
    """From JSON, which knows lists only."""
    colours = told.get("colours")
    void = told.get("void_colour")
    return MaskCoding(
        ids=tuple(told["ids"]),
        void_id=told.get("void_id"),
        colours=None if colours is None else tuple(None if rgb is None else tuple(rgb) for rgb in colours),
        void_colour=None if void is None else tuple(void),
        void_is_background=bool(told.get("void_is_background")),
    )


def _void_colour(about: Mapping[str, Any], coding: MaskCoding) -> list[int] | None:
    if coding.void_is_background or about.get("void") == "background":
        return None
    if coding.void_id is None and coding.void_colour is None:
        return None
    colour: list[int] = palette(VOID + 1)[VOID].tolist()
    return colour if coding.void_colour is None else list(coding.void_colour)


def _iou(column: pl.Series, classes: int, file: Path) -> Floats:
    """(C, N) from N lists of C numbers, NaN for null."""
    odd = column.list.len().ne_missing(classes).arg_true()
    if len(odd):
        raise RunError(
            f"{file}: iou of row {odd[0]} are not {classes} numbers, one a class; "
            "score the split again with `saccade evaluate`"
        )
    values = floats(column.explode()) if len(column) else np.empty(0, np.float32)
    return np.ascontiguousarray(values.reshape(-1, classes).T)


def _mean(iou: Floats) -> Floats:
    """(N,) mean over the classes that are not NaN, NaN where all are."""
    occurs: NDArray[np.int64] = np.isfinite(iou).sum(axis=0)
    total = np.nansum(iou, axis=0, dtype=np.float64)
    return np.where(occurs > 0, total / np.maximum(occurs, 1), np.nan).astype(np.float32)
