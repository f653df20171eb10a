"""A run's network on image files without targets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from torch import nn

from saccade.config.schema import Config
from saccade.data.loose import LooseBatch
from saccade.engine import trainer
from saccade.engine.callbacks import FileBar
from saccade.engine.evaluation import without_weights
from saccade.engine.module import Module
from saccade.engine.stored_features import loose_loader
from saccade.runs import Run
from saccade.tasks.base import Task


class Predictor(Module):
    """Collects a table of answers, and the files that could not be read."""

    def __init__(self, task: Task, network: nn.Module) -> None:
        super().__init__(task, network)
        self.failures: list[tuple[int, str]] = []

    def predict_step(self, batch: LooseBatch, batch_idx: int) -> None:
        """Answer a batch."""
        self.failures += batch.failures
        if batch.index:
            answers = self.task.answers(self.task.predict(self, batch.image, batch.size))
            self.tables.append(answers.insert_column(0, pl.Series("index", batch.index, dtype=pl.Int64)))


def predict(
    run: Run, config: Config, paths: Sequence[str], *, checkpoint: Path
) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
    """Answers for image files with the transform that the run was scored with, on one device.

    Returns:
        A table of ``image``, the task's answer, ``scores``, in the order of ``paths`` without those that cannot be
        read; and those, each with the reason.
    """
    task, network = trainer.build_task(without_weights(config))
    task = task.deciding(trainer.load_network(task, network, checkpoint))
    module = Predictor(task, network)
    loader = loose_loader(config, paths, task.transform())
    one_device = config.model_copy(update={"trainer": config.trainer.model_copy(update={"devices": 1})})
    lightning = trainer.build_trainer(one_device, run, callbacks=[FileBar(len(paths))])
    with trainer.quiet(), trainer.plain_errors():
        lightning.predict(module, loader, return_predictions=False)
    failures = [(paths[index], reason) for index, reason in sorted(module.failures)]
    none = task.answers(task.nothing()).insert_column(0, pl.Series("index", [], dtype=pl.Int64))
    table = pl.concat([none, *module.tables]).sort("index")
    images = pl.Series("image", [paths[index] for index in table["index"]], dtype=pl.String)
    return table.drop("index").insert_column(0, images), failures
