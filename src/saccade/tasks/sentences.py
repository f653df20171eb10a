"""What the caption task does with data and networks, as plain functions of a config."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from torch import nn

from saccade.config.model_section import Model
from saccade.config.schema import Config
from saccade.config.task_sections import CaptionTask
from saccade.data import coco_captions, karpathy, vocabulary
from saccade.data.feature_files import FeatureFile, store_of
from saccade.data.listing import Listing
from saccade.data.vocabulary import SPECIAL, Vocabulary
from saccade.data.wording import differing, named
from saccade.errors import CheckpointError, ConfigError, DataError
from saccade.metrics.captions.tokenizer import tokenize
from saccade.nn.caption_network import PLACE, CaptionNetwork, map_side
from saccade.nn.captioners import Sizes, build_captioner, require_captioner
from saccade.nn.image_encoders import image_encoder, load_encoder
from saccade.nn.init import initialize
from saccade.nn.weights import load_weights, read_facts, read_state_dict, require_file

DECODING = ("beam", "length_penalty", "length_alpha", "max_length", "block_repeats", "block_ngrams")
"""Settings of the task by which captions are searched for."""


def section_of(config: Config) -> CaptionTask:
    """The section of the task."""
    assert isinstance(config.task, CaptionTask)
    return config.task


@lru_cache(maxsize=2**16)  # the same captions come again in every epoch
def words_of(caption: str) -> tuple[str, ...]:
    """A caption as it is learned and scored: the words of coco-caption's tokeniser."""
    return tuple(tokenize(caption).split())


def check(config: Config) -> None:
    """What can be told to be wrong before anything is read.

    Raises:
        ConfigError: no such network, a setting that is not for it, a list of words that does not hold.
        DataError: no such vocabulary.
        CheckpointError: no such weights.
    """
    section, model = section_of(config), config.model
    require_captioner(model.name, sizes_of(config))
    if model.weights is not None:
        require_file(model.weights)
    if section.vocabulary is not None:
        known_words(section)


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
    try:
        return vocabulary.build(train.captions, words_of, min_count=section.min_count)
    except DataError as error:
        raise DataError(f"task.min_count: {str(error).replace('the minimum count', 'task.min_count')}") from None


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
        raise ConfigError(
            f"task.vocabulary: found a list of {len(given)} words; it begins with {', '.join(SPECIAL)}, and no word "
            "stands there twice"
        )
    if blank := [word for word in given if " " in word]:
        raise ConfigError(f"task.vocabulary: {named(blank, limit=3)} in the list; a word has no blanks")
    return Vocabulary(given)


def store(config: Config, listing: Listing) -> FeatureFile | None:
    """The stored features of a split's images; None where the network sees the images themselves.

    Raises:
        DataError: there are none, or such as were made in another way or are of another shape than the network's.
    """
    path, shape = config.data.features.path, config.data.features.shape
    if path is None:
        return None
    found = store_of(path, listing, config.data.features.made)
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


def sizes_of(config: Config) -> Sizes:
    """Of the layers of the captioner."""
    section = config.model
    return Sizes(section.layers, section.embedding, section.hidden, section.drop_rate)


def network(config: Config, words: tuple[str, ...]) -> CaptionNetwork:
    """The network for these words, from random or given weights; its encoder's may be published ones.

    Raises:
        ConfigError: a network or a setting that does not exist or does not go with another.
        CheckpointError: weights that do not fit.
    """
    section, encoder = config.model, None
    if config.data.features.path is None:
        encoder, channels = image_encoder(section.encoder, pretrained=section.pretrained)
        regions, feature_size = map_side(encoder, config.data.side) ** 2, channels + PLACE
    else:
        assert config.data.features.shape is not None, "the config must be resolved"
        regions, feature_size = config.data.features.shape
    captioner = build_captioner(
        section.name,
        vocabulary=len(words),
        feature_size=feature_size,
        regions=regions,
        sizes=sizes_of(config),
        fused=section.fused,
    )
    concepts = nn.Linear(feature_size, len(words)) if section_of(config).concepts else None
    found = CaptionNetwork(captioner, encoder, concepts)
    if section.init != "default":
        initialize(found, section.init, section.init_fan)
    if section.weights is not None:
        load(found, config, words, section.weights)
    return found


