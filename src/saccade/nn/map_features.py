"""Features of the positions of a backbone's last map."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from saccade.nn.encoders import MAPS, Encoder
from saccade.nn.torchvision_names import from_torchvision
from saccade.nn.weights import load_weights, read_state_dict


class MapFeatures(nn.Module):
    """timm's deepest map of images, position by position. Always evaluates: nothing here is trained."""

    channels: int

    def __init__(self, name: str, *, pretrained: bool = False, weights: Path | None = None) -> None:
        """timm's backbone ``name`` with random, published, or given ``weights``: those of the whole network, with
        timm's or torchvision's names; what they hold for the head is left out.

        Raises:
            ConfigError: no such backbone, or it gives no maps of images of any size, or has no published weights.
            CheckpointError: the weights could not be downloaded or read, or do not fit.
        """
        super().__init__()
        self.encoder = Encoder(name, pretrained=pretrained)
        if weights is not None:
            self.encoder.body.load_state_dict(body_with(name, weights).state_dict())
        self.channels = self.encoder.channels
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


def body_with(name: str, path: Path) -> nn.Module:
    """timm's network that gives maps, with the weights of a file of the whole network.

    Raises:
        CheckpointError: the file cannot be read, or does not fit.
    """
    import timm

    whole = timm.create_model(name, pretrained=False)
    load_weights(whole, from_torchvision(read_state_dict(path), whole, name), source=str(path), keep_head=False)
    # timm takes the network apart in a way of its own for each, and knows by itself which weights go where
    given = {"state_dict": whole.state_dict()}
    body: nn.Module = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=given, **MAPS)
    return body
