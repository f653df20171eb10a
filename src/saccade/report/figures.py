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
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

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

_INK, _MUTED, _GRID, _PAPER, _BLUE, _ORANGE, _GREEN, _PURPLE = COLOURS.values()

# Any: the names of the parameters are typed one by one in some versions of matplotlib only.
_STYLE: Any = {
    # Class names are words: a "$" in one is not mathematics.
    "text.parse_math": False,
    "svg.fonttype": "none",
    "font.size": 10.5,
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titlecolor": _INK,
    "axes.titleweight": "bold",
    "axes.titlepad": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.8,
    "text.color": _INK,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.9,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 10,
    "axes.facecolor": "none",
    "figure.facecolor": _PAPER,
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


@dataclass(frozen=True)
class Curve:
    """One line over the epochs; None where the number is undefined."""

    label: str
    trained: bool  # of the training split; else of the split that chooses the epoch
    epochs: Sequence[int]
    values: Sequence[float | None]


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
        colours = [_MUTED if curve.trained else _BLUE for curve in curves]
        for curve, colour in zip(curves, colours, strict=True):
            values = [np.nan if v is None else v for v in curve.values]
            marker = "o" if len(values) < 30 else None
            axes.plot(curve.epochs, values, color=colour, marker=marker, markersize=3.6)
        if best is not None:
            axes.axvline(best[0], color=_INK, linewidth=0.9, linestyle=(0, (3, 3)), zorder=1)
            _label_at_line(axes, *best, [e for curve in curves for e in curve.epochs])
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if len(curves) > 1:
            _legend(axes, [c.label for c in curves], colours)

    return draw


def range_panel(rates: Sequence[float], losses: Sequence[float], suggestion: float) -> Draw:
    """The smoothed training loss over the learning rate, with the suggested rate marked."""

    def draw(axes: Axes) -> None:
        axes.plot(rates, losses, color=_BLUE)
        axes.set_xscale("log")
        # the end of the curve, where training diverges, would flatten the rest
        low, high = min(losses), losses[0]
        axes.set_ylim(low - 0.1 * (high - low), high + 0.5 * (high - low))
        axes.axvline(suggestion, color=_INK, linewidth=0.9, linestyle=(0, (3, 3)), zorder=1)
        place: dict[str, Any] = {
            "xytext": (-5, 5),
            "textcoords": "offset points",
            "ha": "right",
            "fontsize": 9.5,
            "color": _MUTED,
        }
        axes.annotate(f"steepest at {suggestion:.2g}", (suggestion, 0), xycoords=("data", "axes fraction"), **place)
        axes.set_title("Training loss over the learning rate")
        axes.set_xlabel("learning rate")

    return draw


def folds_panel(title: str, curves: Sequence[Curve], best: Sequence[int | None]) -> Draw:
    """A panel of one curve a fold over epochs, with a dot at the epoch that each fold chose; None: it has not yet."""

    def draw(axes: Axes) -> None:
        for curve, chosen in zip(curves, best, strict=True):
            at = {epoch: v for epoch, v in zip(curve.epochs, curve.values, strict=True) if v is not None}
            axes.plot(list(at), list(at.values()), color=_BLUE, linewidth=1.3, alpha=0.7)
            if chosen in at:
                axes.plot([chosen], [at[chosen]], "o", color=_ORANGE, markersize=5)
            # At its end, a little to the right: the names of folds that end alike lie over each other, no more.
            axes.annotate(
                curve.label,
                list(at.items())[-1],
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                color=_MUTED,
            )
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))

    return draw


def tail_panel(shares: Sequence[float], lines: Mapping[str, Sequence[float]]) -> Draw:
    """Tail accuracy over the share of found images that is kept; first the mean; NaN is a gap."""

    def draw(axes: Axes) -> None:
        colours = (_INK, _GREEN, _BLUE, _ORANGE)
        for values, colour in zip(lines.values(), colours, strict=False):
            width, order = (2.6, 3) if colour == _INK else (1.6, 2)
            axes.plot(shares, values, color=colour, marker="o", markersize=3, linewidth=width, zorder=order)
        axes.set_xlim(1.03, 0.0)
        axes.set_ylim(min(0.5, *axes.get_ylim()) - 0.02, 1.02)
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:.0%}".replace("%", " %"))
        axes.set_title("Tail accuracy")
        axes.set_xlabel("share of the found images kept, highest scores last")
        # Below the axes: the curves may run anywhere.
        _legend(axes, list(lines), colours, loc="upper left", bbox_to_anchor=(-0.01, -0.16))

    return draw


