"""What the caption task does with data and networks, as plain functions of a config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from torch import nn

from saccade.config.schema import Config
from saccade.config.task_sections import CaptionTask
from saccade.data import coco_captions, karpathy, vocabulary
from saccade.data.feature_files import FeatureFile, store_of
from saccade.data.listing import Listing
from saccade.data.vocabulary import SPECIAL, Vocabulary
from saccade.data.wording import named
from saccade.errors import ConfigError, DataError
from saccade.metrics.captions.tokenizer import tokenize
from saccade.nn.caption_network import CaptionNetwork, image_encoder
from saccade.nn.captioners import build_captioner
from saccade.nn.init import initialize
from saccade.nn.weights import load_weights, read_state_dict

SET_PATH = "set data.features.path=null to learn from the images themselves"


def section_of(config: Config) -> CaptionTask:
    """The section of the task."""
    assert isinstance(config.task, CaptionTask)
    return config.task


def words_of(caption: str) -> list[str]:
    """A caption as it is learned and scored: the words of coco-caption's tokeniser."""
    return tokenize(caption).split()


def read(config: Config, split: str) -> Listing:
    """A split of any of the formats."""
    data = config.data
    if data.format == "karpathy":
        return karpathy.read(_karpathy_file(config), split, root=data.root, images=data.images)
    return coco_captions.read(data.root, split, images=data.images)


def splits(config: Config) -> list[str]:
    """Names of the splits on disk."""
    if config.data.format == "karpathy":
        return karpathy.splits(_karpathy_file(config))
    return coco_captions.splits(config.data.root)


def _karpathy_file(config: Config) -> Path:
    data = config.data
    if data.captions is not None:
        return data.root / data.captions
    found = sorted(data.root.glob("dataset*.json"))
    if len(found) != 1:
        there = f"{len(found)}: {named([path.name for path in found])}" if found else "none"
        raise DataError(
            f"{data.root}: takes one dataset_<name>.json, and there is {there}; set data.captions to the file that is "
            "meant, relative to data.root"
        )
    return found[0]


def learned_words(config: Config, train: Listing) -> Vocabulary:
    """Those that the config gives, or those of the training captions.

    Raises:
        DataError: the file cannot be read, or no word occurs often enough.
        ConfigError: a list that does not begin as it must.
    """
    section = section_of(config)
    if section.vocabulary is not None:
        return known_words(section)
    assert train.captions is not None
    return vocabulary.build(train.captions, words_of, min_count=section.min_count)


def known_words(section: CaptionTask) -> Vocabulary:
    """The vocabulary of a resolved config.

    Raises:
        DataError: its file cannot be read.
        ConfigError: a list that does not begin as it must.
    """
    given = section.vocabulary
    assert given is not None, "the config must be resolved"
    if isinstance(given, Path):
        return vocabulary.load(given)
    if given[: len(SPECIAL)] != SPECIAL or len(set(given)) != len(given):
        raise ConfigError(f"task.vocabulary: is a list of different words that begins with {named(list(SPECIAL))}")
    return Vocabulary(given)


def store(config: Config, listing: Listing) -> FeatureFile | None:
    """The stored features of a split's images; None where the network sees the images themselves.

    Raises:
        DataError: there are none, or of another shape than the network's.
    """
    path, shape = config.data.features.path, config.data.features.shape
    if path is None:
        return None
    found = store_of(path, listing.images)
    if shape is not None and shape != shape_of(found):
        raise DataError(
            f"{found.path}: has {_told(shape_of(found))} of an image, and the network takes {_told(shape)}; "
            "set data.features.path to features that were made as those of the training"
        )
    return found


def shape_of(found: FeatureFile) -> tuple[int, int]:
    """(R, D)."""
    regions, *numbers = found.array.shape[1:]
    return (regions, numbers[0]) if numbers else (1, regions)


def _told(shape: tuple[int, int]) -> str:
    return f"{shape[0]} x {shape[1]} features"


def network(config: Config, words: int) -> CaptionNetwork:
    """The network for so many words, from random or given weights; its encoder's may be published ones.

    Raises:
        ConfigError: a network or a setting that does not exist or does not go with another.
        CheckpointError: weights that do not fit.
    """
    section, encoder = config.model, None
    if config.data.features.path is None:
        encoder, feature_size, stride = image_encoder(section.encoder, pretrained=section.pretrained)
        regions = map_side(config, stride) ** 2
    else:
        assert config.data.features.shape is not None, "the config must be resolved"
        regions, feature_size = config.data.features.shape
    captioner = build_captioner(
        section.name,
        vocabulary=words,
        feature_size=feature_size,
        regions=regions,
        layers=section.layers,
        embedding=section.embedding,
        hidden=section.hidden,
        fused=section.fused,
    )
    concepts = nn.Linear(feature_size, words) if section_of(config).concepts else None
    found = CaptionNetwork(captioner, encoder, concepts)
    if section.init != "default":
        initialize(found, section.init, section.init_fan)
    if section.weights is not None:
        _load(found, section.weights, whole=section.head == "keep")
    return found


def _load(found: CaptionNetwork, path: Path, *, whole: bool) -> None:
    """All weights, or those of the encoder alone, of which the file then is."""
    weights = read_state_dict(path)
    if whole:
        load_weights(found, weights, source=str(path), keep_head=True)
        return
    if found.encoder is None:
        raise ConfigError(
            f"model.weights: {path} would be for model.encoder, and data.features.path says that there is none; set "
            "model.head=keep to load all weights of a caption network, or model.weights=null"
        )
    inner = nn.ModuleDict({"encoder": getattr(found.encoder, "body", found.encoder)})
    own = inner.state_dict()
    kept = {f"encoder.{key}": value for key, value in weights.items() if f"encoder.{key}" in own}
    inner.head_names = ("head",)  # type: ignore[assignment]  # it has none
    load_weights(inner, kept, source=str(path), keep_head=True)


def map_side(config: Config, stride: int) -> int:
    """Positions along a side of the encoder's map."""
    return -(-config.data.side // stride)


def boxes(found: FeatureFile | None, listing: Listing) -> list[pl.Series]:
    """Column ``boxes``: R times x0, y0, x1, y1 of each image, as shares of width and height; none without boxes."""
    if found is None or found.boxes is None:
        return []
    values = np.asarray(found.boxes[found.rows(listing.images)], dtype=np.float32)
    return [pl.Series("boxes", values.tolist(), dtype=pl.List(pl.List(pl.Float32)))]


def regions_told(config: Config) -> dict[str, Any]:
    """What the regions of an image are, for those who draw them."""
    data, features = config.data, config.data.features
    if features.path is not None and (features.pool != "none" or features.shape is None or features.shape[0] == 1):
        return {"kind": "pooled"}
    if features.path is not None and (features.are_boxes or features.source is not None):
        return {"kind": "boxes"}
    if features.shape is not None:
        side = round(features.shape[0] ** 0.5)
    else:
        side = map_side(config, image_encoder(config.model.encoder)[2])
    return {"kind": "grid", "height": side, "width": side, "resize": data.resize, "resize_crop": data.resize_crop}
