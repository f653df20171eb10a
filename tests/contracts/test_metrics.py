"""What every number of every task's metrics keeps. A new task is one more row of FAMILIES."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from saccade.metrics.segmentation import pixel_confusion, segment_scores
from saccade.metrics.stateful import ClassifyMetrics, MultilabelMetrics
from saccade.metrics.stateful_segment import SegmentMetrics
from saccade.metrics.summary import classify_scores, multilabel_scores

CLASSES = ["cat", "dog", "bus", "cow", "absent"]


def multilabel_split(n=80, digits=2):
    rng = np.random.default_rng(0)
    targets = rng.choice([1, 0, -1], (n, 5), p=[0.3, 0.6, 0.1]).astype(np.int8)
    targets[:, 4] = np.minimum(targets[:, 4], 0)
    return rng.random((n, 5)).round(digits).astype(np.float32), targets


def classify_split(n=80, digits=7):
    rng = np.random.default_rng(0)
    return rng.dirichlet(np.ones(5), n).round(digits).astype(np.float32), rng.integers(0, 4, n)


def relabel_multilabel(targets, order):
    return targets[:, order]


def relabel_classify(target, order):
    return np.argsort(order)[target]


def segment_scores_of_pixels(scores, target, classes):
    """The numbers of masks, every image one pixel: the class with the highest score."""
    return segment_scores(pixel_confusion(target, scores.argmax(axis=1), len(classes)), classes=classes)


class PixelMetrics(SegmentMetrics):
    """Their stateful form, fed in the same way."""

    def update(self, scores, target):
        super().update(scores.argmax(dim=1)[:, None, None].to(torch.uint8), target[:, None, None].to(torch.uint8))


FAMILIES = {
    "multilabel": (multilabel_scores, MultilabelMetrics, multilabel_split, relabel_multilabel),
    "classify": (classify_scores, ClassifyMetrics, classify_split, relabel_classify),
    "segment": (segment_scores_of_pixels, PixelMetrics, classify_split, relabel_classify),
}
every = pytest.mark.parametrize(("score", "stateful", "split", "relabel"), FAMILIES.values(), ids=FAMILIES)


def numbers(result):
    """All numbers of a result under one flat set of names; None stays."""
    flat = {("mean", k): v for k, v in result.metrics.items()}
    return flat | {(name, k): v for name, row in result.per_class.items() for k, v in row.items()}


def assert_same(a, b):
    assert numbers(a) == pytest.approx(numbers(b), abs=1e-12)


@every
def test_the_order_of_the_images_does_not_matter(score, stateful, split, relabel):
    scores, targets = split()
    order = np.random.default_rng(1).permutation(len(scores))
    assert_same(score(scores[order], targets[order], classes=CLASSES), score(scores, targets, classes=CLASSES))


@every
def test_the_order_of_the_classes_does_not_matter(score, stateful, split, relabel):
    scores, targets = split()
    order = np.array([3, 4, 0, 2, 1])
    turned = score(scores[:, order], relabel(targets, order), classes=[CLASSES[i] for i in order])
    assert_same(turned, score(scores, targets, classes=CLASSES))


@every
def test_every_image_twice_gives_the_same_fractions(score, stateful, split, relabel):
    scores, targets = split()
    twice = score(np.repeat(scores, 2, axis=0), np.repeat(targets, 2, axis=0), classes=CLASSES)
    once = score(scores, targets, classes=CLASSES)
    # The 20 thresholds of the tail part the doubled scores more finely, so that number may differ.
    for key, value in numbers(once).items():
        if key[1].startswith("n_"):
            assert numbers(twice)[key] == 2 * value
        elif "tail" not in key[1]:
            assert numbers(twice)[key] == pytest.approx(value, abs=1e-12)


@every
@pytest.mark.parametrize("sizes", [[80], [1] * 80, [30, 0, 49, 1]])
def test_batches_do_not_matter_to_the_last_bit(score, stateful, split, relabel, sizes):
    scores, targets = split()
    metric = stateful(CLASSES)
    for part in np.split(np.arange(80), np.cumsum(sizes)[:-1]):
        metric.update(torch.from_numpy(scores[part]), torch.from_numpy(targets[part]))
    assert metric.compute() == score(scores, targets, classes=CLASSES)


@every
def test_fractions_are_fractions_and_counts_add_up(score, stateful, split, relabel):
    scores, targets = split()
    result = score(scores, targets, classes=CLASSES)
    for key, value in numbers(result).items():
        if key[1].startswith("n_"):
            assert type(value) is int
        else:
            assert value is None or (type(value) is float and 0.0 <= value <= 1.0)
    if targets.ndim == 2:
        counts = [row["n_positive"] + row["n_negative"] + row["n_ignored"] for row in result.per_class.values()]
        assert counts == [80] * 5
    else:
        assert sum(row.get("n_positive", row.get("n_pixels")) for row in result.per_class.values()) == 80
        assert sum(row["n_predicted"] for row in result.per_class.values()) == 80


@every
def test_a_perfect_network_has_one_everywhere_but_for_the_absent_class(score, stateful, split, relabel):
    _, targets = split()
    scores = (targets == 1 if targets.ndim == 2 else np.eye(5)[targets]).astype(np.float32)
    result = score(scores, targets, classes=CLASSES)
    del result.per_class["absent"]
    wrong = {k: v for k, v in numbers(result).items() if not k[1].startswith("n_") and k[0] != "mean" and v != 1.0}
    assert wrong == {}
    # An absent class has no AP; its precision, recall and F1 are 0 in macro averages, as in scikit-learn.
    assert {k: v for k, v in result.metrics.items() if v != 1.0} == {
        k: pytest.approx(0.8) for k in result.metrics if k.startswith("macro_")
    }


@every
@pytest.mark.parametrize("n", [0, 1, 2])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_few_and_tied_images_end_in_json(score, stateful, split, relabel, n, value):
    _, targets = split()
    result = score(np.full((n, 5), value, np.float32), targets[:n], classes=CLASSES)
    again = json.loads(json.dumps({"metrics": result.metrics, "per_class": result.per_class}, allow_nan=False))
    assert again == {"metrics": result.metrics, "per_class": result.per_class}


def test_rankings_see_only_the_order_of_the_scores():
    scores, targets = multilabel_split()
    a = multilabel_scores(scores, targets, classes=CLASSES)
    b = multilabel_scores(np.exp(scores.astype(np.float64)), targets, classes=CLASSES)
    for key in ("map", "map_11point"):
        assert a.metrics[key] == b.metrics[key]


def test_ignored_entries_have_no_say():
    scores, targets = multilabel_split()
    other = np.where(targets < 0, 1 - scores, scores)
    assert_same(
        multilabel_scores(other, targets, classes=CLASSES),
        multilabel_scores(scores, targets, classes=CLASSES),
    )


def test_an_image_ignored_throughout_changes_nothing_but_the_count():
    scores, targets = multilabel_split()
    more = multilabel_scores(
        np.r_[scores, np.full((1, 5), 0.9, np.float32)],
        np.r_[targets, np.full((1, 5), -1, np.int8)],
        classes=CLASSES,
    )
    once = multilabel_scores(scores, targets, classes=CLASSES)
    for name, row in more.per_class.items():
        assert row == once.per_class[name] | {"n_ignored": once.per_class[name]["n_ignored"] + 1}
    assert more.metrics == once.metrics


def test_each_class_of_many_is_scored_as_if_it_were_alone():
    scores, targets = multilabel_split()
    whole = multilabel_scores(scores, targets, classes=CLASSES)
    for i, name in enumerate(CLASSES):
        alone = multilabel_scores(scores[:, [i]], targets[:, [i]], classes=[name])
        assert alone.per_class[name] == whole.per_class[name]
