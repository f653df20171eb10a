"""Recall by height, counted by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from saccade.report.spot_evaluation import Spotted
from saccade.report.spot_heights import Step, recall_by_height

from .spot_run import Sign, add_spotting, box, signs, unscored_spot


def steps(tmp_path: Path, images: list[Sign], *, reads: bool = True) -> list[Step]:
    run = unscored_spot(tmp_path, reads=reads)
    add_spotting(run, images, reads=reads)
    return recall_by_height(Spotted.read(run.evaluation("val")))


def test_words_are_counted_by_height(tmp_path: Path) -> None:
    assert steps(tmp_path, signs()) == [
        Step("< 8", 1, 0, 0),
        Step("8–12", 7, 4, 3),
        Step("12–16", 0, 0, 0),
        Step("16–24", 1, 1, 1),
        Step("24–32", 1, 1, 0),
    ]


def test_without_reading_all_that_is_found_is_right(tmp_path: Path) -> None:
    assert [(step.found, step.right) for step in steps(tmp_path, signs(), reads=False)][1] == (4, 4)


@pytest.mark.parametrize(
    ("height", "name"), [(7.9, "< 8"), (8, "8–12"), (11.9, "8–12"), (12, "12–16"), (127, "96–128"), (128, "≥ 128")]
)
def test_a_step_begins_with_its_edge(tmp_path: Path, height: float, name: str) -> None:
    assert steps(tmp_path, [Sign([(box(0, 0, 200, height), "WORD")])]) == [Step(name, 1, 0, 0)]


def test_nothing_is_cared_for(tmp_path: Path) -> None:
    assert steps(tmp_path, [Sign([(box(0, 0), "###")]), Sign()]) == []
