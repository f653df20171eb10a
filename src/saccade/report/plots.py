"""What the figures show: from the run's numbers to panels, captions, and files under ``figures/``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from saccade.files import write_text, written_aside
from saccade.metrics.tail import N_THRESHOLDS, mean_tail_accuracies, tail_curves
from saccade.report.class_figures import MOST_WRITTEN, class_bars, class_steps, confusion_panel
from saccade.report.figures import COLOURS, WIDTH, Curve, Draw, Drawing, curves_panel, drawn, folds_panel, tail_panel
from saccade.report.gallery import three_classes
from saccade.report.scored import HEADLINE, Evaluated, Scored
from saccade.report.segments import Segmented
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
    prevalence = (scored.targets == 1).sum(axis=0) / np.maximum((scored.targets >= 0).sum(axis=0), 1)
    caption = (
        "Average precision over the whole split. The orange mark is the share of positives, about what a "
        "random ranking would reach."
    )
    about = _OfClasses("ap", "average_precision", "random ranking", caption, "a positive image")
    return _class_plot(scored, prevalence.tolist(), about, folder)


@dataclass(frozen=True)
class _OfClasses:
    """A figure of one number of each class."""

    key: str  # of per_class
    name: str  # of the file
    mark: str  # what the orange mark is, in a word or two
    caption: str
    needs: str  # without which a class has no such number


def _class_plot(scored: Evaluated, marks: Sequence[float], about: _OfClasses, folder: Path) -> list[Plot]:
    """The number of each class that has one; ``marks`` are of all C classes."""
    values = scored.of_class(about.key)
    columns = [c for c, value in enumerate(values) if value is not None]
    if not columns:
        return []
    heights, marked = [float(values[c] or 0.0) for c in columns], [marks[c] for c in columns]
    left_out, metric = len(values) - len(columns), metric_name(about.key)
    if len(columns) > MOST_DRAWN:
        draw, height = class_steps(heights, marked, metric=metric, mark=about.mark), 3.4
    else:
        draw = class_bars([scored.classes[c] for c in columns], heights, marked, metric=metric)
        height = 0.9 + 0.24 * len(columns)
    rest = f" {count(left_out, 'class')} without {about.needs} left out." if left_out else ""
    return [_saved(drawn(about.name, [draw], height=height), folder, about.name, about.caption + rest, WIDTH)]


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
    caption = (
        "A row holds the images of one class, a column what they were called. "
        "The deeper a cell, the larger its share of the row; blue is right, orange wrong."
    )
    matrix = confusion_panel(scored.classes, confusion(scored))
    return [*_confusion_plot(matrix, len(scored.classes), caption, folder), *_ap_plot(scored, folder)]


def segment_plots(scored: Segmented, folder: Path) -> list[Plot]:
    """The confusion matrix over pixels where it is not too large to draw, also as ``confusion``; ``iou`` per class."""
    caption = (
        "A row holds the pixels of one class, a column what they were called. The deeper a cell, the larger its share "
        "of the row; blue is right, orange wrong."
    )
    if len(scored.classes) <= MOST_WRITTEN:
        caption += " Shares below half a percent are not written."
    matrix = confusion_panel(scored.classes, scored.confusion, percent=True)
    of_iou = (
        "IoU over all scored pixels of the split. The orange mark is the class's share of the target pixels, the IoU "
        "that calling every pixel so would reach."
    )
    about = _OfClasses("iou", "iou", "share of the target pixels", of_iou, "a target or predicted pixel")
    return [
        *_confusion_plot(matrix, len(scored.classes), caption, folder),
        *_class_plot(scored, scored.shares().tolist(), about, folder),
    ]


def _confusion_plot(matrix: Draw, n: int, caption: str, folder: Path) -> list[Plot]:
    """The confusion matrix of ``n`` classes, unless they are too many."""
    if n > MOST_DRAWN:
        return []
    side = 2.9 + 0.16 * n if n > 12 else 2.6 + 0.22 * n
    drawing = drawn("confusion", [matrix], width=side, height=side)
    return [_saved(drawing, folder, "confusion", caption, side)]


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
