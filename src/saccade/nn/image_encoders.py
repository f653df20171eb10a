"""From an image to a map of it, by the name of a network: one of ours, or a backbone of timm."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from torch import nn

from saccade.nn.cifar_resnet import CIFAR_RESNETS, CifarResNet
from saccade.nn.encoders import MAPS, Encoder, require_encoder
from saccade.nn.small import SmallCNN
from saccade.nn.torchvision_names import from_torchvision
from saccade.nn.weights import load_weights, read_state_dict

OWN_ENCODERS: dict[str, Callable[[int], SmallCNN | CifarResNet]] = {"small_cnn": SmallCNN, **CIFAR_RESNETS}
"""Our networks that map images of any size, each made from the number of classes of its head."""


def image_encoder(name: str, *, pretrained: bool = False) -> tuple[nn.Module, int]:
    """What maps (B, 3, H, W) images to (B, C, h, w), and C.

    Args:
        name: of a timm backbone, or one of ``OWN_ENCODERS``, without its head.
        pretrained: with timm's published weights.

    Raises:
        ConfigError: no such encoder, or it gives no maps of images of any size, or has no published weights.
        CheckpointError: they could not be downloaded.
    """
    if name in OWN_ENCODERS and not pretrained:
        whole = OWN_ENCODERS[name](1)
        return whole.body(), whole.channels
    encoder = Encoder(name, pretrained=pretrained)
    return encoder, encoder.channels


def require_image_encoder(name: str, others: Iterable[str] = ()) -> None:
    """That there is an encoder ``name``; ``others`` are names that would do as well.

    Raises:
        ConfigError: there is none.
    """
    if name not in OWN_ENCODERS:
        require_encoder(name, [*OWN_ENCODERS, *others])


def load_encoder(encoder: nn.Module, name: str, path: Path) -> None:
    """Give what ``image_encoder`` made of ``name`` the weights of a file of the whole network; its head is left out.

    Of a network of timm's the file has timm's or torchvision's names.

    Raises:
        CheckpointError: the file cannot be read, or does not fit.
    """
    if isinstance(encoder, Encoder):
        encoder.body.load_state_dict(_body_with(name, path).state_dict())
        return
    whole = OWN_ENCODERS[name](1)
    load_weights(whole, read_state_dict(path), source=str(path), keep_head=False)
    encoder.load_state_dict(whole.body().state_dict())


def _body_with(name: str, path: Path) -> nn.Module:
    """timm's network that gives maps, with the weights of a file of the whole network."""
    import timm

    whole = timm.create_model(name, pretrained=False)
    load_weights(whole, from_torchvision(read_state_dict(path), whole, name), source=str(path), keep_head=False)
    # timm takes the network apart in a way of its own for each, and knows by itself which weights go where
    given = {"state_dict": whole.state_dict()}
    body: nn.Module = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=given, **MAPS)
    return body
