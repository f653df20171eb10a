"""Checkpoints that hold tensors and JSON text only, written aside and then renamed.

A file is ``torch.save`` of ``{"state_dict": {name: tensor}, "tensors": [tensor], "json": text}`` and loads with
``weights_only=True``. The text holds everything else of Lightning's checkpoint (loops, optimisers, callbacks) and a
section ``saccade`` (task, classes, epoch); where a tensor stood it says ``{"$tensor": i}``.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO
from torch import Tensor

from saccade.errors import CheckpointError
from saccade.files import written_aside


def save(checkpoint: dict[str, Any], path: Path) -> None:
    """Write a checkpoint whole or not at all.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written; an earlier file at ``path`` is still there.
        TypeError: the checkpoint holds something that is neither tensor nor JSON: a bug of ours.
    """
    rest = {key: value for key, value in checkpoint.items() if key != "state_dict"}
    tensors: list[Tensor] = []
    text = json.dumps(_encoded(rest, tensors))
    content = {"state_dict": dict(checkpoint["state_dict"]), "tensors": tensors, "json": text}
    try:
        with written_aside(path) as aside:
            torch.save(content, aside)
    # torch reports a failed write as RuntimeError, with the reason only in its text
    except (OSError, RuntimeError) as error:
        kept = "the one before it is kept" if path.exists() else "no checkpoint is there yet"
        raise CheckpointError(
            f"{path}: could not be written ({_first_line(error)}); {kept}. Free space and resume the run"
        ) from error


def load(path: Path, *, mapped: bool = False) -> dict[str, Any]:
    """Read what ``save`` wrote, all tensors on the CPU.

    Args:
        path: the file.
        mapped: tensors are read from the file when they are looked at: for those who copy a few, and not the state of
            the optimizer, which is most of it.

    Raises:
        CheckpointError: the file is missing, damaged, or not a checkpoint of saccade.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such checkpoint")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path}: cannot be read as a checkpoint ({_first_line(error)})") from None
    if not isinstance(content, dict) or set(content) != {"state_dict", "tensors", "json"}:
        raise CheckpointError(f"{path}: not a checkpoint of saccade; weights of other programs go into model.weights")
    checkpoint: dict[str, Any] = _decoded(json.loads(content["json"]), content["tensors"])
    return {**checkpoint, "state_dict": content["state_dict"]}


class AtomicCheckpointIO(CheckpointIO):
    """Lightning's way to this file format."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write aside, then rename."""
        save(checkpoint, Path(path))

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Always tensors and text only, on the CPU; Lightning moves them where they belong."""
        return load(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        """Remove the file."""
        Path(path).unlink(missing_ok=True)


def _encoded(value: Any, tensors: list[Tensor]) -> Any:
    """JSON-ready form of nested dicts, lists and tuples; tensors move to ``tensors``."""
    if isinstance(value, Tensor):
        tensors.append(value)
        return {"$tensor": len(tensors) - 1}
    if isinstance(value, dict):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: _encoded(inner, tensors) for key, inner in value.items()}
        return {"$dict": [[_encoded(key, tensors), _encoded(inner, tensors)] for key, inner in value.items()]}
    if isinstance(value, tuple):
        return {"$tuple": [_encoded(inner, tensors) for inner in value]}
    if isinstance(value, list):
        return [_encoded(inner, tensors) for inner in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a checkpoint holds tensors and JSON only, not {type(value).__name__}: {value!r}")


def _decoded(value: Any, tensors: list[Tensor]) -> Any:
    if isinstance(value, list):
        return [_decoded(inner, tensors) for inner in value]
    if not isinstance(value, dict):
        return value
    if "$tensor" in value:
        return tensors[value["$tensor"]]
    if "$tuple" in value:
        return tuple(_decoded(inner, tensors) for inner in value["$tuple"])
    if "$dict" in value:
        return {_decoded(key, tensors): _decoded(inner, tensors) for key, inner in value["$dict"]}
    return {key: _decoded(inner, tensors) for key, inner in value.items()}


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
