"""The report's figures, drawn with matplotlib's objects (no pyplot, whose state is global).

A panel is a function that draws on axes; ``drawn`` puts panels side by side. The same input gives the same
bytes.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from saccade.report.epochs import Curve

COLOURS = {
    "fig-ink": "#22262b",
    "fig-muted": "#6a717a",
    "fig-grid": "#e4e6e9",
    "fig-paper": "#fefefd",
    "fig-1": "#1f6fb2",
    "fig-2": "#c8551b",
    "fig-3": "#16806a",
    "fig-4": "#8a4fa3",
}
"""The light colours; the page's style gives each of these names a dark one too."""

WIDTH, HEIGHT = 4.6, 3.1
"""Inches of a usual panel."""

INK, MUTED, GRID, PAPER, BLUE, ORANGE, GREEN, PURPLE = COLOURS.values()
"""The same, by name."""

# Any: the names of the parameters are typed one by one in some versions of matplotlib only.
_STYLE: Any = {
    # Class names are words: a "$" in one is not mathematics.
    "text.parse_math": False,
    "svg.fonttype": "none",
    "font.size": 10.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titlecolor": INK,
    "axes.titleweight": "bold",
    "axes.titlepad": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.9,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 10,
    "axes.facecolor": "none",
    "figure.facecolor": PAPER,
}

Draw: TypeAlias = Callable[[Axes], None]


@dataclass(frozen=True)
class Drawing:
    """One figure as SVG, and as PNG where it is asked for."""

    svg: str
    figure: Figure

    def png(self) -> bytes:
        """The figure as PNG, 160 pixels an inch."""
        with mpl.rc_context(_STYLE), _glyphs_may_lack():
            buffer = io.BytesIO()
            self.figure.savefig(buffer, format="png", dpi=160, metadata={"Software": None})
        return buffer.getvalue()


def drawn(name: str, panels: Sequence[Draw], *, width: float = WIDTH, height: float = HEIGHT) -> Drawing:
    """Draw the panels side by side, each ``width`` x ``height`` inches; ``name`` seeds the SVG's ids."""
    with mpl.rc_context({**_STYLE, "svg.hashsalt": f"saccade {name}"}), _glyphs_may_lack():
        figure = Figure(figsize=(width * len(panels), height), layout="constrained")
        for axes, draw in zip(np.ravel(figure.subplots(1, len(panels))), panels, strict=True):
            draw(axes)
        svg = io.StringIO()
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    # The places found for the SVG hold for the PNG too; finding them takes most of the time.
    figure.set_layout_engine("none")
    return Drawing(svg.getvalue(), figure)


