"""``saccade train``: from a config to a run folder that is scored and reported."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import nn

from saccade.commands.evaluate import evaluate
from saccade.commands.folds import train_folds
from saccade.commands.report import report
from saccade.commands.tables import positive_line
from saccade.config.dump import dump
from saccade.config.load import load
from saccade.config.schema import Config
from saccade.console import is_main_process, say
from saccade.data.wording import counted
from saccade.engine import trainer
from saccade.engine.callbacks import EpochKeeper
from saccade.engine.environment import describe
from saccade.engine.module import UNDEFINED
from saccade.engine.pictures import first_batch
from saccade.engine.resolve import Prepared, prepare
from saccade.errors import ConfigError, DataError
from saccade.explain.film import filmed_filters
from saccade.files import write_text
from saccade.nn.anatomy import anatomy, short
from saccade.report.growing import growing_curves
from saccade.runs import Run
from saccade.tasks.base import Task

RUN_OF_MAIN_PROCESS = "SACCADE_RUN_FOLDER"
"""Tells the processes that Lightning starts for further devices which run folder the first one made."""


def train(
    source: str | Path, overrides: Sequence[str] = (), *, runs: Path = Path("runs"), name: str | None = None
) -> Run:
    """Train, score the best checkpoint on the validation split, and write the report.

    Args:
        source: a preset or a config file.
        overrides: ``key=value``.
        runs: folder in which the run folder is made.
        name: name of the run instead of the config's.

    Raises:
        SaccadeError: a mistake in config or data, a full disk, a run folder in use.
        StoppedError: Ctrl-C; the run can be resumed.
    """
    config = load(source, [*overrides, *([f"name={name}"] if name else [])])
    trainer.check_hardware(config)
    if config.trainer.fast_dev_run:
        with TemporaryDirectory() as folder:
            run = train_config(config, lambda resolved: _run_folder(Path(folder), resolved))
        say("fast_dev_run: one batch was trained and one scored, a checkpoint written; nothing is kept")
        return run
    return train_config(config, lambda resolved: _run_folder(runs, resolved))


def train_config(config: Config, folder: Callable[[Config], Run]) -> Run:
    """Train in the run folder that ``folder`` makes for the resolved config.

    Raises:
        SaccadeError: as ``train``.
    """
    if config.data.cross_validates:
        return train_folds(config, folder, train_config)
    try:
        return _trained(config, folder)
    except DataError as error:
        if "cannot be read as an image" not in str(error):
            raise
        raise DataError(
            f"{error}; `saccade data check` names all such files, and data.on_error=skip trains without them"
        ) from None


def _trained(config: Config, folder: Callable[[Config], Run]) -> Run:
    prepared = prepare(config, say)
    task, network = trainer.build_task(prepared.config)
    run = folder(prepared.config)
    with run.locked() if is_main_process() else nullcontext():
        if is_main_process():
            write_text(run.config_file, dump(task.config_in(run.path), run.path))
            run.write_environment(describe(prepared, network))
            first_batch(run, prepared, task)
        _say_what(prepared, run, task, network)
        with filmed_filters(run.explanations / "filters", network, every=config.log.filters_every) as begun:
            curves = growing_curves(run, config.task.name)
            keeper = trainer.fit(run, prepared, task, network, kept=curves, begun=begun)
        if not config.trainer.fast_dev_run:
            finish(run, prepared, task, keeper)
    return run


def _run_folder(runs: Path, config: Config) -> Run:
    if not is_main_process():
        if RUN_OF_MAIN_PROCESS not in os.environ:
            raise ConfigError(
                "LOCAL_RANK is set, as torchrun and Slurm do; saccade starts its processes itself: unset LOCAL_RANK "
                "and say trainer.devices=NUMBER"
            )
        return Run(Path(os.environ[RUN_OF_MAIN_PROCESS]))
    run = Run.create(runs, config.name)
    os.environ[RUN_OF_MAIN_PROCESS] = str(run.path)
    return run


def _say_what(prepared: Prepared, run: Run, task: Task, network: nn.Module) -> None:
    sizes = ", ".join(f"{len(listing)} {name}" for name, listing in sorted(prepared.listings.items()))
    say(short(anatomy(network, *task.example_inputs(), name=prepared.config.model.name)))
    if (time := prepared.config.trainer.max_time) is not None:
        say(f"by the clock, {time}: epochs do not count (trainer.max_time=null trains by trainer.max_epochs)")
    outputs = f"{counted(len(task.outputs), task.output_noun)}, " if task.outputs else ""
    say(f"{outputs}images: {sizes}; run folder {run.path}")


def finish(run: Run, prepared: Prepared, task: Task, keeper: EpochKeeper) -> None:
    """Note which epoch was chosen, score it, write the report."""
    by_loss = prepared.config.trainer.monitor == "loss"
    if is_main_process():
        chosen: dict[str, Any] = {
            "metric": "loss" if by_loss else task.monitor,
            "split": prepared.selection if keeper.best is not None else None,
        }
        best = None if keeper.best in (None, UNDEFINED) else -keeper.best if by_loss else keeper.best
        chosen |= {"best": best, "best_epoch": keeper.best_epoch}
        run.write_environment({**run.environment(), "selection": chosen})
    evaluation = evaluate(run)
    if is_main_process():
        value = evaluation.metrics()["metrics"][task.monitor]
        shown = "undefined" if value is None else f"{value:.4f}"
        say(f"{task.headline} {shown} on {evaluation.metrics()['n']} validation images")
        if task.positive is not None:
            say(positive_line(evaluation.metrics(), task.positive))
        say(f"report: {report(run)}")
        say(f"look at it: saccade browse {run.path}")
