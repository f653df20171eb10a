"""Numbers and sentences of the report."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from saccade.report.gallery import TEN, ClassGallery
from saccade.report.scored import Evaluated, Scored, headline_key

UNDEFINED = "–"

PROTOCOL_NAMES = {"detection": "detection", "end_to_end": "end-to-end", "word_spotting": "word spotting"}
"""How the protocols of text spotting read to a person."""

_NAMES = {
    "map": "mAP",
    **{f"bleu{n}": f"BLEU-{n}" for n in range(1, 5)},
    "meteor": "METEOR",
    "rouge_l": "ROUGE-L",
    "cider": "CIDEr-D",
    **{f"{name}_hmean": f"{words} H-mean" for name, words in PROTOCOL_NAMES.items()},
    **{f"end_to_end_{name}": f"end-to-end {name}" for name in ("precision", "recall")},
    "cer": "character error rate",
    "miou": "mIoU",
    "fwiou": "IoU, frequency-weighted",
    "iou": "IoU",
    "n_pixels": "target pixels",
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
    "positive_ap": "AP, positive class",
    "positive_precision": "precision, positive class",
    "positive_recall": "recall, positive class",
    "positive_f1": "F1, positive class",
    "n_positive": "positive",
    "n_negative": "negative",
    "n_ignored": "ignored",
    "n_predicted": "predicted",
}


def metric_name(key: str, positive: str | None = None) -> str:
    """How a key of ``metrics.json`` reads to a person: ``top5_accuracy`` is top-5 accuracy.

    ``positive`` is the class that ``positive_ap`` and the like are of.
    """
    if positive is not None and key.startswith("positive_"):
        return f"{metric_name(key.removeprefix('positive_'))} of {positive}"
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
    # a loss may be a rounding error below 0
    return f"{value:.3f}" if value <= -0.0005 or value > 0 else "0.000"


def interval_words(interval: tuple[float, float] | None) -> str:
    """``0.812 to 0.934``; empty where there is none."""
    if interval is None:
        return ""
    low, high = map(number, interval)
    return low if low == high == number(1e-9) else f"{low} to {high}"


def count(n: int, noun: str) -> str:
    """``1 image``, ``2,000 images``, ``3 classes``."""
    plural = {"class": "classes"}.get(noun, f"{noun}s")
    return f"{n:,} {noun if n == 1 else plural}"


def baseline_sentence(scored: Scored, *, chosen_on: str | None = None) -> str:
    """What the headline is to be held against; ``chosen_on`` is the split that gave the threshold, if one did."""
    base = scored.baseline()
    if scored.positive is not None:
        return _positive_sentence(scored, scored.positive, chosen_on)
    if base is None or scored.headline is None:
        return "No class has a positive image in this split, so there is no AP."
    if scored.task == "multilabel":
        return f"A random ranking would reach about {number(base)}, the mean share of positives."
    low, high = wilson(scored.headline, len(scored.images))
    return (
        f"Always naming the largest class would reach {number(base)}. "
        f"With {count(len(scored.images), 'image')} the 95 % interval of the accuracy is {number(low)} to "
        f"{number(high)} (Wilson)."
    )


def _positive_sentence(scored: Scored, positive: str, chosen_on: str | None) -> str:
    n = int(scored.metrics["per_class"][positive]["n_positive"])
    threshold = scored.about.get("threshold")
    decided = f"An image is called {positive} where that is its highest score."
    if threshold is not None:
        chosen = f", the threshold with the highest F1 on the {chosen_on} split" if chosen_on else ""
        decided = f"An image is called {positive} where its score of it is above {threshold:.4g}{chosen}."
    if not n:
        return f"No image of this split shows {positive}, so there is no AP. {decided}"
    low, high = wilson(scored.metrics["metrics"]["positive_recall"], n)
    return (
        f"A random ranking would reach about {number(scored.baseline())}, the share of {positive}. {decided} "
        f"With {count(n, 'image')} of {positive} the 95 % interval of its recall is {number(low)} to {number(high)} "
        "(Wilson)."
    )


def positive_numbers(scored: Scored) -> list[tuple[str, str]]:
    """Precision, recall and F1 of the class in question, and balanced accuracy, as (name, value); else nothing."""
    if scored.positive is None:
        return []
    keys = ("positive_precision", "positive_recall", "positive_f1", "balanced_accuracy")
    return [(metric_name(key, scored.positive), number(scored.metrics["metrics"][key])) for key in keys]


MISLEADS = 1.5
"""An accuracy is put beside that of the most frequent class where this has more than so many times its fair share."""


def accuracy_sentence(scored: Scored) -> str:
    """Why accuracy misleads on this split, in its own numbers; empty where it does not."""
    accuracy = scored.metrics["metrics"].get("accuracy")
    if accuracy is None:
        return ""
    if scored.task == "multilabel":
        absent = scored.always_absent()
        return (
            f"Accuracy says little here: always saying absent, whatever the image, would be right for {number(absent)} "
            f"of the images on the mean of the classes, and this run reaches {number(accuracy)}."
        )
    images = (scored.targets == 1).sum(axis=0)
    largest, n = int(images.argmax()), len(scored.images)
    if images[largest] * len(scored.classes) <= MISLEADS * n:
        return ""
    balanced = scored.metrics["metrics"]["balanced_accuracy"]
    return (
        f"Accuracy misleads here: always saying {scored.classes[largest]} would be right on {images[largest]:,} of "
        f"{count(n, 'image')}, an accuracy of {number(float(images[largest] / n))}, and this run reaches "
        f"{number(accuracy)}; balanced accuracy, which counts each class alike, is {number(balanced)} against "
        f"{number(1 / int((images > 0).sum()))}."
    )


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95 % score interval of a share of ``n`` (Wilson 1927), within [0, 1]."""
    z = 1.959963984540054
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def choice_sentence(scored: Evaluated, environment: Mapping[str, Any], epochs: int) -> str:
    """How the weights that were scored came to be chosen, and whether the number is honest."""
    about, selection, split = scored.about, environment.get("selection") or {}, scored.split
    if "folds" in about:
        return _folds_sentence(scored)
    weights = f"{about['checkpoint']} (epoch {about['epoch']})"
    if about["optimistic"]:
        return (
            f"This number is optimistic: the weights are those of {weights}, chosen as the best on the same "
            f"{count(len(scored.images), 'image')} of the {split} split that they are scored on here "
            "(data.holdout: 0). Expect less on new images; for an honest number, train with data.holdout "
            "above 0."
        )
    if epochs == 0:
        return f"No epoch was trained; the weights are scored as they were ({about['checkpoint']})."
    if about["epoch"] != selection.get("best_epoch"):
        return f"The weights are those of {weights}; the {split} split had no part in choosing them."
    return (
        f"The weights are those of {weights}, the best of {count(epochs, 'epoch')} by "
        f"{metric_name(selection['metric'], scored.positive)} on the {split_words(selection['split'], environment)}; "
        f"the {split} split had no part in choosing them."
    )


