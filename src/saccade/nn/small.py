"""Small networks of our own."""

from __future__ import annotations

import math
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn


class SmallCNN(nn.Module):
    """Six 3x3 convolutions (16; 32, 32; 64, 64; 128 filters), max pooling between, and a head on the map's maximum.

    Made for small images (32 to 128 pixels) and a CPU: 0.15 M parameters, and only the first convolution runs at full
    resolution. Every convolution is followed by BatchNorm and ReLU. The maximum, and not the mean, because a small
    object anywhere in the image should count in full.
    """

    head_names: ClassVar[tuple[str, ...]] = ("head",)
    channels: ClassVar[int] = 128

    def __init__(self, classes: int, *, drop_rate: float = 0.0) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _conv_norm_relu(3, 16),
            nn.MaxPool2d(2),
            _conv_norm_relu(16, 32),
            _conv_norm_relu(32, 32),
            nn.MaxPool2d(2),
            _conv_norm_relu(32, 64),
            _conv_norm_relu(64, 64),
            nn.MaxPool2d(2),
            _conv_norm_relu(64, 128),
        )
        self.drop_rate = drop_rate
        self.head = nn.Linear(self.channels, classes)

    def body(self) -> nn.Module:
        """All but the head: (B, 3, H, W) images to (B, 128, H // 8, W // 8)."""
        return self.features

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) images, H and W at least 8, to (B, classes) logits."""
        pooled = self.features(image).amax(dim=(2, 3))
        logits: Tensor = self.head(F.dropout(pooled, self.drop_rate, self.training))
        return logits


class FiveLayerCNN(nn.Module):
    """Four 5x5 convolutions of stride 2 (16, 32, 64, 128 filters) and two linear layers, for 32x32 images.

    ReLU follows every layer but the last. The map is 16x16, 8x8, 4x4 and 2x2 after the convolutions; the first linear
    layer has 64 outputs. Weights are drawn from a normal distribution of mean 0 and, for convolutions, variance
    2 / (5 * 5 * input channels) (He et al. 2015, arXiv 1502.01852), for the linear layers 1 / 256 and 1 / 32. Biases
    start at 0.
    """

    head_names: ClassVar[tuple[str, ...]] = ("linear2",)
    image_size: ClassVar[int] = 32

    def __init__(self, classes: int, *, drop_rate: float = 0.0) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 5, stride=2, padding=2)
        self.conv2 = nn.Conv2d(16, 32, 5, stride=2, padding=2)
        self.conv3 = nn.Conv2d(32, 64, 5, stride=2, padding=2)
        self.conv4 = nn.Conv2d(64, 128, 5, stride=2, padding=2)
        self.linear1 = nn.Linear(128 * 2 * 2, 64)
        self.drop_rate = drop_rate
        self.linear2 = nn.Linear(64, classes)
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            _draw_normal(conv, variance=2 / (5 * 5 * conv.in_channels))
        _draw_normal(self.linear1, variance=1 / 256)
        _draw_normal(self.linear2, variance=1 / 32)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, 32, 32) images to (B, classes) logits."""
        x = F.relu(self.conv1(image))  # (B, 16, 16, 16)
        x = F.relu(self.conv2(x))  # (B, 32, 8, 8)
        x = F.relu(self.conv3(x))  # (B, 64, 4, 4)
        x = F.relu(self.conv4(x))  # (B, 128, 2, 2)
        x = F.relu(self.linear1(x.flatten(1)))  # (B, 64)
        logits: Tensor = self.linear2(F.dropout(x, self.drop_rate, self.training))
        return logits


def _draw_normal(layer: nn.Conv2d | nn.Linear, *, variance: float) -> None:
    nn.init.normal_(layer.weight, 0.0, math.sqrt(variance))
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)


def _conv_norm_relu(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True))
