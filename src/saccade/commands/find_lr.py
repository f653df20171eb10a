"""``saccade find-lr``: a learning-rate range test, its curve, and a rate."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from saccade.config.load import load
from saccade.config.task_sections import CaptionTask
from saccade.console import say
from saccade.engine import trainer
from saccade.engine.lr_range import range_test
from saccade.engine.resolve import fold_config, prepare
from saccade.errors import ConfigError
from saccade.files import written_aside
from saccade.report.lr_range import draw_range


@dataclass(frozen=True)
class FoundRate:
    """What the test suggests, and where its curve is."""

    rate: float
    figure: Path  # SVG; the numbers stand beside it as CSV


def find_lr(source: str | Path, overrides: Sequence[str] = (), *, runs: Path = Path("runs")) -> FoundRate:
    """Train for a hundred batches while the learning rate rises, and suggest a tenth of the rate with the lowest loss.

    Args:
        source: a preset or a config file.
        overrides: ``key=value``.
        runs: the curve goes to ``runs/<name>/find-lr-001.svg`` or the next number.

    Raises:
        SaccadeError: a mistake in config or data, or a loss that is never finite.
    """
    config = load(source, overrides)
    if isinstance(config.task, CaptionTask) and config.task.loss == "self_critical":
        raise ConfigError(
            "task.loss: is self_critical, whose loss is about 0 at any learning rate; the test works with "
            "task.loss=cross_entropy, and a second stage goes on at a tenth of the rate of the first or less"
        )
    trainer.check_hardware(config)
    found = range_test(prepare(fold_config(config), say))
    folder = runs / config.name
    number = 1 + len(list(folder.glob("find-lr-*.svg")))
    figure = folder / f"find-lr-{number:03d}.svg"
    draw_range(figure, rates=found.rates, losses=found.losses, suggestion=found.suggestion)
    with written_aside(figure.with_suffix(".csv")) as aside, aside.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("lr", "loss"), *zip(found.rates, found.losses, strict=True)])
    return FoundRate(found.suggestion, figure)
