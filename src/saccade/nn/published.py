"""Weights that timm and segmentation_models_pytorch publish: the only place where something may be downloaded."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from saccade.errors import CheckpointError, ConfigError

# The hub from which published weights come counts its users unless told not to; nothing is sent unless asked for.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def published(name: str, *, classes: int, keep_head: bool, settings: Mapping[str, Any]) -> nn.Module:
    """timm's network ``name`` with its published weights, and ``settings`` of that network.

    The head is the published one (``keep_head``), or a fresh one of ``classes`` outputs.

    Raises:
        ConfigError: there are no published weights for it.
        CheckpointError: they could not be downloaded, or their head has not ``classes`` outputs and is to be kept.
    """
    import timm

    config = timm.models.get_pretrained_cfg(name)
    if config is None or not timm.is_model_pretrained(name):
        raise ConfigError(f"model.pretrained: timm has no published weights for {name}; set model.pretrained=false")
    if keep_head and config.num_classes != classes:
        raise CheckpointError(
            f"model.head: is keep, and the head of {name}'s published weights has {config.num_classes} outputs where "
            f"the data have {classes} classes; set model.head=replace for a fresh head"
        )
    whole = not settings.get("features_only", False)
    if config.hf_hub_id:
        files = (config.hf_hub_filename or "model.safetensors", "pytorch_model.bin")
        _require_file(name, config.hf_hub_id, files, whole=whole)
    # where the numbers of classes agree, timm loads the head, too, unless it is told that they do not
    overlay = {"num_classes": 0} if not keep_head and config.num_classes == classes else None
    try:
        network: nn.Module = timm.create_model(
            name, pretrained=True, pretrained_cfg_overlay=overlay, num_classes=classes, **settings
        )
    except Exception as error:  # the download fails in as many ways as there are networks; ours all end the same
        raise CheckpointError(_offline_message(name, config.hf_hub_id, error, whole=whole)) from error
    return network


def published_encoder(name: str) -> dict[str, Tensor]:
    """The published weights of an encoder that segmentation_models_pytorch brings itself, such as ``mobilenet_v2``.

    Those from ImageNet where there are several.

    Raises:
        ConfigError: there are none.
        CheckpointError: they could not be downloaded.
    """
    from huggingface_hub import hf_hub_download
    from safetensors.torch import load_file
    from segmentation_models_pytorch.encoders import encoders

    sets = encoders[name]["pretrained_settings"]
    if not sets:
        raise ConfigError(
            f"model.pretrained: segmentation_models_pytorch has no published weights for {name}; "
            "set model.pretrained=false"
        )
    found = sets.get("imagenet") or next(iter(sets.values()))
    repository, file = found["repo_id"], "model.safetensors"
    _require_file(name, repository, (file,), revision=found["revision"], whole=False)
    try:
        return load_file(hf_hub_download(repository, file, revision=found["revision"]))
    except Exception as error:  # as above
        raise CheckpointError(_offline_message(name, repository, error, whole=False)) from error


def _require_file(
    name: str, repository: str, files: Sequence[str], *, whole: bool, revision: str | None = None
) -> None:
    """Ask for weights that are not in the cache once: left alone, the hub's client tries for a minute to reach it."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    if any(isinstance(try_to_load_from_cache(repository, file, None, revision), str) for file in files):
        return
    try:
        get_hf_file_metadata(hf_hub_url(repository, files[0], revision=revision), timeout=10)
    except HfHubHTTPError:
        return  # the hub answers; what else there is to say, the download says
    except Exception as error:
        raise CheckpointError(_offline_message(name, repository, error, whole=whole)) from error


def _offline_message(name: str, repository: str | None, error: Exception, *, whole: bool) -> str:
    """``whole``: it is the network and not only its encoder, so that ``model.weights`` could be that file."""
    source = f"huggingface.co/{repository}" if repository else "its address"
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    instead = (
        f"fetch model.safetensors of {source} elsewhere and set model.pretrained=false model.weights=PATH_OF_THE_FILE"
        if whole
        else f"fetch {source} elsewhere and copy that machine's cache of the hub (HF_HOME) to here"
    )
    return (
        f"model.pretrained: the weights of {name} could not be downloaded ({reason}). Without a network: {instead}, "
        "or train from random weights with model.pretrained=false"
    )
