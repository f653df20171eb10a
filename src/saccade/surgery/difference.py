"""How far the outputs of two networks are from each other, over the images of a split."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from saccade.data.listing import Listing
from saccade.engine.side_by_side import side_by_side
from saccade.errors import RunError
from saccade.tasks.base import Task


@dataclass(frozen=True)
class Difference:
    """Over all numbers that the networks give for all images."""

    max_abs: float
    mean_abs: float
    relative: (
        float  # Euclidean norm of the difference as a share of that of the first's outputs; of several the largest
    )
    images: int


def difference(task: Task, before: nn.Module, after: nn.Module, listing: Listing) -> Difference:
    """Both networks on every image of a listing, once, in evaluation mode and in float32, on one device.

    Compared are the logits; of a caption network what its captioner is given, of one that spots text its maps. Where a
    network gives several tensors, ``relative`` is that of the one that is farthest apart, as each has a scale of its
    own: distances in pixels would hide any change of scores in [0, 1].

    Args:
        task: of both.
        before: what the other one is held to.
        after: that other one.
        listing: the images, which are read as in scoring.

    Raises:
        RunError: outputs that are no finite numbers.
        DataError: an image cannot be read.
    """
    sums = _Sums()
    images = side_by_side(task, before, after, listing, sums.add)
    return sums.found(images)


@dataclass
class _Sum:
    """Of one tensor, over all batches, in float64."""

    numbers: int = 0
    largest: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    of_first: float = 0.0

    def add(self, first: Tensor, second: Tensor) -> None:
        before, after = first.cpu().double(), second.cpu().double()  # not every device knows float64
        apart = (after - before).abs()
        self.numbers += apart.numel()
        self.largest = max(self.largest, float(apart.max()))
        self.total += float(apart.sum())
        self.squares += float(apart.square().sum())
        self.of_first += float(before.square().sum())

    def relative(self) -> float:
        return (self.squares / self.of_first) ** 0.5 if self.of_first else float(self.squares > 0)


class _Sums:
    """Of each tensor that the networks give."""

    def __init__(self) -> None:
        self.each: list[_Sum] = []

    def add(self, first: Any, second: Any) -> None:
        """Compare a batch."""
        pairs = list(zip(_tensors(first), _tensors(second), strict=True))
        self.each = self.each or [_Sum() for _ in pairs]
        for one, pair in zip(self.each, pairs, strict=True):
            one.add(*pair)

    def found(self, images: int) -> Difference:
        """The numbers of the pass."""
        each = self.each
        before, apart = (sum(getattr(one, name) for one in each) for name in ("of_first", "squares"))
        for whose, total in (("run's own network", before), ("converted network", apart)):
            if not math.isfinite(total):
                raise RunError(f"the {whose} gives numbers that are not finite on the validation images; none is made")
        return Difference(
            max(one.largest for one in each),
            sum(one.total for one in each) / sum(one.numbers for one in each),
            max(one.relative() for one in each),
            images,
        )


def _tensors(said: Any) -> Iterator[Tensor]:
    """The tensors in what a network says, in their order."""
    if isinstance(said, Tensor):
        yield said
    elif isinstance(said, tuple | list):
        for each in said:
            yield from _tensors(each)
