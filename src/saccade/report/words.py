"""Numbers and sentences of the report."""

from __future__ import annotations

import math
import re
from typing import Any

from saccade.report.scored import HEADLINE, Scored

UNDEFINED = "–"

_NAMES = {
    "map": "mAP",
    "map_11point": "mAP, VOC2007 11-point",
    "micro_f1": "F1, micro",
    "macro_f1": "F1, macro",
    "macro_precision": "precision, macro",
    "macro_recall": "recall, macro",
    "balanced_accuracy": "balanced accuracy",
    "tail_accuracy": "tail accuracy",
    "auroc": "AUROC",
    "ap": "AP",
    "ap_11point": "AP 11-point",
    "f1": "F1",
    "n_positive": "positive",
    "n_negative": "negative",
    "n_ignored": "ignored",
    "n_predicted": "predicted",
}


def metric_name(key: str) -> str:
    """How a key of ``metrics.json`` reads to a person: ``map`` is mAP, ``top5_accuracy`` is top-5 accuracy."""
    top = re.fullmatch(r"top(\d+)_accuracy", key)
    return f"top-{top[1]} accuracy" if top else _NAMES.get(key, key.replace("_", " "))


def number(value: Any) -> str:
    """Three decimals; counts as they are with commas; a dash for what is undefined.

    What is not quite 1 never reads 1.000, nor what is not quite 0 reads 0.000.
    """
    if value is None:
        return UNDEFINED
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if 0.9995 <= value < 1:
        return "> 0.999"
    if 0 < value < 0.0005:
        return "< 0.001"
    return f"{value:.3f}"


def count(n: int, noun: str) -> str:
    """``1 image``, ``2,000 images``, ``3 classes``."""
    plural = {"class": "classes"}.get(noun, f"{noun}s")
    return f"{n:,} {noun if n == 1 else plural}"


def baseline_sentence(scored: Scored) -> str:
    """What the headline is to be held against."""
    base = scored.baseline()
    if base is None:
        return "No class has a positive image in this split, so there is no AP."
    if scored.task == "multilabel":
        return f"A random ranking would reach about {number(base)}, the mean share of positives."
    low, high = wilson(scored.headline or 0.0, len(scored.images))
    return (
        f"Always naming the largest class would reach {number(base)}. From {count(len(scored.images), 'image')} the "
        f"accuracy is known to lie between {number(low)} and {number(high)} (95 % Wilson interval)."
    )


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share of ``n`` (Wilson 1927), within [0, 1]."""
    z = 1.959963984540054
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def choice_sentence(scored: Scored, environment: dict[str, Any], epochs: int) -> str:
    """How the weights that were scored came to be chosen, and whether the number is honest."""
    about, selection = scored.about, environment.get("selection") or {}
    weights = f"{about['checkpoint']} (epoch {about['epoch']}, counted from 0)"
    if about["optimistic"]:
        return (
            f"This number is optimistic: the weights are those of {weights}, chosen as the best on the same "
            f"{count(len(scored.images), 'image')} of the {scored.split} split that are scored here (data.holdout: 0). "
            "Expect less on new images. To have an honest number, train with data.holdout above 0."
        )
    if epochs == 0:
        return f"No epoch was trained; the weights are scored as they were ({about['checkpoint']})."
    if not selection or about["epoch"] != selection["best_epoch"]:
        return f"The weights are those of {weights}; the {scored.split} split had no part in choosing them."
    return (
        f"The weights are those of {weights}, the best of {count(epochs, 'epoch')} by {metric_name(selection['metric'])} "
        f"on the {_split_words(selection['split'], environment)}; the {scored.split} split had no part in choosing them."
    )


def unscored_sentence(environment: dict[str, Any], epochs: list[dict[str, Any]]) -> str:
    """What is known of a run that has not been scored."""
    if not epochs:
        return "This run has no evaluation and no finished epoch: training was stopped before the first one ended."
    return (
        f"This run has no evaluation: training has not ended, or was interrupted after {count(len(epochs), 'epoch')}. "
        "What follows is its training so far. Resume it to finish, or score what there is with `saccade evaluate`."
    )


def headline_name(task: str) -> str:
    """``mAP`` or ``accuracy``."""
    return metric_name(HEADLINE[task])


def _split_words(split: str, environment: dict[str, Any]) -> str:
    n = environment.get("data", {}).get("splits", {}).get(split, {}).get("n")
    if split != "holdout" or n is None:
        return f"{split} split"
    return f"holdout ({count(n, 'image')} cut from the training split)"
