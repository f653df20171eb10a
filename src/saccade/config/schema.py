"""The whole config as frozen pydantic sections: one file, one object, one validation.

The text under each field is its documentation: it goes into the JSON Schema and into ``docs/config.md``.
A rule that ties several fields together stands in a validator beside them; its text is `key to change: what
is wrong`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from saccade.config.belonging import refuse_foreign
from saccade.config.data_section import Data
from saccade.config.fields import (
    NUMBER,
    Amount,
    Count,
    Fraction,
    NonNegative,
    NonNegativeInteger,
    Positive,
    Section,
    Text,
)
from saccade.config.model_section import Model
from saccade.config.task_sections import CaptionTask, ClassifyTask, MultilabelTask, SegmentTask, SpotTask


class Loader(Section):
    """How batches are put together."""

    batch_size: Count = 32
    """Images a batch on each device."""
    sampler: Literal["shuffle", "balanced"] = "shuffle"
    """What an epoch of training holds: shuffle takes every image once; balanced, for classify, draws as many images
    with replacement, each class equally often on average."""
    workers: NonNegativeInteger | Literal["auto"] = "auto"
    """Processes that read images; 0 reads in the main process; auto fits the machine. The result is the same
    for any."""


class Optim(Section):
    """Optimiser and learning-rate schedule."""

    name: Literal["sgd", "adam", "adamw"] = "adamw"
    """Optimiser: torch.optim's SGD (Nesterov momentum), Adam, or AdamW."""
    lr: Positive = 1e-3
    """Peak learning rate."""
    weight_decay: NonNegative = 1e-2
    """Weight decay; biases and norms are left out of it."""
    momentum: Fraction = 0.9
    """Momentum of SGD."""
    schedule: Literal["constant", "step", "cosine", "onecycle", "plateau"] = "cosine"
    """constant; step (times `gamma` at each of `step_epochs`); cosine to zero; onecycle (arXiv 1708.07120);
    plateau (times `gamma` after `patience` epochs without a better validation metric)."""
    warmup_epochs: NonNegative = 0.0
    """Epochs over which the rate rises linearly from near zero; onecycle brings its own."""
    step_epochs: tuple[Count, ...] = (30, 60)
    """For `step`: the epochs after which the rate falls."""
    gamma: Annotated[float, Field(gt=0.0, lt=1.0), NUMBER] = 0.1
    """For `step` and `plateau`: the factor of each fall."""
    patience: Count = 3
    """For `plateau`: epochs without improvement before a fall."""
    ema: Fraction = 0.0
    """Decay of an exponential moving average of the weights, such as 0.999, which is what is scored and kept; 0 is
    off."""

    @model_validator(mode="after")
    def _onecycle_warms_up_itself(self) -> Self:
        if self.schedule == "onecycle" and self.warmup_epochs:
            raise ValueError(
                f"optim.warmup_epochs: is {self.warmup_epochs:g}, and optim.schedule=onecycle "
                "has a warm-up of its own; set optim.warmup_epochs=0"
            )
        return self


