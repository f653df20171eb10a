"""Building a network for semantic segmentation by name."""

from __future__ import annotations

import difflib

from saccade.errors import ConfigError
from saccade.nn.decoders import DECODERS, LEAST, smp_network
from saccade.nn.fcn import FCNBasic, FCNOnBackbone
from saccade.nn.glance import Glance
from saccade.nn.padded import Padded
from saccade.nn.unet import UNet

SMP = "smp_"
"""What comes before the name of a decoder of segmentation_models_pytorch."""

SEGMENTERS = ("fcn_basic", "fcn", "unet", "glance", *(f"{SMP}{decoder}" for decoder in DECODERS))
"""All names; ``fcn`` and ``smp_...`` stand on an encoder."""

DEPTH = 4
"""Of the U-Net, unless said otherwise."""

ENCODER = "resnet34"
"""Unless said otherwise."""


def build_segmenter(
    name: str,
    *,
    classes: int,
    encoder: str = ENCODER,
    pretrained: bool = False,
    depth: int = DEPTH,
    width: int | None = None,
) -> Padded:
    """The network ``name``: (B, 3, H, W) images of any size to (B, classes, H, W) logits.

    Its ``head_names`` are everything but the encoder where there is one, and what gives the logits in other networks.

    Args:
        name: one of ``SEGMENTERS``.
        classes: C, at least 2.
        encoder: for ``fcn`` any of timm's backbones; for ``smp_...`` also those of segmentation_models_pytorch.
        pretrained: the encoder starts from its published weights; otherwise nothing is ever downloaded.
        depth: for ``unet``: how often the map is halved.
        width: for ``unet`` and ``glance``: channels of the first level, by which all others go; 64 and 32 where None.

    Raises:
        ConfigError: no such network or encoder, or a setting that is not for it.
        CheckpointError: the encoder's published weights could not be downloaded.
    """
    _require_name(name)
    _refuse_settings(name, encoder=encoder, pretrained=pretrained, depth=depth, width=width)
    if name.startswith(SMP):
        decoder = name.removeprefix(SMP)
        network = smp_network(decoder, encoder, classes, pretrained=pretrained)
        return Padded(network, int(network.stride), at_least=LEAST.get(decoder, 1))  # type: ignore[arg-type]
    if name == "fcn":
        backed = FCNOnBackbone(encoder, classes, pretrained=pretrained)
        return Padded(backed, backed.stride)
    if name == "unet":
        return Padded(UNet(classes, depth=depth, width=width or 64), 2**depth)
    if name == "glance":
        return Padded(Glance(classes, width=width or 32), Glance.stride)
    return Padded(FCNBasic(classes), FCNBasic.stride)


def _require_name(name: str) -> None:
    if name in SEGMENTERS:
        return
    nearest = difflib.get_close_matches(name, SEGMENTERS, n=3)
    hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"choose one of {', '.join(SEGMENTERS)}"
    raise ConfigError(f"model.name: no segmentation network is called {name!r}; {hint}")


def _refuse_settings(name: str, *, encoder: str, pretrained: bool, depth: int, width: int | None) -> None:
    """Settings that only some networks know, where another one is chosen."""
    backed = name == "fcn" or name.startswith(SMP)
    if pretrained and not backed:
        raise ConfigError(f"model.pretrained: {name} has no published weights; set model.pretrained=false")
    for key, value, default, known in (
        ("encoder", encoder, ENCODER, "fcn or smp_..." if not backed else ""),
        ("depth", depth, DEPTH, "unet" if name != "unet" else ""),
        ("width", width, None, "unet or glance" if name not in ("unet", "glance") else ""),
    ):
        if known and value != default:
            raise ConfigError(
                f"model.{key}: is {value}, which only {known} know{'' if ' or ' in known else 's'}, and model.name is "
                f"{name}; set model.{key}={'null' if default is None else default} or model.name to {known}"
            )
