"""What reaches the head of a frozen network, computed once instead of in every epoch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from saccade.config.data_section import Augment
from saccade.config.schema import Config
from saccade.engine.module import Module
from saccade.errors import ConfigError
from saccade.nn.backbones import head_names
from saccade.samples import Batch
from saccade.tasks.base import Task

UNCHANGED = Augment(crop=None, flip=0.0)
"""Augmentation that changes nothing."""


def obstacle(config: Config) -> str | None:
    """Why the features of this training change from epoch to epoch; None where they do not."""
    reasons = {
        f"task.name is {config.task.name}, whose head is no single layer": config.task.name in ("segment", "caption"),
        "model.freeze is not backbone": config.model.freeze != "backbone",
        "data.augment changes the images (it takes crop=null and flip=0)": config.data.augment != UNCHANGED,
        "model.drop_rate is not 0": config.model.drop_rate > 0,
        "data.progressive changes the image size": bool(config.data.progressive),
        "trainer.devices is not 1": config.trainer.devices != 1,
        "trainer.fast_dev_run takes one batch": config.trainer.fast_dev_run,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def are_kept(config: Config, network: nn.Module | None = None) -> bool:
    """Whether features are to be computed once; without the network, as far as the config can say.

    Raises:
        ConfigError: ``model.cache_features`` is true, and they change from epoch to epoch.
    """
    found = obstacle(config)
    if found is None and config.model.cache_features is not False and network is not None:
        found = None if _ends_in_its_head(network, config.data.side) else f"{config.model.name} has no single head"
    if config.model.cache_features is True and found is not None:
        raise ConfigError(f"model.cache_features: is true, and {found}; change that, or set model.cache_features=auto")
    return config.model.cache_features is not False and found is None


def _ends_in_its_head(network: nn.Module, image_size: int) -> bool:
    """Whether the network's output is that of one linear head on one vector an image, and nothing else."""
    names = head_names(network)
    head = network.get_submodule(names[0])
    if len(names) > 1 or not isinstance(head, nn.Linear):
        return False
    reached: list[Tensor] = []
    handle = head.register_forward_pre_hook(lambda _, inputs: reached.append(inputs[0]))
    training = network.training
    try:
        with torch.no_grad():
            image = torch.linspace(-1, 1, 3 * image_size**2).view(1, 3, image_size, image_size)
            output = network.eval()(image)
            return len(reached) == 1 and reached[0].ndim == 2 and torch.equal(head(reached[0]), output)
    finally:
        handle.remove()
        network.train(training)


class FeatureReader(Module):
    """Collects what reaches the head."""

    def __init__(self, task: Task, network: nn.Module) -> None:
        super().__init__(task, network)
        self.found: list[tuple[Tensor, Tensor]] = []  # positions and features of each batch
        self._reached = torch.empty(0)
        self._head = [network.get_submodule(head_names(network)[0])]  # in a list, so that it is not registered twice

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Read a batch. As in scoring and not in prediction, where Lightning puts a sampler of its own."""
        handle = self._head[0].register_forward_pre_hook(self._keep)
        try:
            logits = self(batch.image)
        finally:
            handle.remove()
        assert torch.equal(self._head[0](self._reached), logits), "a head is the last thing that a network computes"
        self.found.append((batch.index.cpu(), self._reached.cpu()))

    def on_validation_epoch_end(self) -> None:
        """There is nothing to score."""

    def features(self) -> Tensor:
        """(N, D) in the order of the listing."""
        index, features = (torch.cat(parts) for parts in zip(*self.found, strict=True))
        return features[index.argsort()]

    def _keep(self, _: nn.Module, inputs: tuple[Any, ...]) -> None:
        self._reached = inputs[0]
