"""One image of a spot run: what is there, what was found, and which of it is which.

Letters: K words of the truth, D detections, both in the order in which they are scored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.metrics.spotting.overlaps import overlaps
from saccade.metrics.spotting.protocol import PROTOCOLS, Detections, Outcome, Truth
from saccade.quads import laid, sides

RIGHT, MISREAD, MISSED, ALARM, UNCARED = "right", "misread", "missed", "alarm", "uncared"
VERDICTS = (RIGHT, MISREAD, MISSED, ALARM, UNCARED)
"""Matched and, where text is read, read right by the end-to-end protocol; matched and read wrong; a word that has no
match; a detection that has none; and either of the two where it is not cared for."""

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Word:
    """A word of the truth, a detection, or the two as a match."""

    verdict: str
    quad: Points  # (4, 2) of the detection; of the truth where there is none
    text: str | None  # what is written; None where no word is
    read: str | None  # None where nothing was found, or nothing is read
    score: float | None  # of the detection
    overlap: float  # IoU of a match; of a missed word the highest with any detection; else 0


@dataclass(frozen=True)
class SpotImage:
    """One image, matched by each protocol."""

    truth: Truth
    found: Detections  # its texts None where nothing is read
    scores: NDArray[np.float64]  # (D,) in [0, 1]
    outcomes: Mapping[str, Outcome]  # by protocol; detection alone where nothing is read
    iou: Points  # (K, D)

    @classmethod
    def matched(cls, truth: Truth, found: Detections, scores: NDArray[np.float64]) -> SpotImage:
        """The image as the protocols match it."""
        overlap = overlaps(truth.quads, found.quads)
        names = PROTOCOLS if found.texts is not None else ("detection",)
        outcomes = {name: PROTOCOLS[name](truth, found, overlap) for name in names}
        return cls(truth, found, scores, outcomes, overlap.iou)

    @property
    def read_pairs(self) -> list[tuple[str, str]]:
        """Each match as what is written and what was read."""
        texts = self.found.texts
        return [] if texts is None else [(self.truth.texts[k], texts[d]) for k, d in self.outcomes["detection"].pairs]

    def words(self) -> list[Word]:
        """All words and detections: what was found in its order, the rest as the truth has it."""
        by_reading = self.outcomes.get("end_to_end", self.outcomes["detection"])
        right = dict(zip(by_reading.pairs, by_reading.correct, strict=True))
        matches = [self._found(d, RIGHT if right[k, d] else MISREAD, k) for k, d in sorted(right, key=lambda p: p[1])]
        known, taken = {k for k, _ in right}, {d for _, d in right}
        missed = [self._missed(k) for k in np.flatnonzero(by_reading.truths_cared).tolist() if k not in known]
        cared = by_reading.detections_cared
        alarms = [self._found(d, ALARM) for d in np.flatnonzero(cared).tolist() if d not in taken]
        nobodys = [self._found(d, UNCARED) for d in np.flatnonzero(~cared).tolist()]
        uncared = np.flatnonzero(~by_reading.truths_cared).tolist()
        return [*matches, *missed, *alarms, *(self._missed(k, UNCARED) for k in uncared), *nobodys]

    def verdicts(self) -> Counter[str]:
        """How many there are of each verdict; of what is not cared for the words of the truth alone."""
        by_reading = self.outcomes.get("end_to_end", self.outcomes["detection"])
        counts, matched = by_reading.counts, len(by_reading.pairs)
        return Counter(
            {
                RIGHT: counts.correct,
                MISREAD: matched - counts.correct,
                MISSED: counts.truths - matched,
                ALARM: counts.detections - matched,
                UNCARED: len(self.truth.texts) - counts.truths,
            }
        )

    def _found(self, d: int, verdict: str, k: int | None = None) -> Word:
        return Word(
            verdict,
            np.asarray(self.found.quads[d], dtype=np.float64),
            None if k is None else self.truth.texts[k],
            None if self.found.texts is None else self.found.texts[d],
            float(self.scores[d]),
            0.0 if k is None else float(self.iou[k, d]),
        )

    def _missed(self, k: int, verdict: str = MISSED) -> Word:
        highest = float(self.iou[k].max(initial=0))
        return Word(
            verdict, np.asarray(self.truth.quads[k], dtype=np.float64), self.truth.texts[k], None, None, highest
        )


def heights(quads: Points) -> Points:
    """(...,) how high words are in pixels: the mean of left and right edge, or of the two others of ``TALL`` words."""
    lengths = sides(laid(quads))
    return np.asarray((lengths[..., 1] + lengths[..., 3]) / 2)
