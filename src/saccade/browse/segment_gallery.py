"""The images of one evaluation of ``segment`` in the order that the page asks for, ready for JSON, and their masks.

Letters: N images, C classes. Undefined numbers are None.
"""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from saccade.browse.base import BaseGallery, Choice, Rows, Show, UnknownError, by_value, number
from saccade.browse.labelmaps import label_map
from saccade.browse.overview import basics, largest_confusions
from saccade.browse.predictions import Flags, Floats
from saccade.browse.segments import SegmentPredictions
from saccade.browse.thumbnails import Allowed, Thumbnails

Kind: TypeAlias = Literal["target", "prediction"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class SegmentGallery(BaseGallery):
    """The images of one evaluation of ``segment``."""

    def __init__(self, predictions: SegmentPredictions, allowed: Allowed) -> None:
        p = predictions
        super().__init__(p.images, allowed)
        self.predictions = p
        self._folder = Allowed(p.evaluation.path, p.evaluation.path, name="evaluation folder")
        self._number = {name: index for index, name in enumerate(p.classes)}
        self._masks = {
            kind: Thumbnails(32_000_000, partial(label_map, coding=coding), repr(coding))
            for kind, coding in (("target", p.coding), ("prediction", p.predicted_coding))
        }

    def page(self, choice: Choice) -> dict[str, Any]:
        """One page of tiles, and how many images each filter keeps; a page beyond the last is the last.

        Without a class all images are ranked by their mean IoU or loss; with one, those where it is in the target
        or the prediction, by its IoU or loss. ``misses`` are those where a class, or this one, has an IoU of 0.

        Raises:
            UnknownError: a class or filter that the evaluation does not know.
        """
        self._check_order(choice)
        p, index = self.predictions, None if choice.name is None else self._index(choice.name)
        if index is None:
            values, occurs, none_right = p.mean_iou, np.ones(len(p.images), np.bool_), self._none_right
        else:
            values = p.iou[index]
            occurs, none_right = np.isfinite(values), values == 0
        shown: dict[Show, Flags] = {"all": occurs, "misses": none_right}
        return self._paged(choice, self._order(choice, values), shown, lambda row: self._tile(row, index))

    def image(self, row: int, _: float | None = None) -> dict[str, Any]:
        """One image with the IoU of each class in it, the lowest first and the absent ones at the end.

        Raises:
            UnknownError: there is no such row.
        """
        self.path(row)
        iou = self.predictions.iou[:, row]
        ranked = np.argsort(iou, kind="stable")  # NaN stands last
        return self._tile(row, None) | {"classes": [{"id": int(k), "iou": number(iou[k])} for k in ranked]}

    def mask(self, row: int, kind: Kind) -> Path | str:
        """The file of a mask, or in a few words why it is not shown.

        True masks may lie where images may, predicted ones in the folder of the evaluation alone.

        Raises:
            UnknownError: there is no such row.
        """
        self.path(row)
        if kind == "target":
            return self.allowed.find(self.predictions.targets[row])
        return self._folder.find(self.predictions.masks[row])

    def masks(self, kind: Kind) -> Thumbnails:
        """What makes and keeps the label maps of the true or of the predicted masks."""
        return self._masks[kind]

    def summary(self) -> dict[str, Any]:
        """What the page needs once for the evaluation."""
        p = self.predictions
        pooling = p.evaluation.about().get("pooling", {})
        return basics(p.evaluation, p.metrics, len(p.images)) | {
            "task": "segment",
            "colours": p.colours,
            "void": p.void_colour,
            "rule": pooling.get("miou"),
        }

    def confusion(self) -> dict[str, Any]:
        """How many pixels of each class are taken for each."""
        counts = self.predictions.metrics.get("confusion")
        return largest_confusions(self.predictions.classes, None if counts is None else np.array(counts, np.int64))

    def _index(self, name: str) -> int:
        if name not in self._number:
            raise UnknownError(f"there is no class {name}")
        return self._number[name]

    def _order(self, choice: Choice, values: Floats) -> Rows:
        """Rows from the first to the last; what is equal, such as an IoU of 0, by its loss."""
        losses = self.predictions.losses
        if choice.order in ("loss", "least_loss"):
            return np.argsort(-losses if choice.order == "loss" else losses, kind="stable")
        return by_value(values, losses, best_first=choice.order == "best")

    def _tile(self, row: int, index: int | None) -> dict[str, Any]:
        p = self.predictions
        files = {kind: self.mask(row, kind) for kind in KINDS}
        return self._found(row) | {
            "mask_problems": {kind: file if isinstance(file, str) else None for kind, file in files.items()},
            "mean_iou": number(p.mean_iou[row]),
            "pixel_accuracy": number(p.pixel_accuracy[row]),
            "loss": number(p.losses[row]),
            "iou": None if index is None else number(p.iou[index, row]),
        }

    @cached_property
    def _none_right(self) -> Flags:
        """(N,) bool: a class that occurs in the image has no right pixel in it."""
        return np.asarray((self.predictions.iou == 0).any(axis=0))
