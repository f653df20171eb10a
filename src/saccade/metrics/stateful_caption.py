"""The numbers of the caption task as a torchmetric: batches in, those of the whole split out.

Its state is text: a line of JSON for each image, as bytes, which travel between processes like any tensor. Corpus
numbers and word weights need all captions at once, and there are never so many that they would not fit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from saccade.metrics.captions.scores import MeteorFunction, caption_scores
from saccade.metrics.scores import Scores


class CaptionMetrics(Metric):
    """BLEU-1 to 4, METEOR where it is found, ROUGE-L and CIDEr-D, those of each image in ``per_image``."""

    full_state_update = False
    is_differentiable = False
    lines: list[Tensor]

    def __init__(self, find_meteor: Callable[[], MeteorFunction | None] = lambda: None, **kwargs: Any) -> None:
        """``find_meteor``: is called when numbers are computed, as METEOR's tables take long to read; None: without."""
        super().__init__(**kwargs)
        self._find_meteor = find_meteor
        self.add_state("lines", default=[], dist_reduce_fx="cat")

    def update(self, index: Tensor, captions: Sequence[str], references: Sequence[Sequence[str]]) -> None:
        """Add a batch: position in the split (B,) int64, the caption of each image, and its references."""
        rows = zip(index.tolist(), captions, references, strict=True)
        text = "".join(f"{json.dumps([i, caption, list(of_image)])}\n" for i, caption, of_image in rows)
        self.lines.append(torch.from_numpy(np.frombuffer(text.encode(), dtype=np.uint8).copy()).to(self.device))

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the batches of all processes; one that had none takes part with an empty batch."""
        if not self.lines:
            self.lines.append(torch.zeros(0, dtype=torch.uint8, device=self.device))
        super().sync(*args, **kwargs)

    def compute(self) -> Scores:
        """The numbers over everything added so far, in the order of the split; None where there is nothing."""
        text = dim_zero_cat(self.lines).cpu().numpy().tobytes().decode() if len(self.lines) else ""
        rows = sorted(json.loads(line) for line in text.splitlines())
        if not rows:
            return Scores(dict.fromkeys(("bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "cider")), {}, per_image={})
        _, captions, references = zip(*rows, strict=True)
        found = caption_scores(captions, references, meteor=self._find_meteor())
        return Scores(dict(found.metrics), {}, per_image=found.per_image)
