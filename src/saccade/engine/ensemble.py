"""A cross-validated run as one: its networks score and answer by the average of their probabilities.

Letters: N images, C classes, K folds.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor

from saccade.config.load import load
from saccade.config.schema import Config
from saccade.console import is_main_process
from saccade.data.listing import Listing
from saccade.engine import evaluation, predicting
from saccade.engine.module import Scored
from saccade.engine.resolve import fold_parts, listing_of
from saccade.errors import CheckpointError, DataError, RunError
from saccade.runs import Evaluation, Run
from saccade.samples import Batch, ImageLoss, Prediction
from saccade.tasks import TASKS
from saccade.tasks.base import Task

OWN_SPLITS = ("train", "holdout")
"""Every image of them was learned from by all folds but one."""


def evaluate(run: Run, config: Config, *, split: str, checkpoint: str, anew: bool = True) -> Evaluation:
    """Score a split with every fold, then by the average of their probabilities; writes ``evaluation/<name>/``.

    The images that the run was trained on are scored out of fold: each by the one network that did not learn from it.

    Args:
        run: the folder of the whole run.
        config: its resolved config, the data root perhaps another one.
        split: train or holdout (both: all training images, out of fold), val, test, or the name of a split on disk.
        checkpoint: ``best`` or ``last`` of each fold.
        anew: False takes the scores that the folds have of that split.

    Raises:
        RunError: a fold has not been trained.
        CheckpointError: a path is given as the checkpoint.
        DataError: as for any run; or training images, which are to be scored by networks that learned from them.
    """
    evaluation.check_root(config)
    folds = trained_folds(run, config)
    _refuse_path(run, checkpoint)
    listing, parts = _images(run, config, split)
    wanted = split if parts is None else "holdout"
    scored = [
        evaluation.evaluate(fold, own, split=wanted, checkpoint=checkpoint) if anew else fold.evaluation(wanted)
        for fold, own in folds
    ]
    name = scored[0].name if parts is None else scored[0].name.replace("holdout", split, 1)
    if is_main_process():
        scores = _mean(scored, listing) if parts is None else _put_together(scored, listing, parts)
        tasks = [TASKS[own.task.name](own) for _, own in folds]
        numbers, table = _measured(tasks, scores, listing)
        document = evaluation.metrics_document(tasks[0], split, len(listing), numbers)
        about = _about([fold for fold, _ in folds], scored, tasks[0], split, out_of_fold=parts is not None)
        run.evaluation(name).write(document, table, about)
    return run.evaluation(name)


def predict(
    run: Run, config: Config, paths: Sequence[str], *, checkpoint: str
) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
    """Answers for image files by the average of all folds' probabilities; returns what ``predicting.predict`` does.

    Raises:
        RunError: a fold has not been trained.
        CheckpointError: a path is given as the checkpoint.
    """
    folds = trained_folds(run, config)
    _refuse_path(run, checkpoint)
    total: NDArray[np.float64] | None = None
    for fold, own in folds:
        path = evaluation.checkpoint_path(fold, checkpoint)
        table, failures = predicting.predict(fold, own, paths, checkpoint=path)
        scores = _matrix(table, len(own.data.classes or ()))
        total = scores if total is None else total + scores
    assert total is not None
    answers = task_of(run, config).answers(Prediction(torch.from_numpy(total / len(folds)).float()))
    return answers.insert_column(0, table["image"]), failures


def trained_folds(run: Run, config: Config) -> list[tuple[Run, Config]]:
    """Each fold with the run's config, in which stands what was measured for the fold.

    Raises:
        RunError: a fold has not been trained.
    """
    trained = {record["fold"] for record in run.environment()["folds"]}
    missing = [number for number in range(1, config.data.folds + 1) if number not in trained]
    if missing:
        raise RunError(
            f"{run.path}: fold {missing[0]} of {config.data.folds} has not been trained to its end; go on with "
            f"`saccade train --resume {run.path}`, or name one fold, such as {run.fold(1).path}"
        )
    return [(fold, _with_own(config, load(fold.config_file))) for fold in run.folds() if int(fold.path.name) in trained]


def task_of(run: Run, config: Config) -> Task:
    """The task by which the averages are judged; the folds differ in what only training and the loss use.

    Raises:
        RunError: a fold has not been trained.
    """
    _, own = trained_folds(run, config)[0]
    return TASKS[own.task.name](own)


def _with_own(config: Config, own: Config) -> Config:
    data = config.data.model_copy(update={"fold": own.data.fold, "normalize": own.data.normalize})
    return config.model_copy(update={"data": data, "task": own.task})


def _refuse_path(run: Run, checkpoint: str) -> None:
    if checkpoint not in ("best", "last"):
        raise CheckpointError(
            f"--checkpoint: {checkpoint} is one network, and {run.path} has one for each fold; say best or last, or "
            f"name the fold that the checkpoint is of, such as {run.fold(1).path}"
        )


def _images(run: Run, config: Config, split: str) -> tuple[Listing, list[NDArray[np.int64]] | None]:
    """The images to score; where they are the training images, also what each fold held out of them."""
    own_root = evaluation.is_own_root(run, config)
    skipped = tuple(run.environment()["data"]["skipped"])
    if split in OWN_SPLITS:
        if not own_root:
            raise DataError(
                f"--split {split}: of a cross-validated run these are its own training images, each scored by the "
                f"network that did not learn from it, and {config.data.root} is another tree; give the name of a split "
                "in it as data.test and say --split test"
            )
        train = listing_of(config, "train", skipped)
        return train, fold_parts(config, train)
    listing = evaluation.split_of(run, config, split)
    learned = set(listing.images) & _learned(config, skipped) if own_root else ()
    if learned:
        raise DataError(
            f"--split {split}: {len(learned)} of its {len(listing)} images are training images, from which all folds "
            "but one have learned; say --split train, where each is scored by the one that has not"
        )
    return listing, None


def _learned(config: Config, skipped: tuple[str, ...]) -> set[str]:
    """Paths of the training images; none where they are gone, as they may be when other images are scored."""
    try:
        return set(listing_of(config, "train", skipped).images)
    except DataError:
        return set()


def _mean(scored: Sequence[Evaluation], listing: Listing) -> Tensor:
    """(N, C) float32: the mean of what the folds say."""
    total = np.zeros((len(listing), len(listing.classes)))
    for each in scored:
        total += _scores(each, listing)
    return torch.from_numpy(total / len(scored)).float()


def _put_together(scored: Sequence[Evaluation], listing: Listing, parts: Sequence[NDArray[np.int64]]) -> Tensor:
    """(N, C) float32: of each image what the fold says that held it out."""
    scores = np.zeros((len(listing), len(listing.classes)))
    for each, part in zip(scored, parts, strict=True):
        scores[part] = _scores(each, listing.take(part))
    return torch.from_numpy(scores).float()


def _scores(scored: Evaluation, listing: Listing) -> NDArray[np.float64]:
    """(N, C) of the images of the listing, in its order.

    Raises:
        RunError: they are scores of other images.
    """
    rows = scored.predictions()
    if rows["image"].to_list() != list(listing.images):
        raise RunError(f"{scored.predictions_file}: these are scores of other images; make them again")
    return _matrix(rows, len(listing.classes))


def _matrix(rows: pl.DataFrame, width: int) -> NDArray[np.float64]:
    scores: NDArray[np.float64] = rows["scores"].cast(pl.Array(pl.Float64, width)).to_numpy().reshape(-1, width)
    return scores


def _measured(tasks: Sequence[Task], scores: Tensor, listing: Listing) -> tuple[Scored, pl.DataFrame]:
    """The numbers of the scores, and the table of one row an image."""
    prediction, batch = Prediction(scores), Batch(torch.arange(len(listing)), scores, torch.tensor(listing.targets))
    loss = _loss(tasks, prediction, batch)
    metrics = tasks[0].metrics()
    metrics.distributed_available_fn = lambda: False  # all scores are here: there is nothing to gather
    metrics.update(scores, batch.target)
    weight = 0.0 if loss is None else float(loss.weight.sum())
    number = float(loss.total.sum()) / weight if loss is not None and weight else None
    images = pl.Series("image", list(listing.images), dtype=pl.String)
    per_image = pl.Series("loss", [None] * len(listing) if loss is None else loss.per_image().float().numpy())
    table = pl.DataFrame([images, *tasks[0].table(batch, prediction), per_image.cast(pl.Float32)])
    return Scored(number, metrics.compute()), table


def _loss(tasks: Sequence[Task], prediction: Prediction, batch: Batch) -> ImageLoss | None:
    """The loss of the scores; weights in it that were measured for each fold count with their mean over the folds."""
    totals, weights = [], []
    for task in tasks:
        logits = task.encode(prediction)
        if logits is None:
            return None
        loss = task.loss(logits, batch)
        totals.append(loss.total)
        weights.append(loss.weight)
    return ImageLoss(torch.stack(totals).mean(dim=0), torch.stack(weights).mean(dim=0))


def _about(
    folds: Sequence[Run], scored: Sequence[Evaluation], task: Task, split: str, *, out_of_fold: bool
) -> dict[str, Any]:
    told = [each.about() for each in scored]
    of = "the score of the one network that did not learn from the image" if out_of_fold else "averaged probabilities"
    return {
        "task": task.config.task.name,
        "split": split,
        "checkpoint": told[0]["checkpoint"],
        "epoch": None,
        "data_root": told[0]["data_root"],
        "threshold": task.threshold,
        "positive": task.positive,
        "pooling": {**task.pooling, "loss": f"{task.pooling['loss']}; of {of}"},
        "optimistic": any(each["optimistic"] for each in told),
        "out_of_fold": out_of_fold,
        "folds": _of_folds(folds, scored, [each["epoch"] for each in told]),
    }


def _of_folds(folds: Sequence[Run], scored: Sequence[Evaluation], epochs: Sequence[int]) -> dict[str, Any]:
    """The numbers of each fold by itself: on this split, and where it chose its epoch."""
    numbers = [each.metrics()["metrics"] for each in scored]
    chosen = [fold.environment()["selection"] for fold in folds]
    return {
        "epochs": list(epochs),
        "holdout": {"metric": chosen[0]["metric"], **spread([each["best"] for each in chosen])},
        "metrics": {name: spread([each[name] for each in numbers]) for name in numbers[0]},
    }


def spread(values: Sequence[float | None]) -> dict[str, Any]:
    """The values, their mean and their standard deviation (of a sample: over K - 1).

    Where a value is undefined so are mean and deviation: they would be those of fewer folds.
    """
    defined = [value for value in values if value is not None]
    whole = len(defined) == len(values)
    return {
        "values": list(values),
        "mean": statistics.fmean(defined) if whole else None,
        "std": statistics.stdev(defined) if whole else None,
    }
