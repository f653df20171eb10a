"""Reading weights that somebody else saved."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from saccade.errors import CheckpointError
from saccade.nn.backbones import head_names, is_head

PREFIXES = ("module.", "model.", "network.", "inner.")
"""What wrappers put before every key: DataParallel, Lightning modules, ours, what pads images for a network."""

_OLD_DENSENET = re.compile(r"(\.denselayer\d+\.(?:norm|conv))\.([12])\.")
"""torchvision's published DenseNet files say ``norm.1`` for what its network calls ``norm1``."""


def read_state_dict(path: Path, *, convert: str | None = None) -> dict[str, Tensor]:
    """The tensors of a safetensors file, a torch state dict, or a checkpoint that holds one.

    ``convert``: to what the network that they go into was converted, by ``nn.conversion``.

    Raises:
        CheckpointError: the file is missing, damaged, holds no tensors, or holds code (``weights_only`` refuses it); or
            its network was converted in another way, so that its numbers mean something else.
    """
    content = _content(path)
    if (made := _facts(content).get("convert")) != convert:
        raise CheckpointError(
            f"model.weights: {path} is of a network that is {made or 'not converted'}, and the one that it is to go "
            f"into is {convert or 'not'}; set model.convert={made or 'null'}, or name other weights"
        )
    while isinstance(content, Mapping):
        inner = next((content[key] for key in ("state_dict", "model", "tensors") if key in content), None)
        if not isinstance(inner, Mapping):
            break
        content = inner
    if not isinstance(content, Mapping) or not any(isinstance(value, Tensor) for value in content.values()):
        raise CheckpointError(
            f"model.weights: {path} holds no state dict; save one with torch.save(model.state_dict(), PATH)"
        )
    state = _without_prefix({str(k): v for k, v in content.items() if isinstance(v, Tensor)})
    return {_OLD_DENSENET.sub(r"\1\2.", key): value for key, value in state.items()}


def read_facts(path: Path) -> dict[str, Any]:
    """What a checkpoint of ours says of its network, such as the names of its ``outputs``; nothing of any other file.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    return _facts(_content(path))


def _facts(content: object) -> dict[str, Any]:
    if not isinstance(content, Mapping) or set(content) != {"state_dict", "tensors", "json"}:
        return {}
    facts: dict[str, Any] = json.loads(content["json"]).get("saccade", {})
    return facts


def require_file(path: Path) -> None:
    """That there is a file of weights.

    Raises:
        CheckpointError: there is none.
    """
    if path.is_dir():
        best = path / "checkpoints" / "best.ckpt"
        name = best if best.is_file() else "a .safetensors, .pth or .ckpt file"
        raise CheckpointError(f"model.weights: {path} is a folder; name {name}")
    if not path.is_file():
        raise CheckpointError(f"model.weights: {path} not found; name a .safetensors, .pth or .ckpt file")


def _content(path: Path) -> object:
    require_file(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes torch's reader raise almost anything
        raise CheckpointError(f"model.weights: {path} cannot be read as weights ({_reason(error)})") from None


def load_weights(
    network: nn.Module, weights: Mapping[str, Tensor], *, source: str, keep_head: bool, made_by: str | None = None
) -> list[str]:
    """Copy ``weights`` into ``network``, matched by name.

    Args:
        network: its head is loaded with the rest (``keep_head``), or left as it is, whatever ``weights`` hold for it.
        weights: what ``read_state_dict`` found.
        source: how the file is called in messages.
        keep_head: whether the head of ``weights`` is wanted.
        made_by: the settings that the sizes of the network hang on, where its head is not one layer that could be made
            anew; None: ``model.name``, and the classes.

    Returns:
        The names of the parameters that were left as they are: all of the head's, or none.

    Raises:
        CheckpointError: the head is wanted and has another size; or something is missing, left over, or of another
            shape: the keys are counted, and the first eight of each kind named.
    """
    own = network.state_dict()
    heads = head_names(network)
    left = [] if keep_head else [key for key in own if is_head(key, heads)]
    wanted = {key: value for key, value in own.items() if key not in left}
    # num_batches_tracked came with torch 0.4.1; older files lack it and nothing depends on it
    missing = [key for key in wanted if key not in weights and not key.endswith("num_batches_tracked")]
    unexpected = [key for key in weights if key not in own and (keep_head or not is_head(key, heads))]
    shapes = [key for key in wanted if key in weights and weights[key].shape != wanted[key].shape]
    other_than_head = [*missing, *unexpected, *(key for key in shapes if not is_head(key, heads))]
    heads_differ = shapes and not other_than_head and len(weights[shapes[0]]) != len(own[shapes[0]])
    if heads_differ and made_by is None:
        raise CheckpointError(_head_message(source, len(weights[shapes[0]]), len(own[shapes[0]])))
    if missing or unexpected or shapes:
        lines = _differences(missing, unexpected, shapes, own, weights)
        text = f"does not fit the network; choose the {made_by or 'model.name'} that it was saved from"
        raise CheckpointError("\n".join([f"model.weights: {source} {text}", *lines]))
    network.load_state_dict({key: weights.get(key, value) for key, value in wanted.items()}, strict=False)
    return left


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in PREFIXES:
        if all(key.startswith(prefix) for key in state):
            return _without_prefix({key.removeprefix(prefix): value for key, value in state.items()})
    return state


def _reason(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):
        # torch's own message tells how to run the code in the file, which is no advice to give
        return "it is damaged, or holds Python objects other than tensors, which could run code and are refused"
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _head_message(source: str, found: int, wanted: int) -> str:
    return (
        f"model.head: is keep, and the head in {source} has {found} outputs where the data have {wanted} classes; "
        "set model.head=replace for a fresh head"
    )


def _differences(
    missing: list[str],
    unexpected: list[str],
    shapes: list[str],
    own: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
) -> list[str]:
    pairs = [f"{key} {tuple(weights[key].shape)} in the file, {tuple(own[key].shape)} in the network" for key in shapes]
    return [
        *_listed("missing in the file", missing),
        *_listed("not in the network", unexpected),
        *_listed("of another shape", pairs),
    ]


def _listed(what: str, names: Iterable[str], most: int = 8) -> list[str]:
    found = list(names)
    if not found:
        return []
    more = f", and {len(found) - most} more" if len(found) > most else ""
    return [f"  {len(found)} {what}: {', '.join(found[:most])}{more}"]
