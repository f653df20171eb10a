"""Tail accuracy against a table worked by hand (that of docs/metrics.md) and against the formula."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from saccade.metrics.tail import mean_tail_accuracies, tail_accuracy, tail_curve, tail_curves

NAN = float("nan")


def brute_force(scores, targets, threshold):
    """The definition as it is written: sums of indicators over all images, 20 times."""
    images = [(float(s), int(t)) for s, t in zip(scores, targets, strict=True) if t >= 0]
    ladder = [threshold, *sorted(s for s, _ in images if s > threshold)]
    m = len(ladder) - 1
    thresholds = [ladder[m * k // 20] for k in range(20)]
    accuracies = []
    for t in thresholds:
        above = [(s > threshold) == (y == 1) for s, y in images if s > t]  # f(x) = y, f deciding at the threshold
        accuracies.append(sum(above) / len(above) if above else NAN)
    return thresholds, accuracies


def test_table_of_the_documentation():
    scores = np.array([0.95, 0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05])
    targets = np.array([1, 1, 1, 0, 0, 0, 0, 1, 0, 1])
    curve = tail_curve(scores, targets)
    # M = 5 scores lie above 0.5, so a threshold moves on by one score after every fourth.
    np.testing.assert_array_equal(curve.thresholds, np.repeat([0.5, 0.6, 0.7, 0.8, 0.9], 4))
    np.testing.assert_allclose(curve.accuracies, np.repeat([3 / 5, 3 / 4, 1, 1, 1], 4), rtol=0, atol=1e-15)
    assert curve.accuracy == pytest.approx(0.87, abs=1e-12)


@pytest.mark.parametrize("threshold", [0.5, 0.3, 0.0])
@pytest.mark.parametrize("n", [1, 7, 19, 20, 21, 40, 333])
@pytest.mark.parametrize("digits", [1, 2, 7])  # 1 ties most of the scores
def test_equals_the_formula(n, digits, threshold):
    rng = np.random.default_rng(n)
    scores, targets = rng.random(n).round(digits), rng.integers(-1, 2, n)
    thresholds, accuracies = brute_force(scores, targets, threshold)
    curve = tail_curve(scores, targets, threshold)
    np.testing.assert_array_equal(curve.thresholds, thresholds)
    np.testing.assert_allclose(curve.accuracies, accuracies, rtol=0, atol=1e-12)


def test_thresholds_part_the_scores_above_the_first_into_equal_shares():
    rng = np.random.default_rng(1)
    scores = rng.random(1000)
    above = np.sort(scores[scores > 0.5])[: (scores > 0.5).sum() // 20 * 20]
    scores = np.r_[above, 0.1, 0.2]
    thresholds = tail_curve(scores, np.ones(len(scores))).thresholds
    edges = [*thresholds, scores.max()]
    shares = [((scores > a) & (scores <= b)).sum() for a, b in pairwise(edges)]
    assert set(shares) == {len(above) // 20}


DEGENERATE = {
    "nothing above": ([0.5, 0.4], [1, 0], NAN),
    "empty": ([], [], NAN),
    "all ignored": ([0.9, 0.8], [-1, -1], NAN),
    "one, right": ([0.9], [1], 1.0),
    "one, wrong": ([0.9], [0], 0.0),
    "all positive": ([0.9, 0.8, 0.7], [1, 1, 1], 1.0),
    "no positive": ([0.9, 0.8, 0.7], [0, 0, 0], 0.0),
    # M = 2: t_0 ... t_9 are 0.5, and nothing is above t_10 ... t_19 = 0.9, so these do not count
    "all tied": ([0.9, 0.9], [1, 0], 0.5),
}


@pytest.mark.parametrize(("scores", "targets", "expected"), DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate(scores, targets, expected):
    got = tail_accuracy(np.array(scores, dtype=float), np.array(targets, dtype=np.int8))
    assert got == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_a_float32_score_at_the_threshold_is_not_above_it():
    assert np.isnan(tail_accuracy(np.array([0.3], np.float32), np.array([1]), threshold=0.3))


def test_mean_over_classes_takes_those_where_it_is_defined():
    scores = np.array([[0.9, 0.9, 0.1], [0.8, 0.9, 0.2]])
    targets = np.array([[1, 1, 1], [0, 0, 0]])
    # First class: 1/2 above 0.5, then 1 above 0.8; second: 1/2, then nothing; third: never anything.
    mean = mean_tail_accuracies(tail_curves(scores, targets))
    np.testing.assert_array_equal(mean, [0.5] * 10 + [1.0] * 10)
    assert np.isnan(mean_tail_accuracies([])).all()
