"""Panels that only caption has: several metrics over the epochs, and how numbers of captions are spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from saccade.report.epochs import Curve
from saccade.report.figures import BLUE, GREEN, INK, ORANGE, PURPLE, Draw, add_legend, over_epochs

_COLOURS = (BLUE, GREEN, PURPLE, ORANGE)
BINS = 25
_HALF = 24
"""So many letters fit into half the width of a legend."""


def metrics_panel(
    title: str, curves: Sequence[Curve], *, best: tuple[int, str] | None, marked: Mapping[str, int]
) -> Draw:
    """Up to four metrics over the epochs; ``marked``: the epoch at which the curve of that label has a dot."""

    def draw(axes: Axes) -> None:
        labels = []
        for curve, colour in zip(curves, _COLOURS, strict=False):
            at = {epoch: v for epoch, v in zip(curve.epochs, curve.values, strict=True) if v is not None}
            axes.plot(list(at), list(at.values()), color=colour, marker="o" if len(at) == 1 else None, markersize=3.6)
            dot = marked.get(curve.label)
            labels.append(curve.label if dot is None else f"{curve.label}, best: epoch {dot}")
            if dot is not None:
                axes.plot([dot], [at[dot]], "o", color=colour, markersize=7)
        if not any(value for curve in curves for value in curve.values):
            axes.set_ylim(0, 1)  # of noughts alone the scale would be one of hundredths below and above
        axes.margins(y=0.14)  # room for the word at the foot of the line: BLEU-4 is often there
        over_epochs(axes, title, curves, best)
        # Below the axes: the curves may run anywhere.
        columns = 2 if max(map(len, labels)) <= _HALF else 1
        add_legend(axes, labels, _COLOURS, loc="upper left", bbox_to_anchor=(-0.01, -0.17), ncols=columns)

    return draw


def values_panel(values: NDArray[np.float64], *, metric: str) -> Draw:
    """How many images have which number; mean and median are marked."""

    def draw(axes: Axes) -> None:
        highest = max(float(np.ceil(values.max())), 1.0)
        axes.hist(values, bins=np.linspace(0, highest, BINS + 1).tolist(), color=BLUE, alpha=0.75)
        for number, colour in ((float(values.mean()), ORANGE), (float(np.median(values)), INK)):
            axes.axvline(number, color=colour, linewidth=1.6)
        axes.set_xlim(0, highest)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(visible=False, axis="x")
        axes.set_title(f"{metric} of single images")
        axes.set_xlabel(metric)
        axes.set_ylabel("images")
        labels = [f"mean {values.mean():.2f}", f"median {np.median(values):.2f}"]
        add_legend(axes, labels, (ORANGE, INK), loc="upper right")

    return draw


def lengths_panel(said: Sequence[int], written: Sequence[int]) -> Draw:
    """The share of captions and of references with so many words."""

    def draw(axes: Axes) -> None:
        longest = max(*said, *written)
        places = np.arange(longest + 1)
        shares = [np.bincount(lengths, minlength=longest + 1) / len(lengths) for lengths in (said, written)]
        axes.bar(places, shares[0], width=0.86, color=BLUE, alpha=0.75)
        axes.step(places, shares[1], where="mid", color=ORANGE)
        axes.set_xlim(-0.6, longest + 0.6)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.yaxis.set_major_formatter(lambda y, _: f"{y:.0%}".replace("%", " %"))
        axes.grid(visible=False, axis="x")
        axes.set_title("Words in a caption")
        axes.set_xlabel("words")
        add_legend(axes, ["captions of the network", "references"], (BLUE, ORANGE), loc="upper right")

    return draw
