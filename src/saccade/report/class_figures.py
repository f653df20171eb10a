"""Figures that set classes side by side: bars, curves of very many classes, and the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from saccade.report.figures import BLUE, GRID, INK, ORANGE, PAPER, Draw, add_legend, short

MOST_WRITTEN = 15
"""Up to this many classes have a figure in each cell of the confusion matrix."""


def class_bars(names: Sequence[str], values: Sequence[float], marks: Sequence[float], *, metric: str) -> Draw:
    """One bar a class, best on top, with a tick at its mark: what no network at all would reach."""

    def draw(axes: Axes) -> None:
        order = sorted(range(len(names)), key=lambda c: (-values[c], c))
        places = np.arange(len(order))
        axes.barh(places, [values[c] for c in order], height=0.66, color=BLUE)
        axes.scatter([marks[c] for c in order], places, marker="|", s=90, color=ORANGE, linewidth=2, zorder=3)
        for place, c in zip(places.tolist(), order, strict=True):
            axes.text(max(values[c], marks[c]) + 0.012, place, f"{values[c]:.2f}", va="center", fontsize=9.5)
        axes.set_yticks(places, [short(names[c]) for c in order], color=INK)
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.set_xlim(0, 1.08)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_title(f"{metric} of each class")

    return draw


def class_steps(values: Sequence[float], marks: Sequence[float], *, metric: str, mark: str) -> Draw:
    """The values of very many classes, from the best to the worst, and their marks, with a word for both."""

    def draw(axes: Axes) -> None:
        order = sorted(range(len(values)), key=lambda c: (-values[c], c))
        places = np.arange(1, len(values) + 1)
        axes.fill_between(places, [values[c] for c in order], step="mid", color=BLUE, alpha=0.22, linewidth=0)
        axes.step(places, [values[c] for c in order], where="mid", color=BLUE)
        axes.plot(places, [marks[c] for c in order], ".", color=ORANGE, markersize=2)
        axes.set_xlim(0, len(values) + 1)
        axes.set_ylim(0, 1.02)
        axes.set_title(f"{metric} of the {len(values):,} classes, sorted")
        axes.set_xlabel("class, best first")
        add_legend(axes, [metric, mark], (BLUE, ORANGE))

    return draw


def confusion_panel(names: Sequence[str], counts: NDArray[np.int64], *, percent: bool = False) -> Draw:
    """Rows are targets, columns predictions; a cell's depth is its share of the row.

    The figure in a cell is its count or, with ``percent``, its share in whole percent; a share that would read 0 is
    left blank.
    """

    def draw(axes: Axes) -> None:
        n = len(names)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        for row, column in np.argwhere(counts > 0):
            share = float(shares[row, column])
            colour = BLUE if row == column else ORANGE
            corner = (column - 0.5, row - 0.5)
            axes.add_patch(Rectangle(corner, 1, 1, facecolor=colour, alpha=round(0.06 + 0.94 * share, 3), linewidth=0))
            if n <= MOST_WRITTEN:
                ink = PAPER if share > 0.5 else INK
                text = _percent(share) if percent else f"{counts[row, column]:,}"
                axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=9.5)
        axes.set_xlim(-0.5, n - 0.5)
        axes.set_ylim(n - 0.5, -0.5)
        axes.set_aspect("equal")
        labels = [short(name) for name in names]
        size = 10 if n <= MOST_WRITTEN else 7
        turned: Any = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks(range(n), labels, color=INK, fontsize=size, **turned)
        axes.set_yticks(range(n), labels, color=INK, fontsize=size)
        axes.set_xlabel("predicted")
        axes.set_ylabel("target")
        axes.set_title("Confusion matrix, % of the row" if percent else "Confusion matrix")
        axes.grid(visible=False)
        for edge in range(n + 1):
            axes.axhline(edge - 0.5, color=GRID, linewidth=0.6, zorder=0)
            axes.axvline(edge - 0.5, color=GRID, linewidth=0.6, zorder=0)
        axes.spines[:].set_visible(False)

    return draw


def _percent(share: float) -> str:
    """A whole number that never says 100 of what is not all; empty below half a percent."""
    if share < 0.005:
        return ""
    return ">99" if 0.995 <= share < 1 else f"{100 * share:.0f}"
