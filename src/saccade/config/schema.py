"""The whole config as frozen pydantic sections: one file, one object, one validation.

The text under each field is its documentation: it goes into the JSON Schema and into ``docs/config.md``.
A rule that ties several fields together stands in a validator beside them; its text is `key to change: what
is wrong`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from saccade.config.data_section import Data
from saccade.config.fields import (
    NUMBER,
    Amount,
    Count,
    Fraction,
    NonNegative,
    NonNegativeInteger,
    Positive,
    Probability,
    Section,
    Text,
)


class MultilabelTask(Section):
    """Any number of classes in one image: one logit and one yes-or-no decision a class."""

    name: Literal["multilabel"]
    """The task."""
    loss: Literal["bce", "focal", "asymmetric"] = "bce"
    """Binary cross-entropy, focal loss (arXiv 1708.02002), or asymmetric loss (arXiv 2009.14119)."""
    class_weights: Literal["none", "balanced"] | dict[str, Positive] = "none"
    """Factor on each class's loss: none; balanced (inverse frequency of positives, mean 1); or given by class
    name."""
    positive_weights: Literal["none", "balanced"] | dict[str, Positive] = "none"
    """Factor on the positive term of the loss: none; balanced (negatives over positives in the training
    split); or given by class name. Used by `bce` only."""
    focal_gamma: NonNegative = 2.0
    """Focusing exponent of the focal loss."""
    focal_alpha: Probability | None = 0.25
    """Weight of the positives in the focal loss; null leaves both sides at 1."""
    asymmetric_gamma_negative: NonNegative = 4.0
    """Focusing exponent of the asymmetric loss for negatives."""
    asymmetric_gamma_positive: NonNegative = 0.0
    """Focusing exponent of the asymmetric loss for positives."""
    asymmetric_clip: Fraction = 0.05
    """Probability margin of the asymmetric loss: negatives scored below it cost nothing."""
    threshold: Probability = 0.5
    """Probability above which a class counts as found, for F1, accuracy, and tail accuracy."""

    @model_validator(mode="after")
    def _positive_weights_need_bce(self) -> Self:
        if self.positive_weights != "none" and self.loss != "bce":
            raise ValueError(
                f"task.positive_weights: works with task.loss=bce only, and task.loss is {self.loss}; "
                "set task.positive_weights=none or task.loss=bce"
            )
        return self


class ClassifyTask(Section):
    """Exactly one class an image."""

    name: Literal["classify"]
    """The task."""
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    """Softmax cross-entropy, or focal loss on the softmax (arXiv 1708.02002)."""
    class_weights: Literal["none", "balanced", "effective"] | dict[str, Positive] = "none"
    """Factor on the loss of each class's images: none; balanced (inverse frequency in the training split,
    mean 1 over images); effective (by the effective number of images, arXiv 1901.05555, mean 1 over images); or given
    by class name."""
    effective_beta: Fraction = 0.999
    """Beta of the effective number: 0 weighs all classes alike, towards 1 the weights become those of balanced."""
    focal_gamma: NonNegative = 2.0
    """Focusing exponent of the focal loss; 0 is cross-entropy."""
    label_smoothing: Fraction = 0.0
    """Share of the target's mass spread evenly over all classes; for `cross_entropy` only."""
    top_k: Count = 5
    """Also report top-k accuracy for this k (left out where there are no more classes than that)."""
    positive: Text | None = None
    """The class in question, against the rest, such as the rare one: its AP, precision, recall and F1 come first, and
    its AP chooses the epoch. null: no class is special, and accuracy chooses."""
    threshold: Literal["argmax", "holdout"] | Probability = "argmax"
    """How two classes are told apart where `positive` is set: argmax takes the higher score; a number says positive
    where its score is above; holdout takes the number with the highest F1 on the split that chooses the epoch."""

    @model_validator(mode="after")
    def _smoothing_needs_cross_entropy(self) -> Self:
        if self.label_smoothing and self.loss != "cross_entropy":
            raise ValueError(
                f"task.label_smoothing: is {self.label_smoothing:g}, and task.loss is {self.loss}, which takes no "
                "smoothed targets; set task.label_smoothing=0 or task.loss=cross_entropy"
            )
        return self

    @model_validator(mode="after")
    def _threshold_needs_a_positive_class(self) -> Self:
        if self.threshold != "argmax" and self.positive is None:
            raise ValueError(
                f"task.threshold: is {self.threshold}, and task.positive is null; set task.positive to the class that "
                "is meant, or task.threshold=argmax"
            )
        return self


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


