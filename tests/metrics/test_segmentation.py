"""Numbers of masks worked by hand, and the degenerate cases; others are compared with in tests/reference."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from saccade.draw import overlay
from saccade.losses import segment
from saccade.metrics.segmentation import (
    SEGMENT_POOLING,
    VOID,
    image_accuracy,
    image_ious,
    pixel_confusion,
    segment_scores,
)

V = VOID
CLASSES = ["sky", "road", "car"]


def scores(mask, predicted, classes=CLASSES):
    mask, predicted = (np.array(x, dtype=np.uint8).reshape(1, -1) for x in (mask, predicted))
    return segment_scores(pixel_confusion(mask, predicted, len(classes)), classes=classes)


def test_values_worked_by_hand():
    # sky: 3 pixels, 4 called so, 2 of them right; road: 2, 2, 1; car: 2, 1, 1; void: one, called road
    result = scores([0, 0, 0, 1, 1, 2, 2, V], [0, 0, 1, 1, 0, 2, 0, 1])
    assert result.metrics == {
        "pixel_accuracy": pytest.approx(4 / 7),
        "miou": pytest.approx((2 / 5 + 1 / 3 + 1 / 2) / 3),
        "fwiou": pytest.approx((3 * 2 / 5 + 2 * 1 / 3 + 2 * 1 / 2) / 7),
        "mean_accuracy": pytest.approx((2 / 3 + 1 / 2 + 1 / 2) / 3),
        "mean_dice": pytest.approx((4 / 7 + 2 / 4 + 2 / 3) / 3),
    }
    assert result.per_class["sky"] == {
        "iou": pytest.approx(2 / 5),
        "dice": pytest.approx(4 / 7),
        "accuracy": pytest.approx(2 / 3),
        "precision": pytest.approx(2 / 4),
        "n_pixels": 3,
        "n_predicted": 4,
    }
    assert result.per_class["car"]["precision"] == 1.0
    assert result.confusion == [[2, 1, 0], [1, 1, 0], [1, 0, 1]]


# mask, predicted; pixel_accuracy, miou, fwiou, mean_accuracy, mean_dice; the iou of each class
NONE = [None, None, None]
TABLE = {
    "perfect": ([0, 1, 2], [0, 1, 2], [1, 1, 1, 1, 1], [1, 1, 1]),
    "all wrong": ([0, 1, 2], [1, 2, 0], [0, 0, 0, 0, 0], [0, 0, 0]),
    # a class in neither is left out of every mean
    "absent class": ([0, 0, 1], [0, 1, 1], [2 / 3, 1 / 2, 1 / 2, 3 / 4, 2 / 3], [1 / 2, 1 / 2, None]),
    "perfect, absent class": ([0, 1, 1], [0, 1, 1], [1, 1, 1, 1, 1], [1, 1, None]),
    # called so without being there: its IoU is 0 and counts in mIoU; it has no accuracy
    "class only predicted": ([0, 0, 1, 1], [0, 0, 1, 2], [3 / 4, 1 / 2, 3 / 4, 3 / 4, 5 / 9], [1, 1 / 2, 0]),
    "class never predicted": ([0, 0, 1, 2], [0, 0, 1, 1], [3 / 4, 1 / 2, 5 / 8, 2 / 3, 5 / 9], [1, 1 / 2, 0]),
    "void is not scored": ([0, V, V, 1], [0, 0, 1, 1], [1, 1, 1, 1, 1], [1, 1, None]),
    "class only predicted under void": ([0, 1, V], [0, 1, 2], [1, 1, 1, 1, 1], [1, 1, None]),
    "all void": ([V, V], [0, 1], [None] * 5, NONE),
    "empty": ([], [], [None] * 5, NONE),
    "one pixel": ([2], [2], [1, 1, 1, 1, 1], [None, None, 1]),
    "one pixel, wrong": ([2], [0], [0, 0, 0, 0, 0], [0, None, 0]),
    "everything is one class": ([0, 0, 0, 1], [0] * 4, [3 / 4, 3 / 8, 9 / 16, 1 / 2, 3 / 7], [3 / 4, 0, None]),
}


@pytest.mark.parametrize(("mask", "predicted", "means", "iou"), TABLE.values(), ids=TABLE)
def test_degenerate_masks(mask, predicted, means, iou):
    result = scores(mask, predicted)
    names = ["pixel_accuracy", "miou", "fwiou", "mean_accuracy", "mean_dice"]
    assert result.metrics == {k: v if v is None else pytest.approx(v) for k, v in zip(names, means, strict=True)}
    assert [row["iou"] for row in result.per_class.values()] == [v if v is None else pytest.approx(v) for v in iou]
    mask, predicted = (np.array(x, dtype=np.uint8).reshape(1, -1) for x in (mask, predicted))
    of_image = image_ious(mask, predicted, 3)
    assert [None if math.isnan(v) else v for v in of_image] == [v if v is None else pytest.approx(v) for v in iou]
    right = image_accuracy(mask, predicted)
    assert (None if math.isnan(right) else right) == result.metrics["pixel_accuracy"]


@pytest.mark.parametrize(("mask", "predicted", "means", "iou"), TABLE.values(), ids=TABLE)
def test_every_case_ends_in_json(mask, predicted, means, iou):
    result = scores(mask, predicted)
    assert json.loads(json.dumps(result.per_class, allow_nan=False)) == result.per_class
    for row in result.per_class.values():
        assert type(row["n_pixels"]) is type(row["n_predicted"]) is int
        assert (row["accuracy"] is None) == (row["n_pixels"] == 0)
        assert (row["precision"] is None) == (row["n_predicted"] == 0)
        assert (row["iou"] is None) == (row["dice"] is None) == (row["n_pixels"] == row["n_predicted"] == 0)


def test_rows_are_targets_and_columns_predictions():
    assert pixel_confusion(np.array([[0, 1, V]]), np.array([[1, 1, 0]]), 3).tolist() == [
        [0, 1, 0],
        [0, 1, 0],
        [0, 0, 0],
    ]


@pytest.mark.parametrize(("mask", "predicted"), [([0, 3], [0, 0]), ([0, 254], [0, 0]), ([0, 0], [0, 3]), ([V], [V])])
def test_a_class_beyond_the_last_is_a_bug_and_not_a_number(mask, predicted):
    with pytest.raises(AssertionError):
        pixel_confusion(np.array(mask, dtype=np.uint8), np.array(predicted, dtype=np.uint8), 3)


def test_as_many_classes_as_there_are_ids():
    ids = np.arange(255, dtype=np.uint8)
    np.testing.assert_array_equal(pixel_confusion(ids, ids[::-1], 255), np.eye(255)[::-1])


def test_small_and_large_images_pool_by_pixels():
    # 0 of 1 and 4 of 4: of all pixels 4/5, and not the mean of the images' 0 and 1
    whole = pixel_confusion(np.array([0]), np.array([1]), 2) + pixel_confusion(np.array([0] * 4), np.array([0] * 4), 2)
    assert segment_scores(whole, classes=["a", "b"]).per_class["a"]["iou"] == 0.8


def test_counts_beyond_four_bytes():
    confusion = np.diag([2**40, 2**40]).astype(np.int64)
    confusion[0, 1] = 2**40
    result = segment_scores(confusion, classes=["a", "b"])
    assert result.metrics["pixel_accuracy"] == 2 / 3
    assert result.per_class["a"]["n_pixels"] == 2**41


def test_pooling_names_what_is_computed():
    assert set(SEGMENT_POOLING) == {"loss", *scores([0], [0]).metrics}


def test_one_number_is_void_everywhere():
    assert overlay.VOID == segment.VOID == VOID == 255


def test_pure_functions_need_numpy_alone():
    code = (
        "import sys, saccade.metrics.segmentation;"
        "print(sorted({'torch', 'torchmetrics', 'sklearn', 'polars'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
