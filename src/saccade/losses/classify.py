"""Loss of the classify task: exactly one class an image."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.samples import ImageLoss


def cross_entropy(
    logits: Tensor, target: Tensor, *, class_weights: Tensor | None = None, label_smoothing: float = 0.0
) -> ImageLoss:
    """Softmax cross-entropy; ``logits`` (B, C), ``target`` (B,) int64 in 0 ... C-1, ``class_weights`` (C,).

    ``total.sum() / weight.sum()`` is ``torch.nn.functional.cross_entropy`` with its mean: an image's
    ``weight`` is the weight of its class, with smoothing too.
    """
    wide = logits if logits.dtype == torch.float64 else logits.float()
    weights = None if class_weights is None else class_weights.to(wide)
    total = F.cross_entropy(wide, target, weight=weights, label_smoothing=label_smoothing, reduction="none")
    return ImageLoss(total, torch.ones_like(total) if weights is None else weights[target])
