"""The contract between rooms: what one sample, one batch, and one prediction of each task hold.

Letters: B images a batch, C classes, H height, W width. Images are RGB. Every field says shape, dtype and range.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

Split: TypeAlias = Literal["train", "holdout", "val", "test"]
"""train: what is learned from; holdout: cut from it to choose the epoch; val, test: scored."""


@dataclass(frozen=True, slots=True)
class SampleKey:
    """What a sampler asks a data set for; together with the seed it fixes every random choice of the sample."""

    epoch: int
    index: int
    draw: int = 0  # how often the image was drawn before in this epoch


@dataclass(frozen=True)
class SeenWords:
    """The K words of an image, K >= 0, as they lie in the network's input. Stays on the CPU."""

    quads: Tensor  # (K, 4, 2) float32, x and y in pixels of the input, clockwise from where reading begins
    texts: tuple[str, ...]  # K transcripts
    cared: Tensor  # (K,) bool, False: neither learned nor scored
    scale: tuple[float, float]  # pixels of the input for one pixel of the file, in x and in y


@dataclass(frozen=True)
class Sample:
    """One image as the network sees it, and its target."""

    index: int  # position in the split's listing
    image: Tensor  # (3, H, W) float32, normalised; or features computed before, (D,) or (R, D) float32 of R regions
    target: Tensor
    """classify: () int64 class; multilabel: (C,) int8 of 1 present, 0 absent, -1 ignored; segment: (h, w) uint8 class
    of each pixel, 255 void, which may be of another size than the image; caption: (L,) int64 words from <start> to
    <end>; spot: (7, h, w) float32 maps at a quarter of the image: score, what is cared for, distances to top, bottom,
    left and right in pixels, angle."""
    references: tuple[str, ...] = ()  # caption: all captions of the image
    words: SeenWords | None = None  # spot


@dataclass(frozen=True)
class Batch:
    """B samples of one split, stacked; of unlike sizes, padded at the right and below."""

    index: Tensor  # (B,) int64
    image: Tensor  # (B, 3, H, W) float32, normalised; or features, (B, D) or (B, R, D) float32
    target: Tensor
    """classify: (B,) int64; multilabel: (B, C) int8; segment: (B, h, w) uint8, 255 void or padding; caption: (B, L)
    int64, 0 padding; spot: (B, 7, h, w) float32, 0 padding."""
    size: Tensor | None = None
    """(B, 2) int64 height and width, segment: of each target; spot: of each image; stays on the CPU, like index."""
    references: tuple[tuple[str, ...], ...] = ()  # caption: B times all captions of the image
    words: tuple[SeenWords, ...] = ()  # spot: those of each image

    def to(self, device: torch.device, *, non_blocking: bool = False) -> Batch:
        """The same batch on a device; called by Lightning."""
        image = self.image.to(device, non_blocking=non_blocking)
        return replace(self, image=image, target=self.target.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> Batch:
        """The same batch in page-locked memory, for the copy to a GPU; called by the DataLoader."""
        size = None if self.size is None else self.size.pin_memory()
        image, target = self.image.pin_memory(), self.target.pin_memory()
        return replace(self, index=self.index.pin_memory(), image=image, target=target, size=size)


@dataclass(frozen=True)
class Prediction:
    """What a classify or multilabel network says of a batch."""

    scores: Tensor  # (B, C) float32 in [0, 1]; classify: rows sum to 1


@dataclass(frozen=True)
class MaskPrediction:
    """What a segment network says of a batch of images of unlike sizes."""

    labels: Tensor  # (B, H, W) uint8 class of each pixel; 0 right of and below an image that is smaller
    size: Tensor  # (B, 2) int64 height and width of each image, at most (H, W)

    def of(self, i: int) -> Tensor:
        """(h, w) uint8, the classes of image ``i`` at its own size."""
        height, width = self.size[i].tolist()
        return self.labels[i, :height, :width]


@dataclass(frozen=True)
class CaptionPrediction:
    """What a captioning network says of a batch."""

    captions: tuple[str, ...]  # B texts, words parted by one blank; empty where the network says nothing
    weights: tuple[Tensor | None, ...]  # of each, (words, R) where it looked, rows of sum 1; None: it does not say


@dataclass(frozen=True)
class SpotPrediction:
    """What a text spotter finds in B images; of each its K words, that which most places are sure of first."""

    quads: tuple[Tensor, ...]  # (K, 4, 2) float32 in pixels of the file, clockwise from where reading begins
    scores: tuple[Tensor, ...]  # (K,) float32 in [0, 1], how surely there is text
    texts: tuple[tuple[str, ...], ...]  # K readings; empty ones where nothing is read
    maps: tuple[Tensor, ...]  # (h, w) float32 in [0, 1], the score at every fourth pixel of the input


class ImageLoss(NamedTuple):
    """The loss before it is averaged, so that any batching and any number of processes give the same mean.

    The loss of one image is ``total / weight``; that of a split is ``total.sum() / weight.sum()``.
    """

    total: Tensor  # (B,) float32, weighted sum over the image's terms
    weight: Tensor  # (B,) float32, what that sum is divided by; 0 where everything is ignored

    def mean(self) -> Tensor:
        """The loss of the batch, as the optimiser sees it; 0 (with gradient) where all of it is ignored."""
        return self.total.sum() / self.weight.sum().clamp_min(1e-12)

    def per_image(self) -> Tensor:
        """(B,) float32; NaN where everything is ignored."""
        return self.total / self.weight


class Learned(NamedTuple):
    """What a training batch gave."""

    logits: Tensor
    loss: ImageLoss  # the one that scoring computes too, so that the two curves compare
    beside: ImageLoss | None = None  # what the optimiser lowers as well, weighed

    def objective(self) -> Tensor:
        """What the optimiser lowers."""
        return self.loss.mean() if self.beside is None else self.loss.mean() + self.beside.mean()

    def totals(self) -> Tensor:
        """(B,) all that was added up for each image."""
        return self.loss.total if self.beside is None else self.loss.total + self.beside.total
