"""One evaluation of a spot run read whole, matched and scored again from its words.

Letters: N images; of one image K words of the truth and D detections.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saccade.errors import RunError
from saccade.metrics.spotting.protocol import Counts, Detections, Truth
from saccade.metrics.spotting.words import Reading, edit_distance, reading
from saccade.report.scored import Evaluated
from saccade.report.spot_matches import MISREAD, SpotImage
from saccade.runs import Evaluation

PARTS = ("precision", "recall", "hmean")
_COLUMNS = ("image", "target_quads_xy", "target_texts", "target_cared", "quads_xy", "texts", "scores")


@dataclass(frozen=True)
class Spotted(Evaluated):
    """N images with their words and what was found."""

    seen: Sequence[SpotImage]  # N
    rows: pl.DataFrame  # as they stand in predictions.parquet

    @classmethod
    def read(cls, evaluation: Evaluation) -> Spotted:
        """Read the three files of ``evaluation`` and match its words.

        Raises:
            RunError: one of them is missing, or the predictions are no words and detections.
        """
        metrics, about, rows = evaluation.metrics(), evaluation.about(), evaluation.predictions()
        missing = [name for name in _COLUMNS if name not in rows.columns]
        if missing or rows.is_empty():
            what = f"no column {', '.join(missing)}" if missing else "there is no image"
            raise _damaged(evaluation, what)
        seen = [_image(evaluation, about["reads"], *row) for row in rows.select(_COLUMNS).iter_rows()]
        return cls(evaluation.name, metrics, about, rows["image"].to_list(), seen, rows)

    @property
    def reads(self) -> bool:
        """Whether words are read, and not only found."""
        return bool(self.about["reads"])

    @property
    def decoding(self) -> Mapping[str, Any]:
        """The settings by which words are found in the maps of the network."""
        found: Mapping[str, Any] = self.about.get("decoding") or {}
        return found

    @property
    def protocols(self) -> list[str]:
        """Those that were measured."""
        return list(self.seen[0].outcomes)

    @cached_property
    def counts(self) -> dict[str, Counts]:
        """By protocol, of all images."""
        return {
            name: reduce(add, (image.outcomes[name].counts for image in self.seen), Counts(0, 0, 0))
            for name in self.protocols
        }

    @cached_property
    def reading(self) -> Reading:
        """How the matches of all images were read, letter by letter."""
        return reading(pair for image in self.seen for pair in image.read_pairs)

    @cached_property
    def verdicts(self) -> Counter[str]:
        """How many words and detections of each verdict there are."""
        return reduce(add, (image.verdicts() for image in self.seen), Counter[str]())

    def again(self) -> dict[str, float | None]:
        """The numbers of ``metrics.json`` but for the loss."""
        found: dict[str, float | None] = {
            f"{name}_{part}": getattr(counts, part) for name, counts in self.counts.items() for part in PARTS
        }
        return found | ({"cer": self.reading.cer, "word_accuracy": self.reading.word_accuracy} if self.reads else {})

    def hmeans(self, protocol: str) -> NDArray[np.float64]:
        """(N,) H-mean of each image; 1 where there is nothing to find and nothing was found."""
        return np.array([image.outcomes[protocol].counts.of_image()[2] for image in self.seen])

    def ranking(self) -> NDArray[np.float64]:
        """(N,) numbers by which images are ranked, the best highest; NaN of those without anything to find or found.

        By the H-mean that the headline is of, then by how many words are right, then by how little is wrong: of equally
        bad images the one with the most mistakes is the worst.
        """
        name = "end_to_end" if self.reads else "detection"
        counts = [image.outcomes[name].counts for image in self.seen]
        correct = np.array([each.correct for each in counts])
        wrong = np.array([each.truths + each.detections - 2 * each.correct for each in counts])
        places = np.empty(len(counts))
        places[np.lexsort((np.arange(len(counts)), wrong, -correct, -self.hmeans(name)))] = -np.arange(len(counts))
        return np.where(correct + wrong > 0, places, np.nan)

    def misreadings(self) -> list[tuple[tuple[str, str], int]]:
        """(written, read) of the words that count as misread and how often, the most frequent first.

        Of equally frequent ones those that are off by the least come first.
        """
        words = (word for image in self.seen for word in image.words() if word.verdict == MISREAD)
        found = Counter((word.text or "", word.read or "") for word in words)
        return sorted(found.items(), key=lambda item: (-item[1], edit_distance(*item[0])))

    def differences(self) -> list[tuple[str, float | None, float | None]]:
        """Numbers that are not what the words give again, as (key, as it stands, as it is); None: there is none."""
        stands, found = self.metrics["metrics"], []
        for key, value in self.again().items():
            if not _same(stands.get(key), value):
                found.append((key, stands.get(key), value))
        for name in self.protocols:
            key, values = f"{name}_hmean", self.hmeans(name)
            column = (
                self.rows[key].cast(pl.Float64).fill_null(float("nan")).to_numpy()
                if key in self.rows.columns
                else values
            )
            if not np.allclose(column, values, rtol=1e-5, atol=1e-5):
                mean = None if np.isnan(column).any() else float(column.mean())
                found.append((f"{key} of single images", mean, float(values.mean())))
        return found


def _same(stands: float | None, value: float | None) -> bool:
    if stands is None or value is None:
        return stands is value
    return abs(stands - value) <= 1e-6


def _image(evaluation: Evaluation, reads: bool, name: str, *lists: list[Any] | None) -> SpotImage:
    """One row of the predictions; a list that is null is empty."""
    words, texts, cared, found, said, scores = (each or [] for each in lists)
    if any(len(quad) != 8 for quad in (*words, *found)):
        raise _damaged(evaluation, f"{name}: a quad has not 8 numbers")
    if not (len(words) == len(texts) == len(cared) and len(found) == len(said) == len(scores)):
        raise _damaged(evaluation, f"{name}: there are not as many quads as texts")
    truth = Truth(_quads(words), tuple(texts), np.array(cared, dtype=np.bool_))
    detections = Detections(_quads(found), tuple(said) if reads else None)
    return SpotImage.matched(truth, detections, np.array(scores, dtype=np.float64))


def _quads(lists: list[list[float]]) -> NDArray[np.float64]:
    return np.array(lists, dtype=np.float64).reshape(-1, 4, 2)


def _damaged(evaluation: Evaluation, what: str) -> RunError:
    return RunError(f"{evaluation.predictions_file}: {what}; write it again with `saccade evaluate`")
