"""Residual networks for 32x32 images (He et al. 2015, arXiv 1512.03385, section 4.2).

The module names are those of github.com/akamaster/pytorch_resnet_cifar10, whose published weights load.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from saccade.nn.init import initialize
from saccade.nn.resnet import conv3x3


class PaddedBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut without weights (option A).

    Where the shape changes, the shortcut takes every second pixel and fills new channels, half of them before and half
    after the old ones, with zeros.
    """

    def __init__(self, channels: int, width: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, width, stride=stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = conv3x3(width, width)
        self.bn2 = nn.BatchNorm2d(width)
        self.stride = stride
        self.new_channels = width - channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, width, H / stride, W / stride)."""
        branch = F.relu(self.bn1(self.conv1(x)))
        branch = self.bn2(self.conv2(branch))
        return F.relu(branch + self._shortcut(x))

    def _shortcut(self, x: Tensor) -> Tensor:
        before = self.new_channels // 2
        subsampled = x[:, :, :: self.stride, :: self.stride]
        return F.pad(subsampled, (0, 0, 0, 0, before, self.new_channels - before))


class CifarResNet(nn.Module):
    """6 n + 2 layers: a convolution, three stages of n = ``blocks`` blocks with 16, 32, 64 filters, a linear head."""

    head_names: ClassVar[tuple[str, ...]] = ("linear",)
    channels: ClassVar[int] = 64

    def __init__(self, classes: int, *, blocks: int, drop_rate: float = 0.0) -> None:
        super().__init__()
        self.conv1 = conv3x3(3, 16)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(16, 16, blocks, stride=1)
        self.layer2 = _stage(16, 32, blocks, stride=2)
        self.layer3 = _stage(32, 64, blocks, stride=2)
        self.drop_rate = drop_rate
        self.linear = nn.Linear(self.channels, classes)
        initialize(self, "kaiming_normal", "in")

    def body(self) -> nn.Module:
        """All but the head: (B, 3, H, W) images to (B, 64, H / 4, W / 4)."""
        first = {"conv1": self.conv1, "bn1": self.bn1, "relu": nn.ReLU()}
        return nn.Sequential(OrderedDict(first, layer1=self.layer1, layer2=self.layer2, layer3=self.layer3))

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) images, 32x32 in the paper, to (B, classes) logits."""
        x = F.relu(self.bn1(self.conv1(image)))  # (B, 16, H, W)
        x = self.layer3(self.layer2(self.layer1(x)))  # (B, 64, H / 4, W / 4)
        logits: Tensor = self.linear(F.dropout(x.mean(dim=(2, 3)), self.drop_rate, self.training))
        return logits


def _stage(channels: int, width: int, blocks: int, *, stride: int) -> nn.Sequential:
    first = PaddedBlock(channels, width, stride=stride)
    return nn.Sequential(first, *(PaddedBlock(width, width) for _ in range(blocks - 1)))


CIFAR_RESNETS: dict[str, Callable[..., CifarResNet]] = {
    "cifar_resnet20": partial(CifarResNet, blocks=3),
    "cifar_resnet32": partial(CifarResNet, blocks=5),
    "cifar_resnet44": partial(CifarResNet, blocks=7),
    "cifar_resnet56": partial(CifarResNet, blocks=9),
}
