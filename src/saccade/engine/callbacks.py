"""What happens at the end of an epoch: a row, a checkpoint, a line; and a progress bar in between."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import lightning.pytorch as L
import torch
from lightning.pytorch.callbacks import Callback, Checkpoint, EarlyStopping
from rich.progress import TaskID

from saccade.console import progress_bar, say
from saccade.engine.module import Module
from saccade.files import copy_file
from saccade.runs import Run
from saccade.tasks.base import Task


class EpochKeeper(Checkpoint):
    """Appends the epoch to ``metrics.jsonl``, then writes ``best.ckpt`` for the best so far, then ``last.ckpt``.

    In this order: whatever a crash leaves behind, a run that resumes from ``last.ckpt`` does the epoch again and writes
    the row and ``best.ckpt`` anew. ``Checkpoint`` is Lightning's mark for callbacks that run after all others.
    """

    def __init__(
        self,
        run: Run,
        *,
        selection: str,
        kept: Callable[[], None] | None = None,
        begun: Callable[[int], None] | None = None,
    ) -> None:
        self.run = run
        self.selection = selection
        self.kept = kept or (lambda: None)  # called when an epoch has been kept
        self.begun = begun or (lambda epoch: None)  # called when an epoch begins, with its number, counted from 1
        self.best: float | None = None
        self.best_loss = math.inf  # of the epoch with the best value
        self.best_epoch: int | None = None
        self.row: dict[str, Any] = {}  # of the epoch that was kept last
        self._lr = 0.0

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say that the epoch begins."""
        if trainer.is_global_zero:
            self.begun(trainer.current_epoch + 1)

    def on_train_batch_start(self, trainer: L.Trainer, *args: Any) -> None:
        """Note the rate of the step that is about to be made; after it, the schedule has moved on."""
        self._lr = max(float(group["lr"]) for group in trainer.optimizers[0].param_groups)

    def state_dict(self) -> dict[str, Any]:
        """The best value, its loss and its epoch."""
        return {"best": self.best, "best_loss": self.best_loss, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up where the checkpoint was."""
        self.best, self.best_loss = state_dict["best"], state_dict["best_loss"]
        self.best_epoch = state_dict["best_epoch"]

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep the epoch."""
        assert isinstance(pl_module, Module)
        pl_module.check_finite()
        is_best = pl_module.scored is not None and self._is_best(pl_module.monitored(), pl_module.scored.loss)
        if is_best:
            self.best_epoch = trainer.current_epoch + 1
        self.row = self._row(trainer, pl_module)
        if trainer.is_global_zero:
            self.run.append_epoch(self.row)
            for logger in trainer.loggers:
                logger.log_metrics(_flat(self.row), step=trainer.global_step)
        best, last = self.run.checkpoints / "best.ckpt", self.run.checkpoints / "last.ckpt"
        trainer.save_checkpoint(best if is_best else last)
        if trainer.is_global_zero:
            if is_best:
                copy_file(best, last)
            if pl_module.task.config.trainer.keep_checkpoints == "all":
                copy_file(last, self.run.checkpoint_of(trainer.current_epoch + 1))
            self.kept()

    def _is_best(self, value: float, loss: float | None) -> bool:
        """Whether an epoch is better than all before; then its value and loss are the ones to beat.

        Of equal values the one with the lower loss is better: until a network has learned to read, none of its words is
        right, and epochs that find them ever better have all the same score of 0.
        """
        said = math.inf if loss is None else loss
        if self.best is not None and (value, -said) <= (self.best, -self.best_loss):
            return False
        self.best, self.best_loss = value, said
        return True

    def _row(self, trainer: L.Trainer, module: Module) -> dict[str, Any]:
        train = {"loss": module.train_loss.finish()}
        hits = module.hits.finish()
        row: dict[str, Any] = {
            "epoch": trainer.current_epoch + 1,
            "step": trainer.global_step,
            "lr": self._lr,
            "train": train if hits is None else {**train, "accuracy": hits},
        }
        if module.scored is not None:
            row[self.selection] = module.scored.metrics()
        if module.clock is not None:
            row["seconds"] = round(module.clock.used, 3)
        if module.task.config.trainer.log_gpu_memory:
            row["gpu_memory_mb"] = round(torch.cuda.max_memory_allocated() / 2**20, 1)
        return row


class Patience(EarlyStopping):
    """Lightning's early stopping, for runs that resume: with the patience that is set now, and never past its end."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up where the checkpoint was, but for the patience."""
        super().load_state_dict({**state_dict, "patience": self.patience})

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """A run that had stopped early stays stopped."""
        trainer.should_stop = trainer.should_stop or self.wait_count >= self.patience


def _flat(row: Mapping[str, Any], above: str = "") -> dict[str, float]:
    """``{"train": {"loss": 1.0}}`` as ``{"train/loss": 1.0}``, without what is undefined."""
    found: dict[str, float] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{above}{name}/")
        elif value is not None:
            found[f"{above}{name}"] = float(value)
    return found


class EpochLines(Checkpoint):
    """One line an epoch on stderr when it has been kept, and a progress bar within it where stderr is a terminal."""

    def __init__(self, keeper: EpochKeeper) -> None:
        self.keeper = keeper
        self._bar = progress_bar()
        self._task: TaskID | None = None
        self._started = 0.0

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock and the bar."""
        self._started = time.perf_counter()
        self._bar = progress_bar()
        self._bar.start()
        assert isinstance(pl_module, Module)
        text = _place(trainer, pl_module).strip()
        self._task = self._bar.add_task(text, total=trainer.num_training_batches)

    def on_train_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        """Advance the bar."""
        if self._task is not None:
            self._bar.advance(self._task)

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say that the bar stands still because the epoch is being scored."""
        if self._task is not None:
            total = sum(n for n in trainer.num_val_batches if isinstance(n, int))
            self._bar.update(self._task, description="scoring", completed=0, total=total)

    def on_validation_batch_end(self, trainer: L.Trainer, *args: Any) -> None:
        """Advance the bar."""
        if self._task is not None:
            self._bar.advance(self._task)

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Print the line."""
        self._bar.stop()
        assert isinstance(pl_module, Module)
        say(
            f"{_place(trainer, pl_module)}  {_numbers('train', self.keeper.row['train'], 'accuracy')}  "
            f"{self._scored(pl_module.task)}  {time.perf_counter() - self._started:.1f} s"
        )

    def _scored(self, task: Task) -> str:
        split, row = self.keeper.selection, self.keeper.row
        if split not in row:
            return f"{split} not scored"
        best = self.keeper.best_epoch == row["epoch"]
        return f"{_numbers(split, row[split], task.monitor, task.headline)} {'best' if best else '    '}"

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Leave the terminal as it was."""
        self._bar.stop()


def _place(trainer: L.Trainer, module: Module) -> str:
    """Which epoch this is, and of how many or of how much time."""
    epoch = f"epoch {trainer.current_epoch + 1:>3}"
    if module.clock is not None:
        return f"{epoch} ({module.clock.progress:4.0%} of {module.task.config.trainer.max_time})"
    return f"{epoch}/{trainer.max_epochs}"


def _numbers(split: str, values: Mapping[str, float | None], metric: str, name: str | None = None) -> str:
    """Loss and metric of a split, in columns that stay in place."""
    loss, value = values["loss"], values.get(metric)
    text = f"{split} loss {'-' if loss is None else f'{loss:.4f}':>6}"
    if metric not in values:
        return text
    return f"{text} {name or metric} {'undefined' if value is None else f'{value:.3f}'}"


class FileBar(Callback):
    """A progress bar for one pass over images, to score them or to answer them."""

    def __init__(self, images: int) -> None:
        self._bar = progress_bar()
        self._task = self._bar.add_task("images", total=images)

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Show the bar."""
        self._bar.start()

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Advance by a batch of every process."""
        self._bar.advance(self._task, len(batch.index) * trainer.world_size)

    def on_predict_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Advance by a batch."""
        self._bar.advance(self._task, len(batch.index) + len(batch.failures))

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Take the bar away, also after an error."""
        self._bar.stop()
