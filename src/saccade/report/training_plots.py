"""What the figures of training show: loss and metrics, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from saccade.report.caption_figures import metrics_panel
from saccade.report.epochs import Curve, Epochs, best_epoch, curves_of, scored_split
from saccade.report.figures import HEIGHT, WIDTH, Draw, curves_panel, drawn, folds_panel
from saccade.report.plots import Plot, for_page, save
from saccade.report.scored import HEADLINE
from saccade.report.words import metric_name

_FURTHER = {
    "caption": (("BLEU", ("bleu1", "bleu2", "bleu3", "bleu4")), ("METEOR and ROUGE-L", ("meteor", "rouge_l"))),
    "spot": (
        ("H-mean", ("end_to_end_hmean", "detection_hmean", "word_spotting_hmean")),
        (
            "precision and recall",
            ("end_to_end_precision", "end_to_end_recall", "detection_precision", "detection_recall"),
        ),
        ("reading of the words that are found", ("cer", "word_accuracy")),
    ),
}
"""Of tasks with several metrics of one weight: the title and keys of each figure. The headline's has one of its own
where it is in none of them."""
_MARKED = ("bleu4", "meteor", "end_to_end_hmean", "detection_hmean", "word_spotting_hmean")
"""Of these the best epoch is marked, whichever was chosen."""
_TALL = 3.7
"""Inches: room for a legend below."""


def training_plots(epochs: Epochs, environment: Mapping[str, Any], task: str, folder: Path) -> list[Plot]:
    """Loss and metrics over the epochs; also ``curves.svg`` and ``curves.png`` with all side by side."""
    if not epochs:
        return []
    split, selection = scored_split(epochs), environment.get("selection") or {}
    of_positive = split is not None and any("positive_ap" in row.get(split, {}) for row in epochs)
    metric, further = "positive_ap" if of_positive else HEADLINE[task], _FURTHER.get(task, ())
    word = "chosen" if further else "best"
    best = (int(selection["best_epoch"]), f"{word}: epoch {selection['best_epoch']}") if selection else None
    panels = [
        (key, curves_panel(metric_name(key), found, best=best), _curve_words(key, split, found))
        for key in dict.fromkeys(("loss", metric))
        if key not in {each for _, keys in further for each in keys} and (found := list(curves_of(epochs, key, split)))
    ]
    for title, keys in further:
        panels += _metrics_panel(title, keys, epochs, best)
    height = _TALL if further else HEIGHT
    save(drawn("curves", [draw for _, draw, _ in panels], height=height), folder, "curves")
    return [for_page(drawn(f"curves {key}", [draw], height=height), words, WIDTH) for key, draw, words in panels]


def _metrics_panel(
    title: str, keys: Sequence[str], epochs: Epochs, best: tuple[int, str] | None
) -> list[tuple[str, Draw, str]]:
    """One panel of those of ``keys`` that were measured, if any was."""
    split = scored_split(epochs)
    found = {
        key: Curve(_within(title, key), False, curve.epochs, curve.values)
        for key in keys
        for curve in curves_of(epochs, key, split)
        if not curve.trained
    }
    if not found:
        return []
    best_of = {key: at for key in _MARKED if key in found and (at := best_epoch(epochs, key, split))}
    marked = {_within(title, key): epoch for key, (epoch, value) in best_of.items() if value > 0}
    dots = f" A dot is the best epoch by {_listed(list(marked))}." if marked else ""
    title = title if len(found) == len(keys) else " and ".join(metric_name(key) for key in found)
    words = f"Measured on the {split} split after each epoch that was scored.{dots}"
    draw = metrics_panel(title, list(found.values()), best=best, marked=marked)
    return [(keys[0], draw, words)]


def _within(title: str, key: str) -> str:
    """The name of a metric under a title that says a part of it."""
    return metric_name(key).removesuffix(f" {title}")


def _listed(names: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def folds_plots(folds: Sequence[tuple[str, Epochs, Mapping[str, Any]]], task: str, folder: Path) -> list[Plot]:
    """Loss and metric of every fold on the images that it holds out; also ``curves.svg`` and ``curves.png``.

    ``folds``: of each that has begun, its number, the rows of its epochs, and its environment.
    """
    panels = []
    chosen = [environment["selection"] for _, _, environment in folds if "selection" in environment]
    for key in ("loss", chosen[0]["metric"] if chosen else HEADLINE[task]):
        drawn_folds = [
            (Curve(number, False, curve.epochs, curve.values), (environment.get("selection") or {}).get("best_epoch"))
            for number, epochs, environment in folds
            for curve in curves_of(epochs, key, "holdout")
            if curve.label == "holdout"
        ]
        if drawn_folds:
            curves, best = zip(*drawn_folds, strict=True)
            panels.append((key, folds_panel(metric_name(key), curves, best)))
    if not panels:
        return []
    save(drawn("curves", [draw for _, draw in panels]), folder, "curves")
    return [for_page(drawn(f"curves {key}", [draw]), _FOLDS_CAPTION[key == "loss"], WIDTH) for key, draw in panels]


_FOLDS_CAPTION = {
    True: "Loss of each fold on the images that it holds out, over the epochs; the dot is the epoch that was chosen.",
    False: "The metric by which each fold chooses its epoch, on the images that it holds out.",
}


def _curve_words(key: str, split: str | None, found: Sequence[Curve]) -> str:
    where = f" and on the {split} split" if split else ""
    if key == "loss":
        return f"Loss while training{where}, over the epochs."
    trained = (
        " A curve of the training split is of its images as they were trained on, changed by chance, while the network "
        "was still learning from them."
    )
    words = f"Measured on the {split} split after each epoch; the best epoch is chosen by it."
    return words + trained * any(curve.trained for curve in found)
