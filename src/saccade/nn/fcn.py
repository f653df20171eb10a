"""Fully convolutional networks: an encoder that halves the map, and a decoder of transposed convolutions."""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Tensor, nn

from saccade.nn.encoders import Encoder
from saccade.nn.init import initialize

WIDTHS = (32, 64, 128, 256, 512)
"""Channels of the basic encoder's maps, from 1/2 to 1/32 of the image."""


class FCNDecoder(nn.Sequential):
    """3x3 transposed convolutions of stride 2 with 512, 256, 128, ... filters, each ReLU then BatchNorm.

    As many as the encoder halved the map. ``out`` is the number of channels of the last one.
    """

    def __init__(self, channels: int, stages: int) -> None:
        widths = [512 >> stage for stage in range(stages)]
        super().__init__(
            *(
                nn.Sequential(
                    nn.ConvTranspose2d(given, width, 3, stride=2, padding=1, output_padding=1),
                    nn.ReLU(inplace=True),
                    nn.BatchNorm2d(width),
                )
                for given, width in zip([channels, *widths], widths, strict=False)
            )
        )
        self.out = [channels, *widths][-1]


class FCNBasic(nn.Module):
    """Five 3x3 convolutions of stride 2 (32, 64, 128, 256, 512), and five transposed ones back (512 to 32).

    ReLU and then BatchNorm follow each, and a 1x1 convolution gives the logits. Nothing connects the two halves: what
    is smaller than the 32 pixels of a position of the deepest map has to go through its 512 numbers. Xavier
    initialisation (Glorot and Bengio 2010), uniform.
    """

    stride: ClassVar[int] = 2 ** len(WIDTHS)
    head_names: ClassVar[tuple[str, ...]] = ("classifier",)

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(given, width, 3, stride=2, padding=1), nn.ReLU(inplace=True), nn.BatchNorm2d(width)
                )
                for given, width in zip((3, *WIDTHS), WIDTHS, strict=False)
            )
        )
        self.decoder = FCNDecoder(WIDTHS[-1], len(WIDTHS))
        self.classifier = nn.Conv2d(self.decoder.out, classes, 1)
        initialize(self, "xavier_uniform")

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) images, H and W multiples of 32, to (B, classes, H, W) logits."""
        logits: Tensor = self.classifier(self.decoder(self.encoder(image)))
        return logits


class FCNOnBackbone(nn.Module):
    """The decoder of ``FCNBasic`` behind any backbone of timm, on its deepest map.

    The decoder has as many stages as that map was halved, usually five. The encoder starts as timm makes it, or from
    published weights; decoder and classifier, which are the head, from Xavier initialisation.
    """

    head_names: ClassVar[tuple[str, ...]] = ("decoder", "classifier")

    def __init__(self, encoder: str, classes: int, *, pretrained: bool = False) -> None:
        """On timm's backbone of that name.

        Raises:
            ConfigError: no such backbone, or it gives no maps of images of any size, or has no published weights.
            CheckpointError: its published weights could not be downloaded.
        """
        super().__init__()
        self.encoder = Encoder(encoder, pretrained=pretrained)
        self.stride = self.encoder.stride
        self.decoder = FCNDecoder(self.encoder.channels, round(math.log2(self.stride)))
        self.classifier = nn.Conv2d(self.decoder.out, classes, 1)
        initialize(self.decoder, "xavier_uniform")
        initialize(self.classifier, "xavier_uniform")

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) images, H and W multiples of ``stride``, to (B, classes, H, W) logits."""
        logits: Tensor = self.classifier(self.decoder(self.encoder(image)))
        return logits
