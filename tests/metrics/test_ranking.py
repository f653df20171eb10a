"""Hand-worked rankings and degenerate cases; scikit-learn is compared with in tests/reference."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.errors import SaccadeError
from saccade.metrics.ranking import (
    auroc,
    aurocs,
    average_precision,
    average_precisions,
    eleven_point_average_precision,
    eleven_point_average_precisions,
    one_vs_rest,
    rank,
)

NAN = float("nan")

# What is expected is worked by hand from the definitions in docs/metrics.md: AP, 11-point AP, AUROC.
TABLE = {
    # + - + - - +: precision 1, 2/3, 1/2 at recall 1/3, 2/3, 1; 4, 3 and 4 of the 11 recalls see each of them
    "mixed": ([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [1, 0, 1, 0, 0, 1], 13 / 18, 8 / 11, 5 / 9),
    "perfect": ([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0], 1.0, 1.0, 1.0),
    "worst": ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], 5 / 12, 1 / 2, 0.0),
    "all tied": ([0.5, 0.5, 0.5, 0.5], [1, 0, 0, 0], 0.25, 0.25, 0.5),
    # steps: 0.9 (1 of 2), 0.5 (2 of 3); pairs: +0.9 against -0.9 is a tie, +0.5 against -0.9 is wrong
    "tie across classes": ([0.9, 0.9, 0.5], [1, 0, 1], 0.5 * 0.5 + 0.5 * 2 / 3, 2 / 3, 0.25),
    "ignored on top": ([0.99, 0.9, 0.8, 0.7], [-1, 1, 0, 1], 5 / 6, (6 * 1 + 5 * 2 / 3) / 11, 0.5),
    "all positive": ([0.3, 0.2], [1, 1], 1.0, 1.0, NAN),
    "no positive": ([0.3, 0.2], [0, 0], NAN, NAN, NAN),
    "all ignored": ([0.3, 0.2], [-1, -1], NAN, NAN, NAN),
    "one positive": ([0.3], [1], 1.0, 1.0, NAN),
    "empty": ([], [], NAN, NAN, NAN),
    "infinite": ([np.inf, 0.0, -np.inf], [1, 0, 1], 5 / 6, (6 * 1 + 5 * 2 / 3) / 11, 0.5),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("scores", "targets", "ap", "eleven", "area"), TABLE.values(), ids=TABLE)
def test_table(scores, targets, ap, eleven, area, dtype):
    s, t = np.array(scores, dtype), np.array(targets, np.int8)
    got = [average_precision(s, t), eleven_point_average_precision(s, t), auroc(s, t)]
    assert got == pytest.approx([ap, eleven, area], abs=1e-12, nan_ok=True)


def test_columns_are_the_single_classes_side_by_side():
    rng = np.random.default_rng(0)
    scores = rng.random((50, 150)).round(2).astype(np.float32)  # more than two blocks of columns
    targets = rng.integers(-1, 2, (50, 150)).astype(np.int8)
    pairs = [
        (average_precisions, average_precision),
        (eleven_point_average_precisions, eleven_point_average_precision),
        (aurocs, auroc),
    ]
    for columns, single in pairs:
        one_by_one = [single(scores[:, i], targets[:, i]) for i in range(150)]
        np.testing.assert_array_equal(columns(scores, targets), one_by_one)


def test_no_class_and_no_image_give_empty_and_undefined():
    assert average_precisions(np.zeros((3, 0)), np.zeros((3, 0), np.int8)).shape == (0,)
    assert np.isnan(average_precisions(np.zeros((0, 2)), np.zeros((0, 2), np.int8))).tolist() == [True, True]


def test_ranking_groups_equal_scores_and_counts():
    r = rank(np.array([0.2, 0.9, 0.9, 0.5, 0.7]), np.array([1, 0, 1, -1, 1]))
    assert (r.scores.tolist(), r.found.tolist(), r.positives.tolist()) == (
        [0.9, 0.7, 0.2],
        [2, 3, 4],
        [1, 2, 3],
    )
    assert (r.n, r.n_positive, r.n_negative) == (4, 3, 1)


def test_recall_of_three_in_ten_reaches_three_tenths():
    # 3 / 10 >= 0.1 * 3 is false in floats. Precision is 1 for the first 3 of 10 positives, 10/20 at the end.
    targets = np.array([1, 1, 1] + [0] * 10 + [1] * 7)
    expected = (4 * 1.0 + 7 * 0.5) / 11  # recall 0, 0.1, 0.2, 0.3 see 1; the others see 10/20
    assert eleven_point_average_precision(np.arange(20.0)[::-1], targets) == pytest.approx(expected, abs=1e-12)


def test_one_vs_rest():
    assert one_vs_rest(np.array([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_nan_among_the_scores_is_refused_unless_ignored():
    with pytest.raises(SaccadeError, match="1 of 2 are NaN") as caught:
        average_precision(np.array([0.5, NAN]), np.array([1, 0]))
    assert "optim.lr" in str(caught.value)
    assert average_precision(np.array([0.5, NAN]), np.array([1, -1])) == 1.0


@pytest.mark.parametrize(("scores", "targets"), [((3,), (2,)), ((3, 2), (3, 2))])
def test_shapes_that_do_not_fit_are_told(scores, targets):
    with pytest.raises(ValueError, match=r"both take \(N,\)"):
        average_precision(np.zeros(scores), np.zeros(targets))
