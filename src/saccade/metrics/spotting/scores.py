"""The numbers of text spotting over many images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.spotting.overlaps import overlaps
from saccade.metrics.spotting.protocol import PROTOCOLS, Counts, Detections, Outcome, Truth
from saccade.metrics.spotting.words import Reading, reading

SPOTTING_POOLING: dict[str, str] = {
    "precision": "correct detections over detections that are cared for, both added up over all images",
    "recall": "correct detections over words of the truth that are cared for, both added up over all images",
    "hmean": "harmonic mean of that precision and that recall",
    "average_precision": "precision at each correct detection, the detections of all images ranked by confidence, "
    "added up and divided by the words of the truth that are cared for",
    "cer": "edits of all matched words over letters of all matched words of the truth",
    "word_accuracy": "matched words with the very same transcript over all matched words",
}
"""How each number of text spotting is pooled, in words."""


def run_pooling(*, reads: bool) -> dict[str, str]:
    """By the names that the numbers have in a run, such as ``detection_hmean``; ``reads``: words are read, too."""
    protocols = PROTOCOLS if reads else ["detection"]
    parts = ("precision", "recall", "hmean")
    found = {f"{protocol}_{part}": SPOTTING_POOLING[part] for protocol in protocols for part in parts}
    return found | ({key: SPOTTING_POOLING[key] for key in ("cer", "word_accuracy")} if reads else {})


@dataclass(frozen=True)
class SpottingScores:
    """What was found and read in n images is worth, in fractions of 1; ``cer`` alone may be above 1."""

    n: int
    metrics: dict[str, dict[str, float]]  # by protocol: precision, recall, hmean; average_precision with confidences
    counts: dict[str, Counts]  # by protocol, of all images
    per_image: dict[str, list[float]]  # by protocol, hmean of each image
    words: Reading | None  # None where nothing was read: then "detection" is the only protocol


def spotting_scores(truths: Sequence[Truth], found: Sequence[Detections]) -> SpottingScores:
    """Score what was found in each of n images; an image in which nothing was found has D = 0 detections.

    The protocols that read are left out where any detection has no transcript, and average precision where any has no
    confidence. With confidences, those of an image are matched the most confident first, and not in their order.
    """
    assert len(truths) == len(found)
    are_read = all(image.texts is not None for image in found)
    are_ranked = bool(found) and all(image.confidences is not None for image in found)
    names = list(PROTOCOLS) if are_read else ["detection"]
    outcomes: dict[str, list[Outcome]] = {name: [] for name in names}
    pairs: list[tuple[str, str]] = []
    confidences: list[NDArray[np.floating[Any]]] = []
    for truth, unranked in zip(truths, found, strict=True):
        image = unranked.ranked() if are_ranked else unranked
        overlap = overlaps(truth.quads, image.quads)
        for name in names:
            outcomes[name].append(PROTOCOLS[name](truth, image, overlap))
        if image.texts is not None:
            pairs += [(truth.texts[word], image.texts[i]) for word, i in outcomes["detection"][-1].pairs]
        if image.confidences is not None:
            confidences.append(image.confidences)
    counts = {
        name: reduce(add, (each.counts for each in of_name), Counts(0, 0, 0)) for name, of_name in outcomes.items()
    }
    metrics = {name: _metrics(total) for name, total in counts.items()}
    if are_ranked:
        for name, of_name in outcomes.items():
            metrics[name]["average_precision"] = _of_ranking(of_name, confidences, counts[name].truths)
    per_image = {name: [each.counts.of_image()[2] for each in of_name] for name, of_name in outcomes.items()}
    return SpottingScores(len(truths), metrics, counts, per_image, reading(pairs) if are_read else None)


def average_precision(confidences: NDArray[np.floating[Any]], hits: NDArray[np.bool_], truths: int) -> float:
    """Mean over ``truths`` words of the precision at the rank of each hit; words that were missed add 0.

    ``confidences``, ``hits``: (D,), of the detections that are cared for. Equal confidences rank in their order.
    """
    ranked = hits[np.argsort(-confidences, kind="stable")]
    precision = np.cumsum(ranked) / np.arange(1, len(ranked) + 1)
    return float(precision[ranked].sum() / truths) if truths else 0.0


def _metrics(counts: Counts) -> dict[str, float]:
    return {"precision": counts.precision, "recall": counts.recall, "hmean": counts.hmean}


def _of_ranking(outcomes: Sequence[Outcome], confidences: Sequence[NDArray[np.floating[Any]]], truths: int) -> float:
    """Average precision of one protocol."""
    cared = np.concatenate([each.detections_cared for each in outcomes])
    hits = np.concatenate([each.hits for each in outcomes])
    return average_precision(np.concatenate(confidences)[cared], hits[cared], truths)
