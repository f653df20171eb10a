"""``saccade evaluate``: score a split with a run's checkpoint."""

from __future__ import annotations

from pathlib import Path

from saccade.commands.opening import config_of
from saccade.engine import ensemble
from saccade.engine import evaluation as engine
from saccade.runs import Evaluation, Run


def evaluate(run: Run | str | Path, *overrides: str, split: str = "val", checkpoint: str | Path = "best") -> Evaluation:
    """Score a split and write ``evaluation/<split>/``; another data root or checkpoint gets a folder of its own.

    A cross-validated run is scored by the average of its folds' probabilities; its training images (train or holdout)
    out of fold, each by the one network that did not learn from it.

    Args:
        run: a run folder.
        overrides: ``key=value``: where the data are and on what to compute.
        split: train, holdout, val, test, or the name of a split on disk.
        checkpoint: best, last, or a path.

    Raises:
        SaccadeError: a mistake in run folder, overrides, data, or checkpoint.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    config = config_of(opened, overrides)
    if config.data.cross_validates:
        return ensemble.evaluate(opened, config, split=split, checkpoint=str(checkpoint))
    return engine.evaluate(opened, config, split=split, checkpoint=str(checkpoint))
