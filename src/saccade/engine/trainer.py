"""Lightning's trainer, set up the one way that every command uses it."""

from __future__ import annotations

import logging
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch as L
import polars as pl
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging
from torch import Tensor, nn

from saccade.config.schema import Config
from saccade.console import say
from saccade.data.dataset import derived_seed
from saccade.data.listing import Listing
from saccade.data.wording import differing
from saccade.engine import checkpoint
from saccade.engine.callbacks import EpochKeeper, EpochLines, FileBar, Patience
from saccade.engine.clock import Clock
from saccade.engine.datamodule import DataModule
from saccade.engine.features import FeatureReader, are_kept
from saccade.engine.module import MONITORED, Module, Scored, gathered
from saccade.engine.resolve import Prepared
from saccade.errors import CheckpointError, ConfigError, DataError, SaccadeError, StoppedError
from saccade.nn.backbones import freeze_backbone
from saccade.runs import Run
from saccade.tasks import TASKS
from saccade.tasks.base import Task

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


def build_task(config: Config) -> tuple[Task, nn.Module]:
    """The task of a resolved config and its network, the same for the same seed."""
    task = TASKS[config.task.name](config)
    torch.manual_seed(derived_seed(config.seed, 0))
    return task, task.network()


def fit(
    run: Run,
    prepared: Prepared,
    task: Task,
    network: nn.Module,
    *,
    done: int = 0,
    kept: Callable[[], None] | None = None,
    begun: Callable[[int], None] | None = None,
) -> EpochKeeper:
    """Train; the run folder then holds ``metrics.jsonl`` and the checkpoints.

    ``done``: epochs that ``last.ckpt`` has behind it; 0 starts anew. ``kept`` is called whenever an epoch has been
    written, ``begun`` when one begins, with its number, counted from 1.

    Raises:
        DataError: a training image that cannot be read.
        CheckpointError: a checkpoint could not be written or read.
        StoppedError: Ctrl-C.
    """
    section = task.config.trainer
    seconds = section.seconds()
    clock = None if seconds is None else Clock(seconds)
    keeper = EpochKeeper(run, selection=prepared.selection, kept=kept, begun=begun)
    if section.max_epochs == 0 and clock is None:
        for name in ("last.ckpt", "best.ckpt"):
            checkpoint.save(Module(task, network).untrained(), run.checkpoints / name)
        return keeper
    features = compute_features(task, network, prepared) if are_kept(task.config, network) else {}
    task.before_training(prepared.listings)
    module = Module(task, network, clock=clock)
    data = DataModule(task, prepared.listings, selection=prepared.selection, first_epoch=done, features=features)
    # DistributedDataParallel looks once which weights have gradients, and would never share those of weights that are
    # thawed later: they are frozen when the epoch starts
    freeze_backbone(network, frozen=task.config.model.freeze == "backbone")
    trainer = build_trainer(task.config, run, callbacks=[*_callbacks(task, clock), keeper, EpochLines(keeper)])
    last = run.checkpoints / "last.ckpt"
    with quiet(), plain_errors(run):
        trainer.fit(module, datamodule=data, ckpt_path=last if done else None, weights_only=True if done else None)
    return keeper


def compute_features(task: Task, network: nn.Module, prepared: Prepared) -> dict[str, Tensor]:
    """What reaches the head for each image of the splits that training uses, (N, D) by split."""
    found = {}
    for split in ("train", prepared.selection):
        say(f"computing the features of {len(prepared.listings[split])} {split} images once")
        reader = FeatureReader(task, network)
        data = DataModule(task, prepared.listings, selection=split)
        trainer = build_trainer(task.config, None, callbacks=[FileBar(len(prepared.listings[split]))])
        with quiet(), plain_errors():
            trainer.validate(reader, data, verbose=False)
        found[split] = reader.features()
    return found


