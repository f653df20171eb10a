"""Panels that only spot has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from saccade.report.figures import BLUE, INK, MUTED, ORANGE, PURPLE, Draw
from saccade.report.spot_heights import Step

_COLOURS = (BLUE, ORANGE, PURPLE)
_PALE, _FULL = 0.32, 0.85
BINS = 20


def heights_panel(steps: Sequence[Step], *, reads: bool) -> Draw:
    """A bar for each step of height: the share of its words that was found, and of these what was read right."""

    def draw(axes: Axes) -> None:
        places = np.arange(len(steps))
        totals = np.array([max(step.words, 1) for step in steps])
        found, right = (np.array(column) / totals for column in zip(*((s.found, s.right) for s in steps), strict=True))
        axes.bar(places, found, width=0.84, color=BLUE, alpha=_PALE if reads else _FULL)
        if reads:
            axes.bar(places, right, width=0.84, color=BLUE, alpha=_FULL)
        for place, step, share in zip(places.tolist(), steps, found.tolist(), strict=True):
            text = f"{step.found / step.words:.2f}" if step.words else ""
            axes.text(place, share + 0.015, text, ha="center", va="bottom", fontsize=9.5, color=INK)
        axes.set_xticks(places, [f"{step.name}\n{step.words:,}" for step in steps], fontsize=9)
        axes.set_xlim(-0.6, max(len(steps), 3) - 0.4)
        axes.set_ylim(0, 1.1)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
        axes.grid(visible=False, axis="x")
        axes.set_title("Recall by height of the word")
        axes.set_xlabel("height in pixels, and how many words have it")
        if reads:
            _add_patches(axes, {"found": (BLUE, _PALE), "and read right": (BLUE, _FULL)})

    return draw


def scores_panel(scores: Mapping[str, Sequence[float]]) -> Draw:
    """How sure the network was of detections, for each verdict in turn, one upon the other."""

    def draw(axes: Axes) -> None:
        edges = np.linspace(0, 1, BINS + 1)
        below = np.zeros(BINS)
        for values, colour in zip(scores.values(), _COLOURS, strict=False):
            counts, _ = np.histogram(values, bins=edges)
            axes.bar(edges[:-1], counts, width=1 / BINS, bottom=below, align="edge", color=colour, alpha=_FULL)
            below += counts
        axes.set_xlim(max(0.0, float(edges[np.flatnonzero(below)[0]])), 1)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(visible=False, axis="x")
        axes.set_title("How sure it was")
        axes.set_xlabel("score of the detection")
        axes.set_ylabel("detections", color=MUTED)
        _add_patches(axes, {name: (colour, _FULL) for name, colour in zip(scores, _COLOURS, strict=False)})

    return draw


def _add_patches(axes: Axes, named: Mapping[str, tuple[str, float]]) -> None:
    """A legend below the axes: of each name its colour, and how much of it."""
    patches = [Patch(color=colour, alpha=alpha, linewidth=0) for colour, alpha in named.values()]
    axes.legend(patches, list(named), loc="upper left", bbox_to_anchor=(-0.02, -0.22), ncols=3, handlelength=1.1)
