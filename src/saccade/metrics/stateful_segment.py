"""The numbers of the segment task as torchmetrics: batches in, those of the whole split out.

The state is one (C, C) confusion matrix of whole numbers, so the order of the batches, their sizes and the number of
processes make no difference to the last bit, and a split of any size needs no more memory than that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from saccade.metrics.scores import Scores
from saccade.metrics.segmentation import SEGMENT_POOLING, VOID, segment_scores


class SegmentMetrics(Metric):
    """The numbers of the segment task; ``classes`` are the C names, at most 255, in the order of their ids.

    ``confusion`` (C, C) int64 counts the pixels of class i (row) called class j (column) so far.
    """

    full_state_update = False
    is_differentiable = False
    confusion: Tensor

    def __init__(self, classes: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes = tuple(classes)
        assert len(self.classes) <= VOID
        none = torch.zeros(len(self.classes), len(self.classes), dtype=torch.int64)
        self.add_state("confusion", default=none, dist_reduce_fx="sum")

    @property
    def pooling(self) -> dict[str, str]:
        """How each number is pooled, in words."""
        return dict(SEGMENT_POOLING)

    def update(self, predicted: Tensor, mask: Tensor) -> None:
        """Add a batch: ``predicted`` (B, H, W) uint8 in 0 ... C-1, ``mask`` (B, H, W) uint8, the same or 255 for void.

        Both lie on the metric's device, and nothing but counts leaves them.
        """
        self.confusion += batch_confusion(predicted, mask, len(self.classes))

    def compute(self) -> Scores:
        """The numbers over everything added so far; ``None`` where undefined."""
        return segment_scores(self.confusion.cpu().numpy(), classes=self.classes)


def batch_confusion(predicted: Tensor, mask: Tensor, classes: int) -> Tensor:
    """(C, C) int64 the confusion matrix of a batch, on its device; arguments as in ``SegmentMetrics.update``.

    One count over all pixels. Whole numbers add up to the same in any order, so ``torch.bincount`` without weights is
    among the operations that ``torch.use_deterministic_algorithms`` lets pass on CUDA as well (since torch 2.1).
    """
    assert predicted.shape == mask.shape
    assert predicted.numel() == 0 or int(predicted.amax()) < classes
    # Four bytes hold every cell and are counted faster than eight. Void pixels get rows of their own, past the last
    # class: to pick out the others by a mask takes several times as long as the count (bench/confusion.py).
    cells = (mask.to(torch.int32) * classes).add_(predicted)
    rows = torch.bincount(cells.flatten(), minlength=(VOID + 1) * classes).view(VOID + 1, classes)
    assert not rows[classes:VOID].any(), "a class beyond the last"
    return rows[:classes]
