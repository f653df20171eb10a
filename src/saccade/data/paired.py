"""From an image and its mask to the tensors that a network learns from and is scored with: what moves one moves both.

Masks are never blended: of the pixels that fall together one is taken. What a change uncovers becomes the mean colour
in the image, and void in the mask. Random transforms draw from torch's global generator only, which the data set seeds
for each sample.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import InterpolationMode, functional

from saccade.data.masks import VOID
from saccade.data.transforms import Transform

PairedTransform = Callable[[Image.Image, NDArray[np.uint8]], tuple[Tensor, Tensor]]
"""(H, W) RGB image and (H, W) ids to (3, h, w) float32, normalised, and (h', w') uint8."""

_FILL: dict[type | str, Any] = {tv_tensors.Image: 0.0, tv_tensors.Mask: VOID}
"""Of what a rotation uncovers, in a normalised image and in a mask."""


@dataclass(frozen=True)
class PairedAugmentation:
    """Random changes of a training image and its mask; the defaults change nothing."""

    crop: tuple[float, float] | None = None
    """Range of the share of the area that a random crop keeps, which is then resized."""
    scale: tuple[float, float] | None = None
    """Range of a factor on the size of scoring, to which all is resized, and then cut or padded; without ``crop``."""
    flip: float = 0.0  # probability of a horizontal flip
    vertical_flip: float = 0.0
    rotate: float = 0.0  # largest angle in degrees, either way
    jitter: float = 0.0  # as in transforms.Augmentation; of the image alone

    def __post_init__(self) -> None:
        assert self.crop is None or self.scale is None


def image_transform(size: tuple[int, int] | None, *, mean: Sequence[float], std: Sequence[float]) -> Transform:
    """What scoring does to the image, and ``predict``, which has no mask: resized to ``size`` (h, w), or left alone."""
    resize = [] if size is None else [v2.Resize(size, antialias=True)]
    to_float = [v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)]
    transform: Transform = v2.Compose([*resize, *to_float, v2.Normalize(list(mean), list(std), inplace=True)])
    return transform


class ScoringTransform:
    """The image as ``image_transform`` gives it; the mask at its own size, or resized too."""

    def __init__(
        self, size: tuple[int, int] | None, *, mean: Sequence[float], std: Sequence[float], resize_mask: bool = False
    ) -> None:
        self.image = image_transform(size, mean=mean, std=std)
        self.size = size if resize_mask else None

    def __call__(self, image: Image.Image, mask: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """The tensors of one sample."""
        ids = torch.from_numpy(mask)[None]
        return self.image(image), (ids if self.size is None else _resized_mask(ids, self.size))[0]


class TrainingTransform:
    """``augmentation`` of image and mask together, both of ``size`` (h, w) afterwards; then the image is normalised.

    ``whole``: height and width of an image in scoring, of which ``size`` is cut at random; by default ``size`` itself.
    """

    def __init__(
        self,
        size: tuple[int, int],
        *,
        augmentation: PairedAugmentation,
        mean: Sequence[float],
        std: Sequence[float],
        whole: tuple[int, int] | None = None,
    ) -> None:
        a = augmentation
        self.size, self.augmentation = size, a
        self.whole = size if whole is None or a.crop is not None else whole
        steps: list[v2.Transform] = [v2.Identity()]
        if a.flip:
            steps.append(v2.RandomHorizontalFlip(a.flip))
        if a.vertical_flip:
            steps.append(v2.RandomVerticalFlip(a.vertical_flip))
        if a.jitter:
            steps.append(v2.ColorJitter(a.jitter, a.jitter, a.jitter, min(a.jitter / 4, 0.5)))
        self.steps = v2.Compose(steps)
        self.normalize = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize(list(mean), list(std))])
        # what uncovers something comes after the normalisation: 0 is then the mean, and no jitter changes it
        self.rotate = v2.RandomRotation(a.rotate, interpolation=InterpolationMode.BILINEAR, fill=_FILL)

    def __call__(self, image: Image.Image, mask: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """The tensors of one sample."""
        pixels, ids = functional.pil_to_tensor(image), torch.from_numpy(mask)[None]
        if self.augmentation.crop is not None:
            top, left, height, width = _random_part(mask.shape, self.augmentation.crop)
            pixels, ids = (part[:, top : top + height, left : left + width] for part in (pixels, ids))
        factor = 1.0 if self.augmentation.scale is None else _uniform(*self.augmentation.scale)
        size = [max(1, round(factor * side)) for side in self.whole]
        pixels, ids = functional.resize(pixels, size, antialias=True), _resized_mask(ids, size)
        top, left = (_place(have - want) for have, want in zip(size, self.size, strict=True))
        pixels, ids = (part[:, top : top + self.size[0], left : left + self.size[1]] for part in (pixels, ids))
        pixels, ids = self.steps(tv_tensors.Image(pixels), tv_tensors.Mask(ids))
        pixels, ids = self._padded(self.normalize(pixels.as_subclass(Tensor)), ids.as_subclass(Tensor))
        if self.augmentation.rotate:
            pixels, ids = self.rotate(tv_tensors.Image(pixels), tv_tensors.Mask(ids))
        return pixels.as_subclass(Tensor), ids.as_subclass(Tensor)[0]

    def _padded(self, pixels: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Both with ``size``, in a random place of it, where they are smaller."""
        rooms = [want - have for want, have in zip(self.size, ids.shape[1:], strict=True)]
        top, left = (_place(room) for room in rooms)
        around = (left, rooms[1] - left, top, rooms[0] - top)
        return (pad(pixels, around, value=0.0), pad(ids, around, value=VOID)) if any(rooms) else (pixels, ids)


def _random_part(shape: tuple[int, ...], shares: tuple[float, float]) -> tuple[int, int, int, int]:
    """Top, left, height and width of a random part of an image of ``shape`` (H, W).

    It has the proportions of the image, but for a factor of at most 4/3 either way, so that what is learned is as
    squashed as what is scored.
    """
    share = _uniform(*shares)
    stretch = math.exp(_uniform(math.log(max(3 / 4, share)), math.log(min(4 / 3, 1 / share))))
    height = max(1, round(shape[0] * math.sqrt(share / stretch)))
    width = max(1, round(shape[1] * math.sqrt(share * stretch)))
    return _place(shape[0] - height), _place(shape[1] - width), height, width


def _place(room: int) -> int:
    """A random one of 0 to ``room``; nothing is drawn where there is no room."""
    return int(torch.randint(0, room + 1, ())) if room > 0 else 0


def _resized_mask(mask: Tensor, size: Sequence[int]) -> Tensor:
    """(1, H, W) to (1, h, w), of each new pixel the one under its centre.

    torchvision's own kernel for masks takes the upper left one instead, which moves a mask against its image.
    """
    resized: Tensor = functional.resize_image(mask, list(size), interpolation=InterpolationMode.NEAREST_EXACT)
    return resized


def _uniform(low: float, high: float) -> float:
    return float(torch.empty(()).uniform_(low, high))