def load(
    found: CaptionNetwork, config: Config, words: tuple[str, ...], path: Path, *, convert: str | None = None
) -> None:
    """All weights of a caption network that knows these words, or those of the encoder, of which the file then is.

    Args:
        found: is given them.
        config: says whether all weights are meant.
        words: of the network.
        path: the file.
        convert: to what the network has been converted.

    Raises:
        ConfigError: weights of an encoder for a network without one.
        CheckpointError: weights that do not fit, of a network that knows other words, or that was converted in another
            way.
    """
    if config.model.head != "keep":
        _load_encoder(found, config.model, path, convert)
        return
    _refuse_other_words(path, words)
    weights = read_state_dict(path, convert=convert)
    if found.concepts is None:  # what the first stage told words with is of no use any more
        weights = {key: value for key, value in weights.items() if not key.startswith("concepts.")}
    seen = " and data.features" if found.encoder is None else ", model.encoder and data.image_size"
    sizes = f"model.name, model.layers, model.embedding, model.hidden{seen}"
    load_weights(found, weights, source=str(path), keep_head=True, made_by=sizes)


def _refuse_other_words(path: Path, words: tuple[str, ...]) -> None:
    """A network that was taught other words would say these ones at random, also where it has as many."""
    theirs = tuple(read_facts(path).get("outputs", words))
    if theirs != words:
        raise CheckpointError(
            f"model.weights: {path} knows other words than this training ({differing(theirs, words)}); set "
            "task.vocabulary to the vocabulary.json of the run that it is from"
        )


def _load_encoder(found: CaptionNetwork, section: Model, path: Path, convert: str | None) -> None:
    if found.encoder is None:
        raise ConfigError(
            f"model.weights: {path} would be for model.encoder, and data.features.path says that there is none; set "
            "model.head=keep to load all weights of a caption network, or model.weights=null"
        )
    if convert is not None:
        raise CheckpointError(
            f"model.weights: {path} is of a network that is {convert}, and model.encoder is given weights of one that "
            "is not, which are then converted; name such weights, or set model.head=keep to load all weights of a "
            "caption network"
        )
    try:
        load_encoder(found.encoder, section.encoder, path)
    except CheckpointError as error:
        hint = "; to load all weights of a caption network, set model.head=keep"
        text = str(error).replace("choose the model.name", "choose the model.encoder")
        first, *more = text.splitlines()
        raise CheckpointError("\n".join([f"{first}{hint}", *more])) from None


def boxes(found: FeatureFile | None, listing: Listing) -> list[pl.Series]:
    """Column ``boxes``: R times x0, y0, x1, y1 of each image, as shares of width and height; none without boxes."""
    if found is None or found.boxes is None:
        return []
    values = np.asarray(found.boxes[found.rows(listing)], dtype=np.float32)
    return [pl.Series("boxes", values.tolist(), dtype=pl.List(pl.List(pl.Float32)))]


def regions_told(config: Config, found: FeatureFile | None) -> dict[str, Any]:
    """What the regions of an image are, for those who draw them: those of stored features, or of the encoder's map."""
    data = config.data
    if found is None:
        side = map_side(image_encoder(config.model.encoder)[0], data.side)
        return _grid(side, side, data.resize, data.resize_crop)
    if found.boxes is None and shape_of(found)[0] == 1:
        return {"kind": "pooled"}
    if found.boxes is None and "grid" in found.made:
        made = found.made
        height, width = made["grid"]
        return _grid(height, width, made["resize"], made.get("resize_crop", data.resize_crop))
    return {"kind": "boxes"}


def _grid(height: int, width: int, resize: str, resize_crop: float) -> dict[str, Any]:
    return {"kind": "grid", "height": height, "width": width, "resize": resize, "resize_crop": resize_crop}
