"""Scoring a split with the weights of a run, and writing what was found."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from saccade.config.load import load
from saccade.config.schema import Config
from saccade.config.task_sections import FINDING, ClassifyTask
from saccade.console import is_main_process, say
from saccade.data.listing import Listing, fingerprint
from saccade.data.wording import named
from saccade.engine import trainer
from saccade.engine.module import Scored
from saccade.engine.resolve import listing_of
from saccade.errors import CheckpointError, DataError
from saccade.runs import Evaluation, Run
from saccade.tasks import TASKS
from saccade.tasks.base import MASK_PNG, Task
from saccade.tasks.sentences import DECODING

MASKS = "masks"
"""The folder of predicted masks in that of an evaluation."""
SCORING = ("score_size", "window", "flip", *DECODING, *FINDING)
"""Settings of a task by which the same images are scored in another way."""


def evaluate(run: Run, config: Config, *, split: str, checkpoint: str) -> Evaluation:
    """Score one split and write ``evaluation/<name>/``.

    Args:
        run: the run folder.
        config: the run's resolved config, its data root perhaps another one.
        split: train, holdout, val, test, or the name of a split on disk.
        checkpoint: ``best``, ``last``, or the path of a checkpoint of this run.

    Raises:
        DataError: an image cannot be read, or the split does not hold the run's classes.
        CheckpointError: the checkpoint is missing, damaged, or of another run's kind.
    """
    check_root(config)
    task, network = trainer.build_task(without_weights(config))
    path = checkpoint_path(run, checkpoint)
    about = trainer.load_network(task, network, path)
    task = task.deciding(about)
    listing = split_of(run, config, split)
    scored, table = trainer.score(task, network, listing, run=run)
    evaluation = run.evaluation(_folder_name(run, config, split, path, listing))
    if is_main_process():
        document = metrics_document(task, split, len(listing), scored)
        table, masks = with_mask_paths(table, [f"{MASKS}/{_as_png(name)}" for name in table["image"]])
        files = {**masks, **task.files(listing, table)}
        evaluation.write(document, table, _about(run, task, split, path, about["epoch"], listing), files)
    return evaluation


def with_mask_paths(table: pl.DataFrame, names: Sequence[str]) -> tuple[pl.DataFrame, dict[str, bytes]]:
    """The table with the path of each image's predicted mask instead of the PNG itself; and the PNGs by path.

    A table without masks comes back as it is.
    """
    if MASK_PNG not in table.columns:
        return table, {}
    files = dict(zip(names, table[MASK_PNG].to_list(), strict=True))
    table = table.with_columns(pl.Series("mask", list(names), dtype=pl.String)).drop(MASK_PNG)
    return table.select(pl.col("^image$|^target$"), "mask", pl.exclude("image", "target", "mask")), files


def _as_png(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(".png"))


def check_root(config: Config) -> None:
    """Whether the data are there.

    Raises:
        DataError: they are not.
    """
    if not config.data.root.is_dir():
        raise DataError(f"data.root: {config.data.root} is not a folder; say data.root=PATH, where the data are now")


def metrics_document(task: Task, split: str, n: int, scored: Scored) -> dict[str, Any]:
    """What ``metrics.json`` holds."""
    return {
        "split": split,
        "n": n,
        "classes": list(task.classes),
        "metrics": scored.metrics(),
        "per_class": scored.scores.per_class,
        **({} if scored.scores.confusion is None else {"confusion": scored.scores.confusion}),
        **(scored.scores.by_protocol or {}),
    }


def checkpoint_path(run: Run, checkpoint: str) -> Path:
    """The file that ``best``, ``last`` or a path means.

    Raises:
        CheckpointError: there is none; what there is instead is named.
    """
    path = run.checkpoints / f"{checkpoint}.ckpt" if checkpoint in ("best", "last") else Path(checkpoint)
    if path.is_file():
        return path
    there = [str(file) for file in sorted(run.checkpoints.glob("*.ckpt"))]
    if not there:
        raise CheckpointError(f"{run.path}: has no checkpoint, as no epoch of it was finished; train it anew")
    raise CheckpointError(
        f"{path}: no such checkpoint; name best, last, or a file, of which the run has {named(there)}"
    )


def without_weights(config: Config) -> Config:
    """The same network without its starting weights, which a checkpoint is about to replace."""
    model = config.model.model_copy(update={"pretrained": False, "weights": None})
    return config.model_copy(update={"model": model})


def split_of(run: Run, config: Config, split: str) -> Listing:
    """The split; one that was cut from the training data by seed must still be the same images.

    Raises:
        DataError: the run's tree has changed, so that cutting it again would mix what was learned with what is scored.
    """
    data = run.environment()["data"]
    if split not in data["splits"] or (split == "val" and config.data.val is not None):
        return listing_of(config, split)
    again = _cut_again(config, split, tuple(data["skipped"]))
    if again is not None and fingerprint(again) == data["splits"][split]["fingerprint"]:
        return again
    if is_own_root(run, config):
        raise DataError(
            f"{config.data.root}: the training images or labels have changed since the run was made, and its {split} "
            "split was cut from them; put them back, or score another split or root"
        )
    if split == "val":
        say(f"{config.data.root} is another tree and has no validation split: all of it is scored")
        return TASKS[config.task.name].read(config, config.data.train)
    return listing_of(config, split)


def _cut_again(config: Config, split: str, skipped: tuple[str, ...]) -> Listing | None:
    """The split as the run cut it; None where that cannot be done, as in another, smaller tree."""
    try:
        return listing_of(config, split, skipped)
    except DataError:
        return None


def is_own_root(run: Run, config: Config) -> bool:
    """Whether the data lie where the run trained on them, or where they were moved together with it."""
    roots = (Path(run.environment()["data"]["root"]), load(run.config_file).data.root)
    return config.data.root.resolve() in [root.resolve() for root in roots]


def _about(run: Run, task: Task, split: str, path: Path, epoch: int, listing: Listing) -> dict[str, Any]:
    return {
        "task": task.config.task.name,
        "split": split,
        "checkpoint": path.name,
        "epoch": epoch,
        "data_root": str(listing.root),
        "threshold": task.threshold,
        "positive": task.positive,
        "pooling": dict(task.pooling),
        **task.facts(listing),
        **({} if listing.masks is None else {"coding": asdict(listing.masks.coding)}),
        "optimistic": _has_steered(run, task.config, epoch, listing),
    }


def _has_steered(run: Run, config: Config, epoch: int, listing: Listing) -> bool:
    """Whether these images chose this epoch or threshold: of several noisy values the largest was taken: flattery."""
    environment = run.environment()
    selection = environment.get("selection", {})
    chosen_on = environment["data"]["splits"].get(selection.get("split"))
    if chosen_on is None or fingerprint(listing) != chosen_on["fingerprint"]:
        return False
    stopped_or_slowed = config.trainer.early_stopping > 0 or config.optim.schedule == "plateau"
    section = load(run.config_file).task
    gave_threshold = isinstance(section, ClassifyTask) and section.threshold == "holdout"
    return bool(epoch == selection["best_epoch"] or stopped_or_slowed or gave_threshold)


def _folder_name(run: Run, config: Config, split: str, path: Path, listing: Listing) -> str:
    """The split, and what else differs from the run's own: images or labels, arithmetic, checkpoint."""
    own = load(run.config_file)
    parts = ["all" if split == "." else re.sub(r"[^A-Za-z0-9._-]+", "-", split).lstrip(".")]
    known = run.environment()["data"]["splits"].get(split)
    if known is not None:
        same = fingerprint(listing) == known["fingerprint"]
    else:
        seen_alike = {"root": own.data.root, "longer_side": own.data.longer_side}
        same = is_own_root(run, config) and config.data.model_copy(update=seen_alike) == own.data
    if not same:
        parts += [re.sub(r"[^A-Za-z0-9._-]+", "-", config.data.root.name), fingerprint(listing)[:6]]
    parts += [
        f"{key}-{_short(now)}".lower()
        for key in SCORING
        if (now := getattr(config.task, key, None)) != getattr(own.task, key, None)
    ]
    if config.data.longer_side != own.data.longer_side:
        parts.append(f"longer_side-{config.data.longer_side}".lower())
    if config.trainer.precision != own.trainer.precision:
        parts.append(str(config.trainer.precision))
    if path.resolve().parent != run.checkpoints.resolve():
        parts.append(_short(path))
    elif path.stem != "best":
        parts.append(path.stem)
    return "-".join(parts)


def _short(value: Any) -> str:
    """A value as part of a folder's name; of a file its name and what it holds, as others may have the same name."""
    if not isinstance(value, Path):
        return str(value)
    return f"{value.stem}-{hashlib.blake2b(value.read_bytes(), digest_size=3).hexdigest()}"
