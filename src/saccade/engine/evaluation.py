"""Scoring a split with the weights of a run, and writing what was found."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from saccade.config.schema import Config, MultilabelTask
from saccade.console import is_main_process
from saccade.data.listing import Listing, fingerprint
from saccade.engine import trainer
from saccade.engine.module import Scored
from saccade.engine.resolve import listing_of
from saccade.errors import DataError
from saccade.runs import Evaluation, Run
from saccade.tasks.base import Task


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
    if not config.data.root.is_dir():
        raise DataError(f"data.root: {config.data.root} is not a folder; say data.root=PATH, where the data are now")
    task, network = trainer.build_task(without_weights(config))
    path = checkpoint_path(run, checkpoint)
    about = trainer.load_network(task, network, path)
    skipped = tuple(run.environment()["data"]["skipped"])
    listing = listing_of(config, split, skipped)
    scored, table = trainer.score(task, network, listing, run=run)
    evaluation = run.evaluation(_folder_name(run, config, split, path, listing))
    if is_main_process():
        document = metrics_document(task, split, len(listing), scored)
        evaluation.write(document, table, _about(run, config, task, split, path, about["epoch"]))
    return evaluation


def metrics_document(task: Task, split: str, n: int, scored: Scored) -> dict[str, Any]:
    """What ``metrics.json`` holds."""
    return {
        "split": split,
        "n": n,
        "classes": list(task.classes),
        "metrics": scored.metrics(),
        "per_class": scored.scores.per_class,
    }


def checkpoint_path(run: Run, checkpoint: str) -> Path:
    """The file that ``best``, ``last`` or a path means."""
    return run.checkpoints / f"{checkpoint}.ckpt" if checkpoint in ("best", "last") else Path(checkpoint)


def without_weights(config: Config) -> Config:
    """The same network without its starting weights, which a checkpoint is about to replace."""
    model = config.model.model_copy(update={"pretrained": False, "weights": None})
    return config.model_copy(update={"model": model})


def _about(run: Run, config: Config, task: Task, split: str, path: Path, epoch: int) -> dict[str, Any]:
    section = config.task
    chosen_on = run.environment().get("selection", {}).get("split")
    return {
        "task": section.name,
        "split": split,
        "checkpoint": path.name,
        "epoch": epoch,
        "data_root": str(config.data.root),
        "threshold": section.threshold if isinstance(section, MultilabelTask) else None,
        "pooling": dict(task.pooling),
        # the split that chose the epoch flatters it: of several noisy values, the largest was taken
        "optimistic": split == chosen_on and path.stem == "best",
    }


def _folder_name(run: Run, config: Config, split: str, path: Path, listing: Listing) -> str:
    """The split, and what else differs from the run's own: data root and checkpoint."""
    parts = ["all" if split == "." else re.sub(r"[^A-Za-z0-9._-]+", "-", split).lstrip(".")]
    if str(config.data.root) != run.environment()["data"]["root"]:
        parts += [re.sub(r"[^A-Za-z0-9._-]+", "-", config.data.root.name), fingerprint(listing)[:6]]
    if path.resolve() != (run.checkpoints / "best.ckpt").resolve():
        parts.append(path.stem)
    return "-".join(parts)
