"""Cross-validation: a run folder of run folders, one for each fold, trained one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import reduce
from pathlib import Path
from typing import TypeAlias

from saccade.commands.report import report
from saccade.config.dump import dump
from saccade.config.load import load
from saccade.config.schema import Config
from saccade.console import is_main_process, say
from saccade.data.listing import counts, fingerprint
from saccade.data.wording import named
from saccade.engine import ensemble, trainer
from saccade.engine.environment import describe
from saccade.engine.resolve import Prepared, fold_config, prepare, with_task_settled
from saccade.errors import ConfigError, DataError, StoppedError
from saccade.files import write_text
from saccade.runs import Run

TrainOne: TypeAlias = Callable[[Config, Callable[[Config], Run]], Run]
"""Trains, scores and reports one network in the run folder that the function makes."""
ResumeOne: TypeAlias = Callable[[Path, Sequence[str]], Run]
"""Goes on with the run folder of one network."""


def train_folds(config: Config, folder: Callable[[Config], Run], train_one: TrainOne) -> Run:
    """Train every fold in a run folder of its own within the one that ``folder`` makes, then score their average.

    Raises:
        SaccadeError: as for any training; DataError: more folds than images.
    """
    prepared = prepare(config, say)
    # built to be counted, and so that a mistake in its settings is told before a run folder is made
    _, network = trainer.build_task(with_task_settled(prepared.config, prepared.listings["train"]))
    run = folder(prepared.config)
    with run.locked() if is_main_process() else nullcontext():
        if is_main_process():
            write_text(run.config_file, dump(prepared.config, run.path))
            run.write_environment({**describe(prepared, network), "folds": []})
        _say_what(run, prepared)
        for number in range(1, config.data.folds + 1):
            with _place_told(run, number, config.data.folds):
                _train_anew(run, prepared.config, number, train_one)
            if config.trainer.fast_dev_run:
                return run  # one batch of one fold has gone every step of the road
            _note(run, number)
        _finish(run, prepared)
    return run


def resume_folds(
    run: Run, config: Config, changeable: Collection[str], *, train_one: TrainOne, resume_one: ResumeOne
) -> Run:
    """Go on with the fold that was interrupted, then with those that were not begun; finished ones stay as they are.

    Where ``config`` has more epochs or patience than before, finished folds go on too.

    Args:
        run: the folder of the whole run.
        config: its config with what changes.
        changeable: the keys that may have changed, which every fold takes over.
        train_one: for folds that were not begun.
        resume_one: for the others.

    Raises:
        DataError: the training images are others.
        ConfigError: fewer epochs than have been trained.
    """
    with run.locked() if is_main_process() else nullcontext():
        prepared = prepare(config, say)
        check_goes_on(run, prepared, done=max((len(fold.epochs()) for fold in run.folds()), default=0))
        # Looked up before anything is trained: further processes, which start then, must come to the same answer.
        begun = [fold.path.name for fold in run.folds() if (fold.checkpoints / "last.ckpt").is_file()]
        if is_main_process():
            _take_over(run, prepared)
        finished = {record["fold"] for record in run.environment()["folds"]}
        for number in range(1, config.data.folds + 1):
            if number in finished:
                continue
            with _place_told(run, number, config.data.folds):
                if str(number) in begun:
                    resume_one(run.fold(number).path, _as_overrides(prepared.config, changeable))
                else:
                    _train_anew(run, prepared.config, number, train_one)
            _note(run, number)
        _finish(run, prepared)
    return run


def _train_anew(run: Run, config: Config, number: int, train_one: TrainOne) -> None:
    fold = run.fold(number)
    if is_main_process():
        fold.path.mkdir(parents=True, exist_ok=True)
        fold.metrics_file.unlink(missing_ok=True)  # a crash may have left a row whose checkpoint was never written
    train_one(fold_config(config, number), lambda _: fold)


def _note(run: Run, number: int) -> None:
    """Write down that a fold is finished, and how it chose."""
    if not is_main_process():
        return
    environment = run.environment()
    environment["folds"].append({"fold": number, **run.fold(number).environment()["selection"]})
    run.write_environment(environment)


def _finish(run: Run, prepared: Prepared) -> None:
    """Score the average, write the report, say what came out."""
    if not is_main_process():
        return  # every fold has been scored: what is left is to read files
    scored = ensemble.evaluate(run, prepared.config, split="val", checkpoint="best", anew=False)
    task = ensemble.task_of(run, prepared.config)
    alone = scored.about()["folds"]["metrics"][task.monitor]
    spread = "undefined" if alone["mean"] is None else f"{alone['mean']:.4f} ± {alone['std']:.4f}"
    together = scored.metrics()["metrics"][task.monitor]
    say(
        f"{task.headline} of the {prepared.config.data.folds} folds on {scored.metrics()['n']} validation images: "
        f"{spread} (mean and standard deviation)"
    )
    say(f"{task.headline} of their averaged probabilities: {'undefined' if together is None else f'{together:.4f}'}")
    say(f"report: {report(run)}")
    say(f"look at it: saccade browse {run.path}")


@contextmanager
def _place_told(run: Run, number: int, of: int) -> Iterator[None]:
    """Say which fold it is, and after Ctrl-C how the whole run goes on."""
    say(f"fold {number} of {of}")
    try:
        yield
    except StoppedError:
        raise StoppedError(
            f"stopped in fold {number} of {of}; go on with `saccade train --resume {run.path}`"
        ) from None


def _say_what(run: Run, prepared: Prepared) -> None:
    folds, train = prepared.config.data.folds, prepared.listings["train"]
    say(
        f"cross-validation: {len(train)} training images in {folds} folds, {len(prepared.listings['val'])} validation "
        f"images; run folder {run.path}"
    )
    rare = [name for name, found in counts(train).items() if 0 < found["n_positive"] < folds]
    if rare:
        say(f"fewer images than folds show {named(rare)}: not every fold can hold one out")


def check_goes_on(run: Run, prepared: Prepared, *, done: int) -> None:
    """Whether the run can go on after ``done`` epochs with the images and the number of epochs that there are now.

    Raises:
        DataError: the training images are others.
        ConfigError: fewer epochs than have been trained.
    """
    if fingerprint(prepared.listings["train"]) != run.environment()["data"]["splits"]["train"]["fingerprint"]:
        raise DataError(
            f"{prepared.config.data.root}: the training images or labels have changed since the run was started; "
            "put them back to resume it, or start a new run"
        )
    if prepared.config.trainer.max_epochs < done and prepared.config.trainer.max_time is None:
        raise ConfigError(f"trainer.max_epochs: {done} epochs are done already; set it to {done} or more")


def _take_over(run: Run, prepared: Prepared) -> None:
    """Note what has changed; folds that are to be trained for longer are not finished any more."""
    environment = run.environment()
    before, now = load(run.config_file).trainer, prepared.config.trainer
    if (before.max_epochs, before.early_stopping) != (now.max_epochs, now.early_stopping):
        environment["folds"] = []
    environment["data"]["root"] = str(prepared.config.data.root.resolve())
    run.write_environment(environment)
    write_text(run.config_file, dump(prepared.config, run.path))


def _as_overrides(config: Config, keys: Collection[str]) -> list[str]:
    """``key=value`` of these keys as they stand in the config."""
    found = []
    for key in keys:
        value: object = reduce(getattr, key.split("."), config)
        found.append(f"{key}={json.dumps(str(value) if isinstance(value, Path) else value)}")
    return found
