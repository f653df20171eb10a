"""The numbers of the segment task, all from one confusion matrix over the pixels.

Letters: C classes, H x W pixels. ``mask`` (H, W) uint8 is the class of each pixel in 0 ... C-1, or 255 where it is
void; ``predicted`` (H, W) uint8 in 0 ... C-1. ``confusion`` (C, C) int64 counts pixels of class i (row) that are called
class j (column); a void pixel stands nowhere in it, whatever it is called. A ratio whose denominator is 0 has no
number: NaN in arrays, ``None`` in ``Scores``.

Pixel accuracy, mean accuracy, mean IoU and frequency-weighted IoU are those of Long et al. 2015 (arXiv 1411.4038,
section 5), but for the classes that a mean goes over, which ``SEGMENT_POOLING`` tells.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.classification import accuracy, class_accuracies
from saccade.metrics.scores import Scores, defined_mean, divide, or_none

VOID = 255
"""The class of a pixel that does not count."""

SEGMENT_POOLING: dict[str, str] = {
    "loss": "weighted sum of the loss over all valid pixels, divided by the sum of their weights",
    "pixel_accuracy": "share of all valid pixels of the split whose class is right",
    "miou": "IoU of each class over all valid pixels of the split, mean over the classes that occur in the targets "
    "or in the predictions",
    "fwiou": "IoU of each class over all valid pixels of the split, each weighted by its share of the target pixels",
    "mean_accuracy": "share of right pixels of each class over all valid pixels of the split, mean over the classes "
    "that occur in the targets",
    "mean_dice": "dice of each class over all valid pixels of the split, mean over the classes that occur in the "
    "targets or in the predictions",
}
"""How each number of the segment task is pooled, in words."""


def pixel_confusion(mask: NDArray[Any], predicted: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """(C, C) the confusion matrix of one image, or of several of one shape; ``classes`` is C, at most 255.

    >>> pixel_confusion(np.array([[0, 1], [1, 255]]), np.array([[0, 0], [1, 1]]), 2).tolist()
    [[1, 0], [1, 1]]
    """
    assert mask.shape == predicted.shape
    assert predicted.size == 0 or predicted.max() < classes
    # void pixels get rows of their own, past the last class: cheaper than to pick out the others
    cells = mask.astype(np.intp) * classes + predicted
    rows = np.bincount(cells.ravel(), minlength=(VOID + 1) * classes).reshape(-1, classes).astype(np.int64)
    assert not rows[classes:VOID].any(), "a class beyond the last"
    return rows[:classes]


def ious(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C,) intersection over union; NaN for a class that occurs in neither targets nor predictions."""
    both = np.diagonal(confusion)
    return divide(both, confusion.sum(axis=1) + confusion.sum(axis=0) - both)


def dices(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C,) twice the intersection over the sum of both, which is F1 of the pixels; NaN as in ``ious``."""
    return divide(2 * np.diagonal(confusion), confusion.sum(axis=1) + confusion.sum(axis=0))


def frequency_weighted_iou(confusion: NDArray[np.int64]) -> float:
    """The classes' IoUs, each weighted by its share of the target pixels; NaN without a pixel."""
    pixels = confusion.sum(axis=1)
    there = pixels > 0
    return float((ious(confusion)[there] * pixels[there]).sum() / pixels.sum()) if there.any() else math.nan


def image_ious(mask: NDArray[Any], predicted: NDArray[Any], classes: int) -> NDArray[np.float64]:
    """(C,) the IoU of each class in one image; NaN where it occurs in neither. Their mean over images is not mIoU.

    >>> image_ious(np.array([[0, 0, 255]]), np.array([[0, 1, 2]]), 3).tolist()
    [0.5, 0.0, nan]
    """
    return ious(pixel_confusion(mask, predicted, classes))


def image_accuracy(mask: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Share of the valid pixels of one image that are right; NaN where all of it is void.

    >>> image_accuracy(np.array([[0, 0, 255]]), np.array([[0, 1, 2]]))
    0.5
    """
    valid = int(np.count_nonzero(mask != VOID))
    return int(np.count_nonzero((mask == predicted) & (mask != VOID))) / valid if valid else math.nan


def segment_scores(confusion: NDArray[np.int64], *, classes: Sequence[str]) -> Scores:
    """The segment numbers of a split from its (C, C) confusion matrix; ``classes`` are the C names in its order."""
    assert confusion.shape == (len(classes), len(classes))
    iou, dice, share_right = ious(confusion), dices(confusion), class_accuracies(confusion)
    pixels, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    precision = divide(np.diagonal(confusion), predicted)
    metrics = {
        "pixel_accuracy": accuracy(confusion),
        "miou": defined_mean(iou),
        "fwiou": frequency_weighted_iou(confusion),
        "mean_accuracy": defined_mean(share_right),
        "mean_dice": defined_mean(dice),
    }
    per_class: dict[str, dict[str, float | int | None]] = {
        name: {
            "iou": or_none(iou[i]),
            "dice": or_none(dice[i]),
            "accuracy": or_none(share_right[i]),
            "precision": or_none(precision[i]),
            "n_pixels": int(pixels[i]),
            "n_predicted": int(predicted[i]),
        }
        for i, name in enumerate(classes)
    }
    numbers = {name: or_none(value) for name, value in metrics.items()}
    return Scores(numbers, per_class, confusion=confusion.tolist())
