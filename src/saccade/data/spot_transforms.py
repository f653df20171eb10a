"""From an image and its words to what a text spotter learns from: what moves the pixels moves the corners.

A point (x, y) lies in a plane of pixels: that at column j covers j to j + 1. Random transforms draw from torch's global
generator only, which the data set seeds for each sample.

Letters: K words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from saccade.data.words import UNREAD, ImageWords
from saccade.overlap import covered

PLACES = 100
"""Of a random cut, before one that cuts words is taken."""
OUTSIDE, INSIDE = 0.01, 0.99
"""A word with a share of its area between these within a cut is cut by it (FOTS, section 3.5)."""


class Seen(NamedTuple):
    """An image and its words as the network gets them."""

    pixels: Tensor  # (3, h, w) float32, normalised
    words: ImageWords  # in pixels of that
    scale: tuple[float, float]  # pixels of it for one of the file, in x and y; of a turned image its mean


@dataclass(frozen=True)
class SpotAugmentation:
    """Random changes of a training image, in the order of FOTS (arXiv 1801.01671, section 3.5)."""

    longer_side: tuple[int, int] | None = None
    """Range of what the longer side is resized to; None resizes as in scoring."""
    rotate: float = 0.0  # largest angle in degrees, either way; the canvas grows so that nothing is lost
    stretch: tuple[float, float] = (1.0, 1.0)  # range of a factor on the height alone
    jitter: float = 0.0  # as in transforms.Augmentation


class SpotScoring:
    """The whole image, its longer side resized to ``longer_side``, or as it is."""

    def __init__(self, longer_side: int | None, *, mean: Sequence[float], std: Sequence[float]) -> None:
        self.longer_side = longer_side
        self.normalize = _normalize(mean, std)

    def __call__(self, image: Image.Image, words: ImageWords) -> Seen:
        """The image and all its words."""
        resized = resize(image, self.longer_side)
        scale = (resized.width / image.width, resized.height / image.height)
        quads = (words.quads * np.array(scale)).astype(np.float32)
        return Seen(self.normalize(resized), ImageWords(quads, words.texts, words.cared), scale)

    def of_image(self, image: Image.Image) -> Tensor:
        """The image alone, as ``predict`` needs it."""
        pixels: Tensor = self.normalize(resize(image, self.longer_side))
        return pixels


class SpotTraining:
    """Resized, turned, stretched, and a square of ``side`` cut from it that cuts no word; then normalised.

    Where the image is smaller, it lies in a random place of the square; around it, and where it was turned away, is the
    mean colour. If none of ``PLACES`` random places leaves all words whole, the words that the last one cuts are no
    longer cared for.
    """

    def __init__(
        self,
        side: int,
        *,
        augmentation: SpotAugmentation,
        longer_side: int | None,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        self.side, self.augmentation, self.longer_side = side, augmentation, longer_side
        j = augmentation.jitter
        self.jitter = v2.ColorJitter(j, j, j, min(j / 4, 0.5)) if j else v2.Identity()
        self.normalize = _normalize(mean, std)
        self.fill = tuple(round(255 * channel) for channel in mean)

    def __call__(self, image: Image.Image, words: ImageWords) -> Seen:
        """One random view."""
        given = self.augmentation.longer_side
        resized = resize(image, self.longer_side if given is None else _integer(*given))
        before = np.diag([resized.width / image.width, resized.height / image.height, 1.0])
        moved, (width, height) = _turned(resized.size, _uniform(-1, 1) * self.augmentation.rotate)
        moved = np.diag([1.0, factor := _uniform(*self.augmentation.stretch), 1.0]) @ moved
        quads = _apply(moved @ before, words.quads)
        left, top = place(quads, width, height * factor, self.side)
        moved = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]]) @ moved
        cut = resized.transform(
            (self.side, self.side),
            Image.Transform.AFFINE,
            data=tuple(np.linalg.inv(moved)[:2].ravel()),
            resample=Image.Resampling.BILINEAR,
            fillcolor=self.fill,
        )
        scale = (math.hypot(*(moved @ before)[:2, 0]), math.hypot(*(moved @ before)[:2, 1]))
        inside = _within(ImageWords(_apply(moved @ before, words.quads), words.texts, words.cared), self.side)
        return Seen(self.normalize(self.jitter(cut)), inside, scale)


def resize(image: Image.Image, longer_side: int | None) -> Image.Image:
    """The image at its ``input_size``."""
    size = input_size(image.size, longer_side)
    return image if size == image.size else image.resize(size, Image.Resampling.BILINEAR)


def input_size(size: tuple[int, int], longer_side: int | None) -> tuple[int, int]:
    """Of an image of width and height ``size``: with a longer side of so many pixels, and the other in proportion."""
    if longer_side is None:
        return size
    width, height = (max(1, round(side * longer_side / max(size))) for side in size)
    return width, height


def place(quads: NDArray[np.float32], width: float, height: float, side: int) -> tuple[int, int]:
    """Left and top of a random square within an image, or around it where it is larger.

    Of ``PLACES`` random ones the first that cuts no word of (K, 4, 2), cared for or not; else the last.
    """
    rooms = np.array([width - side, height - side])
    steps = np.floor(torch.rand(PLACES, 2).numpy() * (np.floor(np.abs(rooms)) + 1))  # one more place than spare pixels
    corners = (np.sign(rooms) * steps).astype(np.int64)
    if not len(quads):
        return int(corners[0, 0]), int(corners[0, 1])
    shares = covered(quads, _squares(corners, side))
    whole = ((shares < OUTSIDE) | (shares > INSIDE)).all(axis=0)
    found = int(np.argmax(whole)) if whole.any() else PLACES - 1
    return int(corners[found, 0]), int(corners[found, 1])


def _within(words: ImageWords, side: int) -> ImageWords:
    """The words that lie in the square from (0, 0); those that it cuts are not cared for, nor those that are ``*``."""
    if not len(words):
        return words
    share = covered(words.quads, _squares(np.zeros((1, 2), dtype=np.int64), side))[:, 0]
    kept = np.flatnonzero(share >= OUTSIDE)
    cared = words.cared & (share > INSIDE) & np.array([text != UNREAD for text in words.texts])
    return ImageWords(words.quads[kept], tuple(words.texts[k] for k in kept), cared[kept])


def _squares(corners: NDArray[np.int64], side: int) -> NDArray[np.float32]:
    """(N, 2) left and top to (N, 4, 2)."""
    found: NDArray[np.int64] = corners[:, None] + side * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    return found.astype(np.float32)


def _turned(size: tuple[int, int], degrees: float) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """The turn of an image of (width, height), clockwise on screen, and the size of the canvas that holds it all."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    width, height = size
    canvas = (width * abs(cosine) + height * abs(sine), width * abs(sine) + height * abs(cosine))
    turn = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    turn[:2, 2] = np.array(canvas) / 2 - turn[:2, :2] @ np.array(size) / 2
    return turn, canvas


def _apply(moved: NDArray[np.float64], quads: NDArray[np.float32]) -> NDArray[np.float32]:
    """An affine (3, 3) to each corner of (K, 4, 2)."""
    found: NDArray[np.float64] = quads @ moved[:2, :2].T + moved[:2, 2]
    return found.astype(np.float32)


def _normalize(mean: Sequence[float], std: Sequence[float]) -> v2.Compose:
    to_float = [v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)]
    return v2.Compose([*to_float, v2.Normalize(list(mean), list(std), inplace=True)])


def _uniform(low: float, high: float) -> float:
    return float(torch.empty((), dtype=torch.float64).uniform_(low, high))


def _integer(low: int, high: int) -> int:
    return int(torch.randint(low, high + 1, ()))
