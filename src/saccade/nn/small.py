"""Small networks of our own."""

from __future__ import annotations

from torch import Tensor, nn


class SmallCNN(nn.Module):
    """Stages of two 3x3 convolutions, each halving the map by max pooling, then the mean over the map and a head.

    Made for small images (32 to 128 pixels) and a CPU. Widths double from ``width``; every convolution is followed by
    BatchNorm and ReLU.
    """

    def __init__(self, classes: int, *, width: int = 32, stages: int = 4, drop_rate: float = 0.0) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for stage in range(stages):
            out = width * 2**stage
            layers += [_conv_norm_relu(channels, out), _conv_norm_relu(out, out), nn.MaxPool2d(2)]
            channels = out
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(drop_rate)
        self.head = nn.Linear(channels, classes)

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) images to (B, classes) logits."""
        return self.head(self.dropout(self.features(image).mean(dim=(2, 3))))  # type: ignore[no-any-return]


def _conv_norm_relu(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)
    )
