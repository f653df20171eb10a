"""``saccade summary``: what the network of a config is made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from saccade.commands.words import with_characters, with_words
from saccade.config.load import load
from saccade.config.schema import Config
from saccade.config.task_sections import CaptionTask, SpotTask
from saccade.data.scene_files import MASK_CLASSES
from saccade.data.scenes import CLASSES
from saccade.engine.resolve import with_split_names
from saccade.errors import ConfigError, DataError
from saccade.nn.anatomy import Anatomy, anatomy
from saccade.nn.backbones import freeze_backbone
from saccade.tasks import TASKS
from saccade.tasks.base import Task


def summary(source: str | Path, *overrides: str, classes: int | None = None) -> Anatomy:
    """Every layer of a config's network; no weights are loaded, no image is read, nothing is computed.

    Args:
        source: a preset or a config file.
        overrides: ``key=value``.
        classes: how many there are, where the config does not name them and the data set is not at hand; for caption,
            of words, with <pad>, <start>, <unk> and <end>; for spot, of characters.

    Raises:
        ConfigError: the config does not hold, or the number of classes or words is not known.
        DataError: there is a data set, and it cannot be listed.
    """
    config = load(source, overrides)
    task = _task(config, classes)
    network, inputs = _network(task)
    if config.model.freeze != "none":
        freeze_backbone(network, frozen=True)
    return anatomy(network, *inputs, name=config.model.name)


def _task(config: Config, classes: int | None) -> Task:
    """The task with all settings of its section that a data set would settle at their defaults, and random weights."""
    random = config.model.model_copy(update={"pretrained": False, "weights": None, "head": "replace"})
    if isinstance(config.task, CaptionTask):
        settled = with_words(config, classes)
    elif isinstance(config.task, SpotTask):
        settled = with_characters(config, classes)
    else:
        plain = type(config.task).model_validate({"name": config.task.name})
        data = config.data.model_copy(update={"classes": _class_names(config, classes)})
        settled = config.model_copy(update={"task": plain, "data": data})
    return TASKS[config.task.name](settled.model_copy(update={"model": random}))


def _class_names(config: Config, classes: int | None) -> tuple[str, ...]:
    """As given, by the config, or by the training split."""
    if config.data.classes is not None:
        found = config.data.classes
    elif config.data.format == "scenes":
        found = MASK_CLASSES if TASKS[config.task.name].scenes_layout == "masks" else CLASSES
    elif classes is not None:
        found = tuple(f"class {number}" for number in range(1, classes + 1))
    else:
        found = _read_class_names(config)
    if classes not in (None, len(found)):
        raise ConfigError(f"--classes: is {classes}, and the config has {len(found)}: {', '.join(found[:8])}")
    return found


def _read_class_names(config: Config) -> tuple[str, ...]:
    if not config.data.root.is_dir():
        raise ConfigError(
            f"data.classes: is null, and data.root, {config.data.root}, where the classes would be read, is not a "
            "folder; say how many classes there are with --classes NUMBER, or set data.root=PATH"
        )
    try:
        settled = with_split_names(config, lambda _: None)
        return TASKS[config.task.name].read(settled, settled.data.train).classes
    except DataError as error:
        raise DataError(
            f"{error}\nA summary needs no data set: --classes NUMBER says how many classes there are"
        ) from error


def _network(task: Task) -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    """The network and its inputs without memory or, where a network computes with its weights as it is made, with."""
    try:
        with torch.device("meta"):
            return task.network(), task.example_inputs()
    except RuntimeError:  # it asked a tensor without values for one; whatever else is wrong, it says when really made
        return task.network(), task.example_inputs()


def as_document(found: Anatomy) -> dict[str, object]:
    """What ``--json`` prints."""
    layers: Sequence[dict[str, object]] = [
        {
            "name": layer.name,
            "type": layer.kind,
            "calls": layer.calls,
            "output": layer.output,
            "units": layer.units,
            "formula": layer.formula,
            "parameters": layer.parameters,
            "trainable": layer.trainable,
            "multiply_adds": layer.multiply_adds,
            "receptive_field": layer.receptive_field,
        }
        for layer in found.layers
    ]
    return {
        "network": found.name,
        "input": found.image,
        "output": found.output,
        "parameters": found.parameters,
        "trainable": found.trainable,
        "multiply_adds": found.multiply_adds,
        "megabytes": found.megabytes,
        "receptive_field_lost_at": found.lost,
        "layers": layers,
    }
