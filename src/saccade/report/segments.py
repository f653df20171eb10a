"""One evaluation of a segment run read whole.

Letters: N images, C classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saccade.data.masks import MaskCoding
from saccade.errors import RunError
from saccade.report.scored import Evaluated
from saccade.runs import Evaluation


@dataclass(frozen=True)
class Segmented(Evaluated):
    """N images with a class for each pixel."""

    targets: Sequence[str]  # N paths of the true masks relative to the data root
    masks: Sequence[str]  # N paths of the predicted masks relative to the evaluation's folder
    confusion: NDArray[np.int64]  # (C, C) pixels of the split by target (row) and prediction (column), void left out
    ious: NDArray[np.float32]  # (N, C) in [0, 1], NaN where the class is in neither mask of the image
    accuracies: NDArray[np.float32]  # (N,) pixel accuracy, NaN where all of the image is void

    @classmethod
    def read(cls, evaluation: Evaluation) -> Segmented:
        """Read the three files of ``evaluation``; the masks are left where they are.

        Raises:
            RunError: one of them is missing, or they do not fit each other.
        """
        metrics, about, rows = evaluation.metrics(), evaluation.about(), evaluation.predictions()
        n = len(metrics["classes"])
        confusion = np.array(metrics.get("confusion", []), dtype=np.int64)
        if confusion.shape != (n, n) or not (rows["iou"].list.len() == n).all():
            raise RunError(
                f"{evaluation.path}: {evaluation.metrics_file.name} has {n} classes, and not {n} x {n} numbers in its "
                f"confusion matrix or {n} IoUs in each row of {evaluation.predictions_file.name}; write them again "
                "with `saccade evaluate`"
            )
        ious = rows["iou"].cast(pl.List(pl.Float32)).list.eval(pl.element().fill_null(float("nan")))
        accuracies = rows["pixel_accuracy"].cast(pl.Float32).fill_null(float("nan")).to_numpy()
        names = (rows[column].to_list() for column in ("image", "target", "mask"))
        images, targets, masks = names
        table = ious.list.to_array(n).to_numpy()
        return cls(evaluation.name, metrics, about, images, targets, masks, confusion, table, accuracies)

    @property
    def coding(self) -> MaskCoding:
        """How the files of the true masks are read."""
        given = self.about["coding"]
        colours, void = given["colours"], given["void_colour"]
        return MaskCoding(
            ids=tuple(given["ids"]),
            void_id=given["void_id"],
            colours=None if colours is None else tuple(None if c is None else tuple(c) for c in colours),
            void_colour=None if void is None else tuple(void),
            void_is_background=given["void_is_background"],
        )

    @property
    def colours(self) -> NDArray[np.uint8]:
        """(C, 3) RGB in which each class is shown."""
        return np.array(self.about["colours"], dtype=np.uint8).reshape(-1, 3)

    @property
    def pixels(self) -> NDArray[np.int64]:
        """(C,) target pixels of each class in the split."""
        return np.asarray(self.confusion.sum(axis=1))

    def shares(self) -> NDArray[np.float64]:
        """(C,) each class's share of the target pixels, which is the IoU that calling every pixel so would reach."""
        return self.pixels / max(int(self.pixels.sum()), 1)

    def baseline(self) -> float | None:
        """The mIoU of calling every pixel the most frequent class; None without a valid pixel.

        That class has its share of the pixels as IoU, and every other class that occurs in the targets 0.
        """
        occurring = int((self.pixels > 0).sum())
        return float(self.shares().max() / occurring) if occurring else None

    def image_means(self) -> NDArray[np.float64]:
        """(N,) mean IoU of each image over the classes in its target or prediction; NaN where all of it is void."""
        there = ~np.isnan(self.ious)
        total = np.where(there, self.ious, 0).sum(axis=1, dtype=np.float64)
        return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.nan)
