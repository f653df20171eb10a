"""Losses of the segment task: one class a pixel.

Letters: B images, C classes, H x W pixels. ``logits`` (B, C, H, W) of any float type; ``mask`` (B, H, W) of any
integer type, the class of each pixel in 0 ... C-1, or 255 where it is void: neither right nor wrong. Each loss returns
``ImageLoss``, one row an image. A void pixel adds nothing, and its gradient is exactly 0 even where its logits are not
finite; an image of nothing but void has total 0 and weight 0.

``cross_entropy`` and ``focal`` count pixels, each by the weight of its class. ``dice`` and ``jaccard`` measure the
overlap of regions, class by class within an image, and an image then counts by its valid pixels, so that these losses
can be added to the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.losses import classify
from saccade.samples import ImageLoss

VOID = 255
"""The class of a pixel that does not count."""


def cross_entropy(
    logits: Tensor, mask: Tensor, *, class_weights: Tensor | None = None, label_smoothing: float = 0.0
) -> ImageLoss:
    """Softmax cross-entropy of the valid pixels; ``class_weights`` (C,).

    ``total.sum() / weight.sum()`` is ``torch.nn.CrossEntropyLoss(class_weights, ignore_index=255)`` with its mean, with
    smoothing too: an image's weight is the sum of the weights of its pixels' classes.
    """
    x, valid = _prepare(logits, mask)
    weights = None if class_weights is None else class_weights.to(x)
    # "none" is also the one reduction over pixels that CUDA has a deterministic kernel for
    loss = F.cross_entropy(
        x, mask.long(), weight=weights, ignore_index=VOID, label_smoothing=label_smoothing, reduction="none"
    )
    pixel_weight = valid.to(x) if weights is None else _at(weights, mask, valid)
    return ImageLoss(loss.sum(dim=(1, 2)), pixel_weight.sum(dim=(1, 2)))


def focal(logits: Tensor, mask: Tensor, *, gamma: float = 2.0, class_weights: Tensor | None = None) -> ImageLoss:
    """Focal loss (arXiv 1708.02002, eq. 5) on a softmax: ``-w_y (1 - p_y)^gamma log p_y`` for a pixel of class y.

    ``class_weights`` (C,) stand where the paper has alpha; an image's weight is their sum over its pixels, as in
    ``cross_entropy``, which this is with ``gamma`` 0.
    """
    x, valid = _prepare(logits, mask)
    pixels = classify.focal(x, mask.long().masked_fill(~valid, 0), gamma=gamma, class_weights=class_weights)
    total, weight = (part.masked_fill(~valid, 0.0).sum(dim=(1, 2)) for part in pixels)
    return ImageLoss(total, weight)


def dice(logits: Tensor, mask: Tensor) -> ImageLoss:
    """Soft Dice loss: 1 - the mean of ``2 sum(p g) / (sum p + sum g)`` over the classes that occur in the image.

    ``p`` is the softmax probability of the class and ``g`` is 1 where the pixel is of it, else 0; sums run over the
    image's valid pixels (V-Net, arXiv 1606.04797, section 3, there with squares in the denominator; without them, as
    here, in arXiv 1707.03237). A class without a pixel in the image has no term of its own: what it takes only lowers
    the others, so between two wrong classes the absent one is the cheaper.
    """
    shared, wrong, pixels = _overlap(logits, mask)
    return _mean_over_present(wrong, 2.0 * shared + wrong, pixels)


def jaccard(logits: Tensor, mask: Tensor) -> ImageLoss:
    """Soft Jaccard loss: 1 - the mean of ``sum(p g) / (sum p + sum g - sum(p g))`` over the classes in the image.

    Letters as in ``dice`` (Rahman and Wang, "Optimizing Intersection-Over-Union in Deep Neural Networks for Image
    Segmentation", ISVC 2016). Where it is J for a class, the Dice loss is J / (2 - J).
    """
    shared, wrong, pixels = _overlap(logits, mask)
    return _mean_over_present(wrong, shared + wrong, pixels)


def combined(losses: Sequence[tuple[float, ImageLoss]]) -> ImageLoss:
    """The sum of factor times loss; at least one pair, all of the same images.

    Each image has the sum of its own losses, ``sum_i factor_i total_i / weight_i``, and the weight that the first loss
    gives it. Where all losses weigh the images alike, as they do without class weights, the mean of the sum is the sum
    of the means. With class weights in the cross-entropy or focal loss, the images count as the first loss has it in
    every term: one with more rare pixels counts for more, or, with ``dice`` or ``jaccard`` first, all by their pixels.
    """
    weight = losses[0][1].weight
    return ImageLoss(torch.stack([factor * _reweighted(loss, weight) for factor, loss in losses]).sum(dim=0), weight)


def _reweighted(loss: ImageLoss, weight: Tensor) -> Tensor:
    """(B,) the totals as if the loss had that weight; 0 where it has none of its own."""
    counts = loss.weight > 0
    return torch.where(counts, loss.total * (weight / torch.where(counts, loss.weight, 1.0)), 0.0)


def _overlap(logits: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, C) each, over valid pixels: sum(p g), sum |p - g|, and the number of pixels of the class.

    As |p - g| = p + g - 2 p g, both losses are quotients of sums without a difference of near equals: never below 0.
    """
    x, valid = _prepare(logits, mask)
    p = torch.softmax(x, dim=1).masked_fill(~valid[:, None], 0.0)
    own = mask[:, None] == torch.arange(x.shape[1], device=mask.device)[:, None, None]
    wrong = torch.where(own, 1.0 - p, p)
    return torch.where(own, p, 0.0).sum(dim=(2, 3)), wrong.sum(dim=(2, 3)), own.sum(dim=(2, 3))


def _mean_over_present(numerator: Tensor, denominator: Tensor, pixels: Tensor) -> ImageLoss:
    """Mean of the quotients over the classes with a pixel, times the image's valid pixels; all arguments (B, C)."""
    present = pixels > 0
    # at least the number of pixels where the class is present; elsewhere it may be 0 and is not used
    each = torch.where(present, numerator / torch.where(present, denominator, 1.0), 0.0)
    weight = pixels.sum(dim=1).to(each)
    return ImageLoss(weight * each.sum(dim=1) / present.sum(dim=1).clamp_min(1), weight)


def _prepare(logits: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The logits in float32 or wider, 0 where void; and (B, H, W) what is valid."""
    assert logits.ndim == 4
    assert mask.shape == (logits.shape[0], *logits.shape[2:])
    valid = mask != VOID
    wide = logits if logits.dtype == torch.float64 else logits.float()
    # Filled before anything is computed: the gradient is then 0 even where a void pixel's logit is not finite.
    return wide.masked_fill(~valid[:, None], 0.0), valid


def _at(weights: Tensor, mask: Tensor, valid: Tensor) -> Tensor:
    """(B, H, W) the weight of each pixel's class; 0 where void."""
    return weights[mask.long().masked_fill(~valid, 0)].masked_fill(~valid, 0.0)