class Trainer(Section):
    """How long, where, and in which arithmetic."""

    max_epochs: NonNegativeInteger = 10
    """Epochs; 0 scores the weights as they are. With `max_time` they do not count."""
    precision: Literal[32, "16-mixed", "bf16-mixed"] = 32
    """Float arithmetic: 32, or mixed precision (16-mixed for older GPUs, bf16-mixed)."""
    accelerator: Literal["auto", "cpu", "gpu", "mps"] = "auto"
    """Kind of device."""
    devices: Count | Literal["auto"] = 1
    """Number of devices; more than one trains with DistributedDataParallel."""
    monitor: Literal["metric", "loss"] = "metric"
    """What chooses the best epoch: the task's metric, or the loss, which moves in smaller steps where few images
    choose."""
    early_stopping: NonNegativeInteger = 0
    """Stop after this many epochs without a better one by `monitor`; 0 never stops early."""
    gradient_clip: NonNegative = 0.0
    """Largest norm of the gradient; 0 does not clip."""
    accumulate: Count = 1
    """Batches whose gradients are averaged before a step."""
    deterministic: bool = True
    """Only algorithms that give the same result every time, also on GPUs."""
    max_time: Annotated[str, Field(pattern=r"^\d+(\.\d+)?(s|min|h)$")] | None = None
    """Train by the clock instead of by epochs, such as 90s, 7min or 1.5h: the learning rate runs by the share of the
    time that is used, so that it ends annealed. Such a run cannot be repeated to the bit."""
    keep_checkpoints: Literal["best", "all"] = "best"
    """best keeps best.ckpt and last.ckpt; all keeps one of every epoch too, epoch-001.ckpt and so on, from each of
    which training can go on."""
    check_val_every_n_epoch: Count = 1
    """Score the split that chooses the epoch after every so many epochs."""
    limit_batches: Amount | None = None
    """Batches of each training epoch: a number (20), or a share of them (0.1); null takes all. Scoring is always
    whole."""
    overfit_batches: Amount | None = None
    """To debug: learn from this number of batches (or share of them) alone, the same in the same order without random
    changes, and choose the epoch on them too. A network that cannot learn them by heart has a fault."""
    fast_dev_run: bool = False
    """To debug: one training batch and one scored batch through every step of the road; keeps nothing."""
    log_gpu_memory: bool = False
    """Add the largest GPU memory in use to each row of metrics.jsonl, in MB."""

    @model_validator(mode="after")
    def _a_scored_epoch(self) -> Self:
        if self.max_time is not None and self.check_val_every_n_epoch > 1:
            raise ValueError(
                f"trainer.check_val_every_n_epoch: is {self.check_val_every_n_epoch}, and trainer.max_time ends a "
                "training in any epoch, which is to be scored; set it to 1"
            )
        if self.max_time is not None and not self.seconds():
            raise ValueError(f"trainer.max_time: is {self.max_time}, and a training takes some time; set 7min or null")
        if self.fast_dev_run and self.max_epochs == 0:
            raise ValueError("trainer.fast_dev_run: trains one batch, and trainer.max_epochs=0 trains none; drop one")
        if self.max_time is None and self.check_val_every_n_epoch > max(self.max_epochs, 1):
            raise ValueError(
                f"trainer.check_val_every_n_epoch: is {self.check_val_every_n_epoch}, and trainer.max_epochs is "
                f"{self.max_epochs}: no epoch would be scored; set it to {max(self.max_epochs, 1)} or less"
            )
        return self

    def seconds(self) -> float | None:
        """``max_time`` in seconds."""
        if self.max_time is None:
            return None
        unit = {"s": 1.0, "min": 60.0, "h": 3600.0}
        number, name = re.fullmatch(r"([\d.]+)(\w+)", self.max_time).groups()  # type: ignore[union-attr]
        return float(number) * unit[name]


class Log(Section):
    """What is written beside the run folder's own files."""

    wandb: Text | None = None
    """Also log to this Weights & Biases project (needs `saccade[wandb]`); null sends nothing anywhere."""
    wandb_mode: Literal["offline", "online"] = "offline"
    """offline keeps the W&B files in the run folder; online sends them."""
    filters_every: NonNegativeInteger = 0
    """Draw filters of the network at the start of the first epoch and then of every so many, into
    `explanations/filters`, and at the end an animation of them; 0 draws none."""


class Explain(Section):
    """What `saccade explain` covers images with, where its options do not say."""

    patch: Count | None = None
    """Side of the patch of `occlusion`, in pixels of the network's input; null takes a sixth of its shorter side."""
    stride: Count | None = None
    """How far the patch slides, at most `patch`; null takes a third of it."""
    fill: Literal["grey", "mean", "black", "white"] = "grey"
    """Colour of the patch, and of the image that `integrated-gradients` starts from; mean is the colour that
    normalisation takes off."""


