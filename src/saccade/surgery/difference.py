"""How far the outputs of two networks are from each other, over the images of a split."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from saccade.data.listing import Listing
from saccade.engine import trainer
from saccade.engine.callbacks import FileBar
from saccade.engine.datamodule import DataModule
from saccade.engine.module import Module
from saccade.errors import RunError
from saccade.samples import Batch
from saccade.tasks.base import Task


@dataclass(frozen=True)
class Difference:
    """Over all numbers that the networks give for all images."""

    max_abs: float
    mean_abs: float
    relative: float  # Euclidean norm of the difference, as a share of that of the first network's outputs
    images: int


def difference(task: Task, before: nn.Module, after: nn.Module, listing: Listing) -> Difference:
    """Both networks on every image of a listing, once, in evaluation mode and in float32, on one device.

    Compared are the logits; of a caption network what its captioner is given, of one that spots text the three maps.

    Args:
        task: of both.
        before: what the other one is held to.
        after: that other one.
        listing: the images, which are read as in scoring.

    Raises:
        RunError: outputs that are no finite numbers.
        DataError: an image cannot be read.
    """
    section = task.config.trainer.model_copy(update={"devices": 1, "precision": 32})
    config = task.config.model_copy(update={"trainer": section})
    module = _Both(task, before, after)
    lightning = trainer.build_trainer(config, None, callbacks=[FileBar(len(listing))])
    data = DataModule(task, {"compared": listing}, selection="compared")
    with trainer.quiet(), trainer.plain_errors(), _whole_float32():
        lightning.validate(module, datamodule=data, verbose=False)
    return module.found()


class _Both(Module):
    """Runs both networks and adds up, in float64."""

    def __init__(self, task: Task, before: nn.Module, after: nn.Module) -> None:
        super().__init__(task, before)
        self.other = Module(task, after)
        self.images = self.numbers = 0
        self.largest = self.total = self.squares = self.of_first = 0.0

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Compare a batch."""
        self.images += len(batch.index)
        for first, second in zip(_tensors(self(batch.image)), _tensors(self.other(batch.image)), strict=True):
            before, after = first.cpu().double(), second.cpu().double()  # not every device knows float64
            apart = (after - before).abs()
            self.numbers += apart.numel()
            self.largest = max(self.largest, float(apart.max()))
            self.total += float(apart.sum())
            self.squares += float(apart.square().sum())
            self.of_first += float(before.square().sum())

    def on_validation_epoch_end(self) -> None:
        """There is nothing to score."""

    def found(self) -> Difference:
        """The numbers of the pass."""
        for whose, total in (("run's own network", self.of_first), ("converted network", self.squares)):
            if not math.isfinite(total):
                raise RunError(f"the {whose} gives numbers that are not finite on the validation images; none is made")
        relative = (self.squares / self.of_first) ** 0.5 if self.of_first else float(self.squares > 0)
        return Difference(self.largest, self.total / self.numbers, relative, self.images)


def _tensors(said: Any) -> Iterator[Tensor]:
    """The tensors in what a network says, in their order."""
    if isinstance(said, Tensor):
        yield said
    elif isinstance(said, tuple | list):
        for each in said:
            yield from _tensors(each)


@contextmanager
def _whole_float32() -> Iterator[None]:
    """Without TF32, in which GPUs otherwise compute convolutions: it has 10 bits where float32 has 23."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
