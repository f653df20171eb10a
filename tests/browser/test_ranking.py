"""Expected numbers are counted by hand from the few images written out in each test."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.browse.ranking import OUTCOMES, Ranking, cut, outcomes, rank

# By falling score: 0.9 present, 0.8 ignored, 0.7 absent, 0.6 present, 0.4 absent, 0.2 present
SCORES = np.array([0.2, 0.6, 0.8, 0.9, 0.4, 0.7], np.float32)
LABELS = np.array([1, 1, -1, 1, 0, 0], np.int8)


@pytest.fixture
def ranking() -> Ranking:
    return rank(SCORES, LABELS, SCORES > 0.5)


def test_order_and_positions_skip_ignored_images_in_the_count(ranking: Ranking) -> None:
    assert ranking.order.tolist() == [3, 2, 5, 1, 4, 0]
    assert ranking.position.tolist() == [5, 3, 0, 1, 4, 2]


@pytest.mark.parametrize(
    ("threshold", "above", "hits", "right"),
    [
        (0.0, 5, 3, 3),  # the decision at 0.5 is wrong on 0.7 (absent) and 0.2 (present)
        (0.3, 4, 2, 3),
        (0.5, 3, 2, 2),
        (0.65, 2, 1, 1),
        (0.75, 1, 1, 1),
        (0.9, 0, 0, 0),  # strictly above: the image at 0.9 is not
        (1.0, 0, 0, 0),
    ],
)
def test_cut(ranking: Ranking, threshold: float, above: int, hits: int, right: int) -> None:
    found = cut(ranking, threshold)
    assert (found.above, found.ranked, found.hits, found.positives) == (above, 5, hits, 3)
    assert found.precision == (hits / above if above else None)
    assert found.recall == hits / 3
    assert found.tail_accuracy == (right / above if above else None)


def test_from_the_decision_threshold_up_tail_accuracy_is_precision() -> None:
    random = np.random.default_rng(1)
    scores, labels = random.random(500, np.float32), random.integers(-1, 2, 500).astype(np.int8)
    made = rank(scores, labels, scores > 0.5)
    for threshold in np.linspace(0.5, 0.99, 30):
        found = cut(made, float(threshold))
        assert found.tail_accuracy == found.precision


def test_threshold_is_compared_as_float32() -> None:
    scores = np.array([0.3], np.float32)  # a little above the double 0.3
    assert cut(rank(scores, np.array([1], np.int8), scores > 0.5), 0.3).above == 0


def test_equal_scores_keep_the_order_of_the_split() -> None:
    scores = np.full(5, 0.5, np.float32)
    assert rank(scores, np.ones(5, np.int8), scores > 0.5).order.tolist() == [0, 1, 2, 3, 4]


def test_a_score_that_is_no_number_stands_last_and_above_nothing() -> None:
    scores = np.array([np.nan, 0.2, 0.9], np.float32)
    made = rank(scores, np.ones(3, np.int8), scores > 0.5)
    assert made.order.tolist() == [2, 1, 0]
    assert cut(made, 0.0).above == 2
    assert made.histogram.sum() == 2


@pytest.mark.parametrize("labels", [[], [-1, -1]])
def test_nothing_to_rank(labels: list[int]) -> None:
    scores = np.full(len(labels), 0.7, np.float32)
    found = cut(rank(scores, np.array(labels, np.int8), scores > 0.5), 0.5)
    assert (found.above, found.ranked, found.precision, found.recall) == (0, 0, None, None)


def test_histogram_counts_present_and_absent_apart() -> None:
    scores, labels = np.array([0.01, 0.41, 0.41, 0.99], np.float32), np.array([0, 1, -1, 1], np.int8)
    absent, present = rank(scores, labels, scores > 0.5).histogram  # bins of 0.02
    assert (np.flatnonzero(absent).tolist(), absent.sum()) == ([0], 1)
    assert (np.flatnonzero(present).tolist(), present.sum()) == ([20, 49], 2)


def test_outcomes() -> None:
    codes = outcomes(LABELS, SCORES > 0.5)
    assert [OUTCOMES[code] for code in codes] == [
        "miss",
        "hit",
        "ignored",
        "hit",
        "rejected",
        "false alarm",
    ]
