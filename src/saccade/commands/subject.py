"""From a task and its trained network to what can be looked into."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from saccade.config.schema import Config
from saccade.engine import trainer
from saccade.errors import ConfigError
from saccade.explain import targets
from saccade.explain.subject import Subject
from saccade.tasks import labels
from saccade.tasks.base import Task
from saccade.tasks.caption import Caption
from saccade.tasks.classify import Classify
from saccade.tasks.multilabel import Multilabel
from saccade.tasks.segment import Segment
from saccade.tasks.spot import Spot


def subject_of(task: Task, network: nn.Module) -> Subject:
    """The network on the device that the config names, with the transform of scoring.

    Raises:
        ConfigError: nobody has said what is explained of such a task, or there is no such device.
    """
    mean, std = labels.normalization(task.config)
    device = _device(task.config)
    return Subject(
        network.to(device, memory_format=torch.channels_last),  # type: ignore[call-overload]  # torch's stubs lack it
        _asked(task),
        task.transform(),
        (mean[0], mean[1], mean[2]),
        (std[0], std[1], std[2]),
        classes=task.classes,
        batch=task.config.loader.batch_size,
        device=device,
    )


def _asked(task: Task) -> targets.Asked:
    """How targets are made of what the network of the task says."""
    match task:
        case Classify() | Multilabel():
            return partial(targets.of_classes, classes=task.classes, exclusive=isinstance(task, Classify))
        case Segment():
            return partial(targets.of_pixels, classes=task.classes)
        case Spot():
            return partial(targets.of_score_map, threshold=task.section.threshold)
        case Caption():

            def of_caption(seen: Any, wanted: str | None) -> targets.Targets:
                said = task.decode(seen)
                words = said.captions[0].split()
                numbers = task.vocabulary.encode(words)[1:-1]
                return targets.of_words(words, numbers, wanted, weights=said.weights[0])

            return of_caption
        case _:
            raise ConfigError(f"task.name: saccade explain does not know what {task.config.task.name} answers")


def _device(config: Config) -> torch.device:
    """The one on which ``saccade predict`` computes.

    Raises:
        ConfigError: the config names one that there is not.
    """
    # all else of the section is about training, or about how numbers are kept
    plain = {"devices": 1, "deterministic": False, "precision": 32}
    section = config.trainer.model_copy(update=plain)
    return trainer.build_trainer(
        config.model_copy(update={"trainer": section}), None, callbacks=[]
    ).strategy.root_device
