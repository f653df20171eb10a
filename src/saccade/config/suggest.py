"""The key that somebody may have meant."""

from __future__ import annotations

import difflib
from typing import Final

from saccade.config.nodes import Key, dotted
from saccade.config.shape import all_keys, keys_of, shape_at

SYNONYMS: Final[dict[str, str]] = {
    "amp": "trainer.precision",
    "arch": "model.name",
    "architecture": "model.name",
    "augmentation": "data.augment",
    "augmentations": "data.augment",
    "backbone": "model.name",
    "batch": "loader.batch_size",
    "bs": "loader.batch_size",
    "checkpoint": "model.weights",
    "class_names": "data.class_names",
    "classnames": "data.classes",
    "clip_grad": "trainer.gradient_clip",
    "criterion": "task.loss",
    "data_dir": "data.root",
    "dataset": "data.root",
    "decay": "optim.weight_decay",
    "device": "trainer.accelerator",
    "dir": "data.root",
    "dropout": "model.drop_rate",
    "epochs": "trainer.max_epochs",
    "experiment": "name",
    "extend": "extends",
    "folder": "data.root",
    "fp16": "trainer.precision",
    "gpus": "trainer.devices",
    "grad_clip": "trainer.gradient_clip",
    "img_size": "data.image_size",
    "imgsz": "data.image_size",
    "input_size": "data.image_size",
    "labels": "data.classes",
    "layout": "data.format",
    "learning_rate": "optim.lr",
    "lr_schedule": "optim.schedule",
    "lr_scheduler": "optim.schedule",
    "names": "data.classes",
    "network": "model.name",
    "num_epochs": "trainer.max_epochs",
    "num_workers": "loader.workers",
    "optimiser": "optim.name",
    "optimizer": "optim.name",
    "path": "data.root",
    "pos_weight": "task.positive_weights",
    "random_seed": "seed",
    "resolution": "data.image_size",
    "scheduler": "optim.schedule",
    "size": "data.image_size",
    "val_split": "data.val_fraction",
    "warmup": "optim.warmup_epochs",
    "wd": "optim.weight_decay",
}
"""What other programs call a thing."""


def similar_keys(key: Key, task: object) -> list[str]:
    """At most two keys that may have been meant: of the same section, of the same name elsewhere, or known as
    such.

    Args:
        key: a key that does not exist.
        task: the task whose ``task.*`` keys are meant; None for those of all tasks.
    """
    word = str(key[-1]).lower().replace("-", "_")
    section = shape_at(key[:-1], task)
    own = keys_of(section) if section else []
    found = _closest(word, {name: (*key[:-1], name) for name in own}, cutoff=0.8)
    everywhere = [other for other in all_keys() if other[0] != "task" or shape_at(other, task) is not None]
    found += [dotted(other) for other in everywhere if other[-1] == word]
    if word in SYNONYMS:
        found.append(SYNONYMS[word])
    found = found or _closest(word, {name: (*key[:-1], name) for name in own}, cutoff=0.6)
    found = found or _closest(word, {str(other[-1]): other for other in reversed(everywhere)}, cutoff=0.7)
    return list(dict.fromkeys(found))[:2]


def _closest(word: str, names: dict[str, Key], cutoff: float) -> list[str]:
    return [dotted(names[name]) for name in difflib.get_close_matches(word, names, n=1, cutoff=cutoff)]
