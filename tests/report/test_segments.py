"""A segment evaluation read whole; numbers counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from saccade.errors import RunError
from saccade.report.segments import Segmented

from .conftest import unscored
from .segment_run import add_segment, segment_run

# of 16 x 24 = 384 pixels: 96 void, 192 background, 96 cat
TARGET = np.zeros((16, 24), dtype=np.uint8)
TARGET[:4], TARGET[4:8] = 255, 1
ALL_VOID = np.full_like(TARGET, 255)
BACKGROUND = np.zeros_like(TARGET)


def read(tmp_path: Path, *pairs: tuple[np.ndarray, np.ndarray]) -> Segmented:
    run = unscored(tmp_path / "001", task="segment")
    targets, said = zip(*pairs, strict=True)
    add_segment(run, tmp_path / "data", list(targets), list(said))
    return Segmented.read(run.evaluation("val"))


def test_the_baseline_calls_every_pixel_the_most_frequent_class(tmp_path: Path) -> None:
    scored = read(tmp_path, (TARGET, np.full_like(TARGET, 3)))
    assert scored.pixels.tolist() == [192, 96, 0, 0]
    assert scored.shares().tolist() == pytest.approx([2 / 3, 1 / 3, 0, 0])
    # background has an IoU of 2 / 3, cat of 0; dog and owl are not in the targets
    assert scored.baseline() == pytest.approx((2 / 3 + 0) / 2)


def test_the_baseline_is_the_miou_of_such_a_run(tmp_path: Path) -> None:
    scored = read(tmp_path, (TARGET, BACKGROUND), (BACKGROUND, BACKGROUND))
    assert scored.headline == pytest.approx(scored.baseline())


def test_the_mean_of_an_image_is_over_the_classes_in_either_mask(tmp_path: Path) -> None:
    said = np.where(TARGET == 1, 1, 0).astype(np.uint8)
    said[8:12] = 2  # half of the background is called dog
    scored = read(tmp_path, (TARGET, said), (ALL_VOID, said), (TARGET, np.where(TARGET == 1, 1, 0).astype(np.uint8)))
    means = scored.image_means()
    assert means[[0, 2]].tolist() == pytest.approx([(0.5 + 1 + 0) / 3, 1])
    assert np.isnan(means[1])
    assert scored.accuracies[[0, 2]].tolist() == pytest.approx([192 / 288, 1])
    assert np.isnan(scored.accuracies[1])


def test_nothing_but_void(tmp_path: Path) -> None:
    scored = read(tmp_path, (ALL_VOID, BACKGROUND))
    assert scored.baseline() is None
    assert scored.headline is None


def test_the_coding_is_that_of_about_json(tmp_path: Path) -> None:
    given = {
        "ids": [0, -1, 7],
        "void_id": None,
        "colours": [[0, 0, 0], None, [9, 9, 9]],
        "void_colour": [1, 2, 3],
        "void_is_background": True,
    }
    run = segment_run(tmp_path, coding=given)
    found = Segmented.read(run.evaluation("val")).coding
    assert (found.ids, found.void_id, found.void_is_background) == ((0, -1, 7), None, True)
    assert (found.colours, found.void_colour) == (((0, 0, 0), None, (9, 9, 9)), (1, 2, 3))


def test_numbers_that_do_not_fit_the_classes_are_refused(tmp_path: Path) -> None:
    run = segment_run(tmp_path)
    evaluation = run.evaluation("val")
    rows = pl.read_parquet(evaluation.predictions_file)
    rows.with_columns(iou=pl.lit([0.5, 0.5])).write_parquet(evaluation.predictions_file)
    with pytest.raises(RunError, match="or 4 IoUs in each row"):
        Segmented.read(evaluation)
    rows.write_parquet(evaluation.predictions_file)
    metrics = evaluation.metrics()
    del metrics["confusion"]
    evaluation.metrics_file.write_text(json.dumps(metrics), encoding="utf-8")
    with pytest.raises(RunError, match="not 4 x 4 numbers in its confusion matrix"):
        Segmented.read(evaluation)