def _folds_sentence(scored: Evaluated) -> str:
    """The same for the networks of a cross-validated run."""
    about, folds = scored.about, scored.about["folds"]
    n, epochs = len(folds["epochs"]), ", ".join(map(str, folds["epochs"]))
    by = metric_name(folds["holdout"]["metric"], scored.positive)
    taken = (
        f"the epoch that was the best by {by} on the fold that it did not learn from"
        if about["checkpoint"] == "best.ckpt"
        else "its last epoch"
    )
    if about["out_of_fold"]:
        caution = " These images chose that epoch too, so the number is slightly optimistic." * about["optimistic"]
        return (
            f"Cross-validation: each image of the training split is scored by the one of {n} networks that did not "
            f"learn from it, as it was at {taken} (epochs {epochs}).{caution}"
        )
    return (
        f"Cross-validation: the scores are the mean of the probabilities of {n} networks. Each learned from the "
        f"training split without one fold of it, and is taken as it was at {taken} (epochs {epochs}); the "
        f"{scored.split} split had no part in choosing them."
    )


def unscored_sentence(environment: Mapping[str, Any], epochs: Sequence[Mapping[str, Any]]) -> str:
    """What is known of a run that has not been scored."""
    if "folds" in environment:
        done = len(environment["folds"])
        return (
            f"This run of several folds is not finished: {count(done, 'fold')} {'has' if done == 1 else 'have'} been "
            "trained to the end. Resume it to go on."
        )
    if "converted_from" in environment:
        return "This run was made by saccade convert and has not been scored yet: score it with saccade evaluate."
    if not epochs:
        return "This run has no evaluation and no finished epoch: its training has not come that far."
    best = environment.get("selection")
    known = f" The best epoch so far is {best['best_epoch']}." if best else ""
    return (
        "This run has no evaluation: training is under way or was interrupted after "
        f"{count(len(epochs), 'epoch')}.{known} What follows is its training only. Resume it to finish, "
        "or score what there is with saccade evaluate."
    )


def gallery_sentence(gallery: ClassGallery) -> str:
    """Where the ranking of a class first goes wrong, and where its last image is."""
    shown = min(TEN, gallery.ranked)
    verb = "shows" if gallery.present_in_best == 1 else "show"
    parts = [f"{gallery.present_in_best} of the {shown} images with the highest scores {verb} it."]
    if gallery.first_without is not None:
        parts.append(f"The first without it stands at {gallery.first_without:,} of {gallery.ranked:,}.")
    parts.append(f"Of the {count(gallery.positives, 'image')} with it the last stands at {gallery.last_with:,}.")
    return " ".join(parts)


def verdicts_sentence(scored: Scored) -> str:
    """What hit, miss, false alarm and rejected mean here."""
    if scored.task == "classify":
        return (
            "A hit is of the class and called so; a miss is of the class and called another; a false alarm "
            "is of another class and called this one; rejected is neither."
        )
    return (
        f"A hit shows the class and is scored above {scored.about['threshold']:g}; a miss shows it and is "
        "not scored so; a false alarm is, and does not show it; rejected is neither. Images whose label of "
        "the class is ignored are left out."
    )


def snippet_sentence(scored: Evaluated, libraries: str, source: str = "") -> str:
    """What the lines under Recompute need and give; ``source`` is said at the end."""
    name = headline_name(scored.about)
    return f"Run in the run folder, with {libraries}, this gives the {name} at the top{source}:"


def headline_name(about: Mapping[str, Any]) -> str:
    """``mAP``, ``accuracy``, or ``AP of dog`` where that is the class in question."""
    return metric_name(headline_key(about), about.get("positive"))


def split_words(split: str, environment: Mapping[str, Any]) -> str:
    """The name of a split in a sentence; of the holdout also what it is."""
    n = environment.get("data", {}).get("splits", {}).get(split, {}).get("n")
    if split != "holdout" or n is None:
        return f"{split} split"
    return f"holdout ({count(n, 'image')} cut from the training split)"
