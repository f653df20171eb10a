"""Networks whose answers can be worked out by hand."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from saccade.explain.subject import Subject
from saccade.explain.targets import of_classes

CLASSES = ("cat", "dog", "owl")


class WithoutDoubles(Tensor):
    """As on a device that has no float64, such as Apple's GPUs; ``cpu`` leads away from it."""

    @classmethod
    def __torch_function__(
        cls, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = super().__torch_function__(function, types, args, kwargs)
        if isinstance(found, cls) and found.dtype == torch.float64:
            raise TypeError("there is no float64 on this device")
        return found.as_subclass(Tensor) if function is Tensor.cpu else found


class Linear(nn.Module):
    """A weighted sum of all values of the image for each class: (B, 3, H, W) to (B, C)."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)  # (C, 3, H, W)

    def forward(self, image: Tensor) -> Tensor:
        return torch.einsum("bchw,kchw->bk", image, self.weights)


class Pooled(nn.Module):
    """A convolution, a ReLU that writes over its output, the mean over all places, a linear layer."""

    def __init__(self, channels: int = 2, classes: int = 3, *, norm: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 1)
        self.norm = nn.BatchNorm2d(channels) if norm else nn.Identity()
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Linear(channels, classes)

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.head(self.relu(self.norm(self.conv(image))).mean(dim=(2, 3)))
        return logits


class OneColour(nn.Module):
    """How much of an image has one colour, as two logits: of that there is none, and that there is.

    |x - rgb| is taken apart into relu(x - rgb) and relu(rgb - x); 1 - 4 times their sum is above 0 near the colour.
    """

    def __init__(self, rgb: tuple[float, float, float]) -> None:
        super().__init__()
        self.apart = nn.Conv2d(3, 6, 1)
        self.near = nn.Conv2d(6, 1, 1)
        with torch.no_grad():
            self.apart.weight[:, :, 0, 0] = torch.cat([torch.eye(3), -torch.eye(3)])
            self.apart.bias[:] = torch.tensor([*(-value for value in rgb), *rgb])
            self.near.weight.fill_(-4.0)
            self.near.bias.fill_(1.0)

    def forward(self, image: Tensor) -> Tensor:
        found = torch.relu(self.near(torch.relu(self.apart(image)))).mean(dim=(1, 2, 3))
        return torch.stack([torch.zeros_like(found), 20 * found], dim=1)


def classifier(
    network: nn.Module,
    *,
    mean: tuple[float, ...] = (0.0, 0.0, 0.0),
    std: tuple[float, ...] = (1.0, 1.0, 1.0),
) -> Subject:
    """What is asked of a network of ``CLASSES`` by a softmax, for 8 x 8 pixels, not normalised unless said so."""
    from functools import partial

    from torchvision.transforms.v2 import functional

    def transform(image: object) -> Tensor:
        pixels: Tensor = functional.pil_to_tensor(image).float() / 255
        small = functional.resize(pixels, [8, 8], antialias=True)
        normalised: Tensor = functional.normalize(small, list(mean), list(std))
        return normalised

    asked = partial(of_classes, classes=CLASSES, exclusive=True)
    return Subject(network, asked, transform, mean, std, classes=CLASSES)
