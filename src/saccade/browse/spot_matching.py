"""Which detections match which words, by the protocol of the metrics; apart from the rest because it imports numba.

Letters: K words of the truth and D detections of one image.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.browse.spots import FALSE_ALARM, MISREAD, MISSED, RIGHT, UNCARED, Matching, SpotPredictions
from saccade.metrics.spotting.overlaps import overlaps
from saccade.metrics.spotting.protocol import Detections, Truth, detection, end_to_end


def match(predictions: SpotPredictions) -> Matching:
    """Match every image as end-to-end scores are made; as detection scores where nothing is read.

    A detection is right where its word was read right, or, where nothing is read, where it matches one.
    """
    p, n_truth, n_found = predictions, len(predictions.truth.texts), len(predictions.found.texts)
    matching = Matching(
        truth=np.where(p.cared, MISSED, UNCARED).astype(np.int8),
        found=np.full(n_found, FALSE_ALARM, np.int8),
        of_truth=np.full(n_truth, -1, np.int64),
        of_found=np.full(n_found, -1, np.int64),
        truth_iou=np.zeros(n_truth, np.float32),
        found_iou=np.zeros(n_found, np.float32),
    )
    for row in range(len(p.images)):
        _match_image(p, row, matching)
    return matching


def _match_image(p: SpotPredictions, row: int, matching: Matching) -> None:
    """Write what is of one image."""
    words, places = p.truth.of(row), p.found.of(row)
    overlap = overlaps(p.truth.quads[words], p.found.quads[places])
    truth = Truth(p.truth.quads[words], tuple(p.truth.texts[words]), p.cared[words])
    found = Detections(p.found.quads[places], tuple(p.found.texts[places]) if p.reads else None)
    outcome = (end_to_end if p.reads else detection)(truth, found, overlap)
    matching.found[places][~outcome.detections_cared] = UNCARED
    iou = np.clip(overlap.iou, 0, 1)
    matching.truth_iou[words], matching.found_iou[places] = _greatest(iou, axis=1), _greatest(iou, axis=0)
    for (word, place), correct in zip(outcome.pairs, outcome.correct, strict=True):
        w, d = words.start + word, places.start + place
        matching.of_truth[w], matching.of_found[d] = d, w
        matching.truth[w] = matching.found[d] = RIGHT if correct else MISREAD
        matching.truth_iou[w] = matching.found_iou[d] = iou[word, place]


def _greatest(iou: NDArray[np.float64], *, axis: int) -> NDArray[Any]:
    """Along an axis of (K, D); 0 where that has no numbers."""
    return iou.max(axis=axis) if iou.shape[axis] else np.zeros(iou.shape[1 - axis])
