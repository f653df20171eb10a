"""The decoders of segmentation_models_pytorch, with any encoder that it or timm has."""

from __future__ import annotations

import difflib

from torch import nn

from saccade.errors import ConfigError
from saccade.nn.encoders import MAPS, refused, require_any_size, require_encoder
from saccade.nn.published import published, published_encoder

DECODERS = (
    "unet",
    "unetplusplus",
    "manet",
    "linknet",
    "fpn",
    "pspnet",
    "deeplabv3",
    "deeplabv3plus",
    "pan",
    "upernet",
    "segformer",
)
"""As its ``create_model`` calls them. Its DPT is not among them: it takes vision transformers of one size only."""

LEAST = {"pan": 128}
"""Smallest side of an image in pixels: PAN halves a map at 1/16 three times more."""

_TIMMS = "tu-"
"""What it puts before the names of timm's networks."""


def smp_network(decoder: str, encoder: str, classes: int, *, pretrained: bool = False) -> nn.Module:
    """(B, 3, H, W) images to (B, classes, H, W) logits; H and W multiples of its ``stride``, at least ``LEAST``.

    Its ``head_names`` are the decoder and what follows it.

    Args:
        decoder: one of ``DECODERS``.
        encoder: one of its own, such as ``resnet34`` or ``mobilenet_v2``, or any of timm's; a name that both have
            means its own, and ``tu-`` before it timm's.
        classes: C.
        pretrained: the encoder starts from its published weights; otherwise nothing is ever downloaded.

    Raises:
        ConfigError: no such decoder or encoder, the two do not go together, or the encoder has no published weights.
        CheckpointError: they could not be downloaded.
    """
    if decoder not in DECODERS:
        nearest = difflib.get_close_matches(decoder, DECODERS, n=3)
        hint = f"did you mean {' or '.join(f'smp_{each}' for each in nearest)}?" if nearest else f"{_listed()}"
        raise ConfigError(f"model.name: segmentation_models_pytorch has no decoder {decoder!r}; {hint}")
    # it and timm take seconds to import: only those who use it wait for it
    import segmentation_models_pytorch as smp

    name = _smps_name(encoder)
    with refused(f"{encoder} does not go with {decoder}"):
        network: nn.Module = smp.create_model(
            decoder, encoder_name=name, encoder_weights=None, in_channels=3, classes=classes
        )
    network.stride = network.encoder.output_stride  # type: ignore[union-attr]
    network.head_names = ("decoder", "segmentation_head")  # type: ignore[assignment]
    if name.startswith(_TIMMS):
        # its own encoders are known to go with what it lets them; timm's are a thousand
        size = max(LEAST.get(decoder, 0), 128), 160
        require_any_size(network, size, size, what=f"{encoder} does not go with {decoder}")
    if pretrained:
        _load_published(network.get_submodule("encoder"), name)
    return network


def _smps_name(encoder: str) -> str:
    """The encoder's name as segmentation_models_pytorch wants it."""
    from segmentation_models_pytorch.encoders import encoders

    if encoder in encoders:
        return encoder
    timms = encoder.removeprefix(_TIMMS)
    require_encoder(timms, encoders)
    return _TIMMS + timms


def _load_published(encoder: nn.Module, name: str) -> None:
    if not name.startswith(_TIMMS):
        encoder.load_state_dict(published_encoder(name))
        return
    body = encoder.get_submodule("model")
    wanted = {**MAPS, "out_indices": tuple(body.feature_info.out_indices)}  # type: ignore[arg-type, union-attr]
    source = published(name.removeprefix(_TIMMS), classes=0, keep_head=False, settings=wanted)
    body.load_state_dict(source.state_dict())


def _listed() -> str:
    return f"it has {', '.join(f'smp_{each}' for each in DECODERS)}"
