"""A spot evaluation read whole; words counted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from saccade.errors import RunError
from saccade.metrics.spotting.protocol import Counts
from saccade.report.spot_evaluation import Spotted
from saccade.report.spot_matches import ALARM, MISREAD, MISSED, RIGHT, UNCARED

from .spot_run import add_spotting, scores_of, signs, spot_run, unscored_spot


@pytest.fixture
def scored(tmp_path: Path) -> Spotted:
    return read(tmp_path)


def read(tmp_path: Path, **given: Any) -> Spotted:
    run = unscored_spot(tmp_path)
    add_spotting(run, signs(), **given)
    return Spotted.read(run.evaluation("val"))


def change(run: Any, **columns: Any) -> Spotted:
    """The evaluation with other columns."""
    evaluation = run.evaluation("val")
    evaluation.predictions().with_columns(**columns).write_parquet(evaluation.predictions_file)
    return Spotted.read(evaluation)


def test_what_there_is_of_each_verdict(scored: Spotted) -> None:
    assert scored.verdicts == {RIGHT: 4, MISREAD: 2, MISSED: 4, ALARM: 3, UNCARED: 2}
    assert scored.counts["detection"] == Counts(6, 10, 9)
    assert scored.counts["end_to_end"] == Counts(4, 10, 9)
    assert scored.counts["word_spotting"] == Counts(4, 9, 9)  # A is too short
    assert (scored.reading.edits, scored.reading.letters, scored.reading.right, scored.reading.pairs) == (6, 25, 3, 6)


@pytest.mark.parametrize("reads", [True, False])
def test_the_numbers_are_those_of_the_metrics(tmp_path: Path, reads: bool) -> None:
    scored, expected = read(tmp_path, reads=reads), scores_of(signs(), reads=reads)
    again = scored.again()
    for name, numbers in expected.metrics.items():
        assert {part: again.pop(f"{name}_{part}") for part in numbers} == numbers
        assert scored.hmeans(name).tolist() == expected.per_image[name]
    assert expected.words is None or again == {"cer": expected.words.cer, "word_accuracy": expected.words.word_accuracy}
    assert reads or again == {}
    assert scored.differences() == []


def test_images_are_ranked_by_how_much_is_right_and_then_by_how_much_is_wrong(scored: Spotted) -> None:
    ranking = scored.ranking()
    assert np.isnan(ranking[[3, 6]]).all()  # nothing to find, and nothing found
    assert sorted((0, 1, 2, 4, 5), key=lambda i: -ranking[i]) == [0, 2, 1, 4, 5]


def test_misreadings_are_counted(scored: Spotted) -> None:
    assert scored.misreadings() == [(("OPEN", "0PEN"), 2)]


def test_numbers_that_are_not_those_of_the_words(tmp_path: Path) -> None:
    scored = read(tmp_path, metrics={"cer": None, "end_to_end_hmean": 0.9})
    assert scored.differences() == [("end_to_end_hmean", 0.9, pytest.approx(8 / 19)), ("cer", None, 0.24)]


def test_words_that_were_changed_afterwards(tmp_path: Path) -> None:
    texts = pl.Series("texts", [["x"] * len(sign.found) for sign in signs()])
    names = [key for key, *_ in change(spot_run(tmp_path), texts=texts).differences()]
    assert {"end_to_end_hmean", "cer", "end_to_end_hmean of single images"} <= set(names)
    assert not any(name.startswith("detection") for name in names)


def test_null_lists_are_empty(tmp_path: Path) -> None:
    nothing = {name: pl.lit(None) for name in ("quads_xy", "texts", "scores")}
    assert change(spot_run(tmp_path), **nothing).counts["detection"] == Counts(0, 10, 0)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"texts": pl.lit([], dtype=pl.List(pl.String))}, "images/000.jpg: there are not as many quads as texts"),
        ({"quads_xy": pl.lit([[1.0, 2.0]])}, "images/000.jpg: a quad has not 8 numbers"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    run = spot_run(tmp_path)
    with pytest.raises(RunError, match=message):
        change(run, **columns)


def test_a_file_without_words_is_refused(tmp_path: Path) -> None:
    evaluation = spot_run(tmp_path).evaluation("val")
    rows = evaluation.predictions()
    rows.clear().write_parquet(evaluation.predictions_file)
    with pytest.raises(RunError, match="there is no image"):
        Spotted.read(evaluation)
    rows.drop("texts", "scores").write_parquet(evaluation.predictions_file)
    with pytest.raises(RunError, match="no column texts, scores; write it again with `saccade evaluate`"):
        Spotted.read(evaluation)
