"""The numbers of the caption task as a torchmetric: batches in, those of the whole split out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from saccade.metrics.captions.scores import MeteorFunction, caption_scores
from saccade.metrics.scores import Scores
from saccade.metrics.stateful_lines import LineMetric


class CaptionMetrics(LineMetric):
    """BLEU-1 to 4, METEOR where it is found, ROUGE-L and CIDEr-D, those of each image in ``per_image``."""

    def __init__(self, find_meteor: Callable[[], MeteorFunction | None] = lambda: None, **kwargs: Any) -> None:
        """``find_meteor``: is called when numbers are computed, as METEOR's tables take long to read; None: without."""
        super().__init__(**kwargs)
        self._find_meteor = find_meteor

    def update(self, index: Tensor, captions: Sequence[str], references: Sequence[Sequence[str]]) -> None:
        """Add a batch: position in the split (B,) int64, the caption of each image, and its references."""
        self.keep([i, said, list(of)] for i, said, of in zip(index.tolist(), captions, references, strict=True))

    def compute(self) -> Scores:
        """The numbers over everything added so far; None where there is nothing."""
        rows = self.rows()
        if not rows:
            return Scores(dict.fromkeys(("bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "cider")), {}, per_image={})
        _, captions, references = zip(*rows, strict=True)
        found = caption_scores(captions, references, meteor=self._find_meteor())
        return Scores(dict(found.metrics), {}, per_image=found.per_image)
