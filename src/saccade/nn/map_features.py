"""Features of the positions of a backbone's last map."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from saccade.nn.image_encoders import image_encoder, load_encoder


class MapFeatures(nn.Module):
    """The last map of images, position by position. Always evaluates: nothing here is trained."""

    channels: int

    def __init__(self, name: str, *, pretrained: bool = False, weights: Path | None = None) -> None:
        """The encoder ``name`` with random, published, or given ``weights``: those of the whole network; what they hold
        for the head is left out.

        Raises:
            ConfigError: no such backbone, or it gives no maps of images of any size, or has no published weights.
            CheckpointError: the weights could not be downloaded or read, or do not fit.
        """
        super().__init__()
        self.encoder, self.channels = image_encoder(name, pretrained=pretrained)
        if weights is not None:
            load_encoder(self.encoder, name, weights)
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> MapFeatures:
        """In training mode BatchNorm would change with every image, so it stays in evaluation mode."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) normalised images to (B, h * w, channels), the map row by row from the top left."""
        deepest: Tensor = self.encoder(image)
        return deepest.flatten(2).transpose(1, 2)

    @torch.no_grad()
    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the map of images of so many pixels."""
        device = next(self.parameters()).device
        rows, columns = self.encoder(torch.zeros(1, 3, height, width, device=device)).shape[2:]
        return rows, columns
