"""What is looked into: a trained network, and how images reach it.

Letters: B images, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from saccade.data.images import read_rgb
from saccade.data.transforms import Transform, denormalize
from saccade.errors import DataError
from saccade.explain.options import Fill
from saccade.explain.pictures import Floats, Picture
from saccade.explain.targets import Asked, Targets

_FILLS = {"grey": 0.5, "black": 0.0, "white": 1.0}


class Piece(NamedTuple):
    """Something that was found."""

    name: str  # of its files, without ending
    picture: Picture
    values: Floats
    about: dict[str, Any]  # for JSON
    attention: Floats | None = None  # where the network looked at each thing


@dataclass(frozen=True)
class Subject:
    """A trained network of a task."""

    network: nn.Module
    asked: Asked
    transform: Transform  # as in scoring
    mean: tuple[float, ...]  # of the normalisation, 3 numbers
    std: tuple[float, ...]
    classes: tuple[str, ...] = ()
    batch: int = 32  # images that go through the network at once
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def read(self, file: str) -> Tensor:
        """(1, 3, H, W) as the network sees it.

        Raises:
            DataError: the file cannot be read as an image.
        """
        return self.transform(read_rgb(Path(file)))[None].to(self.device)

    def ask(self, image: Tensor) -> Any:
        """(B, 3, H, W) images to what the network says of them."""
        return self.network(image.contiguous(memory_format=torch.channels_last))

    @torch.no_grad()
    def answer(self, image: Tensor) -> Any:
        """What the network says of (1, 3, H, W).

        Raises:
            DataError: it is no number.
        """
        said = self.ask(image)
        _require_finite(*([said] if isinstance(said, Tensor) else said))
        return said

    @torch.no_grad()
    def targets(self, image: Tensor, wanted: str | None) -> Targets:
        """What is explained of (1, 3, H, W); None: what the network says itself.

        Raises:
            ConfigError: it does not exist.
            DataError: it is not in this image, or no number.
        """
        said = self.answer(image)
        targets = self.asked(said, wanted)
        _require_finite(targets.logits(said))
        return targets

    def logits(self, targets: Targets) -> Callable[[Tensor], Tensor]:
        """(B, 3, H, W) to (B, K)."""
        return lambda image: targets.logits(self.ask(image))

    def probabilities(self, targets: Targets) -> Callable[[Tensor], Tensor]:
        """(B, 3, H, W) to (B, K)."""
        return lambda image: targets.probabilities(self.ask(image))

    def picture(self, image: Tensor) -> Picture:
        """(1, 3, H, W) normalised as (H, W, 3) uint8 RGB."""
        return as_picture(denormalize(image[0].float().cpu(), mean=self.mean, std=self.std))

    def rgb(self, image: Tensor) -> Tensor:
        """(1, 3, H, W) normalised as RGB in [0, 1]."""
        return denormalize(image, mean=self.mean, std=self.std)

    def normalised(self, rgb: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in [0, 1], normalised."""
        mean, std = (rgb.new_tensor(each)[:, None, None] for each in (self.mean, self.std))
        return (rgb - mean) / std

    def colour(self, fill: Fill | None) -> Tensor:
        """(3,) a colour, normalised; ``mean`` is the one that normalisation takes off."""
        if fill == "mean":
            return torch.zeros(3, device=self.device)
        grey = torch.full((1, 3, 1, 1), _FILLS[fill or "grey"], device=self.device)
        return self.normalised(grey)[0, :, 0, 0]


def _require_finite(*said: Any) -> None:
    """That the tensors among them hold numbers."""
    if not all(bool(each.isfinite().all()) for each in said if isinstance(each, Tensor)):
        raise DataError(
            "the network's answer is not finite (NaN or infinite): the training has diverged; another --checkpoint may "
            "be whole"
        )


def as_picture(rgb: Tensor) -> Picture:
    """(3, H, W) RGB in [0, 1] as (H, W, 3) uint8."""
    return np.ascontiguousarray(rgb.detach().float().cpu().mul(255).round().byte().permute(1, 2, 0).numpy())
