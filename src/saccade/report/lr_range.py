"""The curve of a learning-rate range test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from saccade.files import write_text
from saccade.report.figures import drawn, range_panel


def draw_range(path: Path, *, rates: Sequence[float], losses: Sequence[float], suggestion: float) -> None:
    """Write the training loss over the learning rate as SVG, the suggested rate marked."""
    write_text(path, drawn("find-lr", [range_panel(rates, losses, suggestion)], width=6.4, height=3.8).svg)
