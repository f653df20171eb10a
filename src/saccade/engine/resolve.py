"""The only home of "auto": a config and a data set go in, a config without open questions and its splits come out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.config.load import look_for_data
from saccade.config.schema import Config
from saccade.console import progress_bar
from saccade.data import check, folder, scene_files, statistics
from saccade.data.folds import folds
from saccade.data.listing import Listing, counts
from saccade.data.scene_text_files import WordSettings
from saccade.data.splits import cut
from saccade.engine.stored_features import ensure_features
from saccade.errors import DataError
from saccade.tasks import TASKS

VALIDATION_NAMES = ("val", "valid", "validation")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """What training starts from."""

    config: Config  # resolved: class names, split names, measured weights and normalisation all given
    listings: Mapping[str, Listing]  # "train", "val", and "holdout" or "overfit" where there is one
    skipped: tuple[str, ...]  # training images that cannot be read and are left out, relative to the root

    @property
    def selection(self) -> str:
        """The split that chooses the best epoch."""
        return next(name for name in ("overfit", "holdout", "val") if name in self.listings)


def prepare(config: Config, say: Say) -> Prepared:
    """Read the training and validation splits and settle everything that the config leaves to the data.

    A config that cross-validates is settled but for what each fold measures on its own part of the training split.

    Raises:
        DataError: anything about the data set that does not hold.
    """
    TASKS[config.task.name].check(config)
    config = with_split_names(config, say)
    train = TASKS[config.task.name].read(config, config.data.train)
    _look_at_classes(config, train, say)
    skipped = _unreadable(config, train, say)
    readable = _without(train, skipped)
    if config.data.features.path is not None:
        ensure_features(config, config.data.train, readable, say)
    config = _changed(config, "data", TASKS[config.task.name].resolve_data(config, readable))
    listings = _split_train(config, train, skipped)
    if config.data.val is not None:
        listings["val"] = TASKS[config.task.name].read(config, config.data.val)
        _refuse_common_images(config, listings)
        if config.data.features.path is not None:
            ensure_features(config, config.data.val, listings["val"], say)
            TASKS[config.task.name].resolve_data(config, listings["val"])  # refuses those of another make
    if config.data.cross_validates:
        # what is measured is measured for each fold, when it is its turn
        TASKS[config.task.name].check_selection(config, "train", listings["train"])
        return Prepared(config, listings, skipped)
    if config.data.normalize == "measured":
        mean, std = _measured(config, listings["train"])
        config = _changed(config, "data", {"normalize": {"mean": mean, "std": std}})
    config = with_task_settled(config, listings["train"])
    prepared = Prepared(config, listings, skipped)
    _refuse_no_batch(config, listings["train"])
    TASKS[config.task.name].check_selection(config, prepared.selection, listings[prepared.selection])
    return prepared


def _refuse_no_batch(config: Config, train: Listing) -> None:
    """A share of the batches that is less than one would train nothing."""
    limit, size = config.trainer.limit_batches, config.loader.batch_size
    batches = ceil(len(train) / size)
    if isinstance(limit, float) and int(batches * limit) < 1:
        raise DataError(
            f"trainer.limit_batches: a share of {limit:g} of the {batches} batches of an epoch ({len(train)} images, "
            f"{size} a batch) is not one; set it to {ceil(1000 / batches) / 1000:g} or more, or to a number of batches"
        )


def with_task_settled(config: Config, train: Listing) -> Config:
    """The config with what its task measures on these training images, such as balanced weights."""
    return _changed(config, "task", TASKS[config.task.name].resolve(config, train))


def fold_config(config: Config, number: int = 1) -> Config:
    """The config of one fold where the config cross-validates, and any other as it is."""
    if not config.data.cross_validates:
        return config
    return config.model_copy(update={"data": config.data.model_copy(update={"fold": number})})


def _refuse_common_images(config: Config, listings: Mapping[str, Listing]) -> None:
    """Images that are learned from and scored would flatter the network."""
    if config.trainer.max_epochs == 0 and config.trainer.max_time is None:
        return
    val = set(listings["val"].images)
    common = [
        name for split in ("train", "holdout") if split in listings for name in listings[split].images if name in val
    ]
    if common:
        raise DataError(
            f"data.val: {len(common)} of the {len(val)} images of {config.data.val} are training images too, such as "
            f"{common[0]}; score images that are not learned from, or set data.val=null to cut some off"
        )


def listing_of(config: Config, split: str, skipped: tuple[str, ...] = ()) -> Listing:
    """One split of a resolved config: train, holdout, val, test, or the name of a split on disk."""
    task = TASKS[config.task.name]
    data = config.data
    if split == "val" and data.val is not None:
        return task.read(config, data.val)
    if split in ("train", "holdout", "overfit", "val"):
        listings = _split_train(config, task.read(config, data.train), skipped)
        if split not in listings:
            raise DataError(f"split {split}: this run has none (data.holdout is {data.holdout}); it has train and val")
        return listings[split]
    return task.read(config, data.test or "test" if split == "test" else split)


def with_split_names(config: Config, say: Say) -> Config:
    """Draw the scenes where they are not there yet, and settle ``data.train`` and ``data.val``."""
    data = config.data
    if data.format == "scenes":
        _draw_scenes(config, say)
    look_for_data(config)
    train, val = data.train, data.val
    there = TASKS[config.task.name].splits(config)
    if train == "auto":
        one_tree = data.format == "folder" and "train" not in there
        if one_tree and not folder.is_class_tree(data.root):
            holds = f"it holds the folders {', '.join(sorted(there))}" if there else "it holds no folders"
            raise DataError(
                f"{data.root}: no folder train in it, and no folder with images either; {holds}. Set data.root to the "
                "folder that holds train/ and val/, or that holds one folder a class"
            )
        train = "." if one_tree else "train"
        if one_tree and val == "auto":
            val = None
            say(f"no folder train in {data.root}: taking it as one tree of classes")
    if val == "auto":
        val = next((name for name in VALIDATION_NAMES if name in there), None)
    if val is None and (there or data.format != "voc"):  # without set files, reading it says what is missing
        say(f"no validation split: {data.val_fraction:.0%} of the training images, drawn by seed, become it")
    return _changed(config, "data", {"train": train, "val": val})


def _look_at_classes(config: Config, train: Listing, say: Say) -> None:
    """Refuse to tell one class from none, which would score 1.0, and name classes that cannot be learned."""
    empty = [name for name, found in counts(train).items() if not found["n_positive"]]
    there = len(train.classes) - len(empty)
    if config.task.name in ("classify", "segment") and there < 2:
        voc_like = (config.data.root / "JPEGImages").is_dir()
        hint = "this looks like Pascal VOC: try voc-multilabel" if voc_like else "is data.root the right folder?"
        raise DataError(
            f"{config.data.root}: {there} of the {len(train.classes)} classes ({', '.join(train.classes[:8])}) has "
            f"training images, and to tell classes apart takes two; {hint}"
        )
    if config.data.format == "folder" and {"JPEGImages", "ImageSets"} <= set(train.classes):
        kind = "camvid-own or voc2007-fcn" if "SegmentationClass" in train.classes else "voc-multilabel"
        raise DataError(
            f"{config.data.root}: JPEGImages and ImageSets would be classes; this is a data set in the layout of "
            f"Pascal VOC: set data.format=voc, or try the preset {kind}"
        )
    if empty:
        say(f"no training image shows {', '.join(empty[:8])}{' and others' if len(empty) > 8 else ''}")


def _draw_scenes(config: Config, say: Say) -> None:
    scenes, layout = config.data.scenes, TASKS[config.task.name].scenes_layout
    words = WordSettings(scenes.characters, scenes.sheets) if layout == "words" else None
    total = scenes.train + scenes.val + (words.sheets if words else 0)
    say(f"looking for {total} scenes in {config.data.root}")
    with progress_bar() as bar:
        task = bar.add_task("drawing scenes", total=total)
        scene_files.ensure(
            config.data.root,
            train=scenes.train,
            val=scenes.val,
            size=scenes.size,
            seed=scenes.seed,
            layout=layout,
            words=words,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _split_train(config: Config, train: Listing, skipped: tuple[str, ...]) -> dict[str, Listing]:
    """The training split less the validation part (where none is given), then less skipped images and the holdout."""
    data = config.data
    listings: dict[str, Listing] = {}
    if data.val is None:
        train, listings["val"] = _parted(train, data.val_fraction, config.seed, "data.val_fraction")
    if skipped:
        gone = set(skipped)
        scored = sorted(gone.intersection(listings["val"].images)) if data.val is None else []
        if scored:
            raise DataError(
                f"{train.root / scored[0]}: cannot be read. It is one of {len(scored)} such images in the part that "
                "becomes the validation split, of which nothing is left out; mend or remove them"
            )
        train = _without(train, skipped)
    if data.cross_validates:
        fold_parts(config, train)  # refuses what cannot be cut before anything is trained
    elif data.folds:
        train, listings["holdout"] = _fold(train, config)
    elif data.holdout:
        train, listings["holdout"] = _parted(train, data.holdout, config.seed + 1, "data.holdout")
    if config.trainer.overfit_batches is not None:
        train = listings["overfit"] = _few(train, config)
    listings["train"] = train
    return listings


def _without(listing: Listing, names: Collection[str]) -> Listing:
    """The other images of a listing."""
    gone = set(names)
    return listing.take(np.array([i for i, name in enumerate(listing.images) if name not in gone], dtype=np.int64))


def fold_parts(config: Config, train: Listing) -> list[NDArray[np.int64]]:
    """Positions in the whole training split of the images that each fold holds out.

    Raises:
        DataError: more folds than images.
    """
    return folds(train.targets, config.data.folds, config.seed + 2)


def _fold(train: Listing, config: Config) -> tuple[Listing, Listing]:
    """The other folds and the one that is held out."""
    assert config.data.fold is not None
    parts = fold_parts(config, train)
    own = parts.pop(config.data.fold - 1)
    return train.take(np.sort(np.concatenate(parts))), train.take(own)


def _few(train: Listing, config: Config) -> Listing:
    """As many images as ``trainer.overfit_batches`` says, spread evenly over the list, which may be sorted by class."""
    batches = config.trainer.overfit_batches
    assert batches is not None
    wanted = batches * config.loader.batch_size if isinstance(batches, int) else round(batches * len(train))
    number = min(len(train), max(wanted, 2))
    number -= number > 2 and number % config.loader.batch_size == 1  # a batch of one is left out of training
    return train.take(np.linspace(0, len(train) - 1, number).round().astype(np.int64))


def _parted(listing: Listing, share: float, seed: int, key: str) -> tuple[Listing, Listing]:
    kept, off = cut(listing.targets, share, seed)
    if len(off) == 0 or len(kept) == 0:
        raise DataError(
            f"{key}: a share of {share} of {len(listing)} training images leaves {len(kept)} to learn from and "
            f"{len(off)} to score; choose another share, or give a split of its own"
        )
    return listing.take(kept), listing.take(off)


def _unreadable(config: Config, train: Listing, say: Say) -> tuple[str, ...]:
    """With ``data.on_error: skip`` every training image is read once, so that all that follows sees the same list."""
    if config.data.on_error == "stop":
        return ()
    with progress_bar() as bar:
        task = bar.add_task("looking for unreadable images", total=len(train))
        found = check.unreadable(train.root, train.images, progress=partial(bar.advance, task))
    for name, reason in found:
        say(f"skipped: {train.root / name} ({reason})")
    return tuple(name for name, _ in found)


def _measured(config: Config, train: Listing) -> tuple[list[float], list[float]]:
    with progress_bar() as bar:
        task = bar.add_task("measuring mean and standard deviation", total=len(train))
        mean, std = statistics.channel_statistics(
            (train.root / name for name in train.images),
            size=config.data.height_width,
            progress=partial(bar.advance, task),
        )
    return [round(v, 6) for v in mean], [round(v, 6) for v in std]


def _changed(config: Config, section: str, values: Mapping[str, Any]) -> Config:
    content = config.model_dump()
    content[section].update(values)
    return Config.model_validate(content)
