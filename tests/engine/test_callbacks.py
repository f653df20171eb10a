from __future__ import annotations

from saccade.engine.callbacks import _flat


def test_a_row_for_a_logger_is_flat_and_without_what_is_undefined() -> None:
    row = {"epoch": 1, "train": {"loss": 0.5}, "holdout": {"map": None, "loss": 0.25}}
    assert _flat(row) == {"epoch": 1.0, "train/loss": 0.5, "holdout/loss": 0.25}