class Model(Section):
    """The network, and the weights that it starts from."""

    name: Text = "resnet18"
    """A network of ours (`small_cnn`, `dogs_cnn`, `resnet18`, `34`, `50`, `101`, `152`, `cifar_resnet20`, `32`, `44`,
    `56`) or any timm backbone by its timm name; with a tag, such as `resnet18.a1_in1k`, it is timm's in any case."""
    pretrained: bool = False
    """Start from timm's published weights; the only setting that may touch the network."""
    weights: Path | None = None
    """Start from this file instead: safetensors or a torch state dict with timm's or torchvision's key names."""
    head: Literal["replace", "keep"] = "replace"
    """The last layer under `pretrained` or `weights`: replace starts with a fresh one, whatever the file holds; keep
    loads the file's, which must have one output a class, in the order of the class names."""
    init: Literal["default", "kaiming_normal", "kaiming_uniform", "xavier_normal", "xavier_uniform"] = "default"
    """Random starting weights: as the network itself draws them; or all convolutions and linear layers by Kaiming
    (arXiv 1502.01852) or Xavier (Glorot and Bengio 2010), from a normal or a uniform distribution, with biases at 0."""
    init_fan: Literal["in", "out"] = "in"
    """For Kaiming: whether the variance is kept forward (in) or backward (out)."""
    norm: Literal["batch", "group"] = "batch"
    """For our `resnet18` to `resnet152`: BatchNorm, or GroupNorm (arXiv 1803.08494) with 32 groups."""
    zero_init_last: bool = False
    """For our `resnet18` to `resnet152`: start the last norm of each branch at 0, so that each block begins as its
    shortcut (arXiv 1706.02677)."""
    freeze: Literal["none", "backbone"] | Count = "none"
    """What stays as it is: none; everything but the head; or everything but the head until this many epochs
    are done. Frozen BatchNorm stays in evaluation mode."""
    backbone_lr: Positive = 1.0
    """Learning rate of everything but the head, as a factor on `optim.lr`."""
    drop_rate: Fraction = 0.0
    """Dropout before the head."""
    cache_features: Literal["auto"] | bool = "auto"
    """With a frozen backbone and no random changes of the images, compute what reaches the head once and train the
    head on that: the same result in a fraction of the time. auto does it where it can be done."""

    @model_validator(mode="after")
    def _one_source_of_weights(self) -> Self:
        if self.pretrained and self.weights is not None:
            raise ValueError(
                "model.pretrained: is true, and model.weights is set too; set model.pretrained=false to use that file"
            )
        return self

    @model_validator(mode="after")
    def _zeros_are_for_random_weights(self) -> Self:
        if self.zero_init_last and (self.pretrained or self.weights is not None):
            raise ValueError(
                "model.zero_init_last: is true, and the weights come from "
                f"{'model.pretrained' if self.pretrained else 'model.weights'}, which would overwrite the zeros; "
                "set model.zero_init_last=false"
            )
        return self

    @model_validator(mode="after")
    def _a_head_to_keep(self) -> Self:
        if self.head == "keep" and not self.pretrained and self.weights is None:
            raise ValueError(
                "model.head: is keep, and the network starts from random weights; set model.head=replace, "
                "or model.weights to the file whose head is meant"
            )
        return self

    @model_validator(mode="after")
    def _init_is_for_random_weights(self) -> Self:
        if self.init != "default" and (self.pretrained or self.weights is not None):
            given = "model.pretrained is true" if self.pretrained else "model.weights is set"
            undo = "model.pretrained=false" if self.pretrained else "model.weights=null"
            raise ValueError(f"model.init: is {self.init}, and {given}; set model.init=default or {undo}")
        if self.init_fan == "out" and not self.init.startswith("kaiming"):
            raise ValueError(
                f"model.init_fan: is out, which Kaiming alone knows, and model.init is {self.init}; "
                "set model.init=kaiming_normal or model.init_fan=in"
            )
        return self


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
    """Epochs; 0 scores the weights as they are."""
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


class Config(Section):
    """Everything that decides what a run computes."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """Name of the run: its folder is `runs/<name>/<number>`."""
    seed: Annotated[int, Field(ge=0, lt=2**32), NUMBER] = 0
    """Seed of everything random; the same seed gives the same numbers, whatever the number of workers."""
    task: Annotated[MultilabelTask | ClassifyTask, Field(discriminator="name")]
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
        for key, value, counts_epochs in (
            ("optim.schedule", self.optim.schedule, self.optim.schedule == "step"),
            ("optim.warmup_epochs", f"{self.optim.warmup_epochs:g}", self.optim.warmup_epochs > 0),
            ("data.progressive", str(list(self.data.progressive)), bool(self.data.progressive)),
        ):
            if counts_epochs:
                raise ValueError(
                    f"{key}: is {value}, which counts epochs, and trainer.max_time={self.trainer.max_time} trains by "
                    "the clock; leave it out (optim.schedule=onecycle warms up by itself), or set trainer.max_time=null"
                )
        return self
