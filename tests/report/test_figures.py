"""What the figures say, read back from their SVG text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from saccade.report.class_figures import class_bars, confusion_panel
from saccade.report.epochs import Curve
from saccade.report.figures import COLOURS, curves_panel, drawn, tail_panel
from saccade.report.svg import inline
from saccade.report.write import _TEMPLATES


def texts(svg: str) -> list[str]:
    return [t.text or "" for t in ElementTree.fromstring(svg).iter() if t.tag.endswith("text")]


def test_bars_are_sorted_and_labelled() -> None:
    svg = drawn("t", [class_bars(["low", "$high$", "_mid"], [0.1, 0.9, 0.5], [0.1, 0.2, 0.3], metric="AP")]).svg
    found = texts(svg)
    assert [t for t in found if t in {"low", "$high$", "_mid"}] == ["$high$", "_mid", "low"]
    assert [t for t in found if t in {"0.10", "0.50", "0.90"}] == ["0.90", "0.50", "0.10"]


def test_confusion_writes_each_count_that_is_not_zero() -> None:
    svg = drawn("t", [confusion_panel(["a", "b", "c"], np.array([[1234, 0, 2], [0, 5, 0], [0, 0, 0]]))]).svg
    assert sorted(t for t in texts(svg) if re.fullmatch(r"[\d,]+", t)) == ["1,234", "2", "5"]


def test_confusion_in_percent_rounds_nothing_to_all_and_writes_no_zero() -> None:
    counts = np.array([[996, 4, 0], [0, 10, 0], [1, 1, 2]])
    svg = drawn("t", [confusion_panel(["a", "b", "c"], counts, percent=True)]).svg
    assert sorted(t for t in texts(svg) if re.fullmatch(r">?\d+", t)) == ["100", "25", "25", "50", ">99"]


def test_legends_keep_every_name() -> None:
    lines = {
        "mean over classes": [0.5, 0.6],
        "_x (best AP)": [0.5, np.nan],
        "<&> (worst AP)": [np.nan, np.nan],
    }
    assert set(lines) <= set(texts(drawn("t", [tail_panel([1.0, 0.5], lines)]).svg))


def test_one_epoch_and_undefined_values_can_be_drawn() -> None:
    curves = [Curve("train", True, [0], [0.5]), Curve("holdout", False, [0], [None])]
    assert "best: epoch 0" in texts(drawn("t", [curves_panel("mAP", curves, best=(0, "best: epoch 0"))]).svg)


@pytest.mark.parametrize(("values", "height"), [([9, 5, 1], 1), ([0.1, 0.5, 0.9], 0), ([None] * 3, 0)])
def test_the_word_for_an_epoch_is_where_no_curve_runs(values: list[float | None], height: float) -> None:
    axes = Figure().subplots()
    curves_panel("x", [Curve("holdout", False, [1, 2, 3], values)], best=(3, "best: epoch 3"))(axes)
    (word,) = axes.texts
    assert isinstance(word, Annotation)
    assert word.xy == (3, height)


def test_the_page_sets_the_colours() -> None:
    svg = drawn("t", [class_bars(["#1f6fb2"], [0.5], [0.1], metric="AP")]).svg
    inside = inline(svg, colours=COLOURS, title='AP of "all" <classes>')
    root = ElementTree.fromstring(inside)
    styles = " ".join(e.get("style", "") for e in root.iter())
    assert "var(--fig-1)" in styles
    assert not re.search(r"#[0-9a-f]{6}", styles.replace("#000000", ""))
    assert "#1f6fb2" in [t.text for t in root.iter("text")]  # a class of that name keeps it
    assert root.get("aria-label") == 'AP of "all" <classes>'
    assert "width" not in root.attrib
    assert "metadata" not in {e.tag for e in root.iter()}


def test_references_inside_a_figure_hold() -> None:
    inside = inline(drawn("t", [tail_panel([1.0, 0.5], {"mean": [0.1, 0.2]})]).svg, colours=COLOURS, title="t")
    ids = set(re.findall(r' id="([^"]+)"', inside))
    assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', inside)) == ids
    assert len(re.findall(r' id="', inside)) == len(ids)


@pytest.mark.parametrize("name", sorted(COLOURS))
def test_the_style_has_each_colour_for_light_dark_and_paper(name: str) -> None:
    css = Path(_TEMPLATES / "report.css").read_text(encoding="utf-8")
    assert css.count(f"--{name}:") == 3
    assert f"--{name}: {COLOURS[name]};" in css
