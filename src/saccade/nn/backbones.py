"""Building a network by name, and telling its head from the rest."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from typing import Any

from torch import nn

from saccade.errors import CheckpointError, ConfigError
from saccade.nn.small import SmallCNN

# The hub from which published weights come counts its users unless told not to; nothing is sent unless asked for.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

OWN: dict[str, Callable[..., nn.Module]] = {"small_cnn": SmallCNN}
"""Networks of ours; every other name is timm's."""


def build(
    name: str, *, classes: int, image_size: int = 224, pretrained: bool = False, drop_rate: float = 0.0
) -> nn.Module:
    """The network ``name`` with a fresh head of ``classes`` outputs.

    ``image_size``, in pixels, matters to networks that are built for one size only, such as vision transformers; their
    published weights are fitted to it by timm.

    Raises:
        ConfigError: no such network, one that has no head, or no published weights for it.
        CheckpointError: its published weights could not be downloaded.
    """
    if name in OWN:
        if pretrained:
            raise ConfigError(f"model.pretrained: {name} has no published weights; set model.pretrained=false")
        return OWN[name](classes, drop_rate=drop_rate)
    # timm defines a thousand networks on import, which takes a second: only those who use one wait for it.
    import timm

    _require_classifier(name)
    if pretrained:
        _require_published(name)
    config = timm.models.get_pretrained_cfg(name)
    sized: dict[str, Any] = {"img_size": image_size} if config is not None and config.fixed_input_size else {}
    try:
        network: nn.Module = timm.create_model(
            name, pretrained=pretrained, num_classes=classes, drop_rate=drop_rate, **sized
        )
    except Exception as error:  # the download fails in as many ways as there are networks; ours all end the same
        if not pretrained:
            raise
        raise CheckpointError(_offline_message(name, error)) from error
    return network


def head_names(network: nn.Module) -> tuple[str, ...]:
    """Dotted names of the modules that make up the head, such as ``("fc",)``."""
    if isinstance(network, SmallCNN):
        return ("head",)
    names = network.pretrained_cfg["classifier"]  # type: ignore[index]  # timm writes it on every model
    return (names,) if isinstance(names, str) else tuple(names)


def is_head(parameter: str, heads: tuple[str, ...]) -> bool:
    """Whether the parameter of that dotted name belongs to the head."""
    return any(parameter.startswith(f"{head}.") for head in heads)


def freeze_backbone(network: nn.Module, *, frozen: bool) -> None:
    """Freeze or thaw the weights of everything but the head; running statistics need ``backbone_to_eval``, too."""
    heads = head_names(network)
    for name, parameter in network.named_parameters():
        if not is_head(name, heads):
            parameter.requires_grad_(not frozen)


def backbone_to_eval(network: nn.Module) -> None:
    """Put every module but the head into evaluation mode, so that running statistics stay as they are."""
    heads = head_names(network)
    for name, module in network.named_modules():
        if name and not is_head(f"{name}.", heads):
            module.training = False


def _require_classifier(name: str) -> None:
    import timm

    if not timm.is_model(name):
        nearest = difflib.get_close_matches(name, [*OWN, *timm.list_models()], n=3)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else "timm.list_models() names those of timm"
        raise ConfigError(f"model.name: no network is called {name!r}; {hint}")
    config = timm.models.get_pretrained_cfg(name)
    if config is not None and config.classifier is None:
        raise ConfigError(f"model.name: {name} is an encoder without a head for classes; choose another network")


def _require_published(name: str) -> None:
    """Ask for weights that are not in the cache once: left alone, the hub's client tries for a minute to reach it."""
    import timm
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    if not timm.is_model_pretrained(name):
        raise ConfigError(f"model.pretrained: timm has no published weights for {name}; set model.pretrained=false")
    config = timm.models.get_pretrained_cfg(name)
    if config is None or not config.hf_hub_id:
        return
    files = [config.hf_hub_filename or "model.safetensors", "pytorch_model.bin"]
    if any(isinstance(try_to_load_from_cache(config.hf_hub_id, file), str) for file in files):
        return
    try:
        get_hf_file_metadata(hf_hub_url(config.hf_hub_id, files[0]), timeout=10)
    except HfHubHTTPError:
        return  # the hub answers; what else there is to say, the download says
    except Exception as error:
        raise CheckpointError(_offline_message(name, error)) from error


def _offline_message(name: str, error: Exception) -> str:
    import timm

    config = timm.models.get_pretrained_cfg(name)
    source = f"huggingface.co/{config.hf_hub_id}" if config is not None and config.hf_hub_id else "its address"
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    return (
        f"model.pretrained: the weights of {name} could not be downloaded ({reason}). Without a network: fetch "
        f"model.safetensors of {source} elsewhere and set model.pretrained=false model.weights=PATH_OF_THE_FILE, "
        "or train from random weights with model.pretrained=false"
    )