@contextmanager
def _glyphs_may_lack() -> Iterator[None]:
    """No warning for a name in a script that the PNG's font lacks: the SVG shows it all the same."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def curves_panel(title: str, curves: Sequence[Curve], *, best: tuple[int, str] | None) -> Draw:
    """A panel of curves over epochs; ``best`` marks an epoch, with a word for it."""

    def draw(axes: Axes) -> None:
        colours = [MUTED if curve.trained else BLUE for curve in curves]
        for curve, colour in zip(curves, colours, strict=True):
            values = [np.nan if v is None else v for v in curve.values]
            marker = "o" if len(values) < 30 else None
            axes.plot(curve.epochs, values, color=colour, marker=marker, markersize=3.6)
        over_epochs(axes, title, curves, best)
        if len(curves) > 1:
            add_legend(axes, [c.label for c in curves], colours)

    return draw


def range_panel(rates: Sequence[float], losses: Sequence[float], suggestion: float) -> Draw:
    """The smoothed training loss over the learning rate, with the suggested rate marked."""

    def draw(axes: Axes) -> None:
        axes.plot(rates, losses, color=BLUE)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        # the end of the curve, where training diverges, would flatten the rest
        low = min(losses)
        high = max(losses[: list(losses).index(low) + 1])
        axes.set_ylim(low - 0.1 * (high - low), high + 0.5 * (high - low))
        axes.axvline(suggestion, color=INK, linewidth=0.9, linestyle=(0, (3, 3)), zorder=1)
        left_half = suggestion**2 < rates[0] * rates[-1]
        place: dict[str, Any] = {
            "xytext": (5 if left_half else -5, 5),
            "textcoords": "offset points",
            "ha": "left" if left_half else "right",
            "fontsize": 9.5,
            "color": MUTED,
        }
        axes.annotate(f"suggested: {suggestion:.2g}", (suggestion, 0), xycoords=("data", "axes fraction"), **place)
        axes.set_title("Training loss over the learning rate")
        axes.set_xlabel("learning rate")

    return draw


def folds_panel(title: str, curves: Sequence[Curve], best: Sequence[int | None]) -> Draw:
    """A panel of one curve a fold over epochs, with a dot at the epoch that each fold chose; None: it has not yet."""

    def draw(axes: Axes) -> None:
        for curve, chosen in zip(curves, best, strict=True):
            at = {epoch: v for epoch, v in zip(curve.epochs, curve.values, strict=True) if v is not None}
            axes.plot(list(at), list(at.values()), color=BLUE, linewidth=1.3, alpha=0.7)
            if chosen in at:
                axes.plot([chosen], [at[chosen]], "o", color=ORANGE, markersize=5)
            # At its end, a little to the right: the names of folds that end alike lie over each other, no more.
            axes.annotate(
                curve.label,
                list(at.items())[-1],
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                color=MUTED,
            )
        over_epochs(axes, title, curves, None)

    return draw


def tail_panel(shares: Sequence[float], lines: Mapping[str, Sequence[float]]) -> Draw:
    """Tail accuracy over the share of found images that is kept; first the mean; NaN is a gap."""

    def draw(axes: Axes) -> None:
        colours = (INK, GREEN, BLUE, ORANGE)
        for values, colour in zip(lines.values(), colours, strict=False):
            width, order = (2.6, 3) if colour == INK else (1.6, 2)
            axes.plot(shares, values, color=colour, marker="o", markersize=3, linewidth=width, zorder=order)
        axes.set_xlim(1.03, 0.0)
        axes.set_ylim(min(0.5, *axes.get_ylim()) - 0.02, 1.02)
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:.0%}".replace("%", " %"))
        axes.set_title("Tail accuracy")
        axes.set_xlabel("share of the found images kept, highest scores last")
        # Below the axes: the curves may run anywhere.
        add_legend(axes, list(lines), colours, loc="upper left", bbox_to_anchor=(-0.01, -0.16))

    return draw


_FOOT = 0.15
"""Of the height of a panel, what a line of text at its foot takes."""


def over_epochs(axes: Axes, title: str, curves: Sequence[Curve], best: tuple[int, str] | None) -> None:
    """Title and axis of a panel of curves over epochs; ``best`` marks an epoch, with a word for it."""
    if best is not None:
        axes.axvline(best[0], color=INK, linewidth=0.9, linestyle=(0, (3, 3)), zorder=1)
        _label_at_line(axes, *best, curves)
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def _label_at_line(axes: Axes, epoch: int, word: str, curves: Sequence[Curve]) -> None:
    """Write ``word`` where there is room: at the foot of the line or, if a curve runs there, at its top."""
    epochs = [e for curve in curves for e in curve.epochs]
    first, last = min(epochs), max(epochs)
    left = epoch > (first + last) / 2
    beside = [
        (e, v)
        for curve in curves
        for e, v in zip(curve.epochs, curve.values, strict=True)
        if v is not None and abs(e - epoch) <= (last - first) / 3
    ]
    heights = axes.transAxes.inverted().transform(axes.transData.transform(beside or [(epoch, np.inf)]))[:, 1]
    at_top = bool(heights.min() < _FOOT)
    axes.annotate(
        word,
        (epoch, float(at_top)),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if left else 5, -5 if at_top else 5),
        textcoords="offset points",
        ha="right" if left else "left",
        va="top" if at_top else "baseline",
        fontsize=9.5,
        color=MUTED,
    )


def add_legend(axes: Axes, labels: Sequence[str], colours: Sequence[str], **place: Any) -> None:
    """A legend of lines; the labels may begin with an underscore."""
    handles = [Line2D([], [], color=colour, linewidth=2.2) for colour in colours[: len(labels)]]
    legend = axes.legend(handles, ["-"] * len(handles), handlelength=1.3, **place)
    # Set afterwards: matplotlib drops labels that begin with an underscore.
    for text, label in zip(legend.get_texts(), labels, strict=False):
        text.set_text(short(label, 48))


def short(name: str, length: int = 22) -> str:
    """A class name fit for an axis: no control characters (XML has none), cut where it is long."""
    clean = "".join(c if c.isprintable() else " " for c in name)
    return clean if len(clean) <= length else clean[: length - 1] + "…"
