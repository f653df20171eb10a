"""Blending the images of a batch with each other: mixup and CutMix.

The targets are not blended: the loss is taken for both targets of each image, and averaged with the same weights, which
is the same thing for a cross-entropy and works for every other loss.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Mixed(NamedTuple):
    """A blended batch."""

    image: Tensor  # (B, 3, H, W)
    partner: Tensor  # (B,) int64, the position in the batch of the image that was blended in
    share: float  # of the image itself, in [0, 1]; the partner has the rest


def mix(image: Tensor, *, mixup: float, cutmix: float) -> Mixed:
    """Blend each image of (B, 3, H, W) with another of the batch, by mixup or CutMix, drawn from torch's CPU generator.

    ``mixup`` (Zhang et al. 2018, arXiv 1710.09412, eq. 1) and ``cutmix`` (Yun et al. 2019, arXiv 1905.04899, eq. 1 and
    2) are the alphas of the Beta distribution from which the share is drawn, at least one of them above 0. With both,
    each batch gets one of them by the toss of a coin.
    """
    partner = torch.randperm(len(image))
    cuts = cutmix > 0 and (mixup == 0 or bool(torch.rand(()) < 0.5))
    alpha = cutmix if cuts else mixup
    share = float(torch.distributions.Beta(alpha, alpha).sample())
    other = image[partner.to(image.device)]
    if not cuts:
        return Mixed(image * share + other * (1 - share), partner, share)
    top, bottom, left, right = _rectangle(image.shape[2], image.shape[3], 1 - share)
    mixed = image.clone()
    mixed[:, :, top:bottom, left:right] = other[:, :, top:bottom, left:right]
    area = (bottom - top) * (right - left) / (image.shape[2] * image.shape[3])
    return Mixed(mixed, partner, 1 - area)


def _rectangle(height: int, width: int, share: float) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of a rectangle around a random point, of a share of the area before it is cut off."""
    half_height, half_width = round(height * share**0.5 / 2), round(width * share**0.5 / 2)
    y, x = int(torch.randint(height, ())), int(torch.randint(width, ()))
    return (
        max(y - half_height, 0),
        min(y + half_height, height),
        max(x - half_width, 0),
        min(x + half_width, width),
    )
