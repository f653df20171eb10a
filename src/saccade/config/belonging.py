"""Which settings mean something to which task. What is set and means nothing is refused."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from pydantic import BaseModel

_CLASSES = ("classify", "multilabel")
_WHOLE = (*_CLASSES, "caption")

FORMATS: dict[str, tuple[str, ...]] = {
    "classify": ("voc", "folder", "table", "scenes"),
    "multilabel": ("voc", "folder", "table", "scenes"),
    "segment": ("voc", "masks", "scenes"),
    "caption": ("coco", "karpathy", "scenes"),
    "spot": ("icdar", "sroie", "mmocr", "scenes"),
}
"""The formats that each task reads."""

KNOWN_BY: dict[str, tuple[str, ...]] = {
    "data.classes": (*_CLASSES, "segment"),
    "data.class_names": _CLASSES,
    "data.resize": _WHOLE,
    "data.resize_crop": _WHOLE,
    "data.augment.pad": _WHOLE,
    "data.augment.randaugment": _WHOLE,
    "data.augment.mixup": _CLASSES,
    "data.augment.cutmix": _CLASSES,
    "data.augment.rotate": ("segment", "spot"),
    "data.augment.crop": (*_WHOLE, "segment"),
    "data.augment.flip": (*_WHOLE, "segment"),
    "data.augment.vertical_flip": (*_WHOLE, "segment"),
    "data.augment.longer_side": ("spot",),
    "data.augment.stretch": ("spot",),
    "data.longer_side": ("spot",),
    "data.scenes.sheets": ("spot",),
    "data.augment.size": ("segment",),
    "data.augment.scale": ("segment",),
    "data.progressive": _CLASSES,
    "data.folds": _CLASSES,
    "data.void": ("segment",),
    "data.void_id": ("segment",),
    "data.colours": ("segment",),
    "data.void_colour": ("segment",),
    "data.palette": ("segment",),
    "data.mask_suffix": ("segment",),
    "data.images": ("caption", "spot"),
    "data.captions": ("caption",),
    "data.features.path": ("caption",),
    "model.norm": _CLASSES,
    "model.zero_init_last": _CLASSES,
    "model.drop_rate": (*_WHOLE, "spot"),
    "model.cache_features": _CLASSES,
    "model.encoder": ("segment", "caption", "spot"),
    "model.depth": ("segment",),
    "model.width": ("segment",),
    "model.layers": ("caption",),
    "model.embedding": ("caption",),
    "model.hidden": ("caption", "spot"),
    "model.reach": ("spot",),
    "model.max_width": ("spot",),
    "model.fused": ("caption",),
}
"""The tasks to which a setting means something, where it does not to all; at its default it may stand anywhere."""


def refuse_foreign(config: BaseModel, task: str) -> None:
    """Refuse a format and settings that are not for the task.

    Raises:
        ValueError: one is set.
    """
    read = config.data.format  # type: ignore[attr-defined]  # of any config
    if read not in FORMATS[task]:
        *others, last = FORMATS[task]
        raise ValueError(
            f"data.format: is {read}, and task.name is {task}, which reads {', '.join(others)} or {last}; "
            f"set data.format={FORMATS[task][0]} or another task"
        )
    for key, tasks in KNOWN_BY.items():
        *sections, name = key.split(".")
        section: BaseModel = reduce(getattr, sections, config)
        value, default = getattr(section, name), type(section).model_fields[name].get_default()
        if task not in tasks and value != default and not _off(value):
            raise ValueError(
                f"{key}: is {_shown(value)}, which task.name={task} does not know; set {key}={_shown(default)}"
            )


def _off(value: Any) -> bool:
    """Whether a value switches its setting off, which may be said wherever it stands."""
    return value is None or value is False or (isinstance(value, float) and value == 0.0)


def _shown(value: Any) -> str:
    """A value as it is written in a config."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return str(list(value))
    return str(dict(value)) if isinstance(value, Mapping) else str(value)
