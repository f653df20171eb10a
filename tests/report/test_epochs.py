"""Rows of ``metrics.jsonl``, number by number."""

from __future__ import annotations

from saccade.report.epochs import best_epoch, curves_of, scored_split

from .caption_run import epochs

ROWS = [
    {"epoch": 1, "train": {"loss": 3.0}},
    {"epoch": 2, "train": {"loss": 2.0}, "val": {"loss": 2.5, "bleu4": 0.2}},
    {"epoch": 3, "train": {"loss": 1.0}, "val": {"loss": 2.4, "bleu4": None}},
    {"epoch": 4, "train": {"loss": 0.5}, "val": {"loss": 2.6, "bleu4": 0.2}},
]


def test_the_first_of_the_best() -> None:
    assert best_epoch(ROWS, "bleu4", "val") == (2, 0.2)
    assert best_epoch(ROWS, "meteor", "val") is None
    assert best_epoch(ROWS, "bleu4", None) is None
    assert best_epoch([], "bleu4", "val") is None


def test_the_split_and_its_curves() -> None:
    assert [scored_split(rows) for rows in (ROWS, ROWS[:1], [], epochs())] == ["val", None, None, "holdout"]
    loss = list(curves_of(ROWS, "loss", "val"))
    assert [(c.label, c.trained, list(c.epochs)) for c in loss] == [
        ("train", True, [1, 2, 3, 4]),
        ("val", False, [2, 3, 4]),
    ]
    (bleu,) = curves_of(ROWS, "bleu4", "val")
    assert bleu.values == [0.2, None, 0.2]
