"""Residual networks for ImageNet (He et al. 2015, arXiv 1512.03385), to be read beside Table 1 of the paper.

Modules have torchvision's names, so that the weights of its networks, and of timm's, load: ``layer1`` to ``layer4`` are
the paper's conv2_x to conv5_x, and ``fc`` is the last row of the table. In the shapes, B counts images, C channels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Literal

import torch.nn.functional as F
from torch import Tensor, nn

Norm = Literal["batch", "group"]

GROUPS = 32
"""Groups of GroupNorm (Wu and He 2018, arXiv 1803.08494); every number of channels here is a multiple."""


def conv3x3(channels: int, out: int, *, stride: int = 1, dilation: int = 1) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size of the map, divided by ``stride``."""
    return nn.Conv2d(channels, out, 3, stride=stride, padding=dilation, dilation=dilation, bias=False)


def conv1x1(channels: int, out: int, *, stride: int = 1) -> nn.Conv2d:
    """A 1x1 convolution: one linear map of the channels for all positions."""
    return nn.Conv2d(channels, out, 1, stride=stride, bias=False)


def norm_layer(norm: Norm, channels: int) -> nn.BatchNorm2d | nn.GroupNorm:
    """BatchNorm, or GroupNorm, which does not depend on the other images of the batch."""
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.GroupNorm(GROUPS, channels)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut: the building block below 50 layers (Figure 5, left)."""

    expansion: ClassVar[int] = 1

    def __init__(
        self, channels: int, width: int, *, stride: int = 1, dilations: tuple[int, int] = (1, 1), norm: Norm = "batch"
    ) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, width, stride=stride, dilation=dilations[0])
        self.bn1 = norm_layer(norm, width)
        self.conv2 = conv3x3(width, width, dilation=dilations[1])
        self.bn2 = norm_layer(norm, width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _projection(channels, width, stride, norm)

    @property
    def last_norm(self) -> nn.BatchNorm2d | nn.GroupNorm:
        """The norm at the end of the branch."""
        return self.bn2

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, width, H / stride, W / stride)."""
        branch = self.relu(self.bn1(self.conv1(x)))
        branch = self.bn2(self.conv2(branch))
        out: Tensor = self.relu(branch + (x if self.downsample is None else self.downsample(x)))
        return out


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut: the building block from 50 layers on (Figure 5, right).

    The stride is on the 3x3, as in torchvision; the paper has it on the first 1x1, which skips three inputs of four.
    """

    expansion: ClassVar[int] = 4

    def __init__(
        self, channels: int, width: int, *, stride: int = 1, dilations: tuple[int, int] = (1, 1), norm: Norm = "batch"
    ) -> None:
        super().__init__()
        out = width * self.expansion
        self.conv1 = conv1x1(channels, width)
        self.bn1 = norm_layer(norm, width)
        self.conv2 = conv3x3(width, width, stride=stride, dilation=dilations[0])
        self.bn2 = norm_layer(norm, width)
        self.conv3 = conv1x1(width, out)
        self.bn3 = norm_layer(norm, out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _projection(channels, out, stride, norm)

    @property
    def last_norm(self) -> nn.BatchNorm2d | nn.GroupNorm:
        """The norm at the end of the branch."""
        return self.bn3

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, 4 width, H / stride, W / stride)."""
        branch = self.relu(self.bn1(self.conv1(x)))
        branch = self.relu(self.bn2(self.conv2(branch)))
        branch = self.bn3(self.conv3(branch))
        out: Tensor = self.relu(branch + (x if self.downsample is None else self.downsample(x)))
        return out


def _projection(channels: int, out: int, stride: int, norm: Norm) -> nn.Sequential | None:
    """The shortcut where the shape changes (option B of the paper); None where the input itself is added."""
    if stride == 1 and channels == out:
        return None
    return nn.Sequential(conv1x1(channels, out, stride=stride), norm_layer(norm, out))


