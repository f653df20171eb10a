"""An evaluation read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from saccade.errors import RunError
from saccade.report.scored import Scored

from .conftest import CLASSES, add_classify, add_multilabel, unscored


def test_baseline_of_multilabel_counts_valid_targets_of_classes_that_are_there(tmp_path: Path) -> None:
    run = unscored(tmp_path / "001")
    targets = np.array([[1, 1, 0, 0, -1], [0, 1, 0, -1, -1], [0, 1, 0, 0, -1], [-1, 0, 0, 0, -1]])
    add_multilabel(run, list("abcd"), targets, np.full((4, 5), 0.3))
    # cat: 1 of 3 valid; dog: 3 of 4; the others have no positive and no AP.
    assert Scored.read(run.evaluation("val")).baseline() == pytest.approx((1 / 3 + 3 / 4) / 2)


def test_baseline_of_classify_is_the_largest_share(tmp_path: Path) -> None:
    run = unscored(tmp_path / "001", task="classify")
    add_classify(run, list("abcd"), np.array([2, 2, 0, 2]), np.eye(5)[[0, 0, 0, 0]])
    assert Scored.read(run.evaluation("val")).baseline() == 0.75


def test_found_is_above_the_threshold_and_not_at_it(tmp_path: Path) -> None:
    run = unscored(tmp_path / "001")
    scores = np.array([[0.3, 0.5, 0.50001, 0.7, 0.0]])
    add_multilabel(run, ["a"], np.ones((1, 5)), scores)
    assert Scored.read(run.evaluation("val")).found.tolist() == [[False, False, True, True, False]]


def test_scores_that_do_not_fit_the_classes_are_refused(tmp_path: Path) -> None:
    run = unscored(tmp_path / "001")
    add_multilabel(run, ["a"], np.ones((1, 5)), np.ones((1, 5)))
    file = run.evaluation("val").predictions_file
    pl.read_parquet(file).with_columns(scores=pl.lit([0.1, 0.2])).write_parquet(file)
    with pytest.raises(RunError, match=f"does not hold {len(CLASSES)} scores"):
        Scored.read(run.evaluation("val"))
