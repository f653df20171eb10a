"""The learning-rate range test."""

from __future__ import annotations

from pathlib import Path

import pytest

from saccade.commands.find_lr import find_lr
from saccade.engine.lr_range import HIGHEST, LOWEST, suggested


def test_the_rate_at_the_steepest_fall() -> None:
    """By hand: central differences are -0.1, -0.3, -1.1, -0.9, +1.0; the third belongs to the fourth rate."""
    rates = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0]
    losses = [2.3, 2.3, 2.2, 2.0, 1.1, 1.1, 2.1]
    assert suggested(rates, losses) == 1e-2


def test_a_curve_and_a_rate_between_the_ends(tmp_path: Path, classes_on_disk: Path) -> None:
    settings = ["model.name=small_cnn", "model.pretrained=false", "data.image_size=32", "data.holdout=0.25"]
    settings += ["loader.batch_size=4", "loader.workers=0", "trainer.accelerator=cpu", f"data.root={classes_on_disk}"]
    found = find_lr("folder-classify", settings, runs=tmp_path)
    again = find_lr("folder-classify", settings, runs=tmp_path)
    assert found.rate == again.rate
    assert [found.figure.name, again.figure.name] == ["find-lr-001.svg", "find-lr-002.svg"]
    assert "steepest at" in found.figure.read_text()
    rows = found.figure.with_suffix(".csv").read_text().splitlines()
    rates = [float(row.split(",")[0]) for row in rows[1:]]
    assert rows[0] == "lr,loss"
    assert rates[0] == pytest.approx(LOWEST)
    assert LOWEST < found.rate < max(rates) <= HIGHEST
    assert found.rate in rates
