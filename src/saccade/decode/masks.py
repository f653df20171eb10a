"""From logits of pixels to masks, at any size.

Letters: B images, C classes, H x W pixels; h x w those of a window or of one image.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.samples import MaskPrediction

PixelNetwork = Callable[[Tensor], Tensor]
"""(B, 3, H, W) images to (B, C, H, W) logits."""

WINDOWS_AT_ONCE = 8
"""That go through the network together."""


def by_argmax(logits: Tensor) -> MaskPrediction:
    """(B, C, H, W) logits to the class with the highest at each pixel; the lowest number among equals."""
    batch, _, *size = logits.shape
    return MaskPrediction(logits.argmax(dim=1).to(torch.uint8), torch.tensor(size).expand(batch, 2))


def stacked(labels: Sequence[Tensor]) -> MaskPrediction:
    """(h, w) uint8 masks of unlike sizes as one prediction, filled up with 0 at the right and at the bottom."""
    sizes = torch.tensor([mask.shape for mask in labels], dtype=torch.int64).reshape(-1, 2)
    if not labels:
        return MaskPrediction(torch.empty(0, 0, 0, dtype=torch.uint8), sizes)
    height, width = sizes.amax(dim=0).tolist()
    filled = [F.pad(mask, (0, width - mask.shape[1], 0, height - mask.shape[0])) for mask in labels]
    return MaskPrediction(torch.stack(filled), sizes)


def at_size(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, H, W) logits as (B, C, h, w) float32: bilinear between pixel centres, before any argmax is taken."""
    logits = logits.float()
    if logits.shape[2:] == size:
        return logits
    return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)


def with_mirror_image(network: PixelNetwork) -> PixelNetwork:
    """The network that says the mean, over an image and its mirror image, of the probabilities of ``network``.

    It gives logarithms of probabilities, which are logits as good as any.
    """

    def both(image: Tensor) -> Tensor:
        mirrored = network(image.flip(3)).flip(3)
        return torch.stack([_log_probabilities(network(image)), _log_probabilities(mirrored)]).logsumexp(0) - math.log(
            2
        )

    return both


def in_windows(network: PixelNetwork, image: Tensor, window: tuple[int, int]) -> Tensor:
    """(1, C, H, W) float32: at each pixel the mean of the probabilities from all windows that show it, as logarithms.

    Args:
        network: is asked for up to ``WINDOWS_AT_ONCE`` windows together.
        image: (1, 3, H, W).
        window: height and width; neighbours overlap by half, and the last ones end where the image does. An image
            that is smaller is one window.
    """
    height, width = min(window[0], image.shape[2]), min(window[1], image.shape[3])
    corners = [(y, x) for y in _starts(image.shape[2], height) for x in _starts(image.shape[3], width)]
    total: Tensor | None = None
    seen = torch.zeros(image.shape[2:], device=image.device)
    for first in range(0, len(corners), WINDOWS_AT_ONCE):
        some = corners[first : first + WINDOWS_AT_ONCE]
        cut = torch.cat([image[:, :, y : y + height, x : x + width] for y, x in some])
        for (y, x), found in zip(some, _log_probabilities(network(cut)).exp(), strict=True):
            if total is None:
                total = torch.zeros(len(found), *image.shape[2:], device=image.device)
            total[:, y : y + height, x : x + width] += found
            seen[y : y + height, x : x + width] += 1
    assert total is not None
    return (total / seen).clamp_min(torch.finfo(torch.float32).tiny).log()[None]


def _log_probabilities(logits: Tensor) -> Tensor:
    return logits.float().log_softmax(dim=1)


def _starts(whole: int, part: int) -> Iterator[int]:
    """Where windows of ``part`` pixels begin that cover ``whole`` pixels, each half a window after the last."""
    step = max(1, part // 2)
    yield from range(0, whole - part, step)
    yield whole - part
