"""Occlusion (Zeiler and Fergus 2014, arXiv 1311.2901, section 4.2): how far the score falls where the image is covered.

Letters: K things that are explained, H x W pixels, N places of the patch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from saccade.errors import ConfigError


class Patch(NamedTuple):
    """A square that slides over the image."""

    side: int  # pixels
    stride: int  # pixels from one place to the next, at most ``side``: every pixel is covered

    def places(self, height: int, width: int) -> list[tuple[int, int]]:
        """(y, x) of the first pixel at each place, row by row; the last ones end where the image does."""
        rows, columns = ([*range(0, length - self.side, self.stride), length - self.side] for length in (height, width))
        return [(y, x) for y in rows for x in columns]


def patch_for(height: int, width: int, *, side: int | None, stride: int | None) -> Patch:
    """The patch for an image of this size; None leaves a number to the size: a sixth of its shorter side, and a third.

    Raises:
        ConfigError: it does not fit into the image, or slides farther than it covers.
    """
    side = max(1, min(height, width) // 6) if side is None else side
    stride = max(1, side // 3) if stride is None else stride
    if side > min(height, width):
        raise ConfigError(
            f"--patch or explain.patch: is {side}, and the network sees an image of {width}x{height} pixels; set it "
            f"to {min(height, width)} or less"
        )
    if stride > side:
        raise ConfigError(
            f"--stride or explain.stride: is {stride}, and a patch of {side} pixels would leave pixels between its "
            f"places; set it to {side} or less"
        )
    return Patch(side, stride)


@torch.no_grad()
def occlusion(
    score: Callable[[Tensor], Tensor],
    image: Tensor,
    patch: Patch,
    *,
    fill: Tensor,
    batch: int = 32,
    progress: Callable[[int], object] = lambda done: None,
) -> Tensor:
    """At each pixel the mean, over the places that cover it, of the score without the patch minus with it.

    Args:
        score: (B, 3, H, W) images to (B, K).
        image: (1, 3, H, W).
        patch: what covers it.
        fill: (3,) its colour, normalised like the image.
        batch: covered images that go through the network at once.
        progress: told how many more images were asked for.

    Returns:
        (K, H, W) on the CPU: the many are added up in float64, which Apple's GPUs do not have.
    """
    height, width = image.shape[2:]
    places = patch.places(height, width)
    whole = score(_copies(image, 1))  # (1, K)
    total = torch.zeros(whole.shape[1], height, width, dtype=torch.float64)
    times = torch.zeros(height, width, dtype=torch.float64)
    for first in range(0, len(places), batch):
        some = places[first : first + batch]
        covered = _copies(image, len(some))
        windows = [(..., slice(y, y + patch.side), slice(x, x + patch.side)) for y, x in some]
        for one, window in zip(covered, windows, strict=True):
            one[window] = fill[:, None, None]
        falls = (whole - score(covered)).cpu().double()  # (B, K)
        for fall, window in zip(falls, windows, strict=True):
            total[window] += fall[:, None, None]
            times[window] += 1
        progress(len(some))
    return (total / times).float()


def _copies(image: Tensor, number: int) -> Tensor:
    """(1, 3, H, W) to (number, 3, H, W), laid out in memory as networks are, which would else copy it once more."""
    return image.expand(number, -1, -1, -1).clone(memory_format=torch.channels_last)