class Config(Section):
    """Everything that decides what a run computes."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """Name of the run: its folder is `runs/<name>/<number>`."""
    seed: Annotated[int, Field(ge=0, lt=2**32), NUMBER] = 0
    """Seed of everything random; the same seed gives the same numbers, whatever the number of workers."""
    task: Annotated[MultilabelTask | ClassifyTask | SegmentTask | CaptionTask | SpotTask, Field(discriminator="name")]
    """What is learned, with its loss and its metrics."""
    data: Data
    """Where the data are and how they are read."""
    loader: Loader = Loader()
    """How batches are put together."""
    model: Model = Model()
    """The network."""
    optim: Optim = Optim()
    """How it learns."""
    trainer: Trainer = Trainer()
    """How long and where."""
    log: Log = Log()
    """What is logged."""
    explain: Explain = Explain()
    """How it is looked into."""

    @model_validator(mode="after")
    def _folds_are_trained(self) -> Self:
        section = self.trainer
        if self.data.folds and section.max_epochs == 0 and section.max_time is None:
            raise ValueError(
                f"data.folds: is {self.data.folds}, and trainer.max_epochs=0 trains nothing, so that all folds would "
                "be the same weights; set data.folds=0, or trainer.max_epochs to 1 or more"
            )
        if self.data.folds and section.overfit_batches is not None:
            raise ValueError(
                f"data.folds: is {self.data.folds}, and trainer.overfit_batches={section.overfit_batches} leaves "
                "nothing to hold out; set data.folds=0 or trainer.overfit_batches=null"
            )
        return self

    @model_validator(mode="after")
    def _settings_of_the_task(self) -> Self:
        size = self.data.image_size
        if isinstance(size, tuple) and self.task.name != "segment":
            raise ValueError(
                f"data.image_size: is {list(size)}, which task.name={self.task.name} does not know; "
                f"set data.image_size={max(size)}"
            )
        refuse_foreign(self, self.task.name)
        return self

    @model_validator(mode="after")
    def _what_captions_learn_from(self) -> Self:
        if not isinstance(self.task, CaptionTask):
            return self
        model, stored = self.model, self.data.features.path is not None
        if self.task.loss == "self_critical" and (model.weights is None or model.head != "keep"):
            raise ValueError(
                "task.loss: is self_critical, which goes on from a network that can speak; set model.weights to the "
                "checkpoint of a first stage, model.head=keep, and task.vocabulary to the vocabulary.json of that run"
            )
        if model.head == "keep" and model.weights is None:
            raise ValueError(
                "model.head: is keep, and published weights are those of model.encoder, which hold no words; "
                "set model.head=replace"
            )
        for key, value, default in (
            ("task.concepts", self.task.concepts, 0),
            ("model.pretrained", model.pretrained, False),
            ("model.freeze", model.freeze, "none"),
        ):
            if stored and value != default:
                raise ValueError(
                    f"{key}: is {str(value).lower()}, which is about model.encoder, and data.features.path says that "
                    f"stored features take its place; set {key}={str(default).lower()}, or data.features.path=null"
                )
        return self

    @model_validator(mode="after")
    def _balanced_needs_classify(self) -> Self:
        if self.loader.sampler == "balanced" and self.task.name != "classify":
            raise ValueError(
                f"loader.sampler: is balanced, which draws by the one class of an image, and task.name is "
                f"{self.task.name}; set loader.sampler=shuffle (task.class_weights weighs classes instead)"
            )
        return self

    @model_validator(mode="after")
    def _threshold_needs_a_scored_epoch(self) -> Self:
        if not isinstance(self.task, ClassifyTask) or self.task.threshold != "holdout":
            return self
        if self.trainer.max_epochs == 0 and self.trainer.max_time is None:
            raise ValueError(
                "task.threshold: is holdout, and with trainer.max_epochs=0 no epoch is scored on it; "
                "set a number or argmax, or train"
            )
        if self.data.cross_validates:
            raise ValueError(
                "task.threshold: is holdout, which is chosen for one network, and data.folds trains one a fold; "
                "set a number or argmax, or data.fold to train one fold"
            )
        return self

    @model_validator(mode="after")
    def _by_heart_in_order(self) -> Self:
        if self.trainer.overfit_batches is not None and self.loader.sampler != "shuffle":
            raise ValueError(
                f"loader.sampler: is {self.loader.sampler}, and trainer.overfit_batches takes the same images in the "
                "same order; set loader.sampler=shuffle"
            )
        return self

    @model_validator(mode="after")
    def _clock_knows_no_epochs(self) -> Self:
        if self.trainer.max_time is None:
            return self
        for key, value, counts_epochs, instead in (
            ("optim.schedule", self.optim.schedule, self.optim.schedule == "step", "cosine"),
            ("optim.warmup_epochs", f"{self.optim.warmup_epochs:g}", self.optim.warmup_epochs > 0, "0"),
            ("data.progressive", str(list(self.data.progressive)), bool(self.data.progressive), "[]"),
        ):
            if counts_epochs:
                raise ValueError(
                    f"{key}: is {value}, which counts epochs, and trainer.max_time={self.trainer.max_time} trains by "
                    f"the clock; set {key}={instead} (optim.schedule=onecycle warms up by itself), or "
                    "trainer.max_time=null"
                )
        return self
