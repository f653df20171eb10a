"""The learning-rate range test (Smith 2017, arXiv 1506.01186, section 3.3)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader

from saccade.console import progress_bar
from saccade.engine.datamodule import DataModule
from saccade.engine.module import Module, is_frozen
from saccade.engine.optimizer import build_optimizer
from saccade.engine.resolve import Prepared
from saccade.engine.trainer import build_task
from saccade.errors import SaccadeError
from saccade.nn.backbones import backbone_to_eval, freeze_backbone
from saccade.samples import Batch

LOWEST, HIGHEST, STEPS = 1e-7, 10.0, 100
SMOOTHING = 0.9
"""Decay of the moving average of the loss, which is corrected for its start."""
SETTLED = 10
"""The first steps, whose averages are of few batches, do not count."""
MARGIN = 10.0
"""The suggestion is so many times lower than the rate with the lowest loss."""
DIVERGED = 4.0
"""The test ends where the smoothed loss is so many times its lowest value."""


@dataclass(frozen=True)
class Range:
    """What the test found."""

    rates: list[float]  # the rate of each step, rising by a constant factor
    losses: list[float]  # the smoothed training loss before each step
    suggestion: float  # a tenth of the rate with the lowest loss


def range_test(prepared: Prepared) -> Range:
    """Train for ``STEPS`` batches while the rate rises from ``LOWEST`` to ``HIGHEST``; nothing is kept.

    Raises:
        SaccadeError: the loss was not finite from the start.
    """
    task, network = build_task(prepared.config)
    task.before_training(prepared.listings)
    freeze_backbone(network, frozen=(frozen := is_frozen(prepared.config, 0)))
    device = torch.device(
        "cuda" if torch.cuda.is_available() and prepared.config.trainer.accelerator != "cpu" else "cpu"
    )
    module = Module(task, network).to(device).train()
    if frozen:
        backbone_to_eval(network)
    optimizer = build_optimizer(network, prepared.config)
    relative = [group["lr"] / prepared.config.optim.lr for group in optimizer.param_groups]
    loader = DataModule(task, prepared.listings, selection=prepared.selection).loader("train", training=True)
    rates, losses, average, lowest = [], [], 0.0, math.inf
    with progress_bar() as bar:
        shown = bar.add_task("trying learning rates", total=STEPS)
        for step, batch in enumerate(itertools.islice(_epochs(loader), STEPS)):
            rate = LOWEST * (HIGHEST / LOWEST) ** (step / (STEPS - 1))
            for group, factor in zip(optimizer.param_groups, relative, strict=True):
                group["lr"] = rate * factor
            optimizer.zero_grad()
            loss = module.training_step(batch.to(device), step)
            average = SMOOTHING * average + (1 - SMOOTHING) * float(loss.detach())
            smooth = average / (1 - SMOOTHING ** (step + 1))
            if not math.isfinite(smooth) or smooth > DIVERGED * lowest:
                break
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
            optimizer.step()
            lowest = min(lowest, smooth)
            rates.append(rate)
            losses.append(smooth)
            bar.advance(shown)
    if len(rates) < 3:
        raise SaccadeError("the training loss is not finite even at the lowest learning rate; look at data and network")
    return Range(rates, losses, suggested(rates, losses))


def _epochs(loader: DataLoader[Batch]) -> Iterator[Batch]:
    """Batches of one epoch after the other, each with an order and random changes of its own."""
    for epoch in itertools.count():
        loader.batch_sampler.sampler.set_epoch(epoch)  # type: ignore[union-attr]  # it is our EpochSampler
        yield from loader


def suggested(rates: list[float], losses: list[float]) -> float:
    """A tenth of the rate with the lowest loss.

    Training holds a rate for longer than the test does, so the rate at which the loss just stops falling is too high;
    and the moving average is late by about nine steps, most of one power of ten. The other rule in use, the rate at
    which the loss falls fastest, finds mostly chance on the flat curves of small data sets.

    Raises:
        SaccadeError: the loss falls at no rate.
    """
    lowest = min(range(SETTLED, len(losses)), key=losses.__getitem__, default=SETTLED)
    if lowest == SETTLED:
        raise SaccadeError(
            "the training loss falls at none of the learning rates that were tried; look at data and network, "
            "such as with trainer.overfit_batches=1"
        )
    return rates[lowest] / MARGIN
