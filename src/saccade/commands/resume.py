"""``saccade train --resume``: go on with a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from saccade.commands.folds import check_goes_on, resume_folds
from saccade.commands.opening import config_of
from saccade.commands.train import RUN_OF_MAIN_PROCESS, finish, train_config
from saccade.config.dump import dump
from saccade.console import is_main_process, say
from saccade.engine import checkpoint, trainer
from saccade.engine.environment import places
from saccade.engine.resolve import Prepared, prepare
from saccade.errors import CheckpointError, ConfigError
from saccade.explain.film import filmed_filters
from saccade.files import copy_file, write_text
from saccade.report.growing import growing_curves
from saccade.runs import Run
from saccade.tasks import TASKS

ON_RESUME = (
    "trainer.max_epochs",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.early_stopping",
    "loader.workers",
    "data.root",
    "data.features.path",
)
"""What may change when a run goes on; anything else would make it another run."""


def resume(path: str | Path, overrides: Sequence[str] = ()) -> Run:
    """Go on with a run from its last finished epoch; the result is the same as if it had never stopped.

    Args:
        path: a run folder; or one of its ``checkpoints/epoch-NNN.ckpt``, from which a new run folder goes on, and the
            old one stays as it is.
        overrides: ``key=value`` of ``ON_RESUME``.

    Raises:
        CheckpointError: no epoch was finished.
        ConfigError: a setting that would make it another run.
    """
    if Path(path).suffix != ".ckpt":
        run = Run.open(path)
    elif is_main_process():
        run = branch(Path(path), overrides)
        os.environ[RUN_OF_MAIN_PROCESS] = str(run.path)
    else:
        run = Run(Path(os.environ[RUN_OF_MAIN_PROCESS]))
    config = config_of(run, overrides, changeable=ON_RESUME)
    if config.data.cross_validates:
        return resume_folds(run, config, ON_RESUME, train_one=train_config, resume_one=resume)
    with run.locked() if is_main_process() else nullcontext():
        prepared = prepare(config, say)
        done = _epochs_done(run, prepared)
        task, network = trainer.build_task(prepared.config)
        if is_main_process():
            write_text(run.config_file, dump(task.config_in(run.path), run.path))
            run.keep_epochs(run.epochs()[:done])
            environment = run.environment()
            environment["data"] |= places(config)
            run.write_environment(environment)
            os.environ[RUN_OF_MAIN_PROCESS] = str(run.path)
        section = prepared.config.trainer
        say(f"{run.path}: going on after epoch {done} of {section.max_time or section.max_epochs}")
        with filmed_filters(run.explanations / "filters", network, every=config.log.filters_every) as begun:
            curves = growing_curves(run, config.task.name)
            keeper = trainer.fit(run, prepared, task, network, done=done, kept=curves, begun=begun)
        finish(run, prepared, task, keeper)
    return run


def branch(path: Path, overrides: Sequence[str] = ()) -> Run:
    """A new run folder beside the old one that stands where the checkpoint of an epoch does, and needs nothing of it.

    Raises:
        CheckpointError: it is not the checkpoint of an epoch in a run folder.
        SaccadeError: the config does not hold, or what it refers to is not there.
    """
    content = checkpoint.load(path)
    old = Run.open(path.resolve().parent.parent)
    epoch = content["saccade"]["epoch"]
    if whole := old.whole():
        raise CheckpointError(
            f"{path}: belongs to a fold of {whole.path}, which goes on from its last epoch alone: "
            f"`saccade train --resume {whole.path}`"
        )
    if path.resolve() != old.checkpoint_of(epoch).resolve():
        raise CheckpointError(
            f"{path}: training goes on from a run folder (its last epoch), or from an epoch-NNN.ckpt in its "
            "checkpoints, which trainer.keep_checkpoints=all keeps"
        )
    best = content["callbacks"]["EpochKeeper"]["best_epoch"]
    config = config_of(old, overrides, changeable=ON_RESUME)
    task = TASKS[config.task.name](config)  # reads what the config refers to
    new = Run.create(old.path.parent.parent, old.path.parent.name)
    write_text(new.config_file, dump(task.config_in(new.path), new.path))
    environment = {key: value for key, value in old.environment().items() if key != "selection"}
    new.write_environment({**environment, "branched_from": f"{old.path.name}, epoch {epoch}"})
    new.keep_epochs(old.epochs()[:epoch])
    for number in range(1, epoch + 1):
        copy_file(old.checkpoint_of(number), new.checkpoint_of(number))
    if best is not None:
        copy_file(old.checkpoint_of(best), new.checkpoints / "best.ckpt")
    copy_file(path, new.checkpoints / "last.ckpt")
    return new


def _epochs_done(run: Run, prepared: Prepared) -> int:
    content = checkpoint.load(run.checkpoints / "last.ckpt")
    if "epoch" not in content:
        if "converted_from" in run.environment():
            raise ConfigError(
                f"{run.path}: saccade convert made it, and a changed network has no training to resume; train on from "
                f"its weights with `saccade train {run.config_file}`"
            )
        raise ConfigError(f"{run.path}: it was made with trainer.max_epochs=0, so there is no training to resume")
    done = int(content["epoch"]) + 1
    check_goes_on(run, prepared, done=done)
    return done
