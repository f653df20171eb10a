"""From a task and its trained network to what can be looked into."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

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
        ConfigError: nobody has said what is explained of such a task.
    """
    mean, std = labels.normalization(task.config)
    device = _device(task.config.trainer.accelerator)
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


def _device(accelerator: str) -> torch.device:
    """That of this name, or the fastest that is there."""
    if accelerator in ("auto", "gpu") and torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if accelerator in ("auto", "gpu", "mps") and torch.mps.is_available() else "cpu")
