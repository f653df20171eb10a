"""What the two tasks with labels for whole images share, as plain functions of a config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from saccade.config.data_section import MeanStd
from saccade.config.schema import Config
from saccade.data import class_names, folder, table, voc
from saccade.data.dataset import ImageDataset
from saccade.data.listing import Listing
from saccade.data.transforms import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Augmentation,
    Transform,
    denormalize,
    evaluation_transform,
    training_transform,
)
from saccade.errors import ConfigError, DataError
from saccade.nn.backbones import build
from saccade.nn.init import initialize
from saccade.nn.torchvision_names import from_torchvision
from saccade.nn.weights import load_weights, read_state_dict
from saccade.samples import Prediction


def read(config: Config, split: str, *, many: bool) -> Listing:
    """A split of any of the formats; ``many``: any number of labels an image instead of exactly one."""
    data = config.data
    match data.format:
        case "voc":
            if not many:
                raise ConfigError(
                    "data.format: voc gives any number of classes an image, and task.name is classify; "
                    "set task.name=multilabel, or data.format to folder or table"
                )
            return voc.read(data.root, split, classes=data.classes)
        case "folder":
            if many:
                raise ConfigError(
                    "data.format: folder gives one class an image, and task.name is multilabel; "
                    "set task.name=classify, or data.format to voc or table"
                )
            called = class_names.of(data.root, data.class_names)
            return folder.read(data.root, split, classes=data.classes, called=called)
        case "table":
            layout = table_layout(config)
            if data.split_column is None and split != data.train:
                raise DataError(
                    f"split {split}: data.split_column is null, so all rows of {data.table} are training data; "
                    "set data.split_column to the column that names the split"
                )
            return table.read(
                data.root / data.table,
                root=data.root,
                split=None if data.split_column is None else split,
                layout=layout,
                classes=data.classes,
                multilabel=many,
            )
        case "scenes":
            if many:
                return voc.read(data.root, split, classes=data.classes)
            return folder.read(data.root, split, classes=data.classes)
        case _:
            raise AssertionError("the config refuses it")


def splits(config: Config) -> list[str]:
    """Names of the splits on disk."""
    data = config.data
    if data.format == "voc" or (data.format == "scenes" and (data.root / "ImageSets").is_dir()):
        return voc.splits(data.root)
    if data.format == "table":
        return table.splits(data.root / data.table, table_layout(config))
    return folder.splits(data.root)


def table_layout(config: Config) -> table.TableLayout:
    """Which columns of the table hold what."""
    data = config.data
    return table.TableLayout(
        path_column=data.path_column,
        label_columns=data.label_columns,
        delimiter=data.delimiter,
        split_column=data.split_column,
    )


def normalization(config: Config) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation that the config asks for; measured ones must have been resolved."""
    given = config.data.normalize
    if isinstance(given, MeanStd):
        return given.mean, given.std
    assert given == "imagenet", "the config must be resolved"
    return IMAGENET_MEAN, IMAGENET_STD


def transform(config: Config, *, training: bool) -> Transform:
    """From a PIL image to the network's input, with the random changes of training or without."""
    data = config.data
    mean, std = normalization(config)
    if not training:
        return evaluation_transform(data.side, resize=data.resize, crop_share=data.resize_crop, mean=mean, std=std)
    return _training_transform(config, data.side)


def _training_transform(config: Config, size: int) -> Transform:
    data = config.data
    mean, std = normalization(config)
    augmentation = Augmentation(**data.augment.model_dump(include={field.name for field in fields(Augmentation)}))
    return training_transform(
        size,
        augmentation=augmentation,
        resize=data.resize,
        crop_share=data.resize_crop,
        mean=mean,
        std=std,
    )


def dataset(config: Config, listing: Listing, *, training: bool) -> ImageDataset:
    """The samples of a listing."""
    sizes = config.data.progressive if training else ()
    parts = len(sizes) + 1
    earlier = [
        (config.trainer.max_epochs * (part + 1) // parts, _training_transform(config, size))
        for part, size in enumerate(sizes)
    ]
    return ImageDataset(listing, transform(config, training=training), seed=config.seed, earlier=earlier)


def model(config: Config) -> nn.Module:
    """The network, from random, published, or given weights."""
    classes = config.data.classes
    assert classes is not None, "the config must be resolved"
    section = config.model
    keep_head = section.head == "keep"
    network = build(
        section.name,
        classes=len(classes),
        image_size=config.data.side,
        pretrained=section.pretrained,
        keep_head=keep_head,
        drop_rate=section.drop_rate,
        norm=section.norm,
        zero_init_last=section.zero_init_last,
    )
    if section.init != "default":
        initialize(network, section.init, section.init_fan)
    if section.weights is not None:
        weights = from_torchvision(read_state_dict(section.weights), network, section.name)
        load_weights(network, weights, source=str(section.weights), keep_head=keep_head)
    for size in config.data.progressive:
        _try_size(network, size, config.model.name)
    return network


def _try_size(network: nn.Module, size: int, name: str) -> None:
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, 3, size, size))
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(
            f"data.progressive: {name} cannot take images of {size}x{size} pixels ({str(error).splitlines()[0][:90]}); "
            "leave that size out"
        ) from None
    finally:
        network.train(training)


def class_weights(given: dict[str, float] | str, classes: Sequence[str], *, key: str) -> list[float] | None:
    """Weights in class order; classes that are not named weigh 1; None where there are none.

    Raises:
        ConfigError: a weight for a class that does not exist.
    """
    if isinstance(given, str):
        assert given == "none", "the config must be resolved"
        return None
    unknown = sorted(set(given) - set(classes))
    if unknown:
        raise ConfigError(
            f"{key}: no class is called {', '.join(map(repr, unknown))}; the classes are {', '.join(classes)}"
        )
    return [given.get(name, 1.0) for name in classes]


def no_scores(classes: Sequence[str]) -> Prediction:
    """(0, C)."""
    return Prediction(torch.empty(0, len(classes)))


def score_column(prediction: Prediction) -> pl.Series:
    """``scores``: a list of C float32 an image."""
    return pl.Series("scores", prediction.scores.cpu().numpy()).cast(pl.List(pl.Float32))


def by_name(classes: Sequence[str], weights: Tensor) -> dict[str, float]:
    """Weights in class order as they stand in a config."""
    return dict(zip(classes, (round(float(weight), 6) for weight in weights), strict=True))


def pictures(config: Config, image: Tensor) -> list[NDArray[np.uint8]]:
    """(B, 3, H, W) normalised images as B arrays (H, W, 3) uint8 RGB."""
    mean, std = normalization(config)
    rgb = denormalize(image.float().cpu(), mean=mean, std=std).mul(255).round().byte()
    return list(rgb.permute(0, 2, 3, 1).numpy())