def score(task: Task, network: nn.Module, listing: Listing, *, run: Run) -> tuple[Scored, pl.DataFrame]:
    """One pass over a listing, every image once, on all devices together.

    Returns:
        The numbers, and a table of one row an image in the order of the listing: ``image``, the task's columns,
        ``loss``.
    """
    module = Module(task, network, keep_table=True)
    data = DataModule(task, {"scored": listing}, selection="scored")
    trainer = build_trainer(task.config, run, callbacks=[FileBar(len(listing))])
    with quiet(), plain_errors():
        trainer.validate(module, datamodule=data, verbose=False)
    assert module.scored is not None
    table = pl.concat([table for tables in gathered(module.tables) for table in tables]).sort("index")
    assert table["index"].to_list() == list(range(len(listing))), "every image is scored once"
    images = pl.Series("image", list(listing.images), dtype=pl.String)
    each = [pl.Series(name, values) for name, values in (module.scored.scores.per_image or {}).items()]
    columns = [images, *task.known(listing), *table.drop("index", "loss"), *each, table["loss"]]
    return module.scored, pl.DataFrame(columns)


def load_network(task: Task, network: nn.Module, path: Path) -> dict[str, Any]:
    """Put a checkpoint's weights into the network of a run.

    Returns:
        What the checkpoint says of itself: task, classes, model, epoch.

    Raises:
        CheckpointError: it is damaged, or of another task, model or list of classes.
    """
    content = checkpoint.load(path, mapped=True)
    about: dict[str, Any] = content.get("saccade", {})
    config = task.config
    for what, wanted in (
        ("task", config.task.name),
        ("model", config.model.name),
        ("convert", config.model.convert),
        ("outputs", list(task.outputs)),
    ):
        if about.get(what) != wanted:
            found, asked = _short(about.get(what)), _short(wanted)
            both_lists = isinstance(wanted, list) and found == asked
            parting = f" ({differing(about[what], list(wanted or ()))})" if both_lists else ""
            raise CheckpointError(
                f"{path}: the checkpoint's {what} is {found}, and the run's {what} is {asked}{parting}; use a "
                "checkpoint of this run"
            )
    prefix = "network."
    weights = {k.removeprefix(prefix): v for k, v in content["state_dict"].items() if k.startswith(prefix)}
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: does not fit {config.model.name} as it is built here: {error}") from None
    return about


def check_hardware(config: Config) -> None:
    """Whether this machine and the settings can do what is asked for, before a run folder is made.

    Raises:
        ConfigError: no such device, fewer of them, or no such arithmetic.
    """
    if config.trainer.precision == "16-mixed" and not (torch.cuda.is_available() or torch.mps.is_available()):
        raise ConfigError("trainer.precision: 16-mixed needs a GPU; set it to bf16-mixed or 32")
    if config.trainer.log_gpu_memory and not torch.cuda.is_available():
        raise ConfigError("trainer.log_gpu_memory: there is no GPU here; set it to false")
    are_kept(config)
    build_trainer(config, None, callbacks=[])


