"""Building a network by name, and telling its head from the rest."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from torch import nn

from saccade.errors import ConfigError
from saccade.nn.cifar_resnet import CIFAR_RESNETS
from saccade.nn.published import published
from saccade.nn.resnet import RESNETS, Norm
from saccade.nn.small import FiveLayerCNN, SmallCNN

OWN: dict[str, Callable[..., nn.Module]] = {
    "small_cnn": SmallCNN,
    "dogs_cnn": FiveLayerCNN,
    **RESNETS,
    **CIFAR_RESNETS,
}
"""Networks of ours; every other name is timm's, also ``resnet18.a1_in1k`` and the like."""

ONE_SIZE = {"dogs_cnn": FiveLayerCNN.image_size}
"""Networks of ours that take images of one size only, and that size in pixels."""


def build(
    name: str,
    *,
    classes: int,
    image_size: int = 224,
    pretrained: bool = False,
    keep_head: bool = False,
    drop_rate: float = 0.0,
    norm: Norm = "batch",
    zero_init_last: bool = False,
) -> nn.Module:
    """The network ``name`` with ``classes`` outputs.

    Args:
        name: a key of ``OWN``, or timm's name.
        classes: outputs of the head.
        image_size: in pixels; it matters to networks that are built for one size only, such as vision transformers;
            their published weights are fitted to it by timm.
        pretrained: start from timm's published weights.
        keep_head: with their head, which must have ``classes`` outputs, instead of a fresh one.
        drop_rate: dropout before the head.
        norm: of our ResNets.
        zero_init_last: of our ResNets.

    Raises:
        ConfigError: no such network, one without a head or published weights, or a setting that is not for it.
        CheckpointError: its published weights could not be downloaded, or their head does not fit.
    """
    _refuse_settings(name, image_size=image_size, pretrained=pretrained, norm=norm, zero_init_last=zero_init_last)
    if name in RESNETS:
        network = RESNETS[name](classes, drop_rate=drop_rate, norm=norm, zero_init_last=zero_init_last)
        if pretrained:
            source = published(name, classes=classes, keep_head=keep_head, settings={})
            _take_over(network, source, keep_head=keep_head)
        return network
    if name in OWN:
        return OWN[name](classes, drop_rate=drop_rate)
    return _timms(name, classes, image_size=image_size, pretrained=pretrained, keep_head=keep_head, drop_rate=drop_rate)


def head_names(network: nn.Module) -> tuple[str, ...]:
    """Dotted names of the modules that make up the head, such as ``("fc",)``.

    A network of ours says it in a class attribute ``head_names``; its head is one linear layer, whose output is the
    network's.
    """
    own = getattr(network, "head_names", None)
    if isinstance(own, tuple):
        return own
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


def _refuse_settings(name: str, *, image_size: int, pretrained: bool, norm: Norm, zero_init_last: bool) -> None:
    """Settings that only some networks know, where another one is chosen."""
    if name not in RESNETS and (norm != "batch" or zero_init_last):
        key, value, default = ("norm", norm, "batch") if norm != "batch" else ("zero_init_last", "true", "false")
        raise ConfigError(
            f"model.{key}: is {value}, which only our own {', '.join(RESNETS)} know, and model.name is {name}; "
            f"set model.{key}={default} or model.name to one of them"
        )
    if pretrained and name in OWN and name not in RESNETS:
        raise ConfigError(f"model.pretrained: {name} has no published weights; set model.pretrained=false")
    if pretrained and norm != "batch":
        raise ConfigError(
            f"model.norm: is {norm}, and the published weights of {name} are for batch; "
            "set model.norm=batch or model.pretrained=false"
        )
    if image_size != ONE_SIZE.get(name, image_size):
        size = ONE_SIZE[name]
        raise ConfigError(
            f"data.image_size: is {image_size}, and {name} takes images of {size}x{size} pixels only; "
            f"set data.image_size={size}"
        )


def _timms(
    name: str, classes: int, *, image_size: int, pretrained: bool, keep_head: bool, drop_rate: float
) -> nn.Module:
    # timm defines a thousand networks on import, which takes a second: only those who use one wait for it.
    import timm

    _require_classifier(name)
    config = timm.models.get_pretrained_cfg(name)
    settings: dict[str, Any] = {"drop_rate": drop_rate}
    if config is not None and config.fixed_input_size:
        settings["img_size"] = image_size
    if pretrained:
        return published(name, classes=classes, keep_head=keep_head, settings=settings)
    made: nn.Module = timm.create_model(name, pretrained=False, num_classes=classes, **settings)
    return made


def _take_over(network: nn.Module, source: nn.Module, *, keep_head: bool) -> None:
    """Copy the weights of timm's network of the same names; the head only where it is kept."""
    heads = head_names(network)
    weights = {key: value for key, value in source.state_dict().items() if keep_head or not is_head(key, heads)}
    network.load_state_dict(weights, strict=keep_head)


def _require_classifier(name: str) -> None:
    import timm

    if not timm.is_model(name):
        nearest = difflib.get_close_matches(name, {*OWN, *timm.list_models()}, n=3)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else "timm.list_models() names those of timm"
        raise ConfigError(f"model.name: no network is called {name!r}; {hint}")
    config = timm.models.get_pretrained_cfg(name)
    if config is not None and config.classifier is None:
        raise ConfigError(f"model.name: {name} is an encoder without a head for classes; choose another network")
