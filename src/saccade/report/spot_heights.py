"""Recall by how high words are, the first thing to ask of a network that misses some."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from saccade.report.spot_evaluation import Spotted
from saccade.report.spot_matches import heights

EDGES = (8, 12, 16, 24, 32, 48, 64, 96, 128)
"""Pixels of the file; below the first and from the last on there is one more step each."""


@dataclass(frozen=True)
class Step:
    """Words that are cared for from one height to the next."""

    name: str
    words: int
    found: int
    right: int  # those of the found that were read right; all of them where nothing is read


def recall_by_height(scored: Spotted) -> list[Step]:
    """The steps from the lowest word to the highest one; empty without a word that is cared for."""
    at, found, right = [], [], []
    for image in scored.seen:
        outcome = image.outcomes.get("end_to_end", image.outcomes["detection"])
        matched = dict(outcome.pairs)
        correct = {k for (k, _), is_right in zip(outcome.pairs, outcome.correct, strict=True) if is_right}
        cared = np.flatnonzero(outcome.truths_cared)
        at += np.searchsorted(EDGES, heights(np.asarray(image.truth.quads)[cared]), side="right").tolist()
        found += [k in matched for k in cared.tolist()]
        right += [k in correct for k in cared.tolist()]
    if not at:
        return []
    counts = [np.bincount(at, weights=each, minlength=len(EDGES) + 1).astype(int) for each in (None, found, right)]
    return [Step(_name(k), *(int(each[k]) for each in counts)) for k in range(min(at), max(at) + 1)]


def _name(k: int) -> str:
    """Of the step below edge ``k``."""
    if k in (0, len(EDGES)):
        return f"< {EDGES[0]}" if k == 0 else f"≥ {EDGES[-1]}"
    return f"{EDGES[k - 1]}\N{EN DASH}{EDGES[k]}"
