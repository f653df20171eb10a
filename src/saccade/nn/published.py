"""Networks with the weights that timm publishes: the only place where something may be downloaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from saccade.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from timm.models import PretrainedCfg

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
    _require_file(name, config)
    # where the numbers of classes agree, timm loads the head, too, unless it is told that they do not
    overlay = {"num_classes": 0} if not keep_head and config.num_classes == classes else None
    try:
        network: nn.Module = timm.create_model(
            name, pretrained=True, pretrained_cfg_overlay=overlay, num_classes=classes, **settings
        )
    except Exception as error:  # the download fails in as many ways as there are networks; ours all end the same
        raise CheckpointError(_offline_message(name, config, error)) from error
    return network


def _require_file(name: str, config: PretrainedCfg) -> None:
    """Ask for weights that are not in the cache once: left alone, the hub's client tries for a minute to reach it."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    if not config.hf_hub_id:
        return
    files = [config.hf_hub_filename or "model.safetensors", "pytorch_model.bin"]
    if any(isinstance(try_to_load_from_cache(config.hf_hub_id, file), str) for file in files):
        return
    try:
        get_hf_file_metadata(hf_hub_url(config.hf_hub_id, files[0]), timeout=10)
    except HfHubHTTPError:
        return  # the hub answers; what else there is to say, the download says
    except Exception as error:
        raise CheckpointError(_offline_message(name, config, error)) from error


def _offline_message(name: str, config: PretrainedCfg, error: Exception) -> str:
    source = f"huggingface.co/{config.hf_hub_id}" if config.hf_hub_id else "its address"
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    return (
        f"model.pretrained: the weights of {name} could not be downloaded ({reason}). Without a network: fetch "
        f"model.safetensors of {source} elsewhere and set model.pretrained=false model.weights=PATH_OF_THE_FILE, "
        "or train from random weights with model.pretrained=false"
    )
