"""Losses of the multilabel task: one yes-or-no question a class.

Letters: B images, C classes. ``logits`` (B, C) of any float type; ``targets`` (B, C) of 1 present, 0 absent,
-1 ignored. Each loss returns ``ImageLoss``: ``total`` sums an image's valid entries, each times its class
weight, and ``weight`` is the number of valid entries; class weights are not in the divisor, as in
``torch.nn.BCEWithLogitsLoss``. An ignored entry adds nothing, and its gradient is exactly 0.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.samples import ImageLoss


def bce(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    positive_weights: Tensor | None = None,
) -> ImageLoss:
    """Binary cross-entropy; ``positive_weights`` (C,) multiplies the term of positives only."""
    x, y, valid = _prepare(logits, targets)
    pos_weight = None if positive_weights is None else positive_weights.to(x)
    loss = F.binary_cross_entropy_with_logits(x, y, pos_weight=pos_weight, reduction="none")
    return _collect(loss, valid, class_weights)


def focal(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma: float = 2.0,
    alpha: float | None = 0.25,
    class_weights: Tensor | None = None,
) -> ImageLoss:
    """Focal loss (arXiv 1708.02002, eq. 5): ``-alpha_t (1 - p_t)^gamma log p_t``.

    ``p_t`` is the probability of the right answer; ``alpha_t`` is ``alpha`` for positives and ``1 - alpha``
    for negatives, or 1 for both where ``alpha`` is None.
    """
    x, y, valid = _prepare(logits, targets)
    z = torch.where(y > 0, x, -x)
    # (1 - p_t)^gamma by its logarithm: a power has an infinite slope at 0 for gamma below 1, and NaN follows.
    loss = -torch.exp(gamma * F.logsigmoid(-z)) * F.logsigmoid(z)
    if alpha is not None:
        loss = loss * (alpha * y + (1.0 - alpha) * (1.0 - y))
    return _collect(loss, valid, class_weights)


def asymmetric(
    logits: Tensor,
    targets: Tensor,
    *,
    gamma_negative: float = 4.0,
    gamma_positive: float = 0.0,
    clip: float = 0.05,
    class_weights: Tensor | None = None,
) -> ImageLoss:
    """Asymmetric loss (arXiv 2009.14119, eqs. 4 to 7).

    Positives cost ``-(1 - p)^gamma_positive log p``, negatives ``-p_m^gamma_negative log(1 - p_m)`` with the
    shifted probability ``p_m = max(p - clip, 0)``. The gradient goes through everything, the focusing factors
    too.
    """
    x, y, valid = _prepare(logits, targets)
    positive = -torch.exp(gamma_positive * F.logsigmoid(-x)) * F.logsigmoid(x)
    negative = _shifted_negative(x, gamma_negative, clip)
    return _collect(torch.where(y > 0, positive, negative), valid, class_weights)


def _shifted_negative(x: Tensor, gamma: float, clip: float) -> Tensor:
    if clip == 0.0:
        return -torch.exp(gamma * F.logsigmoid(x)) * F.logsigmoid(-x)
    shifted = torch.sigmoid(x) - clip
    counts = shifted > 0
    # Below the margin both factors get a harmless 1, so that neither 0^gamma nor its slope is ever formed. 1
    # - p_m is sigmoid(-x) + clip: not a difference of near equals, and never below clip.
    p_m = torch.where(counts, shifted, 1.0)
    rest = torch.where(counts, torch.sigmoid(-x) + clip, 1.0)
    return -(p_m**gamma) * torch.log(rest)


def _prepare(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The logits in float32 or wider, 0 where ignored; the targets in the same type; and what is valid."""
    assert logits.shape == targets.shape
    assert logits.ndim == 2
    valid = targets >= 0
    wide = logits if logits.dtype == torch.float64 else logits.float()
    # Filled before anything is computed: the gradient is then 0 even where an ignored logit is not finite.
    x = wide.masked_fill(~valid, 0.0)
    return x, (targets == 1).to(x.dtype), valid


def _collect(loss: Tensor, valid: Tensor, class_weights: Tensor | None) -> ImageLoss:
    if class_weights is not None:
        loss = loss * class_weights.to(loss)
    return ImageLoss(loss.masked_fill(~valid, 0.0).sum(dim=1), valid.sum(dim=1).to(loss.dtype))