class ResNet(nn.Module):
    """A column of Table 1: a 7x7 convolution, four stages of blocks, the mean over the map, a linear head.

    Args:
        classes: outputs of the head.
        block: which of the two building blocks.
        depths: blocks in each stage.
        drop_rate: dropout before the head.
        norm: BatchNorm or GroupNorm.
        zero_init_last: every block begins as its shortcut alone: the last norm of each branch starts at 0
            (Goyal et al. 2017, arXiv 1706.02677).
        dilate: for ``layer2`` to ``layer4``, whether its stride of 2 is taken out and the convolutions after it are
            spread instead, for a finer map of the same field of view.
    """

    head_names: ClassVar[tuple[str, ...]] = ("fc",)

    def __init__(
        self,
        classes: int,
        *,
        block: type[BasicBlock] | type[Bottleneck],
        depths: tuple[int, int, int, int],
        drop_rate: float = 0.0,
        norm: Norm = "batch",
        zero_init_last: bool = False,
        dilate: tuple[bool, bool, bool] = (False, False, False),
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = norm_layer(norm, 64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        stages, channels, dilation = [], 64, 1
        for width, blocks, stride, spread in zip(WIDTHS, depths, (1, 2, 2, 2), (False, *dilate), strict=True):
            before, dilation = dilation, dilation * stride if spread else dilation
            kept = 1 if spread else stride
            shape = {"channels": channels, "width": width, "blocks": blocks, "stride": kept}
            stages.append(_make_layer(block, **shape, dilations=(before, dilation), norm=norm))
            channels = width * block.expansion
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.drop_rate = drop_rate
        self.fc = nn.Linear(channels, classes)
        self._initialize(zero_init_last)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) images to (B, classes) logits."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(image))))  # (B, 64, H / 4, W / 4)
        x = self.layer1(x)
        x = self.layer2(x)  # (B, C, H / 8, W / 8), and half of that in each further stage that is not dilated
        x = self.layer3(x)
        x = self.layer4(x)
        pooled = x.mean(dim=(2, 3))
        logits: Tensor = self.fc(F.dropout(pooled, self.drop_rate, self.training))
        return logits

    def _initialize(self, zero_init_last: bool) -> None:
        """Kaiming normal by fan out for convolutions; norms (1 and 0) and head (uniform) are as torch makes them."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            elif zero_init_last and isinstance(module, BasicBlock | Bottleneck):
                nn.init.zeros_(module.last_norm.weight)


WIDTHS = (64, 128, 256, 512)
"""Filters of the 3x3 convolutions of each stage."""


def _make_layer(
    block: type[BasicBlock] | type[Bottleneck],
    *,
    channels: int,
    width: int,
    blocks: int,
    stride: int,
    dilations: tuple[int, int],
    norm: Norm,
) -> nn.Sequential:
    """A stage: its first block takes the stride and the new number of channels, the others keep the shape.

    ``dilations``: before and after the place of the stride.
    """
    first = block(channels, width, stride=stride, dilations=dilations, norm=norm)
    after = (dilations[1], dilations[1])
    rest = [block(width * block.expansion, width, dilations=after, norm=norm) for _ in range(blocks - 1)]
    return nn.Sequential(first, *rest)


RESNETS: dict[str, Callable[..., ResNet]] = {
    "resnet18": partial(ResNet, block=BasicBlock, depths=(2, 2, 2, 2)),
    "resnet34": partial(ResNet, block=BasicBlock, depths=(3, 4, 6, 3)),
    "resnet50": partial(ResNet, block=Bottleneck, depths=(3, 4, 6, 3)),
    "resnet101": partial(ResNet, block=Bottleneck, depths=(3, 4, 23, 3)),
    "resnet152": partial(ResNet, block=Bottleneck, depths=(3, 8, 36, 3)),
}
"""The columns of Table 1. With the first convolution and the head, a stage of n blocks counts 2 n or 3 n layers."""
