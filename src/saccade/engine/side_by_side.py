"""Two networks over the same images, for who compares what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from saccade.data.listing import Listing
from saccade.engine import trainer
from saccade.engine.callbacks import FileBar
from saccade.engine.datamodule import DataModule
from saccade.engine.module import Module
from saccade.samples import Batch
from saccade.tasks.base import Task


def side_by_side(
    task: Task, before: nn.Module, after: nn.Module, listing: Listing, each: Callable[[Any, Any], None]
) -> int:
    """Both networks on every image of a listing, once, in evaluation mode and in float32, on one device.

    Args:
        task: of both.
        before: one network.
        after: the other one.
        listing: the images, which are read as in scoring.
        each: is given what both say of each batch.

    Returns:
        How many images they were given.

    Raises:
        DataError: an image cannot be read.
    """
    section = task.config.trainer.model_copy(update={"devices": 1, "precision": 32})
    config = task.config.model_copy(update={"trainer": section})
    module = _Both(task, before, after, each)
    lightning = trainer.build_trainer(config, None, callbacks=[FileBar(len(listing))])
    data = DataModule(task, {"compared": listing}, selection="compared")
    with trainer.quiet(), trainer.plain_errors(), _whole_float32():
        lightning.validate(module, datamodule=data, verbose=False)
    return module.images


class _Both(Module):
    """Runs both networks and hands on what they say."""

    def __init__(self, task: Task, before: nn.Module, after: nn.Module, each: Callable[[Any, Any], None]) -> None:
        super().__init__(task, before)
        self.other = Module(task, after)
        self.each = each
        self.images = 0

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Run a batch."""
        self.images += len(batch.index)
        self.each(self(batch.image), self.other(batch.image))

    def on_validation_epoch_end(self) -> None:
        """There is nothing to score."""


@contextmanager
def _whole_float32() -> Iterator[None]:
    """Without TF32, in which GPUs otherwise compute convolutions: it has 10 bits where float32 has 23."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
