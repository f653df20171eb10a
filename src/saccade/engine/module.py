"""The Lightning module of every task: one step for training and scoring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import lightning.pytorch as L
import polars as pl
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from saccade.config.schema import Config
from saccade.data.dataset import derived_seed
from saccade.data.mixing import Mixed, mix
from saccade.engine.clock import STEPS, Clock
from saccade.engine.optimizer import build_optimizer, build_schedule, continue_schedule
from saccade.errors import SaccadeError
from saccade.metrics.scores import Scores
from saccade.nn.backbones import backbone_to_eval, freeze_backbone, head_names
from saccade.samples import Batch, ImageLoss, Learned
from saccade.tasks.base import Task

MONITORED = "monitored"
"""Under this name early stopping finds what chooses the epoch."""
UNDEFINED = -1e30
"""Stands for a monitored metric that is undefined, such as mAP where no class has a positive: below every value."""


@dataclass(frozen=True)
class Scored:
    """One pass over a split."""

    loss: float | None
    scores: Scores

    def metrics(self) -> dict[str, float | None]:
        """Loss and metrics by name."""
        return {"loss": self.loss, **self.scores.metrics}


def is_frozen(config: Config, epoch: int) -> bool:
    """Whether everything but the head stays as it is in this epoch."""
    freeze = config.model.freeze
    return freeze == "backbone" or (isinstance(freeze, int) and epoch < freeze)


class MeanLoss:
    """The loss over all images of a pass and all processes: sum of totals over sum of weights, in float64."""

    def __init__(self) -> None:
        self._sums: list[Tensor] = []

    def update(self, loss: ImageLoss) -> None:
        """Add a batch; nothing waits for the device."""
        self._sums.append(torch.stack([loss.total.detach().float().sum(), loss.weight.detach().float().sum()]))

    def finish(self) -> float | None:
        """The mean, None where nothing had weight; starts anew."""
        mine = torch.stack(self._sums).cpu().double().sum(dim=0).tolist() if self._sums else [0.0, 0.0]
        self._sums = []
        total, weight = (sum(values) for values in zip(*gathered(mine), strict=True))
        return total / weight if weight else None


def gathered(mine: Any) -> list[Any]:
    """The objects of all processes, in the order of their ranks."""
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return [mine]
    everyone: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(everyone, mine)
    return everyone


class Module(L.LightningModule):
    """A network, its task, and the bookkeeping of an epoch."""

    def __init__(self, task: Task, network: nn.Module, *, keep_table: bool = False, clock: Clock | None = None) -> None:
        super().__init__()
        self.task = task
        self.clock = clock
        # convolutions run 1.2 to 4 times as fast in this layout, on CPUs and on tensor cores; the numbers mean the same
        self.network = network.to(memory_format=torch.channels_last)
        self.keep_table = keep_table
        self.train_loss, self.loss = MeanLoss(), MeanLoss()
        self.hits = MeanLoss()
        self.metrics = task.metrics()
        self.scored: Scored | None = None
        self.tables: list[pl.DataFrame] = []
        self._plateau: ReduceLROnPlateau | None = None
        self._warmup_steps = 0
        self._loaded: dict[str, Any] | None = None
        self._unchecked: tuple[Tensor, Batch] | None = None

    def forward(self, image: Tensor) -> Any:
        """Images to what the network says of them.

        Args:
            image: (B, 3, H, W); or what was computed before: (B, D) that reach the head, (B, R, D) that stand for it.
        """
        if image.ndim == 2:
            return self.network.get_submodule(head_names(self.network)[0])(image)
        return self.network(image.contiguous(memory_format=torch.channels_last) if image.ndim == 4 else image)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """The loss that the optimiser lowers.

        Raises:
            SaccadeError: that of the batch before was not finite.
        """
        self.check_finite()
        augment = self.task.config.data.augment
        if augment.mixup or augment.cutmix:
            learned = self._mixed(batch, mix(batch.image, mixup=augment.mixup, cutmix=augment.cutmix))
        else:
            learned = self.task.learn(self, batch, epoch=self.current_epoch, trained=self._trained(batch_idx))
            hits = self.task.hits(learned.logits.detach(), batch)
            if hits is not None:
                self.hits.update(ImageLoss(hits, torch.ones_like(hits)))
        self.train_loss.update(learned.loss)
        self._unchecked = learned.totals().detach(), batch
        return learned.objective()

    def _trained(self, batch_idx: int) -> float:
        """The share of the training that is over, in [0, 1]; 0 in a range test of learning rates."""
        if self.clock is not None:
            return self.clock.progress
        if self._trainer is None:
            return 0.0
        batches, epochs = self.trainer.num_training_batches, self.task.config.trainer.max_epochs
        return min(1.0, (self.current_epoch + batch_idx / batches) / max(1, epochs))

    def check_finite(self) -> None:
        """Stop at a loss that is not finite, naming the images. One batch late: by now the device has computed it.

        Raises:
            SaccadeError: it was not.
        """
        if self._unchecked is None:
            return
        (losses, batch), self._unchecked = self._unchecked, None
        if torch.isfinite(losses).all():
            return
        images = self.trainer.datamodule.listings["train"].images  # type: ignore[attr-defined]  # ours has listings
        named = [images[index] for index in batch.index[~torch.isfinite(losses).cpu()].tolist()]
        more = f" and {len(named) - 8} more" if len(named) > 8 else ""
        raise SaccadeError(
            f"the training loss of epoch {self.current_epoch + 1} is not finite for {', '.join(named[:8])}{more}, in a "
            f"batch of {len(losses)}: the network has diverged at an optim.lr of {self.task.config.optim.lr:g} "
            "(lower it, or set trainer.gradient_clip), or these images or labels are damaged (look at them)"
        )

    def _mixed(self, batch: Batch, mixed: Mixed) -> Learned:
        """The loss for each image's own target and for its partner's, in the shares of the mix."""
        logits = self(mixed.image)
        own = self.task.loss(logits, batch)
        partner = self.task.loss(logits, replace(batch, target=batch.target[mixed.partner.to(batch.target.device)]))
        loss = ImageLoss(*(a * mixed.share + b * (1 - mixed.share) for a, b in zip(own, partner, strict=True)))
        return Learned(logits, loss)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Score a batch, and keep its rows where they are wanted."""
        loss, prediction = self.task.score(self, batch)
        self.loss.update(loss)
        self.task.measure(self.metrics, prediction, batch)
        if self.keep_table:
            index = pl.Series("index", batch.index.cpu().numpy())
            per_image = pl.Series("loss", loss.per_image().float().cpu().numpy())
            self.tables.append(pl.DataFrame([index, *self.task.table(batch, prediction), per_image]))

    def on_train_epoch_start(self) -> None:
        """Set what depends on the epoch alone, so that a resumed run goes on as if it had never stopped."""
        self.scored = None
        torch.manual_seed(derived_seed(self.task.config.seed, self.current_epoch, self.global_rank))
        frozen = is_frozen(self.task.config, self.current_epoch)
        freeze_backbone(self.network, frozen=frozen)
        self.network.train()  # thawed layers come back from evaluation mode
        if frozen:
            backbone_to_eval(self.network)

    def on_validation_epoch_end(self) -> None:
        """Finish the numbers of the pass."""
        self.scored = Scored(self.loss.finish(), self.metrics.compute())
        self.metrics.reset()
        if self.trainer.state.fn == "fit":
            self.log(MONITORED, self.monitored(), logger=False)
            if self._plateau is not None and self.global_step >= self._warmup_steps:
                self._plateau.step(self.monitored())

    def monitored(self) -> float:
        """What chooses the best epoch, larger is better: the task's metric, or the loss with its sign changed."""
        assert self.scored is not None
        if self.task.config.trainer.monitor == "loss":
            return UNDEFINED if self.scored.loss is None else -self.scored.loss
        value = self.scored.scores.metrics[self.task.monitor]
        return UNDEFINED if value is None else value

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Schedules advance by optimiser step; only plateau waits for the score of an epoch."""
        config = self.task.config
        optimizer = build_optimizer(self.network, config)
        steps = STEPS if self.clock else int(self.trainer.estimated_stepping_batches)
        per_epoch = max(1, steps // max(1, config.trainer.max_epochs))
        self._warmup_steps = round(config.optim.warmup_epochs * per_epoch)
        if config.optim.schedule == "plateau":
            # in absolute numbers, as what is monitored may be below 0
            self._plateau = ReduceLROnPlateau(
                optimizer, "max", config.optim.gamma, config.optim.patience, threshold_mode="abs"
            )
        schedule = build_schedule(optimizer, config.optim, steps=steps, steps_per_epoch=per_epoch)
        drawn_for_a_length = config.optim.schedule in ("cosine", "onecycle") and self.clock is None
        if drawn_for_a_length and self._loaded and self._loaded["saccade"]["max_epochs"] != config.trainer.max_epochs:
            continue_schedule(self._loaded, optimizer, schedule)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def lr_scheduler_step(self, scheduler: LRScheduler, metric: Any) -> None:
        """One step on; by the clock, as many as the time that has gone by."""
        if self.clock is None:
            scheduler.step()
            return
        # all processes go by the clock of the first, or their weights would part
        reached = round(self.trainer.strategy.broadcast(self.clock.progress) * (STEPS - 1))
        while scheduler.last_epoch < reached:
            scheduler.step()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say what the weights are for; the tables of a scored split do not belong here."""
        config = self.task.config
        checkpoint["saccade"] = {
            "task": config.task.name,
            "outputs": list(self.task.outputs),
            "conventions": dict(self.task.conventions),
            "model": config.model.name,
            "convert": config.model.convert,
            "epoch": self.current_epoch + 1,
            "max_epochs": config.trainer.max_epochs,
            "threshold": self.scored.scores.threshold if self.scored else None,
        }
        if self._plateau is not None:
            checkpoint["plateau"] = self._plateau.state_dict()

    def untrained(self) -> dict[str, Any]:
        """A checkpoint of the weights as they are, with nothing to resume."""
        content: dict[str, Any] = {"state_dict": self.state_dict()}
        self.on_save_checkpoint(content)
        content["saccade"]["epoch"] = 0
        return content

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what is needed when the optimiser has been built; Lightning restores the rest."""
        self._loaded = checkpoint

    def on_train_start(self) -> None:
        """Take the plateau schedule up where it was."""
        if self._plateau is not None and self._loaded is not None:
            self._plateau.load_state_dict(self._loaded["plateau"])
        self._loaded = None
