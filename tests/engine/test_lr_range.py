"""The learning-rate range test."""

from __future__ import annotations

from pathlib import Path

import pytest

from saccade.commands.find_lr import find_lr
from saccade.engine.lr_range import HIGHEST, LOWEST, suggested
from saccade.errors import SaccadeError

RATES = [10.0 ** (k / 10 - 7) for k in range(70)]


def test_a_tenth_of_the_rate_with_the_lowest_loss() -> None:
    """By hand: flat at 2 up to step 40, down by 0.05 a step to 1 at step 60, then up by 0.5 a step."""
    losses = [2.0] * 40 + [2.0 - 0.05 * k for k in range(20)] + [1.0 + 0.5 * k for k in range(10)]
    assert suggested(RATES, losses) == pytest.approx(RATES[60] / 10)
    losses[0] = 0.5  # a lucky first batch, of which the average is made
    assert suggested(RATES, losses) == pytest.approx(RATES[60] / 10)
    assert suggested(RATES, losses[:55]) == pytest.approx(RATES[54] / 10)  # it was still falling


@pytest.mark.parametrize(
    "losses",
    [
        [1.0 + 0.01 * k for k in range(50)],
        [1.0, 0.9, *[1.0] * 48],
        [2.0] * 30,
        [2.0, 1.9, 1.8],  # over before the average has settled
    ],
)
def test_a_loss_that_never_falls_suggests_nothing(losses: list[float]) -> None:
    with pytest.raises(SaccadeError, match="falls at none of the learning rates"):
        suggested(RATES, losses)


def test_a_curve_and_a_rate_between_the_ends(tmp_path: Path, classes_on_disk: Path) -> None:
    settings = ["model.name=small_cnn", "model.pretrained=false", "data.image_size=32", "data.holdout=0.25"]
    settings += ["loader.batch_size=4", "loader.workers=0", "trainer.accelerator=cpu", f"data.root={classes_on_disk}"]
    found = find_lr("folder-classify", settings, runs=tmp_path)
    again = find_lr("folder-classify", settings, runs=tmp_path)
    assert found.rate == again.rate
    assert [found.figure.name, again.figure.name] == ["find-lr-001.svg", "find-lr-002.svg"]
    assert "suggested: " in found.figure.read_text()
    rows = found.figure.with_suffix(".csv").read_text().splitlines()
    rates = [float(row.split(",")[0]) for row in rows[1:]]
    assert rows[0] == "lr,loss"
    assert rates[0] == pytest.approx(LOWEST)
    assert LOWEST < found.rate < max(rates) / 10 * 1.0001 <= HIGHEST
    assert any(found.rate == pytest.approx(rate / 10, rel=1e-4) for rate in rates)
