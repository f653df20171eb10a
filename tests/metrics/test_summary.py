"""Names, None and pooling of what goes to metrics.json, on tables worked by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from saccade.errors import SaccadeError
from saccade.metrics.summary import MULTILABEL_POOLING, classify_pooling, classify_scores, multilabel_scores

MULTILABEL = ["map", "map_11point", "micro_f1", "macro_f1", "accuracy", "tail_accuracy"]
MULTILABEL_CLASS = [
    *["ap", "ap_11point", "n_positive", "n_negative", "n_ignored"],
    *["accuracy", "precision", "recall", "f1", "tail_accuracy"],
]
CLASSIFY = ["balanced_accuracy", "macro_precision", "macro_recall", "macro_f1", "map", "auroc"]
CLASSIFY_CLASS = ["n_positive", "n_predicted", "accuracy", "precision", "recall", "f1", "ap", "auroc"]


def test_multilabel_on_a_table_worked_by_hand():
    scores = np.array([[0.9, 0.2, 0.6], [0.8, 0.9, 0.1], [0.3, 0.4, 0.7]], np.float32)
    targets = np.array([[1, 0, -1], [0, 0, -1], [1, 0, -1]], np.int8)
    result = multilabel_scores(scores, targets, classes=["cat", "dog", "bus"])
    assert list(result.metrics) == MULTILABEL
    assert [list(row) for row in result.per_class.values()] == [MULTILABEL_CLASS] * 3
    # cat: + - +, found {0, 1}. dog: no positive, one false alarm. bus: nothing known.
    assert result.per_class["cat"] == pytest.approx(
        dict(zip(MULTILABEL_CLASS, [5 / 6, 28 / 33, 2, 1, 0, 1 / 3, 1 / 2, 1 / 2, 1 / 2, 0.75], strict=True))
    )
    none = None
    dog = dict(zip(MULTILABEL_CLASS, [none, none, 0, 3, 0, 2 / 3, 0.0, 0.0, 0.0, 0.0], strict=True))
    bus = dict(zip(MULTILABEL_CLASS, [none, none, 0, 0, 3, *[none] * 5], strict=True))
    assert result.per_class["dog"] == dog
    assert result.per_class["bus"] == bus
    assert result.metrics == pytest.approx(
        dict(zip(MULTILABEL, [5 / 6, 28 / 33, 2 / 5, 1 / 4, 1 / 2, 0.375], strict=True))
    )


def test_classify_on_a_table_worked_by_hand():
    scores = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.4, 0.5, 0.1]], np.float32)
    result = classify_scores(scores, np.array([0, 0, 1]), classes=["cat", "dog", "bus"], top_k=2)
    assert list(result.metrics) == ["accuracy", "top2_accuracy", *CLASSIFY]
    assert [list(row) for row in result.per_class.values()] == [CLASSIFY_CLASS] * 3
    cat = [2, 1, 1 / 2, 1.0, 1 / 2, 2 / 3, 5 / 6, 1 / 2]
    dog = [1, 2, 1.0, 1 / 2, 1.0, 2 / 3, 1 / 2, 3 / 4]  # 0.5 of the wrong and of the right image tie
    bus = [0, 0, None, 0.0, 0.0, 0.0, None, None]
    for name, row in {"cat": cat, "dog": dog, "bus": bus}.items():
        assert result.per_class[name] == pytest.approx(dict(zip(CLASSIFY_CLASS, row, strict=True)))
    # top 2: the second image's are dog and bus, so it misses
    expected = [2 / 3, 2 / 3, 3 / 4, 1 / 2, 1 / 2, 4 / 9, 2 / 3, 5 / 8]
    assert result.metrics == pytest.approx(dict(zip(result.metrics, expected, strict=True)))


@pytest.mark.parametrize(
    ("top_k", "n_classes", "name"),
    [(2, 3, "top2_accuracy"), (3, 3, None), (5, 3, None), (1, 3, None), (5, 1, None)],
)
def test_top_k_is_left_out_where_it_is_accuracy_or_always_one(top_k, n_classes, name):
    scores = np.full((2, n_classes), 1 / n_classes, np.float32)
    got = classify_scores(scores, np.zeros(2, np.int64), classes=list("abc")[:n_classes], top_k=top_k)
    assert [k for k in got.metrics if k.startswith("top")] == ([name] if name else [])


def test_every_number_says_how_it_was_pooled_and_nothing_else_does():
    multilabel = multilabel_scores(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.int8), classes=["a"])
    assert list(MULTILABEL_POOLING) == ["loss", *multilabel.metrics]
    for top_k in (1, 2, 5):
        for positive in (None, "b"):
            scores, target = np.zeros((1, 3), np.float32), np.zeros(1, np.int64)
            got = classify_scores(scores, target, classes=list("abc"), top_k=top_k, positive=positive)
            assert list(classify_pooling(3, top_k, positive=positive)) == ["loss", *got.metrics]


def test_the_class_in_question_comes_first_and_is_its_row_of_the_table():
    scores = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.4, 0.5, 0.1]], np.float32)
    target = np.array([0, 0, 1])
    got = classify_scores(scores, target, classes=["cat", "dog", "bus"], positive="dog")
    assert list(got.metrics)[:4] == ["positive_ap", "positive_precision", "positive_recall", "positive_f1"]
    for name in ("ap", "precision", "recall", "f1"):
        assert got.metrics[f"positive_{name}"] == got.per_class["dog"][name]
    plain = classify_scores(scores, target, classes=["cat", "dog", "bus"])
    assert {k: v for k, v in got.metrics.items() if not k.startswith("positive_")} == plain.metrics
    absent = classify_scores(scores, target, classes=["cat", "dog", "bus"], positive="bus").metrics
    assert [absent[f"positive_{k}"] for k in ("ap", "precision", "recall", "f1")] == [None, 0.0, 0.0, 0.0]


def test_a_threshold_moves_decisions_and_leaves_rankings():
    scores = np.array([[0.9, 0.1], [0.7, 0.3], [0.6, 0.4], [0.2, 0.8]], np.float32)
    target = np.array([0, 0, 1, 1])
    usual = classify_scores(scores, target, classes=["cat", "dog"], positive="dog")
    lower = classify_scores(scores, target, classes=["cat", "dog"], positive="dog", threshold=0.3)
    assert (usual.metrics["accuracy"], usual.metrics["positive_recall"]) == (3 / 4, 1 / 2)
    assert (lower.metrics["accuracy"], lower.metrics["positive_recall"]) == (1.0, 1.0)  # 0.3 is not above 0.3
    assert lower.metrics["balanced_accuracy"] == lower.metrics["macro_f1"] == 1.0
    assert [row["n_predicted"] for row in lower.per_class.values()] == [2, 2]
    for name in ("positive_ap", "map", "auroc"):
        assert lower.metrics[name] == usual.metrics[name]
    nothing = classify_scores(scores, target, classes=["cat", "dog"], positive="dog", threshold=1.0).metrics
    assert [nothing[f"positive_{k}"] for k in ("precision", "recall", "f1")] == [0.0, 0.0, 0.0]
    other = classify_scores(scores, target, classes=["cat", "dog"], positive="cat", threshold=0.7).metrics
    assert (other["positive_precision"], other["positive_recall"]) == (1.0, 1 / 2)  # only 0.9 is above


def test_no_image_at_all_is_undefined_throughout():
    multilabel = multilabel_scores(np.zeros((0, 2), np.float32), np.zeros((0, 2), np.int8), classes=["a", "b"])
    classify = classify_scores(np.zeros((0, 2), np.float32), np.zeros(0, np.int64), classes=["a", "b"])
    for result in (multilabel, classify):
        assert set(result.metrics.values()) == {None}
        assert {v for row in result.per_class.values() for v in row.values()} == {None, 0}
        json.dumps(result, allow_nan=False)


def test_numbers_are_plain_python_and_counts_stay_whole():
    result = multilabel_scores(np.full((1, 1), 0.9, np.float32), np.ones((1, 1), np.int8), classes=["a"])
    assert {k for k, v in result.per_class["a"].items() if type(v) is int} == {
        "n_positive",
        "n_negative",
        "n_ignored",
    }
    assert {type(v) for v in [*result.metrics.values(), *result.per_class["a"].values()]} == {float, int}


def test_a_diverged_network_is_told_in_words():
    scores = np.array([[0.5, np.nan]], np.float32)
    with pytest.raises(SaccadeError, match=r"1 of 2 are NaN.*diverged"):
        multilabel_scores(scores, np.ones((1, 2), np.int8), classes=["a", "b"])
    with pytest.raises(SaccadeError, match=r"1 of 2 are NaN.*diverged"):
        classify_scores(scores, np.zeros(1, np.int64), classes=["a", "b"])
