"""The optimiser and its schedule, from the config's ``optim`` section."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    SequentialLR,
)

from saccade.config.schema import Config, Optim
from saccade.nn.backbones import head_names, is_head

WARMUP_START = 0.01
"""Share of the peak rate at which a warm-up begins."""


def build_optimizer(network: nn.Module, config: Config) -> Optimizer:
    """The optimiser over four groups: backbone and head, each with and without weight decay."""
    optim = config.optim
    groups = list(_parameter_groups(network, optim, backbone_lr=config.model.backbone_lr))
    match optim.name:
        case "sgd":
            return SGD(groups, lr=optim.lr, momentum=optim.momentum, nesterov=optim.momentum > 0)
        case "adam":
            return Adam(groups, lr=optim.lr)
        case "adamw":
            return AdamW(groups, lr=optim.lr)


def build_schedule(optimizer: Optimizer, optim: Optim, *, steps: int, steps_per_epoch: int) -> LRScheduler:
    """The learning rate of each optimiser step; ``plateau`` is constant here and falls by validation score elsewhere.

    Args:
        optimizer: its groups hold the peak rates.
        optim: the config section.
        steps: optimiser steps of the whole training.
        steps_per_epoch: of one epoch.
    """
    if optim.schedule == "onecycle":
        return OneCycleLR(optimizer, [group["lr"] for group in optimizer.param_groups], total_steps=max(steps, 2))
    warmup = round(optim.warmup_epochs * steps_per_epoch)
    after = _after_warmup(optimizer, optim, steps=max(steps - warmup, 1), warmup=warmup, per_epoch=steps_per_epoch)
    if not warmup:
        return after
    rising = LinearLR(optimizer, WARMUP_START, total_iters=warmup)
    return SequentialLR(optimizer, [rising, after], milestones=[warmup])


def continue_schedule(checkpoint: dict[str, Any], optimizer: Optimizer, schedule: LRScheduler) -> None:
    """Make a checkpoint of a training of another length go on as one of this length would.

    A schedule is part of the optimiser's state, and cosine and onecycle are drawn for a number of steps. The new
    schedule is advanced to the checkpoint's step; it and the rates that it has set by then replace those in
    ``checkpoint``, which Lightning loads afterwards.
    """
    for _ in range(checkpoint["global_step"]):
        schedule.step()
    checkpoint["lr_schedulers"] = [schedule.state_dict()]
    saved = checkpoint["optimizer_states"][0]["param_groups"]
    for group, before in zip(optimizer.param_groups, saved, strict=True):
        before.update({key: value for key, value in group.items() if key != "params"})


def _after_warmup(optimizer: Optimizer, optim: Optim, *, steps: int, warmup: int, per_epoch: int) -> LRScheduler:
    if optim.schedule == "cosine":
        return CosineAnnealingLR(optimizer, steps)
    if optim.schedule == "step":
        falls = [epoch * per_epoch - warmup for epoch in optim.step_epochs]
        return MultiStepLR(optimizer, falls, optim.gamma)
    return ConstantLR(optimizer, 1.0, 1)


def _parameter_groups(network: nn.Module, optim: Optim, *, backbone_lr: float) -> Iterable[dict[str, object]]:
    """Biases and norms are not decayed: what has one dimension, or is called a bias, as the rows of our cells are."""
    heads = head_names(network)
    for in_head in (False, True):
        lr = optim.lr if in_head else optim.lr * backbone_lr
        chosen = [(name, p) for name, p in network.named_parameters() if is_head(name, heads) == in_head]
        decays = {name: p.ndim > 1 and not name.rpartition(".")[2].startswith("bias") for name, p in chosen}
        for decayed in (True, False):
            if parameters := [p for name, p in chosen if decays[name] == decayed]:
                yield {"params": parameters, "lr": lr, "weight_decay": optim.weight_decay if decayed else 0.0}
