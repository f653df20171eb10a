"""One image of an evaluation of ``spot``: its outlines for a tile, and all its words for the large view.

Letters: k words of the truth and d detections of the image.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from saccade.browse.base import number
from saccade.browse.crops import crop_size
from saccade.browse.letters import alike
from saccade.browse.predictions import Flags, Floats
from saccade.browse.spots import FALSE_ALARM, MISREAD, MISSED, RIGHT, UNCARED, Matching, SpotPredictions

ON_A_TILE = 300  # outlines a side; more are a mesh that nobody can read
TOLD = 4  # mistakes that a tile names
LETTERS = 120  # of a text on a tile
WORST_FIRST = (MISREAD, MISSED, FALSE_ALARM, RIGHT, UNCARED)
TRUTH, FOUND = 0, 1
FAR = 10**6  # pixels; no image reaches as far


def outlines(p: SpotPredictions, m: Matching, row: int, words: Flags, places: Flags) -> tuple[list[list[int]], int]:
    """Rows of side (0 the truth, 1 a detection), outcome, whether it is among those searched for, and eight numbers.

    Args:
        words: (k,) those searched for in the truth.
        places: (d,) among the detections.

    Returns:
        The rows, and how many are left out because there are too many.
    """
    made: list[list[int]] = []
    left_out = 0
    for side, placed, outcomes, chosen in ((TRUTH, p.truth, m.truth, words), (FOUND, p.found, m.found, places)):
        place = placed.of(row)
        quads = np.rint(placed.quads[place].reshape(-1, 8).astype(np.float64)).clip(-FAR, FAR)
        head = np.stack([np.full(len(quads), side), outcomes[place], chosen], axis=1)
        # those searched for stay; else the first, which of detections are those that most places are sure of
        kept = np.sort(np.argsort(~chosen, kind="stable")[:ON_A_TILE])
        left_out += len(quads) - len(kept)
        made += np.concatenate([head, quads], axis=1)[kept].astype(int).tolist()
    return made, left_out


def told(p: SpotPredictions, m: Matching, row: int, words: Flags, places: Flags, *, with_right: bool) -> dict[str, Any]:
    """The first mistakes among those searched for, in words, and how many more there are.

    Each is the outcome, the truth and what was read, None where there is none of them.
    """
    of_image = [
        (outcome, None if k is None else p.truth.texts[k][:LETTERS], None if d is None else p.found.texts[d][:LETTERS])
        for outcome, k, d in ranked(p, m, row)
        if outcome != UNCARED
        and (with_right or outcome != RIGHT)
        and (words[k - p.truth.of(row).start] if k is not None else places[(d or 0) - p.found.of(row).start])
    ]
    return {"first": of_image[:TOLD], "more": max(0, len(of_image) - TOLD)}


def entries(p: SpotPredictions, m: Matching, row: int) -> list[dict[str, Any]]:
    """Each word of the truth with the detection that matches it, and each other detection; the mistakes first."""
    return [_entry(p, m, row, *one) for one in ranked(p, m, row)]


def ranked(p: SpotPredictions, m: Matching, row: int) -> list[tuple[int, int | None, int | None]]:
    """Outcome, word of the truth and detection of each entry; the numbers count through all images."""
    return sorted(_pairs(p, m, row), key=lambda one: WORST_FIRST.index(one[0]))


def _pairs(p: SpotPredictions, m: Matching, row: int) -> Iterator[tuple[int, int | None, int | None]]:
    words, places = p.truth.of(row), p.found.of(row)
    matches = m.of_truth[words].tolist()
    for k, outcome, match in zip(range(words.start, words.stop), m.truth[words].tolist(), matches, strict=True):
        yield outcome, k, match if match >= 0 else None
    alone = m.of_found[places] < 0
    for d, outcome in zip(range(places.start, places.stop), m.found[places].tolist(), strict=True):
        if alone[d - places.start]:
            yield outcome, None, d


def _entry(p: SpotPredictions, m: Matching, row: int, outcome: int, k: int | None, d: int | None) -> dict[str, Any]:
    truth = found = letters = None
    if k is not None:
        truth = _placed(p.truth.quads[k], p.truth.texts[k], k - p.truth.of(row).start)
    if d is not None:
        found = _placed(p.found.quads[d], p.found.texts[d], d - p.found.of(row).start)
        found["score"] = number(p.scores[d])
    if outcome == MISREAD and truth is not None and found is not None:
        letters = alike(truth["text"], found["text"])
    iou = m.truth_iou[k] if k is not None else m.found_iou[d] if d is not None else np.nan
    return {"outcome": outcome, "truth": truth, "found": found, "iou": number(iou), "letters": letters}


def _placed(quad: Floats, text: str, index: int) -> dict[str, Any]:
    return {
        "number": index,
        "quad": np.round(quad.ravel().astype(np.float64), 1).tolist(),
        "text": text,
        "crop": crop_size(quad),
    }
