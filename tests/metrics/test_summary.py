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
    [(5, 3, "top3_accuracy"), (2, 3, "top2_accuracy"), (1, 3, None), (5, 1, None)],
)
def test_top_k_is_capped_and_left_out_at_one(top_k, n_classes, name):
    scores = np.full((2, n_classes), 1 / n_classes, np.float32)
    got = classify_scores(scores, np.zeros(2, np.int64), classes=list("abc")[:n_classes], top_k=top_k)
    assert [k for k in got.metrics if k.startswith("top")] == ([name] if name else [])


def test_every_number_says_how_it_was_pooled_and_nothing_else_does():
    multilabel = multilabel_scores(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.int8), classes=["a"])
    assert list(MULTILABEL_POOLING) == ["loss", *multilabel.metrics]
    for top_k in (1, 2, 5):
        got = classify_scores(np.zeros((1, 3), np.float32), np.zeros(1, np.int64), classes=list("abc"), top_k=top_k)
        assert list(classify_pooling(3, top_k)) == ["loss", *got.metrics]


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
