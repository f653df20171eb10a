"""``saccade data check`` and ``saccade data stats``: look at a data set before training on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from saccade.config.load import load
from saccade.config.schema import Config
from saccade.console import progress_bar, say
from saccade.data import statistics
from saccade.data.captions import Captions
from saccade.data.check import Report, check
from saccade.data.listing import Listing, counts
from saccade.data.words import Words
from saccade.engine.resolve import prepare, with_split_names
from saccade.errors import DataError
from saccade.tasks import TASKS


def data_check(source: str | Path, overrides: Sequence[str] = ()) -> Report:
    """Decode every image of every split of a config's data set and count its classes.

    Raises:
        ConfigError: the config does not hold.
        DataError: there is no data set; what is wrong within it stands in the report.
    """
    config = with_split_names(load(source, overrides), say)
    listings, errors = _readable_splits(config)
    with progress_bar() as bar:
        task = bar.add_task("reading images", total=sum(map(len, listings.values())))
        return check(listings, errors=errors, progress=partial(bar.advance, task))


@dataclass(frozen=True)
class SplitStatistics:
    """What ``data stats`` prints of a split."""

    n: int
    classes: dict[str, dict[str, int]]  # n_positive and n_ignored of each class
    widths: tuple[int, int, int]  # smallest, median, largest, in pixels
    heights: tuple[int, int, int]
    captions: Captions | None  # of its images, where they have such
    words: Words | None  # likewise


@dataclass(frozen=True)
class DataStatistics:
    """Counts and sizes of each split; mean and standard deviation of the training images alone."""

    splits: dict[str, SplitStatistics]
    mean: tuple[float, float, float]  # of RGB values in [0, 1], at data.image_size as training measures them
    std: tuple[float, float, float]


def data_stats(source: str | Path, overrides: Sequence[str] = ()) -> DataStatistics:
    """Counts, sizes, and per-channel mean and standard deviation of a config's data set.

    Raises:
        ConfigError: the config does not hold.
        DataError: the data set cannot be listed, or an image cannot be read.
    """
    prepared = prepare(load(source, overrides), say)
    listings = dict(sorted(prepared.listings.items()))
    train = listings["train"]
    with progress_bar() as bar:
        task = bar.add_task("reading images", total=sum(map(len, listings.values())) + len(train))
        advance = partial(bar.advance, task)
        splits: dict[str, SplitStatistics] = {}
        for name, listing in listings.items():
            sizes = statistics.image_sizes(_paths(listing), progress=advance)
            spreads = _spread(sizes[:, 0]), _spread(sizes[:, 1])
            splits[name] = SplitStatistics(len(listing), counts(listing), *spreads, listing.captions, listing.words)
        size = prepared.config.data.height_width
        mean, std = statistics.channel_statistics(_paths(train), size=size, progress=advance)
    return DataStatistics(splits, mean, std)


def _readable_splits(config: Config) -> tuple[dict[str, Listing], dict[str, DataError]]:
    """The splits that the config names, and for those that cannot be listed the reason."""
    listings: dict[str, Listing] = {}
    errors: dict[str, DataError] = {}
    task = TASKS[config.task.name]
    test = config.data.test or ("test" if "test" in task.splits(config) else None)
    for key, name in (("train", config.data.train), ("val", config.data.val), ("test", test)):
        if name is None:
            continue
        try:
            listings[key] = task.read(config, name)
        except DataError as error:
            errors[key] = error
        if key == "train" and key in listings and config.data.classes is None:
            data = config.data.model_copy(update={"classes": listings["train"].classes})
            config = config.model_copy(update={"data": data})
    return listings, errors


def _paths(listing: Listing) -> list[Path]:
    return [listing.root / name for name in listing.images]


def _spread(values: np.ndarray[tuple[int], np.dtype[np.int64]]) -> tuple[int, int, int]:
    return int(values.min()), int(np.median(values)), int(values.max())
