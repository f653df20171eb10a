"""``saccade train``: from a config to a run folder that is scored and reported."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from saccade.commands.evaluate import evaluate
from saccade.commands.opening import config_of
from saccade.commands.report import report
from saccade.config.dump import dump
from saccade.config.load import load
from saccade.config.schema import Config
from saccade.console import is_main_process, say
from saccade.data.listing import fingerprint
from saccade.engine import checkpoint, trainer
from saccade.engine.callbacks import EpochKeeper
from saccade.engine.environment import describe
from saccade.engine.module import UNDEFINED
from saccade.engine.pictures import first_batch
from saccade.engine.resolve import Prepared, prepare
from saccade.errors import ConfigError, DataError
from saccade.files import write_text
from saccade.runs import Run
from saccade.tasks.base import Task

RUN_OF_MAIN_PROCESS = "SACCADE_RUN_FOLDER"
"""Tells the processes that Lightning starts for further devices which run folder the first one made."""

ON_RESUME = (
    "trainer.max_epochs",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.early_stopping",
    "loader.workers",
    "data.root",
)
"""What may change when a run goes on; anything else would make it another run."""


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
    prepared = prepare(config, say)
    task, network = trainer.build_task(prepared.config)
    run = _run_folder(runs, prepared.config)
    with run.locked() if is_main_process() else _nothing():
        if is_main_process():
            write_text(run.config_file, dump(prepared.config, run.path))
            run.write_environment(describe(prepared, network))
            first_batch(run, prepared, task)
        _say_what(prepared, run, network)
        keeper = trainer.fit(run, prepared, task, network)
        _finish(run, prepared, task, keeper)
    return run


def resume(path: str | Path, overrides: Sequence[str] = ()) -> Run:
    """Go on with a run from its last finished epoch; the result is the same as if it had never stopped.

    Raises:
        CheckpointError: no epoch was finished.
        ConfigError: a setting that would make it another run.
    """
    run = Run.open(path)
    config = config_of(run, overrides, changeable=ON_RESUME)
    with run.locked() if is_main_process() else _nothing():
        prepared = prepare(config, say)
        done = _epochs_done(run, prepared)
        task, network = trainer.build_task(prepared.config)
        if is_main_process():
            write_text(run.config_file, dump(prepared.config, run.path))
            run.keep_epochs(run.epochs()[:done])
            environment = run.environment()
            environment["data"]["root"] = str(config.data.root.resolve())
            run.write_environment(environment)
            os.environ[RUN_OF_MAIN_PROCESS] = str(run.path)
        say(f"{run.path}: going on after epoch {done} of {prepared.config.trainer.max_epochs}")
        keeper = trainer.fit(run, prepared, task, network, done=done)
        _finish(run, prepared, task, keeper)
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


def _epochs_done(run: Run, prepared: Prepared) -> int:
    content = checkpoint.load(run.checkpoints / "last.ckpt")
    if "epoch" not in content:
        raise ConfigError(f"{run.path}: it was made with trainer.max_epochs=0, so there is no training to resume")
    before = run.environment()["data"]["splits"]["train"]["fingerprint"]
    now = fingerprint(prepared.listings["train"])
    if before != now:
        raise DataError(
            f"{prepared.config.data.root}: the training images or labels have changed since the run was started; "
            "put them back to resume it, or start a new run"
        )
    done = int(content["epoch"]) + 1
    if prepared.config.trainer.max_epochs < done:
        raise ConfigError(f"trainer.max_epochs: {done} epochs are done already; set it to {done} or more")
    return done


def _say_what(prepared: Prepared, run: Run, network: nn.Module) -> None:
    sizes = ", ".join(f"{len(listing)} {name}" for name, listing in sorted(prepared.listings.items()))
    parameters = sum(p.numel() for p in network.parameters()) / 1e6
    say(
        f"{prepared.config.model.name} ({parameters:.2f} M parameters), "
        f"{len(prepared.config.data.classes or ())} classes, images: {sizes}; run folder {run.path}"
    )


def _finish(run: Run, prepared: Prepared, task: Task, keeper: EpochKeeper) -> None:
    if is_main_process():
        chosen: dict[str, Any] = {
            "metric": task.monitor,
            "split": prepared.selection if keeper.best is not None else None,
        }
        best = None if keeper.best == UNDEFINED else keeper.best
        chosen |= {"best": best, "best_epoch": keeper.best_epoch}
        run.write_environment({**run.environment(), "selection": chosen})
    evaluation = evaluate(run)
    if is_main_process():
        value = evaluation.metrics()["metrics"][task.monitor]
        shown = "undefined" if value is None else f"{value:.4f}"
        say(f"{task.headline} {shown} on {evaluation.metrics()['n']} validation images")
        say(f"report: {report(run)}")
        say(f"look at it: saccade browse {run.path}")


@contextmanager
def _nothing() -> Iterator[None]:
    yield
