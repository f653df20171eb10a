"""Numbers of masks against torchmetrics, scikit-learn's confusion matrix, and a direct count in NumPy.

Where torchmetrics differs by definition, the test says how: it calls an undefined number 0, and its macro accuracy has
a class that is only predicted among the classes of the mean.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn import metrics as sk
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_jaccard_index,
    multiclass_precision,
)

from saccade.metrics.segmentation import VOID, image_accuracy, image_ious, pixel_confusion, segment_scores
from saccade.metrics.stateful_segment import batch_confusion

CLASSES = [f"c{i}" for i in range(7)]
# classes that occur in targets, in predictions
CASES = {
    "all": (range(7), range(7)),
    "absent": (range(5), range(5)),
    "only predicted": (range(5), range(7)),
    "never predicted": (range(7), range(5)),
}
every = pytest.mark.parametrize(("targets", "called"), CASES.values(), ids=CASES)


def masks(targets, called, void=0.15, seed=0):
    """(4, 24, 32) targets and predictions; half of the pixels are right where they can be."""
    rng = np.random.default_rng(seed)
    mask = rng.choice(list(targets), (4, 24, 32)).astype(np.uint8)
    predicted = rng.choice(list(called), (4, 24, 32)).astype(np.uint8)
    same = (rng.random(mask.shape) < 0.5) & np.isin(mask, list(called))
    predicted[same] = mask[same]
    mask[rng.random(mask.shape) < void] = VOID
    return mask, predicted


def direct(mask, predicted):
    """IoU, dice, accuracy and precision of each class, pixels picked out one class at a time; None for 0 / 0."""
    valid = mask != VOID
    rows = []
    for c in range(7):
        t, p = (mask == c) & valid, (predicted == c) & valid
        both, either = (t & p).sum(), (t | p).sum()
        ratios = (both, either), (2 * both, t.sum() + p.sum()), (both, t.sum()), (both, p.sum())
        rows.append([a / b if b else None for a, b in ratios])
    return rows


@every
@pytest.mark.parametrize("void", [0.0, 0.15, 0.9])
def test_confusion_equals_scikit_learn_and_torchmetrics(targets, called, void):
    mask, predicted = masks(targets, called, void)
    valid = mask != VOID
    reference = sk.confusion_matrix(mask[valid], predicted[valid], labels=range(7))
    np.testing.assert_array_equal(pixel_confusion(mask, predicted, 7), reference)
    p, m = torch.from_numpy(predicted), torch.from_numpy(mask)
    np.testing.assert_array_equal(batch_confusion(p, m, 7), reference)
    theirs = multiclass_confusion_matrix(p.long(), m.long(), 7, ignore_index=VOID)
    np.testing.assert_array_equal(batch_confusion(p, m, 7), theirs)


@every
def test_split_equals_a_direct_count(targets, called):
    mask, predicted = masks(targets, called)
    got = segment_scores(pixel_confusion(mask, predicted, 7), classes=CLASSES)
    rows = direct(mask, predicted)
    names = ("iou", "dice", "accuracy", "precision")
    mine = [[row[k] for k in names] for row in got.per_class.values()]
    assert mine == [[v if v is None else pytest.approx(v, abs=1e-15) for v in row] for row in rows]
    for name, column in (("miou", 0), ("mean_dice", 1), ("mean_accuracy", 2)):
        defined = [row[column] for row in rows if row[column] is not None]
        assert got.metrics[name] == pytest.approx(np.mean(defined), abs=1e-15)
    valid = mask != VOID
    assert got.metrics["pixel_accuracy"] == pytest.approx((mask == predicted)[valid].mean(), abs=1e-15)
    shares = [(mask == c).sum() / valid.sum() for c in range(7)]
    weighted = sum(s * row[0] for s, row in zip(shares, rows, strict=True) if s)
    assert got.metrics["fwiou"] == pytest.approx(weighted, abs=1e-15)


@every
def test_split_equals_torchmetrics(targets, called):
    mask, predicted = masks(targets, called)
    got = segment_scores(pixel_confusion(mask, predicted, 7), classes=CLASSES)
    given = torch.from_numpy(predicted).long(), torch.from_numpy(mask).long(), 7
    near = {"abs": 1e-6}  # it divides in float32
    for name, reference in (
        ("iou", multiclass_jaccard_index),
        ("dice", multiclass_f1_score),
        ("accuracy", multiclass_accuracy),
        ("precision", multiclass_precision),
    ):
        theirs = reference(*given, average=None, ignore_index=VOID).tolist()
        assert [row[name] or 0.0 for row in got.per_class.values()] == pytest.approx(theirs, **near)
    for name, reference, average in (
        ("miou", multiclass_jaccard_index, "macro"),
        ("fwiou", multiclass_jaccard_index, "weighted"),
        ("mean_dice", multiclass_f1_score, "macro"),
        ("pixel_accuracy", multiclass_accuracy, "micro"),
    ):
        theirs = reference(*given, average=average, ignore_index=VOID).item()
        assert got.metrics[name] == pytest.approx(theirs, **near), name
    macro = multiclass_accuracy(*given, average="macro", ignore_index=VOID).item()
    occurring, in_targets = len({*targets, *called}), len(targets)
    assert got.metrics["mean_accuracy"] == pytest.approx(macro * occurring / in_targets, **near)


@every
def test_mean_accuracy_and_jaccard_equal_scikit_learn(targets, called):
    mask, predicted = masks(targets, called)
    valid = mask != VOID
    y, p = mask[valid], predicted[valid]
    got = segment_scores(pixel_confusion(mask, predicted, 7), classes=CLASSES).metrics
    # recall over the classes of the targets; balanced_accuracy_score itself warns of those only predicted
    recall = sk.recall_score(y, p, labels=sorted(targets), average="macro")
    assert got["mean_accuracy"] == pytest.approx(recall, abs=1e-12)
    occurring = sorted({*targets, *called})
    jaccard = sk.jaccard_score(y, p, labels=occurring, average="macro")
    assert got["miou"] == pytest.approx(jaccard, abs=1e-12)


@every
def test_images_equal_a_direct_count(targets, called):
    mask, predicted = masks(targets, called)
    for m, p in zip(mask, predicted, strict=True):
        np.testing.assert_allclose(
            image_ious(m, p, 7), np.array([r[0] for r in direct(m, p)], float), rtol=0, atol=1e-15
        )
        assert image_accuracy(m, p) == pytest.approx((m == p)[m != VOID].mean(), abs=1e-15)