def ap_bars(names: Sequence[str], aps: Sequence[float], prevalence: Sequence[float]) -> Draw:
    """One bar a class, best on top, with a tick where a random ranking would end."""

    def draw(axes: Axes) -> None:
        order = sorted(range(len(names)), key=lambda c: (-aps[c], c))
        places = np.arange(len(order))
        axes.barh(places, [aps[c] for c in order], height=0.66, color=_BLUE)
        axes.scatter([prevalence[c] for c in order], places, marker="|", s=90, color=_ORANGE, linewidth=2, zorder=3)
        for place, c in zip(places.tolist(), order, strict=True):
            axes.text(max(aps[c], prevalence[c]) + 0.012, place, f"{aps[c]:.2f}", va="center", fontsize=9.5)
        axes.set_yticks(places, [_short(names[c]) for c in order], color=_INK)
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.set_xlim(0, 1.08)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_title("AP of each class")

    return draw


def ap_steps(aps: Sequence[float], prevalence: Sequence[float]) -> Draw:
    """The APs of very many classes, from the best to the worst, and what a random ranking would reach."""

    def draw(axes: Axes) -> None:
        order = sorted(range(len(aps)), key=lambda c: (-aps[c], c))
        places = np.arange(1, len(aps) + 1)
        axes.fill_between(places, [aps[c] for c in order], step="mid", color=_BLUE, alpha=0.22, linewidth=0)
        axes.step(places, [aps[c] for c in order], where="mid", color=_BLUE)
        axes.plot(places, [prevalence[c] for c in order], ".", color=_ORANGE, markersize=2)
        axes.set_xlim(0, len(aps) + 1)
        axes.set_ylim(0, 1.02)
        axes.set_title(f"AP of the {len(aps):,} classes, sorted")
        axes.set_xlabel("class, best first")
        _legend(axes, ["AP", "random ranking"], (_BLUE, _ORANGE))

    return draw


def confusion_panel(names: Sequence[str], counts: NDArray[np.int64]) -> Draw:
    """Rows are targets, columns predictions; a cell's depth is its share of the row, its figure the count."""

    def draw(axes: Axes) -> None:
        n = len(names)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        for row, column in np.argwhere(counts > 0):
            share = float(shares[row, column])
            colour = _BLUE if row == column else _ORANGE
            corner = (column - 0.5, row - 0.5)
            axes.add_patch(Rectangle(corner, 1, 1, facecolor=colour, alpha=round(0.06 + 0.94 * share, 3), linewidth=0))
            if n <= 15:
                ink = _PAPER if share > 0.5 else _INK
                axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=ink, fontsize=9.5)
        axes.set_xlim(-0.5, n - 0.5)
        axes.set_ylim(n - 0.5, -0.5)
        axes.set_aspect("equal")
        labels = [_short(name) for name in names]
        size = 10 if n <= 15 else 7
        turned: Any = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
        axes.set_xticks(range(n), labels, color=_INK, fontsize=size, **turned)
        axes.set_yticks(range(n), labels, color=_INK, fontsize=size)
        axes.set_xlabel("predicted")
        axes.set_ylabel("target")
        axes.set_title("Confusion matrix")
        axes.grid(visible=False)
        for edge in range(n + 1):
            axes.axhline(edge - 0.5, color=_GRID, linewidth=0.6, zorder=0)
            axes.axvline(edge - 0.5, color=_GRID, linewidth=0.6, zorder=0)
        axes.spines[:].set_visible(False)

    return draw


def _label_at_line(axes: Axes, epoch: int, word: str, epochs: Sequence[int]) -> None:
    """Write ``word`` at the foot of the line, on the side that has room."""
    left = epoch > (min(epochs) + max(epochs)) / 2
    axes.annotate(
        word,
        (epoch, 0),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if left else 5, 5),
        textcoords="offset points",
        ha="right" if left else "left",
        fontsize=9.5,
        color=_MUTED,
    )


def _legend(axes: Axes, labels: Sequence[str], colours: Sequence[str], **place: Any) -> None:
    handles = [Line2D([], [], color=colour, linewidth=2.2) for colour in colours[: len(labels)]]
    legend = axes.legend(handles, ["-"] * len(handles), handlelength=1.3, **place)
    # Set afterwards: matplotlib drops labels that begin with an underscore.
    for text, label in zip(legend.get_texts(), labels, strict=False):
        text.set_text(_short(label, 48))


def _short(name: str, length: int = 22) -> str:
    """A class name fit for an axis: no control characters (XML has none), cut where it is long."""
    clean = "".join(c if c.isprintable() else " " for c in name)
    return clean if len(clean) <= length else clean[: length - 1] + "…"