def build_trainer(config: Config, run: Run | None, *, callbacks: list[Callback]) -> L.Trainer:
    """A trainer that writes nothing of its own and prints nothing."""
    section = config.trainer
    fits = any(isinstance(callback, EpochKeeper) for callback in callbacks)
    if section.deterministic:
        # cuBLAS is deterministic only with a workspace of fixed size
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        # torch would fill new memory with NaN, a seventh of a small step, to show who reads it before writing
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a property
    try:
        return L.Trainer(
            accelerator=section.accelerator,
            devices=section.devices,
            strategy=_strategy(config),
            precision=section.precision,
            max_epochs=1 if section.fast_dev_run else -1 if section.max_time else section.max_epochs,
            limit_train_batches=1 if section.fast_dev_run else section.limit_batches,
            limit_val_batches=1 if section.fast_dev_run else None,
            check_val_every_n_epoch=1 if section.fast_dev_run else section.check_val_every_n_epoch,
            gradient_clip_val=section.gradient_clip or None,
            accumulate_grad_batches=section.accumulate,
            deterministic=section.deterministic,
            callbacks=callbacks,
            plugins=[checkpoint.AtomicCheckpointIO()],
            logger=_wandb(config, run) if config.log.wandb and run and fits else False,
            default_root_dir=run.path if run else None,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=fits,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        )
    except (MisconfigurationException, ValueError) as error:
        raise ConfigError(
            f"trainer: {str(error).rstrip('!. ')}; set trainer.accelerator and trainer.devices to what this machine has"
        ) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Without Lightning's advice, which is about settings that are saccade's own to choose."""
    with warnings.catch_warnings():
        for text in (
            ".*predict returned None if it was on purpose.*",  # answers are collected in the module
            ".*does not have many workers.*",  # loader.workers is chosen by the user or by readers.workers
            ".*The number of training batches .* is smaller than the logging interval.*",
            ".*Checkpoint directory .* exists and is not empty.*",
            ".*resuming from a checkpoint that ended before the epoch ended.*",  # epochs end before they are kept
            ".*isinstance\\(treespec, LeafSpec\\).*",  # Lightning's own use of torch's pytree
            ".*sync_dist=True.*",  # what is logged has been gathered over the processes already
            ".*lr_scheduler.step.*before.*optimizer.step.*",  # the order is Lightning's, and right
        ):
            warnings.filterwarnings("ignore", text)
        yield


@contextmanager
def plain_errors(run: Run | None = None) -> Iterator[None]:
    """Undo what wraps our errors, and say after Ctrl-C how a training goes on."""
    try:
        yield
    except DataError as error:
        # a reading process sends its whole traceback as the message
        raise DataError(str(error).rpartition("saccade.errors.DataError: ")[2].strip()) from None
    except torch.OutOfMemoryError as error:
        reason = str(error).partition(". ")[0]
        raise SaccadeError(f"{reason}; lower loader.batch_size or data.image_size, or use bf16-mixed") from None
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise SaccadeError(
            "BatchNorm cannot learn from one value: the deepest map of the network is 1x1 in a batch of one image; "
            "raise loader.batch_size or data.image_size"
        ) from None
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        reason = str(error).partition(". ")[0]
        raise SaccadeError(f"{reason}; set trainer.deterministic=false to allow it") from None
    except SystemExit:
        # Lightning leaves by sys.exit after Ctrl-C, and has made Ctrl-C deaf before
        signal.signal(signal.SIGINT, signal.default_int_handler)
        kept = run is not None and (run.checkpoints / "last.ckpt").is_file()
        hint = "" if run is None else " before the first epoch had ended: there is nothing to resume, start again"
        if run is not None and kept:
            hint = f"; go on with `saccade train --resume {run.path}`"
        raise StoppedError(f"stopped{hint}") from None


def _strategy(config: Config) -> str:
    if config.trainer.devices == 1:
        return "auto"
    # weights that are thawed later have no gradient at first, which DistributedDataParallel must be told of
    return "ddp_find_unused_parameters_true" if isinstance(config.model.freeze, int) else "ddp"


def _callbacks(task: Task, clock: Clock | None) -> list[Callback]:
    """Those that the config asks for."""
    found: list[Callback] = [] if clock is None else [clock]
    if patience := task.config.trainer.early_stopping:
        found.append(Patience(MONITORED, mode="max", patience=patience))
    if decay := task.config.optim.ema:
        # statistics of BatchNorm are averaged too: those of the weights now would not fit the averaged weights
        found.append(EMAWeightAveraging(decay=decay))
    return found


def _wandb(config: Config, run: Run) -> L.loggers.Logger:
    try:
        from lightning.pytorch.loggers import WandbLogger

        return WandbLogger(
            project=config.log.wandb,
            name=f"{config.name}-{run.path.name}",
            save_dir=run.path,
            offline=config.log.wandb_mode == "offline",
        )
    except ModuleNotFoundError:
        raise ConfigError(
            "log.wandb: Weights & Biases is not installed; install saccade[wandb], or set log.wandb=null"
        ) from None


def _short(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
