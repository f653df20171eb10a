"""Images of any size for networks that halve the map so many times that only some sizes come out even."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Padded(nn.Module):
    """A network for any H and W: the image is padded on the right and at the bottom, and the answer cropped back.

    What is added repeats the border pixels. Zeros would draw a sharp edge, which the network sees; a reflection looks
    most natural but cannot be wider than the image itself, and so not bring a single pixel to 32; repeated pixels draw
    no edge and work for every size. Where nothing has to be added, the answer is the network's own, to the bit.

    ``head_names`` are those of the network in it, with ``inner.`` before them.
    """

    def __init__(self, inner: nn.Module, multiple: int, *, at_least: int = 1) -> None:
        """Around ``inner``, which takes images whose sides are multiples of ``multiple`` pixels.

        Args:
            inner: (B, 3, H, W) images to (B, C, H, W) logits; with answers on the way, it has a method ``both``.
            multiple: in pixels, such as the stride of its deepest map.
            at_least: the smallest side that it takes, in pixels.
        """
        super().__init__()
        self.inner = inner
        self.multiple = multiple
        self.at_least = at_least
        self.head_names = tuple(f"inner.{name}" for name in getattr(inner, "head_names", ()))

    def forward(self, image: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(B, 3, H, W) images, H and W at least 1, to (B, C, H, W) logits; in training mode ``all_logits``, if more."""
        if self.training and hasattr(self.inner, "both"):
            return self.all_logits(image)
        logits: Tensor = self.inner(self._padded(image))
        return logits[..., : image.shape[2], : image.shape[3]]

    def all_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """The logits that ``forward`` gives, and those that the network has on the way, each (B, C, H, W).

        All of them are to be learned from; a network without any on the way gives one.
        """
        if not hasattr(self.inner, "both"):
            return (self(image),)
        found: tuple[Tensor, ...] = self.inner.both(self._padded(image))  # type: ignore[operator]  # a method of it
        return tuple(logits[..., : image.shape[2], : image.shape[3]] for logits in found)

    def _padded(self, image: Tensor) -> Tensor:
        below, right = (self._missing(side) for side in image.shape[2:])
        return F.pad(image, (0, right, 0, below), mode="replicate") if below or right else image

    def _missing(self, side: int) -> int:
        """Pixels up to the next multiple that the network takes."""
        return -max(side, self.at_least) % self.multiple + max(side, self.at_least) - side
