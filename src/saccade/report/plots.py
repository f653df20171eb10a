"""A figure for the page, and as files under ``figures/``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from saccade.files import write_text, written_aside
from saccade.report.figures import COLOURS, Drawing
from saccade.report.svg import inline


@dataclass(frozen=True)
class Plot:
    """One figure of the page."""

    svg: str  # an <svg> element
    width: float  # inches
    caption: str


def for_page(drawing: Drawing, caption: str, width: float) -> Plot:
    """The figure as an element of the page; ``width`` in inches."""
    return Plot(inline(drawing.svg, colours=COLOURS, title=caption), width, caption)


def save(drawing: Drawing, folder: Path, name: str) -> None:
    """Write ``name.svg`` and ``name.png``."""
    write_text(folder / f"{name}.svg", drawing.svg)
    with written_aside(folder / f"{name}.png") as aside:
        aside.write_bytes(drawing.png())


def saved(drawing: Drawing, folder: Path, name: str, caption: str, width: float) -> Plot:
    """The figure for the page, after it was written to ``folder`` in both formats."""
    save(drawing, folder, name)
    return for_page(drawing, caption, width)
