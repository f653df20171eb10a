"""From an image, or stored features of one, to what a captioning network says of it."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, cast

import torch
from torch import Tensor, nn

from saccade.nn.caption_base import Captioner, Memory, largest

PLACE = 2
"""Numbers of a place, which a region has beside the channels of the map."""


class Seen(NamedTuple):
    """B images before the captioner, which has not looked at them yet."""

    captioner: Captioner
    features: Tensor  # (B, R, D)
    mask: Tensor | None  # (B, R) bool, False for regions that only fill up; None: none does
    concepts: nn.Module | None = None  # from the largest of each of the D numbers to V logits

    def words(self) -> Tensor:
        """(B, V) logits of which words are true of the images, of the features alone."""
        assert self.concepts is not None
        logits: Tensor = self.concepts(largest(self.features, self.mask))
        return logits

    def memory(self) -> Memory:
        """What the captioner keeps of them."""
        return self.captioner.encode(self.features, self.mask)


class CaptionNetwork(nn.Module):
    """A captioner, and before it an encoder where it learns from images; ``concepts`` is for training alone.

    The positions of the encoder's last map, row by row, are the regions. To what the map says of each, its place x and
    y is added as two numbers (Liu et al. 2018, arXiv 1807.03247), so that left can be told from right.
    """

    head_names: ClassVar[tuple[str, ...]] = ("captioner", "concepts")

    def __init__(
        self, captioner: Captioner, encoder: nn.Module | None = None, concepts: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.captioner = captioner
        self.concepts = concepts

    def forward(self, image: Tensor, tokens: Tensor | None = None) -> Seen | Tensor:
        """(B, 3, H, W) images, or (B, R, D) features if there is no encoder, to what is seen.

        With (B, L) int64 ``tokens``, which are known words, to (B, L, V) logits of the word after each.
        """
        seen = self._seen(image)
        if tokens is None:
            return seen
        memory = seen.memory()
        logits, _ = self.captioner(tokens, memory, self.captioner.start(memory))
        return cast(Tensor, logits)

    def _seen(self, image: Tensor) -> Seen:
        if self.encoder is not None:
            regions = with_places(self.encoder(image)).flatten(2).transpose(1, 2)
            return Seen(self.captioner, regions, None, self.concepts)
        there = (image != 0).any(dim=2)  # rows of zeros fill up images with fewer regions
        if image.is_meta or bool(there.all()):  # without values no region is known to be missing
            return Seen(self.captioner, image, None)
        there[:, 0] = True  # nothing but zeros is taken as it is: a region to look at there must be
        return Seen(self.captioner, image, there)


def with_places(maps: Tensor) -> Tensor:
    """(B, C, H, W) to (B, C + 2, H, W): x and y of each position, from -1 to 1, behind its C numbers."""
    height, width = maps.shape[2:]
    y, x = (torch.linspace(-1, 1, n, dtype=maps.dtype, device=maps.device) for n in (height, width))
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"))
    return torch.cat([maps, places.expand(len(maps), -1, -1, -1)], dim=1)


@torch.no_grad()
def map_side(encoder: nn.Module, image_size: int) -> int:
    """Positions along a side of the map of a square image of so many pixels; networks round in ways of their own."""
    training = encoder.training
    encoder.eval()
    side: int = encoder(torch.zeros(1, 3, image_size, image_size)).shape[2]
    encoder.train(training)
    return side
