"""What tasks with a target for every pixel share, as plain functions of a config."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from saccade.config.schema import Config
from saccade.config.task_sections import SegmentTask
from saccade.console import progress_bar
from saccade.data import mask_folders, voc_masks
from saccade.data.listing import Listing
from saccade.data.mask_layout import MaskLayout, class_colours
from saccade.data.paired import PairedAugmentation, ScoringTransform, TrainingTransform
from saccade.draw import overlay
from saccade.errors import ConfigError
from saccade.files import cache_folder
from saccade.nn.init import initialize
from saccade.nn.padded import Padded
from saccade.nn.segmenters import build_segmenter
from saccade.nn.weights import load_weights, read_state_dict
from saccade.tasks.labels import normalization


def read(config: Config, split: str) -> Listing:
    """A split of any of the formats, with every mask looked at."""
    data = config.data
    with progress_bar() as bar:
        told = partial(bar.advance, bar.add_task(f"reading the masks of {split}", total=None))
        if data.format == "masks":
            return mask_folders.read(data.root, split, layout(config), progress=told)
        return voc_masks.read(data.root, split, layout(config), progress=told)


def splits(config: Config) -> list[str]:
    """Names of the splits on disk."""
    root = config.data.root
    return mask_folders.splits(root) if config.data.format == "masks" else voc_masks.splits(root)


def layout(config: Config) -> MaskLayout:
    """How masks tell their classes."""
    data = config.data
    return MaskLayout(
        classes=data.classes,
        void_id=data.void_id,
        void_is_background=data.void == "background",
        colours=data.colours,
        void_colour=data.void_colour,
        mask_suffix=data.mask_suffix,
        cache=cache_folder(),
    )


def class_palette(config: Config, train: Listing) -> dict[str, tuple[int, int, int]]:
    """A colour for each class by name: the given one, else the data set's own, else VOC's.

    Raises:
        ConfigError: a colour for a class that does not exist.
    """
    given = config.data.palette or {}
    unknown = sorted(set(given) - set(train.classes))
    if unknown:
        raise ConfigError(
            f"data.palette: no class is called {', '.join(map(repr, unknown))}; the classes are "
            f"{', '.join(train.classes)}"
        )
    own = class_colours(train) or [(int(r), int(g), int(b)) for r, g, b in overlay.palette(len(train.classes))]
    return {**dict(zip(train.classes, own, strict=True)), **given}


def palette(config: Config) -> NDArray[np.uint8]:
    """(256, 3) the colours of the classes, and VOC's for all other numbers, of which 255 is void."""
    found = overlay.palette(256)
    given = config.data.palette
    assert given is not None, "the config must be resolved"
    assert config.data.classes is not None
    found[: len(config.data.classes)] = [given[name] for name in config.data.classes]
    return found


def scoring_transform(config: Config) -> ScoringTransform:
    """Image and mask as they are scored."""
    section = config.task
    assert isinstance(section, SegmentTask)
    mean, std = normalization(config)
    at_input = section.score_size == "input" and not section.window
    size = None if section.window else config.data.height_width
    return ScoringTransform(size, mean=mean, std=std, resize_mask=at_input)


def training_transform(config: Config) -> TrainingTransform:
    """Image and mask as they are learned from."""
    augment, whole = config.data.augment, config.data.height_width
    mean, std = normalization(config)
    size = (augment.size, augment.size) if isinstance(augment.size, int) else augment.size or whole
    changes = PairedAugmentation(
        crop=augment.crop,
        scale=augment.scale,
        flip=augment.flip,
        vertical_flip=augment.vertical_flip,
        rotate=augment.rotate,
        jitter=augment.jitter,
    )
    return TrainingTransform(size, augmentation=changes, mean=mean, std=std, whole=whole)


def model(config: Config) -> Padded:
    """The network, from random, published, or given weights."""
    section, classes = config.model, config.data.classes
    assert classes is not None, "the config must be resolved"
    network = build_segmenter(
        section.name,
        classes=len(classes),
        encoder=section.encoder,
        pretrained=section.pretrained,
        depth=section.depth,
        width=section.width,
    )
    if section.init != "default":
        initialize(network, section.init, section.init_fan)
    if section.weights is not None:
        weights = read_state_dict(section.weights)
        load_weights(network.inner, weights, source=str(section.weights), keep_head=section.head == "keep")
    return network
