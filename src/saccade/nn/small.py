"""Small networks of our own."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class SmallCNN(nn.Module):
    """Six 3x3 convolutions (16; 32, 32; 64, 64; 128 filters), max pooling between, and a head on the map's maximum.

    Made for small images (32 to 128 pixels) and a CPU: 0.15 M parameters, and only the first convolution runs at full
    resolution. Every convolution is followed by BatchNorm and ReLU. The maximum, and not the mean, because a small
    object anywhere in the image should count in full.
    """

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
        self.head = nn.Linear(128, classes)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) images, H and W at least 8, to (B, classes) logits."""
        pooled = self.features(image).amax(dim=(2, 3))
        logits: Tensor = self.head(F.dropout(pooled, self.drop_rate, self.training))
        return logits


def _conv_norm_relu(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True))
