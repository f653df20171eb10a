"""The files of ``data.features``: features of all images of a split, computed or converted once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torch.utils.data import DataLoader, Subset

from saccade.config.schema import Config
from saccade.console import progress_bar
from saccade.data import check
from saccade.data.feature_files import INDEX, FeatureFile, differing
from saccade.data.feature_sources import convert, open_source
from saccade.data.feature_writer import FeatureWriter
from saccade.data.listing import Listing, file_sizes
from saccade.data.loose import Found, LooseBatch, LooseImages, collate_loose
from saccade.data.parallel import Progress
from saccade.data.transforms import Transform
from saccade.data.wording import counted
from saccade.engine.readers import workers
from saccade.errors import ConfigError, DataError
from saccade.nn.map_features import MapFeatures
from saccade.tasks import TASKS
from saccade.tasks.image_features import (
    ImageFeatures,
    feature_network,
    feature_transform,
    recipe,
    require_weights,
)

Say = Callable[[str], None]

_DETECTOR_READERS = 4
"""Reading processes for a detector: it takes longer than reading, and its images wait at their full size."""


def folder_of(config: Config) -> Path:
    """The folder of the files.

    Raises:
        ConfigError: the task knows no features, or no folder is named.
    """
    if config.task.name != "caption":
        raise ConfigError(
            f"task.name: is {config.task.name}, and features of regions are what caption learns from; name a config "
            "with task.name=caption"
        )
    if config.data.features.path is None:
        raise ConfigError("data.features.path: is null; set it to the folder in which the features are to be kept")
    return config.data.features.path


def feature_listings(config: Config, say: Say) -> dict[str, Listing]:
    """The images of every split that the config names, by the names of the splits on disk.

    Args:
        config: with its split names settled; the parts that are cut off the training split belong to it.
        say: told of training images that cannot be read and are left out, with ``data.on_error: skip``.

    Raises:
        DataError: a split that does not hold.
    """
    task, data = TASKS[config.task.name], config.data
    test = data.test or ("test" if "test" in task.splits(config) else None)
    names = dict.fromkeys(name for name in (data.train, data.val, test) if name is not None)
    listings = {name: task.read(config, name) for name in names}
    if data.on_error == "skip":
        train = listings[data.train]
        with progress_bar() as bar:
            row = bar.add_task("looking for unreadable images", total=len(train))
            found = dict(check.unreadable(train.root, train.images, progress=partial(bar.advance, row)))
        for name, reason in found.items():
            say(f"skipped: {train.root / name} ({reason})")
        kept = [i for i, name in enumerate(train.images) if name not in found]
        listings[data.train] = train.take(np.array(kept, dtype=np.int64))
    return listings


def ensure_features(config: Config, split: str, listing: Listing, say: Say) -> Path:
    """The file with the features of a split, made where it is not there or not finished.

    Args:
        config: with normalisation settled where the features are those of a map.
        split: its name on disk, which is that of the file.
        listing: the images.
        say: told what is done.

    Raises:
        ConfigError: settings by which no features can be made.
        CheckpointError: weights that are not there or do not fit.
        DataError: an image that cannot be read, a file that was made in another way, a full disk.
    """
    path, made = folder_of(config) / f"{split}.npy", config.data.features.made
    if made is not None and (other := differing(made, _wanted(config))):
        raise ConfigError(
            f"data.features.made: says {other[0]}, and the config asks for {other[1]}; set data.features.made=null and "
            "data.features.shape=null to learn from other features than that run"
        )
    if not _is_there(path, config, listing):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{split}.lock")):
            if not _is_there(path, config, listing):  # another process may have made it in the meantime
                _make(path, config, split, listing, say)
    return path


def _is_there(path: Path, config: Config, listing: Listing) -> bool:
    """Whether the file is finished, is that of the config, and holds the images."""
    if not path.with_suffix(INDEX).is_file():
        return False
    store = FeatureFile(path)
    if other := differing(store.made, _wanted(config)):
        raise DataError(
            f"{path}: was made with {other[0]}, and the config asks for {other[1]}; set data.features so, or "
            "data.features.path to another folder, or remove the file and its index to make it anew"
        )
    store.rows(listing)
    return True


def _wanted(config: Config) -> Mapping[str, Any]:
    """What the config says of how its features are made; nothing where it only names the folder."""
    section = config.data.features
    if section.source is not None:
        return {"source": section.source, "pool": section.pool}
    return recipe(config) if section.pretrained or section.weights is not None else {}


def _make(path: Path, config: Config, split: str, listing: Listing, say: Say) -> None:
    say(f"{path}: features of {counted(len(listing), 'image')} of {split}")
    with progress_bar() as bar:
        row = bar.add_task(f"features of {split}", total=len(listing))
        if config.data.features.source is None:
            _compute(path, config, listing, say, partial(bar.advance, row))
        else:
            _convert(path, config, split, listing, partial(bar.advance, row))


def _convert(path: Path, config: Config, split: str, listing: Listing, progress: Progress) -> None:
    section = config.data.features
    assert section.source is not None
    origin = section.source.replace("{split}", split)
    source = open_source(config.data.root / origin, listing.images)
    regions = section.shape[0] if section.shape is not None and section.pool == "none" else None
    made, pool = _wanted(config), section.pool
    try:
        convert(source, path, listing, origin=origin, made=made, regions=regions, pool=pool, progress=progress)
    except DataError as error:
        text = str(error).replace("say how many regions to keep", "set data.features.shape=[REGIONS, NUMBERS]")
        raise DataError(text) from error.__cause__


def _compute(path: Path, config: Config, listing: Listing, say: Say, progress: Progress) -> None:
    require_weights(config.data.features)
    device = device_of(config)
    network = feature_network(config).to(device)
    shape, grid = _shape(network, config)
    made = {**recipe(config), **({} if grid is None else {"grid": list(grid)})}
    boxes, sizes = grid is None and len(shape) == 2, file_sizes(listing).tolist()
    paths = [str(listing.root / name) for name in listing.images]
    with FeatureWriter(path, list(listing.images), shape, made=made, boxes=boxes, sizes=sizes) as writer:
        if writer.done:
            say(f"{path}: going on after {writer.done} of {len(listing)} images")
            progress(writer.done)
        for batch in loose_loader(config, paths, feature_transform(config), start=writer.done):
            if batch.failures:
                _refuse_image(config, batch)
            found = network.regions(batch.image.to(device, non_blocking=True), batch.size)
            writer.write(found.features.cpu().numpy(), None if found.boxes is None else found.boxes.cpu().numpy())
            progress(len(batch.index))


def _refuse_image(config: Config, batch: LooseBatch) -> None:
    hint = "" if config.data.on_error == "skip" else ", or leave it out of training with data.on_error=skip"
    raise DataError(f"{batch.failures[0][1]}; mend or remove it{hint}; the same command then goes on")


def _shape(network: ImageFeatures, config: Config) -> tuple[tuple[int, ...], tuple[int, int] | None]:
    """Shape of an image's features, (R, D) or (D,), and height and width of the map where they are of one."""
    grid = network.network.grid(*config.data.height_width) if isinstance(network.network, MapFeatures) else None
    regions = config.data.features.regions if grid is None else grid[0] * grid[1]
    numbers = (network.network.channels,)
    return (regions, *numbers) if network.pool == "none" else numbers, grid


def loose_loader(
    config: Config, paths: Sequence[str], transform: Transform, *, start: int = 0
) -> DataLoader[tuple[int, Found | str]]:
    """Batches of the images from ``start`` on; for boxes one at a time, for these see images at their full size."""
    features = config.data.features
    alone = features.path is not None and features.are_boxes
    size = 1 if alone else config.loader.batch_size
    readers = min(workers(config), (len(paths) - start) // (2 * size))
    return DataLoader(
        Subset(LooseImages(paths, transform), range(start, len(paths))),
        batch_size=size,
        collate_fn=collate_loose,
        num_workers=min(readers, _DETECTOR_READERS) if alone else readers,
    )


def device_of(config: Config) -> torch.device:
    """Where features are computed: on a GPU where there is one and the config does not say otherwise.

    Raises:
        ConfigError: a GPU is asked for, and there is none.
    """
    there = torch.cuda.is_available()
    if config.trainer.accelerator == "gpu" and not there:
        raise ConfigError("trainer.accelerator: is gpu, and there is no GPU here; set it to auto or cpu")
    return torch.device("cuda" if there and config.trainer.accelerator in ("auto", "gpu") else "cpu")
