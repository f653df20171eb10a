"""What the figures show: from the run's numbers to panels, captions, and files under ``figures/``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from saccade.files import write_text, written_aside
from saccade.metrics.tail import N_THRESHOLDS, mean_tail_accuracies, tail_curves
from saccade.report.figures import (
    COLOURS,
    WIDTH,
    Curve,
    Drawing,
    ap_bars,
    ap_steps,
    confusion_panel,
    curves_panel,
    drawn,
    folds_panel,
    tail_panel,
)
from saccade.report.gallery import three_classes
from saccade.report.scored import HEADLINE, Scored
from saccade.report.svg import inline
from saccade.report.tables import confusion
from saccade.report.words import count, metric_name

MOST_DRAWN = 40
"""Up to this many classes have a bar each and a place in the confusion matrix."""


@dataclass(frozen=True)
class Plot:
    """One figure of the page."""

    svg: str  # an <svg> element
    width: float  # inches
    caption: str


def training_plots(
    epochs: Sequence[Mapping[str, Any]], environment: Mapping[str, Any], task: str, folder: Path
) -> list[Plot]:
    """Loss and metric over the epochs; also ``curves.svg`` and ``curves.png`` with both side by side."""
    if not epochs:
        return []
    split = next((s for s in ("overfit", "holdout", "val") if any(s in row for row in epochs)), None)
    selection = environment.get("selection") or {}
    of_positive = split is not None and any("positive_ap" in row.get(split, {}) for row in epochs)
    metric = "positive_ap" if of_positive else HEADLINE[task]
    best = (int(selection["best_epoch"]), f"best: epoch {selection['best_epoch']}") if selection else None
    panels = [
        (key, curves_panel(metric_name(key), curves, best=best), _curve_words(key, split))
        for key in dict.fromkeys(("loss", metric))
        if (curves := list(_curves(epochs, key, split)))
    ]
    _save(drawn("curves", [draw for _, draw, _ in panels]), folder, "curves")
    return [_plot(drawn(f"curves {key}", [draw]), caption, WIDTH) for key, draw, caption in panels]


def folds_plots(
    folds: Sequence[tuple[str, Sequence[Mapping[str, Any]], Mapping[str, Any]]], task: str, folder: Path
) -> list[Plot]:
    """Loss and metric of every fold on the images that it holds out; also ``curves.svg`` and ``curves.png``.

    ``folds``: of each that has begun, its number, the rows of its epochs, and its environment.
    """
    panels = []
    chosen = [environment["selection"] for _, _, environment in folds if "selection" in environment]
    for key in ("loss", chosen[0]["metric"] if chosen else HEADLINE[task]):
        drawn_folds = [
            (Curve(number, False, curve.epochs, curve.values), (environment.get("selection") or {}).get("best_epoch"))
            for number, epochs, environment in folds
            for curve in _curves(epochs, key, "holdout")
            if curve.label == "holdout"
        ]
        if drawn_folds:
            curves, best = zip(*drawn_folds, strict=True)
            panels.append((key, folds_panel(metric_name(key), curves, best)))
    if not panels:
        return []
    _save(drawn("curves", [draw for _, draw in panels]), folder, "curves")
    return [_plot(drawn(f"curves {key}", [draw]), _FOLDS_CAPTION[key == "loss"], WIDTH) for key, draw in panels]


_FOLDS_CAPTION = {
    True: "Loss of each fold on the images that it holds out, over the epochs; the dot is the epoch that was chosen.",
    False: "The metric by which each fold chooses its epoch, on the images that it holds out.",
}


def _curves(epochs: Sequence[Mapping[str, Any]], key: str, split: str | None) -> Iterator[Curve]:
    for part in ("train", split) if split else ("train",):
        scored = [row for row in epochs if part in row]
        values = [row[part].get(key) for row in scored]
        if any(v is not None for v in values):
            yield Curve(part, part == "train", [int(row["epoch"]) for row in scored], values)


def _curve_words(key: str, split: str | None) -> str:
    where = f" and on the {split} split" if split else ""
    if key == "loss":
        return f"Loss while training{where}, over the epochs."
    return (
        f"Measured on the {split} split after each epoch; the best epoch is chosen by it. A curve of the training "
        "split is of its images as they were trained on, changed by chance, while the network was still learning from "
        "them."
    )


def multilabel_plots(scored: Scored, folder: Path) -> list[Plot]:
    """The APs, and tail accuracy; also ``average_precision`` and ``tail_accuracy`` as files."""
    return [*_ap_plot(scored, folder), _tail_plot(scored, folder)]


def _ap_plot(scored: Scored, folder: Path) -> list[Plot]:
    aps = scored.of_class("ap")
    columns = [c for c, ap in enumerate(aps) if ap is not None]
    if not columns:
        return []
    valid = np.maximum((scored.targets >= 0).sum(axis=0), 1)
    prevalence = ((scored.targets == 1).sum(axis=0) / valid)[columns].tolist()
    heights = [float(aps[c] or 0.0) for c in columns]
    left_out = len(aps) - len(columns)
    caption = (
        "Average precision over the whole split. The orange mark is the share of positives, about what a "
        "random ranking would reach."
        + (f" {count(left_out, 'class')} without a positive image left out." if left_out else "")
    )
    if len(columns) > MOST_DRAWN:
        draw, height = ap_steps(heights, prevalence), 3.4
    else:
        draw = ap_bars([scored.classes[c] for c in columns], heights, prevalence)
        height = 0.9 + 0.24 * len(columns)
    drawing = drawn("average_precision", [draw], height=height)
    return [_saved(drawing, folder, "average_precision", caption, WIDTH)]


def _tail_plot(scored: Scored, folder: Path) -> Plot:
    threshold = float(scored.about["threshold"])
    curves = tail_curves(scored.scores, scored.targets, threshold)
    lines: dict[str, Sequence[float]] = {"mean over classes": mean_tail_accuracies(curves).tolist()}
    for place, column in three_classes(scored.of_class("ap")):
        found = int((scored.found[:, column] & (scored.targets[:, column] >= 0)).sum())
        lines[f"{scored.classes[column]} ({place} AP, {found:,} found)"] = curves[column].accuracies.tolist()
    shares = [1 - k / N_THRESHOLDS for k in range(N_THRESHOLDS)]
    draw = tail_panel(shares, lines)
    drawing = drawn("tail_accuracy", [draw], height=4.2)
    caption = (
        "Of the images scored above a threshold, the share that does show the class. "
        f"The {N_THRESHOLDS} thresholds of a class start at {threshold:g}, where all found images are kept, "
        "and each leaves out an equal share of them. A rising curve says that the highest scores are the "
        "most reliable. The mean is over the classes that have a found image."
    )
    return _saved(drawing, folder, "tail_accuracy", caption, WIDTH)


def classify_plots(scored: Scored, folder: Path) -> list[Plot]:
    """The confusion matrix where it is not too large to draw, also as ``confusion``; and the APs."""
    n = len(scored.classes)
    if n > MOST_DRAWN:
        return _ap_plot(scored, folder)
    side = 2.9 + 0.16 * n if n > 12 else 2.6 + 0.22 * n
    draw = confusion_panel(scored.classes, confusion(scored))
    drawing = drawn("confusion", [draw], width=side, height=side)
    caption = (
        "A row holds the images of one class, a column what they were called. "
        "The deeper a cell, the larger its share of the row; blue is right, orange wrong."
    )
    return [_saved(drawing, folder, "confusion", caption, side), *_ap_plot(scored, folder)]


def _saved(drawing: Drawing, folder: Path, name: str, caption: str, width: float) -> Plot:
    """The figure for the page, after it was written to ``folder`` in both formats."""
    _save(drawing, folder, name)
    return _plot(drawing, caption, width)


def _plot(drawing: Drawing, caption: str, width: float) -> Plot:
    return Plot(inline(drawing.svg, colours=COLOURS, title=caption), width, caption)


def _save(drawing: Drawing, folder: Path, name: str) -> None:
    write_text(folder / f"{name}.svg", drawing.svg)
    with written_aside(folder / f"{name}.png") as aside:
        aside.write_bytes(drawing.png())
