"""From a config to what makes features of images: the network and the transform of ``data.features``.

Letters: B images, R regions of each, D features of a region.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms.v2 import functional

from saccade.config.data_section import Features
from saccade.config.schema import Config
from saccade.data.feature_files import Pool, differing, sha256
from saccade.data.transforms import Transform
from saccade.errors import CheckpointError, ConfigError
from saccade.nn.detector_features import DETECTORS, PUBLISHED, DetectorFeatures, build_detector
from saccade.nn.image_encoders import require_image_encoder
from saccade.nn.map_features import MapFeatures
from saccade.tasks import labels


class Regions(NamedTuple):
    """What is made of a batch of images."""

    features: Tensor  # (B, R, D), or pooled (B, D)
    boxes: Tensor | None  # (B, R, 4) x0, y0, x1, y1 as shares of width and height; None for maps and where pooled


class ImageFeatures(nn.Module):
    """Features of images, the same numbers as in the files that ``saccade data features`` writes."""

    def __init__(self, network: DetectorFeatures | MapFeatures, *, pool: Pool = "none") -> None:
        super().__init__()
        self.network, self.pool = network, pool

    def forward(self, image: Tensor, size: Tensor) -> Tensor:
        """(B, R, D) float32; R is 1 where they are pooled.

        ``image``: (B, 3, H, W) as ``feature_transform`` makes them, those that are smaller padded at the right and
        below. ``size``: (B, 2) height and width of each within it; maps, whose images are all of one size, ignore it.
        """
        features = self.regions(image, size).features.half().float()  # float16 is what files hold
        return features if features.ndim == 3 else features[:, None]

    def regions(self, image: Tensor, size: Tensor) -> Regions:
        """The same in full precision and with the boxes; pooled features are (B, D)."""
        if isinstance(self.network, MapFeatures):
            return Regions(self._pooled(self.network(image)), None)
        sizes: list[list[int]] = size.tolist()
        features, boxes = self.network([one[:, :h, :w] for one, (h, w) in zip(image, sizes, strict=True)])
        return Regions(self._pooled(features), boxes if self.pool == "none" else None)

    def _pooled(self, features: Tensor) -> Tensor:
        if self.pool == "none":
            return features
        return features.amax(dim=1) if self.pool == "max" else features.mean(dim=1)


def feature_network(config: Config) -> ImageFeatures:
    """The network of ``data.features`` with its weights, for features of any image.

    Raises:
        ConfigError: no such network, or no weights for it.
        CheckpointError: its weights could not be downloaded or read, or do not fit.
    """
    section = config.data.features
    require_weights(section)
    with _in_keys_of_features():
        if not section.are_boxes:
            require_image_encoder(section.network, DETECTORS)
            network = MapFeatures(section.network, pretrained=section.pretrained, weights=section.weights)
            return ImageFeatures(network, pool=section.pool)
        detector = build_detector(
            section.network, size=section.size, pretrained=section.pretrained, weights=section.weights
        )
        return ImageFeatures(DetectorFeatures(detector, regions=section.regions), pool=section.pool)


def network_as_trained(config: Config) -> ImageFeatures:
    """The same of a trained run: what it makes is like what the caption network learned from.

    Raises:
        ConfigError: it would not be, or there are no weights.
        CheckpointError: its weights could not be downloaded or read, or do not fit.
    """
    section = config.data.features
    made = section.made
    assert made is not None, "the config must be resolved"
    if "network" not in made:
        raise ConfigError(
            f"data.features: the network learned from features of {made.get('source', 'others')}, which were computed "
            "elsewhere and cannot be made of other images; to predict, train on images, or on features of "
            "data.features.network"
        )
    if not section.pretrained and section.weights is None:
        raise ConfigError(
            f"data.features: the network learned from features of {made['network']} with weights {made['weights']}, "
            "and the run names none; set data.features.pretrained=true for the published ones, or "
            "data.features.weights=FILE"
        )
    if other := differing(made, recipe(config)):
        raise ConfigError(
            f"data.features: the network learned from features made with {other[0]}, and these would be made with "
            f"{other[1]}; set data.features.pretrained and data.features.weights to the weights of the training"
        )
    return feature_network(config)


def settled(config: Config, made: Mapping[str, Any], shape: tuple[int, int]) -> dict[str, Any]:
    """What the section ``data`` says of features of this make and (R, D): ``recipe`` the other way round."""
    what = {key: made[key] for key in ("network", "regions", "size", "pool") if key in made}
    seen: dict[str, Any] = {key: made[key] for key in ("image_size", "resize", "resize_crop") if key in made}
    if "mean" in made:
        seen["normalize"] = {"mean": made["mean"], "std": made["std"]}
    return {"features": {**config.data.features.model_dump(), **what, "shape": shape, "made": dict(made)}, **seen}


def feature_transform(config: Config) -> Transform:
    """From a PIL image to what that network takes: for boxes RGB in [0, 1] at the size of the file, for maps what
    evaluation makes of an image.

    Raises:
        ConfigError: for maps, a normalisation that is still to be measured.
    """
    if config.data.features.are_boxes:
        return _rgb
    _require_normalization(config)
    return labels.transform(config, training=False)


def recipe(config: Config) -> dict[str, Any]:
    """Everything that the numbers of that network depend on, in JSON's types.

    Raises:
        ConfigError: as of ``feature_transform``.
        CheckpointError: there is no file of weights.
    """
    data, section = config.data, config.data.features
    made: dict[str, Any] = {"network": section.network, "weights": _origin(section), "pool": section.pool}
    if section.are_boxes:
        return {**made, "regions": section.regions, "size": section.size}
    _require_normalization(config)
    mean, std = labels.normalization(config)
    crop = {"resize_crop": data.resize_crop} if data.resize == "crop" else {}
    seen = {"image_size": data.side, "resize": data.resize, **crop, "mean": list(mean), "std": list(std)}
    return {**made, **seen}


def require_weights(section: Features) -> None:
    """Refuse a network with random weights.

    Raises:
        ConfigError: neither published weights nor a file of them are asked for.
    """
    if not section.pretrained and section.weights is None:
        raise ConfigError(
            f"data.features: {section.network} has random weights, whose features are worth nothing; set "
            "data.features.pretrained=true for the published ones, data.features.weights=FILE, or data.features.source "
            "to features that exist"
        )


def _rgb(image: Image.Image) -> Tensor:
    pixels: Tensor = functional.to_dtype(functional.pil_to_tensor(image), torch.float32, scale=True)
    return pixels


def _require_normalization(config: Config) -> None:
    if config.data.normalize == "measured":
        raise ConfigError(
            "data.normalize: is measured, which a training does after its features are there; set it to imagenet, or "
            "to {mean: [...], std: [...]}, as `saccade data stats` prints them"
        )


def _origin(section: Features) -> dict[str, str]:
    """Which weights they are."""
    published = PUBLISHED[section.network].url.rpartition("/")[2] if section.network in PUBLISHED else None
    if section.weights is not None:
        if not section.weights.is_file():
            raise CheckpointError(
                f"data.features.weights: {section.weights} not found; name a .safetensors or .pth file"
            )
        checksum = sha256(section.weights)
        # torchvision's file is called network-12345678.pth by the first digits of its checksum
        if published is None or not checksum.startswith(published.rpartition("-")[2].removesuffix(".pth")):
            return {"sha256": checksum}
    if published is not None:
        return {"published": published}
    import timm  # which takes a second: only those who use it wait for it

    found = timm.models.get_pretrained_cfg(section.network)
    tag = "" if found is None or not found.tag else f".{found.tag}"
    return {"published": f"{section.network.partition('.')[0]}{tag}"}


_KEYS = {
    "model.encoder: no encoder is called": "data.features.network: no network is called",
    "model.name: no detector is called": "data.features.network: no detector is called",
    ", or train from random weights with model.pretrained=false": (
        ", or set data.features.pretrained=false data.features.weights=PATH_OF_A_FILE"
    ),
    "model.encoder": "data.features.network",
    "model.name": "data.features.network",
    "model.weights": "data.features.weights",
    "model.pretrained": "data.features.pretrained",
}
"""What networks call the settings from which they are made in training, and what those are called here."""


@contextmanager
def _in_keys_of_features() -> Iterator[None]:
    """Let a network's messages name the keys of ``data.features``."""
    try:
        yield
    except (ConfigError, CheckpointError) as error:
        text = str(error)
        for key, own in _KEYS.items():
            text = text.replace(key, own)
        raise type(error)(text) from error.__cause__
