"""Intervals of text spotting, against whole draws scored anew."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.report import intervals
from saccade.report.spot_evaluation import Spotted
from saccade.report.spot_intervals import spot_intervals

from .spot_run import Sign, add_spotting, scores_of, signs, unscored_spot


def read(tmp_path: Path, images: list[Sign], **given: Any) -> Spotted:
    run = unscored_spot(tmp_path)
    add_spotting(run, images, **given)
    return Spotted.read(run.evaluation("val"))


def test_numbers_are_those_of_the_words_of_each_draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "DRAWS", 40)
    images, generator, each = signs(), np.random.default_rng(0), []
    for _ in range(40):
        scores = scores_of([images[i] for i in generator.integers(7, size=7)], reads=True)
        assert scores.words is not None
        read_numbers = [scores.words.cer, scores.words.word_accuracy]
        each.append([*(numbers["hmean"] for numbers in scores.metrics.values()), *read_numbers])
    expected = np.nanpercentile(np.array(each, dtype=np.float64), [2.5, 97.5], axis=0)
    found = spot_intervals(read(tmp_path, images))
    assert list(found) == ["detection_hmean", "end_to_end_hmean", "word_spotting_hmean", "cer", "word_accuracy"]
    np.testing.assert_allclose(np.array(list(found.values())).T, expected, rtol=1e-12)


def test_what_only_finds_has_one(tmp_path: Path) -> None:
    assert list(spot_intervals(read(tmp_path, signs(), reads=False))) == ["detection_hmean"]


def test_where_nothing_is_right_there_is_none(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert spot_intervals(read(tmp_path, [replace(sign, found=[]) for sign in signs()])) == {}


def test_of_one_image_nothing_can_be_said(tmp_path: Path) -> None:
    assert spot_intervals(read(tmp_path, signs()[:1])) == {}
