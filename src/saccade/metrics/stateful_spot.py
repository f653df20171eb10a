"""The numbers of text spotting as a torchmetric: batches in, those of the whole split out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from saccade.metrics.scores import Scores
from saccade.metrics.spotting.protocol import PROTOCOLS, Detections, Truth
from saccade.metrics.spotting.scores import spotting_scores
from saccade.metrics.stateful_lines import LineMetric

PARTS = ("precision", "recall", "hmean")


class SpotMetrics(LineMetric):
    """Precision, recall and their harmonic mean by ICDAR's protocols; of each image the harmonic mean."""

    def __init__(self, *, reads: bool = True, **kwargs: Any) -> None:
        """``reads``: whether words are read too; else detection is the only protocol."""
        super().__init__(**kwargs)
        self.reads = reads

    def update(self, index: Tensor, truths: Sequence[Truth], found: Sequence[Detections]) -> None:
        """Add a batch: position in the split (B,) int64, the words of each image, and what was found in it."""
        self.keep(
            [
                i,
                truth.quads.tolist(),
                list(truth.texts),
                truth.cared.tolist(),
                said.quads.tolist(),
                list(said.texts or ()),
            ]
            for i, truth, said in zip(index.tolist(), truths, found, strict=True)
        )

    def compute(self) -> Scores:
        """The numbers over everything added so far; None where there is nothing."""
        truths, found = [], []
        for _, quads, texts, cared, said, read in self.rows():
            truths.append(Truth(_quads(quads), tuple(texts), np.array(cared, dtype=np.bool_)))
            found.append(Detections(_quads(said), tuple(read) if self.reads else None))
        names = list(PROTOCOLS) if self.reads else ["detection"]
        letters = ("cer", "word_accuracy") if self.reads else ()
        if not truths:
            return Scores(
                dict.fromkeys([*(f"{n}_{part}" for n in names for part in PARTS), *letters]), {}, per_image={}
            )
        scores = spotting_scores(truths, found)
        metrics: dict[str, float | None] = {
            f"{name}_{part}": scores.metrics[name][part] for name in names for part in PARTS
        }
        if scores.words is not None:
            metrics |= {"cer": scores.words.cer, "word_accuracy": scores.words.word_accuracy}
        per_image = {f"{name}_hmean": values for name, values in scores.per_image.items()}
        return Scores(metrics, {}, per_image=per_image, by_protocol=scores.metrics)


def _quads(lists: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(lists, dtype=np.float64).reshape(-1, 4, 2)
