"""How far the numbers of text spotting would move with other images."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.spotting.protocol import Counts
from saccade.metrics.spotting.words import Reading, reading
from saccade.report.intervals import Interval, intervals
from saccade.report.spot_evaluation import Spotted
from saccade.report.spot_matches import SpotImage


def spot_intervals(scored: Spotted) -> dict[str, Interval]:
    """95 % intervals of the H-means, and of character error rate and word accuracy where text is read.

    Counts are added up over the images of each draw, as they are over those of the split. Where nothing is correct,
    nothing can be told of other images either, and the H-mean has none.
    """
    table = np.array([_row(image) for image in scored.seen], dtype=np.float64)
    names = [f"{name}_hmean" for name in scored.protocols] + ["cer", "word_accuracy"]
    useless = {f"{name}_hmean" for name, counts in scored.counts.items() if not counts.correct}
    return {name: found for name, found in intervals(table, names, _of_draw).items() if name not in useless}


def _row(image: SpotImage) -> list[int]:
    """Three counts a protocol, and four of reading."""
    counts = [outcome.counts for outcome in image.outcomes.values()]
    read = reading(image.read_pairs)
    spotted = [number for each in counts for number in (each.correct, each.truths, each.detections)]
    return [*spotted, read.pairs, read.right, read.edits, read.letters]


def _of_draw(sums: NDArray[np.float64]) -> list[float]:
    """The numbers of the sums of ``_row``; NaN where there is none."""
    *spotted, pairs, right, edits, letters = sums.astype(np.int64).tolist()
    hmeans = [Counts(*spotted[k : k + 3]).hmean for k in range(0, len(spotted), 3)]
    read = Reading(pairs, right, edits, letters)
    return [*hmeans, *(math.nan if value is None else value for value in (read.cer, read.word_accuracy))]
