"""Metrics against scikit-learn; 11-point AP against the loop of the VOC2007 kit (VOCevalcls.m)."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from sklearn import metrics as sk

from saccade.metrics.classification import f1_threshold, multilabel_decisions
from saccade.metrics.ranking import auroc, average_precision, eleven_point_average_precision
from saccade.metrics.summary import classify_scores, multilabel_scores

CLASSES = [f"c{i}" for i in range(7)]


def multilabel(seed, digits):
    rng = np.random.default_rng(seed)
    targets = rng.choice([1, 0, -1], (200, 7), p=[0.2, 0.7, 0.1]).astype(np.int8)
    scores = np.clip(rng.random((200, 7)) * 0.8 + 0.2 * (targets == 1), 0, 1)
    return scores.round(digits).astype(np.float32), targets


def classify(seed, digits):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, 6, 200)  # the last class has no image
    scores = rng.dirichlet(np.full(7, 0.5), 200)
    scores[np.arange(200), target] += 0.3
    return (scores / 1.3).round(digits).astype(np.float32), target


@pytest.mark.parametrize("digits", [1, 2, 7])  # 1 ties most scores
@pytest.mark.parametrize("seed", range(3))
def test_rankings_equal_scikit_learn(seed, digits):
    for s, t in zip(*(x.T for x in multilabel(seed, digits)), strict=True):
        valid = t >= 0
        assert average_precision(s, t) == pytest.approx(sk.average_precision_score(t[valid], s[valid]), abs=1e-12)
        assert auroc(s, t) == pytest.approx(sk.roc_auc_score(t[valid], s[valid]), abs=1e-12)


@pytest.mark.parametrize("digits", [1, 7])
@pytest.mark.parametrize("seed", range(2))
def test_multilabel_split_equals_scikit_learn(seed, digits):
    scores, targets = multilabel(seed, digits)
    got = multilabel_scores(scores, targets, classes=CLASSES, threshold=0.4)
    rows = []
    for s, t in zip(scores.T, targets.T, strict=True):
        y, p, x = t[t >= 0], s[t >= 0] > np.float32(0.4), s[t >= 0]
        f1 = sk.f1_score(y, p, zero_division=0)
        precision, recall = sk.precision_score(y, p, zero_division=0), sk.recall_score(y, p, zero_division=0)
        rows.append((sk.average_precision_score(y, x), sk.accuracy_score(y, p), precision, recall, f1))
    mine = [[row[k] for k in ("ap", "accuracy", "precision", "recall", "f1")] for row in got.per_class.values()]
    np.testing.assert_allclose(mine, rows, rtol=0, atol=1e-12)
    means = [got.metrics[k] for k in ("map", "accuracy", "macro_f1")]
    np.testing.assert_allclose(means, np.mean(rows, axis=0)[[0, 1, 4]], rtol=0, atol=1e-12)
    pooled = sk.f1_score(targets[targets >= 0], scores[targets >= 0] > np.float32(0.4))
    assert got.metrics["micro_f1"] == pytest.approx(pooled, abs=1e-12)


def test_multilabel_averages_equal_scikit_learn_where_nothing_is_ignored():
    scores, targets = multilabel(0, 7)
    targets = np.maximum(targets, 0)
    decisions = multilabel_decisions(scores, targets)
    for name in ("precision", "recall", "f1"):
        reference = getattr(sk, f"{name}_score")
        micro, macro = getattr(decisions.pooled(), name)()[0], getattr(decisions, name)().mean()
        assert micro == pytest.approx(reference(targets, scores > 0.5, average="micro"), abs=1e-12)
        assert macro == pytest.approx(reference(targets, scores > 0.5, average="macro"), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_classify_split_equals_scikit_learn(seed):
    scores, target = classify(seed, 7)
    prediction, labels = scores.argmax(1), np.arange(7)
    got = classify_scores(scores, target, classes=CLASSES, top_k=3)
    p, r, f, _ = sk.precision_recall_fscore_support(target, prediction, labels=labels, average="macro", zero_division=0)
    rest = target[:, None] == labels
    with_image = rest.any(0)
    ap = [sk.average_precision_score(rest[:, i], scores[:, i]) for i in np.flatnonzero(with_image)]
    area = [sk.roc_auc_score(rest[:, i], scores[:, i]) for i in np.flatnonzero(with_image)]
    expected = {
        "accuracy": sk.accuracy_score(target, prediction),
        "top3_accuracy": sk.top_k_accuracy_score(target, scores, k=3, labels=labels),
        "balanced_accuracy": balanced(target, prediction),
        "macro_precision": p,
        "macro_recall": r,
        "macro_f1": f,
        "map": np.mean(ap),
        "auroc": np.mean(area),
    }
    assert got.metrics == pytest.approx(expected, abs=1e-12)


def balanced(target, prediction):
    with warnings.catch_warnings():  # a class without an image is left out of the mean, and scikit-learn says so
        warnings.simplefilter("ignore", UserWarning)
        return sk.balanced_accuracy_score(target, prediction)


@pytest.mark.parametrize("seed", range(3))
def test_classify_classes_equal_scikit_learn(seed):
    scores, target = classify(seed, 1)
    prediction, labels = scores.argmax(1), np.arange(7)
    got = classify_scores(scores, target, classes=CLASSES).per_class
    p, r, f, n = sk.precision_recall_fscore_support(target, prediction, labels=labels, zero_division=0)
    confusion = sk.confusion_matrix(target, prediction, labels=labels)
    for i, row in enumerate(got.values()):
        values = (row["precision"], row["recall"], row["f1"], row["n_positive"], row["n_predicted"])
        assert values == pytest.approx((p[i], r[i], f[i], n[i], confusion[:, i].sum()), abs=1e-12)
    assert got["c6"]["ap"] is got["c6"]["auroc"] is got["c6"]["accuracy"] is None


def of_dogs(target, called):
    """Precision, recall and F1 of dogs by scikit-learn."""
    found = sk.precision_recall_fscore_support(target == 1, called, average="binary", zero_division=0)
    return [float(v) for v in found[:3]]


# targets (1 is a dog) and scores of dog: degenerate cases of a class against the rest
DOGS = {
    "mixed": ([0, 0, 0, 1, 1, 0], [0.1, 0.6, 0.3, 0.7, 0.4, 0.2]),
    "never called": ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]),
    "always called": ([0, 0, 1, 1], [0.9, 0.8, 0.7, 0.6]),
    "no dog": ([0, 0, 0], [0.1, 0.9, 0.4]),
    "no dog, none called": ([0, 0, 0], [0.1, 0.2, 0.4]),
    "all dogs": ([1, 1, 1], [0.1, 0.9, 0.4]),
    "all scores equal": ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5]),
    "ties across the classes": ([0, 1, 0, 1, 1], [0.75, 0.75, 0.25, 0.25, 0.25]),
}


@pytest.mark.parametrize("threshold", [None, 0.25, 0.5, 0.65])
@pytest.mark.parametrize(("target", "score"), DOGS.values(), ids=DOGS)
def test_the_class_in_question_equals_scikit_learn(target, score, threshold):
    target, score = np.array(target), np.array(score, np.float32)
    scores = np.stack([1 - score, score], axis=1)
    got = classify_scores(scores, target, classes=["cat", "dog"], positive="dog", threshold=threshold).metrics
    called = scores.argmax(1) == 1 if threshold is None else score > np.float32(threshold)
    mine = [got[f"positive_{k}"] for k in ("precision", "recall", "f1")]
    assert mine == pytest.approx(of_dogs(target, called), abs=1e-12)
    assert got["accuracy"] == pytest.approx(sk.accuracy_score(target, called), abs=1e-12)
    assert got["balanced_accuracy"] == pytest.approx(balanced(target, called.astype(int)), abs=1e-12)
    if target.any():
        assert got["positive_ap"] == pytest.approx(sk.average_precision_score(target, score), abs=1e-12)
    else:
        assert got["positive_ap"] is None


@pytest.mark.parametrize("digits", [1, 7])
@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_has_a_higher_f1_by_scikit_learn(seed, digits):
    rng = np.random.default_rng(seed)
    target = (rng.random(60) < 0.15).astype(int)
    target[0] = 1
    score = np.clip(rng.random(60) * 0.7 + 0.3 * target, 0, 1).round(digits).astype(np.float32)
    threshold = f1_threshold(score, target)
    precision, recall, _ = sk.precision_recall_curve(target, score)
    best = np.max(2 * precision * recall / np.maximum(precision + recall, 1e-12))
    assert of_dogs(target, score > np.float32(threshold))[2] == pytest.approx(best, abs=1e-12)
    # and of those that are as good, none is higher
    higher = np.unique(score[score > threshold])
    assert all(of_dogs(target, score > cut)[2] < best - 1e-12 for cut in higher)


@pytest.mark.parametrize(("target", "score"), DOGS.values(), ids=DOGS)
def test_the_best_threshold_of_degenerate_splits(target, score):
    target, score = np.array(target), np.array(score, np.float32)
    cuts = [1.0, 0.0, *score]
    best = max(of_dogs(target, score > np.float32(cut))[2] for cut in cuts)
    assert of_dogs(target, score > np.float32(f1_threshold(score, target)))[2] == pytest.approx(best, abs=1e-12)


def devkit_eleven_point(scores, targets):
    """VOCevalcls.m's loop in exact arithmetic; the kit drops difficult images, and so does this."""
    kept = sorted(((s, t) for s, t in zip(scores, targets, strict=True) if t >= 0), reverse=True)
    tp, points = 0, []
    for i, (_, t) in enumerate(kept, start=1):
        tp += t == 1
        points.append((Fraction(int(tp), int(sum(t == 1 for _, t in kept))), Fraction(int(tp), i)))
    ap = Fraction(0)
    for k in range(11):
        ap += max((p for r, p in points if r >= Fraction(k, 10)), default=Fraction(0)) / 11
    return float(ap)


@pytest.mark.parametrize("seed", range(4))
def test_eleven_point_equals_the_development_kit(seed):
    for s, t in zip(*(x[:60].T for x in multilabel(seed, 7)), strict=True):
        assert len(set(s)) == 60  # the kit takes ties in the order of the files; we take them as one
        assert eleven_point_average_precision(s, t) == pytest.approx(devkit_eleven_point(s, t), abs=1e-12)
