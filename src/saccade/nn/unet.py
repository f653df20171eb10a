"""The U-Net (Ronneberger et al. 2015, arXiv 1505.04597)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from saccade.nn.init import initialize


class UNet(nn.Module):
    """Figure 1 of the paper, with padded convolutions, so that the answer has the size of the image.

    On each level two 3x3 convolutions with ReLU; 2x2 max pooling and twice the channels on the way down; 2x2 transposed
    convolutions with half the channels on the way up, beside which the map of the way down is laid. Weights are drawn
    from a normal distribution of variance 2 / inputs (He et al. 2015), biases are 0.

    The paper has no norm, which came into use after it; without one a network of this depth learns slowly, so that
    BatchNorm before each ReLU is the default here, and its convolutions have no biases. Dropout at the deepest level,
    which the paper mentions without numbers, is left out.
    """

    head_names: ClassVar[tuple[str, ...]] = ("classifier",)

    def __init__(self, classes: int, *, depth: int = 4, width: int = 64, norm: bool = True) -> None:
        """A network for ``classes`` classes.

        Args:
            classes: C.
            depth: how often the map is halved.
            width: channels of the first level; the level ``i`` further down has ``width * 2**i``.
            norm: BatchNorm; False for the paper's.
        """
        super().__init__()
        self.stride = 2**depth
        widths = [width << level for level in range(depth + 1)]
        self.down = nn.ModuleList(_twice(given, wide, norm) for given, wide in zip([3, *widths], widths, strict=False))
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * wide, wide, 2, stride=2) for wide in widths[-2::-1])
        self.merge = nn.ModuleList(_twice(2 * wide, wide, norm) for wide in widths[-2::-1])
        self.classifier = nn.Conv2d(width, classes, 1)
        initialize(self, "kaiming_normal")

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) images, H and W multiples of ``stride``, to (B, classes, H, W) logits."""
        x, beside = image, []
        for level, down in enumerate(self.down):
            x = down(self.pool(x) if level else x)
            beside.append(x)
        beside.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(torch.cat([beside.pop(), up(x)], dim=1))
        logits: Tensor = self.classifier(x)
        return logits


def _twice(channels: int, out: int, norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for given in (channels, out):
        layers.append(nn.Conv2d(given, out, 3, padding=1, bias=not norm))
        layers += [nn.BatchNorm2d(out)] if norm else []
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)
