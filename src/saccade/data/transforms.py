"""From a PIL image to the tensor that a network takes, with torchvision's v2 transforms.

Random transforms draw from torch's global generator only, which the data set seeds for each sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

Transform = Callable[[Image.Image], Tensor]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Augmentation:
    """Random changes of a training image; the defaults change nothing."""

    crop: tuple[float, float] | None = None  # range of the share of the area that a random resized crop keeps
    flip: float = 0.0  # probability of a horizontal flip
    vertical_flip: float = 0.0
    pad: int = 0  # pixels of black around the resized image, of which a random square of its size is cut
    jitter: float = 0.0  # strength of random brightness, contrast, saturation; hue takes a quarter of it
    randaugment: int = 0  # number of operations
    randaugment_magnitude: int = 9  # 0 to 30


def evaluation_geometry(size: int, *, resize: str, crop_share: float) -> list[v2.Transform]:
    """Resize without chance: ``crop`` keeps the centre, ``squash`` keeps everything and not its proportions."""
    if resize == "squash":
        return [v2.Resize((size, size), antialias=True)]
    return [v2.Resize(round(size / crop_share), antialias=True), v2.CenterCrop(size)]


def evaluation_transform(
    size: int, *, resize: str, crop_share: float, mean: Sequence[float], std: Sequence[float]
) -> Transform:
    """The transform of evaluation and prediction: an RGB image to a (3, size, size) float32 tensor."""
    geometry = evaluation_geometry(size, resize=resize, crop_share=crop_share)
    transform: Transform = v2.Compose([*geometry, *_to_tensor(mean, std)])
    return transform


def training_transform(
    size: int,
    *,
    augmentation: Augmentation,
    resize: str,
    crop_share: float,
    mean: Sequence[float],
    std: Sequence[float],
) -> Transform:
    """The transform of training: ``augmentation`` before the same normalisation; the same shape comes out."""
    a = augmentation
    steps: list[v2.Transform] = []
    if a.crop is not None:
        steps.append(v2.RandomResizedCrop(size, scale=a.crop, antialias=True))
    else:
        steps.extend(evaluation_geometry(size, resize=resize, crop_share=crop_share))
        if a.pad:
            steps.append(v2.RandomCrop(size, padding=a.pad))
    if a.flip:
        steps.append(v2.RandomHorizontalFlip(a.flip))
    if a.vertical_flip:
        steps.append(v2.RandomVerticalFlip(a.vertical_flip))
    if a.randaugment:
        steps.append(v2.RandAugment(a.randaugment, a.randaugment_magnitude))
    if a.jitter:
        steps.append(v2.ColorJitter(a.jitter, a.jitter, a.jitter, min(a.jitter / 4, 0.5)))
    transform: Transform = v2.Compose([*steps, *_to_tensor(mean, std)])
    return transform


def denormalize(image: Tensor, *, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Undo the normalisation of (..., 3, H, W): RGB values in [0, 1]."""
    shape = (3, 1, 1)
    scale = torch.tensor(std, device=image.device).view(shape)
    shift = torch.tensor(mean, device=image.device).view(shape)
    return (image * scale + shift).clamp(0.0, 1.0)


def _to_tensor(mean: Sequence[float], std: Sequence[float]) -> list[v2.Transform]:
    return [
        v2.PILToTensor(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(list(mean), list(std), inplace=True),
    ]
