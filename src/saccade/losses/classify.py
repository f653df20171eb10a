"""Losses of the classify task: exactly one class an image.

Letters: B images, C classes. ``logits`` (B, C) of any float type, ``target`` (B,) int64 in 0 ... C-1,
``class_weights`` (C,). An image's ``weight`` is the weight of its class.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.samples import ImageLoss


def cross_entropy(
    logits: Tensor, target: Tensor, *, class_weights: Tensor | None = None, label_smoothing: float = 0.0
) -> ImageLoss:
    """Softmax cross-entropy.

    ``total.sum() / weight.sum()`` is ``torch.nn.functional.cross_entropy`` with its mean, with smoothing too.
    """
    wide = _wide(logits)
    weights = None if class_weights is None else class_weights.to(wide)
    total = F.cross_entropy(wide, target, weight=weights, label_smoothing=label_smoothing, reduction="none")
    return ImageLoss(total, torch.ones_like(total) if weights is None else weights[target])


def focal(logits: Tensor, target: Tensor, *, gamma: float = 2.0, class_weights: Tensor | None = None) -> ImageLoss:
    """Focal loss (arXiv 1708.02002, eq. 5) on a softmax: ``-w_y (1 - p_y)^gamma log p_y`` for the class y.

    The class weights stand where the paper has alpha; with ``gamma`` 0 this is the cross-entropy.
    """
    wide = _wide(logits)
    log_p = torch.log_softmax(wide, dim=1)
    own = log_p.gather(1, target[:, None])
    # the logarithm of 1 - p_y as the sum over the other classes: 1 minus a p_y near 1 would have no digits left
    rest = log_p.scatter(1, target[:, None], -torch.inf).logsumexp(dim=1)
    weight = torch.ones_like(rest) if class_weights is None else class_weights.to(wide)[target]
    return ImageLoss(-weight * torch.exp(gamma * rest) * own.squeeze(1), weight)


def _wide(logits: Tensor) -> Tensor:
    return logits if logits.dtype == torch.float64 else logits.float()
