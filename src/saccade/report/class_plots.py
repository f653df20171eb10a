"""What the figures of classes show: from an evaluation's numbers to panels and captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from saccade.metrics.tail import N_THRESHOLDS, mean_tail_accuracies, tail_curves
from saccade.report.class_figures import MOST_WRITTEN, class_bars, class_steps, confusion_panel
from saccade.report.figures import WIDTH, Draw, drawn, tail_panel
from saccade.report.gallery import three_classes
from saccade.report.plots import Plot, saved
from saccade.report.scored import Evaluated, Scored
from saccade.report.segments import Segmented
from saccade.report.tables import confusion
from saccade.report.words import count, metric_name

MOST_DRAWN = 40
"""Up to this many classes have a bar each and a place in the confusion matrix."""


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
    return [saved(drawn(about.name, [draw], height=height), folder, about.name, about.caption + rest, WIDTH)]


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
    return saved(drawing, folder, "tail_accuracy", caption, WIDTH)


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
    return [saved(drawing, folder, "confusion", caption, side)]
