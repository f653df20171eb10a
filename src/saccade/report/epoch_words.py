"""The sentence on the best epochs, of tasks that have several metrics of one weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saccade.report.epochs import Epochs, best_epoch, scored_split
from saccade.report.words import count, metric_name, number, split_words

_METRICS = {
    "caption": ("cider", "bleu4", "meteor"),
    "spot": ("end_to_end_hmean", "detection_hmean", "word_spotting_hmean"),
}
"""Those whose best epochs are told; the first that was measured is the one by which the epoch is chosen."""
_ERRORS = {"spot": ("cer",)}
"""Those of which the lowest is the best."""


def epochs_sentence(epochs: Epochs, environment: Mapping[str, Any], task: str) -> str:
    """The epoch that was chosen beside those that are best by other metrics; empty before the first epoch.

    Empty, too, of tasks with one metric.
    """
    if not epochs or task not in _METRICS:
        return ""
    split = scored_split(epochs)
    best = {key: at for key in _METRICS[task] if (at := best_epoch(epochs, key, split))}
    if split is None or not best:
        return "No epoch was scored."
    first, *others = best
    selection = environment.get("selection")
    where = f"on the {split_words(split, environment)}"
    chosen = (
        f"Epoch {selection['best_epoch']} was chosen: its {metric_name(selection['metric'])} of "
        f"{number(selection['best'])} is the best {where}."
        if selection
        else f"So far epoch {best[first][0]} has the best {metric_name(first)} {where} ({number(best[first][1])})."
    )
    told = [
        f"best {metric_name(key)} is that of epoch {best[key][0]} ({number(best[key][1])})"
        for key in others
        if best[key][1] > 0
    ]
    for key in _ERRORS.get(task, ()):
        if lowest := best_epoch(epochs, key, split, lowest=True):
            told.append(f"lowest {metric_name(key)} is that of epoch {lowest[0]} ({number(lowest[1])})")
    further = f" The {', the '.join(told)}." if told else ""
    n = sum(row.get(split, {}).get(first) is not None for row in epochs)
    return chosen + further + f" {n} of {count(len(epochs), 'epoch')} were scored." * (n < len(epochs))
