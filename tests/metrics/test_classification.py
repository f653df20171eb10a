"""Decisions on tables worked by hand; scikit-learn is compared with in tests/reference."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.errors import SaccadeError
from saccade.metrics.classification import (
    above,
    accuracy,
    balanced_accuracy,
    class_accuracies,
    classify_decisions,
    classify_prediction,
    confusion_matrix,
    f1_threshold,
    multilabel_decisions,
    top_k_accuracy,
)

NAN = float("nan")

# One class each: scores, targets, then accuracy, precision, recall, F1 at 0.5.
TABLE = {
    "mixed": ([0.9, 0.8, 0.4, 0.3], [1, 0, 1, 0], (1 / 2, 1 / 2, 1 / 2, 1 / 2)),
    "at the threshold is a no": ([0.5, 0.9], [1, 1], (1 / 2, 1.0, 1 / 2, 2 / 3)),
    "ignored": ([0.9, 0.8, 0.1], [1, -1, -1], (1.0, 1.0, 1.0, 1.0)),
    "absent class, never called": ([0.1, 0.2], [0, 0], (1.0, 0.0, 0.0, 0.0)),
    "absent class, called": ([0.9, 0.2], [0, 0], (1 / 2, 0.0, 0.0, 0.0)),
    "present, never called": ([0.1, 0.2], [1, 1], (0.0, 0.0, 0.0, 0.0)),
    "all ignored": ([0.9, 0.2], [-1, -1], (NAN, NAN, NAN, NAN)),
    "empty": ([], [], (NAN, NAN, NAN, NAN)),
    "one": ([0.9], [1], (1.0, 1.0, 1.0, 1.0)),
}


@pytest.mark.parametrize(("scores", "targets", "expected"), TABLE.values(), ids=TABLE)
def test_multilabel_table(scores, targets, expected):
    d = multilabel_decisions(np.array(scores, np.float32)[:, None], np.array(targets, np.int8)[:, None])
    got = [float(x[0]) for x in (d.accuracy(), d.precision(), d.recall(), d.f1())]
    assert got == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert d.valid.tolist() == [sum(t >= 0 for t in targets)]


def test_pooled_decisions_count_every_pair_once():
    scores, targets = np.array([[0.9, 0.9], [0.1, 0.9]]), np.array([[1, 0], [1, -1]])
    pooled = multilabel_decisions(scores, targets).pooled()
    assert [x.tolist() for x in (pooled.true_positive, pooled.false_positive, pooled.false_negative)] == [
        [1],
        [1],
        [1],
    ]
    assert pooled.f1().tolist() == [0.5]


def test_above_compares_in_the_type_of_the_scores():
    assert above(np.array([0.3, np.nextafter(np.float32(0.3), 1)], np.float32), 0.3).tolist() == [False, True]
    assert above(np.array([0.3], np.float64), np.float32(0.3)).tolist() == [False]


def test_confusion_and_its_numbers():
    confusion = confusion_matrix(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 2]), 4)
    assert confusion.tolist() == [[2, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert class_accuracies(confusion) == pytest.approx([2 / 3, 0.0, NAN, NAN], nan_ok=True)
    assert balanced_accuracy(confusion) == pytest.approx(1 / 3)
    d = classify_decisions(confusion)
    assert d.precision().tolist() == [1.0, 0.0, 0.0, 0.0]
    assert d.recall() == pytest.approx([2 / 3, 0.0, 0.0, 0.0])
    assert d.true_negative.tolist() == [1, 2, 3, 4]


def test_no_image_gives_no_number():
    confusion = confusion_matrix(np.zeros(0, np.int64), np.zeros(0, np.int64), 2)
    assert confusion.tolist() == [[0, 0], [0, 0]]
    assert np.isnan(balanced_accuracy(confusion))
    assert np.isnan(classify_decisions(confusion).f1()).all()
    assert np.isnan(top_k_accuracy(np.zeros((0, 2)), np.zeros(0, np.int64)))


def test_top_k_counts_rows_whose_class_is_among_the_highest():
    scores = np.array([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.1, 0.8, 0.1]])
    target = np.array([0, 1, 2])
    assert [top_k_accuracy(scores, target, k) for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1.0])


def test_tied_scores_go_to_the_earlier_class_as_argmax_has_it():
    scores = np.full((3, 3), 1 / 3, np.float32)
    assert [top_k_accuracy(scores, np.array([0, 1, 2]), k) for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert top_k_accuracy(scores, scores.argmax(axis=1), 1) == 1.0


def test_accuracy_is_the_diagonal():
    assert accuracy(np.array([[3, 1], [2, 4]])) == 7 / 10
    assert np.isnan(accuracy(np.zeros((2, 2), np.int64)))


def test_two_classes_by_the_highest_score_or_by_a_threshold():
    scores = np.array([[0.5, 0.5], [0.4, 0.6], [0.75, 0.25]], np.float32)
    assert classify_prediction(scores).tolist() == [0, 1, 0]
    assert classify_prediction(scores, positive=1, threshold=0.5).tolist() == [0, 1, 0]
    assert classify_prediction(scores, positive=1, threshold=0.25).tolist() == [1, 1, 0]
    assert classify_prediction(scores, positive=0, threshold=0.45).tolist() == [0, 1, 0]
    assert classify_prediction(scores[:0], positive=0, threshold=0.5).tolist() == []


UP = float(np.nextafter(np.float32(0.5), np.float32(1)))
# scores, targets, the threshold: a cut half-way between neighbours
CUTS = {
    "parted": ([0.75, 0.5, 0.25, 0.0], [1, 1, 0, 0], 0.375),
    "one positive, first": ([0.75, 0.25, 0.125], [1, 0, 0], 0.5),
    "one positive, last: all are called": ([0.75, 0.5, 0.25], [0, 0, 1], 0.125),
    # of 1, 2, 3 called, 1 and 3 are right: F1 2/3, 1/2, 4/5
    "mixed": ([0.75, 0.5, 0.25], [1, 0, 1], 0.125),
    # 1 of 1 and 2 of 4 called: F1 2/3 both, and the higher cut is taken
    "equal F1": ([0.75, 0.5, 0.375, 0.25], [1, 0, 0, 1], 0.625),
    "equal scores go together": ([0.5, 0.5, 0.25], [1, 0, 0], 0.375),
    "all scores equal": ([0.5, 0.5], [1, 0], 0.25),
    "all positive": ([0.75, 0.5], [1, 1], 0.25),
    "no positive": ([0.75, 0.5], [0, 0], 1.0),
    "none at all": ([], [], 1.0),
    "one": ([0.5], [1], 0.25),
    "certain": ([1.0, 1.0, 0.0], [1, 1, 0], 0.5),
    "a score of 0 is above nothing": ([0.0, 0.0], [1, 0], 1.0),
    "neighbours among the floats": ([UP, 0.5], [1, 0], 0.5),
}


@pytest.mark.parametrize(("scores", "targets", "expected"), CUTS.values(), ids=CUTS)
def test_the_threshold_with_the_highest_f1(scores, targets, expected):
    assert f1_threshold(np.array(scores, np.float32), np.array(targets, np.int8)) == expected


def test_a_threshold_needs_scores_that_are_numbers():
    with pytest.raises(SaccadeError, match="NaN"):
        f1_threshold(np.array([0.5, np.nan], np.float32), np.array([1, 0]))
