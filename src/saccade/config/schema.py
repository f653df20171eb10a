"""The whole config as frozen pydantic sections: one file, one object, one validation.

The text under each field is its documentation: it goes into the JSON Schema and into ``docs/config.md``.
A rule that ties several fields together stands in a validator beside them; its text is `key to change: what
is wrong`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError


def _no_truth_value(value: object) -> object:
    """Pydantic would take true for 1, so that `model.freeze: true` would mean one epoch."""
    if isinstance(value, bool):
        raise PydanticCustomError("truth_value", "a number is needed, not true or false")
    return value


_NUMBER = BeforeValidator(_no_truth_value)

Finite = Annotated[float, Field(allow_inf_nan=False), _NUMBER]
Fraction = Annotated[float, Field(ge=0.0, lt=1.0), _NUMBER]
Probability = Annotated[float, Field(ge=0.0, le=1.0), _NUMBER]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False), _NUMBER]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False), _NUMBER]
NonNegativeInteger = Annotated[int, Field(ge=0), _NUMBER]
Count = Annotated[int, Field(ge=1), _NUMBER]
Text = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """What all sections share: unknown keys are refused, nothing changes after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=())


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
    loss: Literal["cross_entropy"] = "cross_entropy"
    """Softmax cross-entropy."""
    class_weights: Literal["none", "balanced"] | dict[str, Positive] = "none"
    """Factor on the loss of each class's images: none; balanced (inverse frequency in the training split,
    mean 1 over images); or given by class name."""
    label_smoothing: Fraction = 0.0
    """Share of the target's mass spread evenly over all classes."""
    top_k: Count = 5
    """Also report top-k accuracy for this k (capped at the number of classes)."""


class Augment(Section):
    """Random changes of a training image; none of them touches evaluation."""

    crop: tuple[Probability, Probability] | None = (0.35, 1.0)
    """Random resized crop: range of the kept share of the area; null resizes as in evaluation."""
    flip: Probability = 0.5
    """Probability of a horizontal flip."""
    vertical_flip: Probability = 0.0
    """Probability of a vertical flip."""
    jitter: NonNegative = 0.0
    """Strength of random brightness, contrast and saturation; hue takes a quarter of it (at most 0.5)."""
    randaugment: NonNegativeInteger = 0
    """Number of RandAugment operations (arXiv 1909.13719); 0 is off."""
    randaugment_magnitude: Annotated[int, Field(ge=0, le=30), _NUMBER] = 9
    """Strength of the RandAugment operations, 0 to 30."""

    @model_validator(mode="after")
    def _crop_range(self) -> Self:
        if self.crop is not None and not 0.0 < self.crop[0] <= self.crop[1]:
            raise ValueError(
                f"data.augment.crop: found {list(self.crop)}; allowed: [low, high] with 0 < low <= high <= 1, or null"
            )
        return self


class MeanStd(Section):
    """Given statistics of the pixels, of RGB values in [0, 1]."""

    mean: tuple[Finite, Finite, Finite]
    """Mean of each channel."""
    std: tuple[Positive, Positive, Positive]
    """Standard deviation of each channel."""


class Scenes(Section):
    """What the built-in generator draws (used by `data.format: scenes`)."""

    train: Count = 1200
    """Number of training scenes."""
    val: Count = 300
    """Number of validation scenes."""
    size: Annotated[int, Field(ge=32), _NUMBER] = 64
    """Height and width of a scene in pixels."""
    seed: NonNegativeInteger = 0
    """Seed of the drawing; the training seed has no influence on the scenes."""


class Data(Section):
    """Where the images and labels are, how they are split, and how an image becomes a tensor."""

    format: Literal["voc", "folder", "table", "scenes"]
    """Layout on disk: Pascal VOC; one folder a class; a CSV or Parquet table; or the built-in scenes, drawn
    to `data.root` at first use."""
    root: Path
    """Folder of the data set. A relative path is relative to the config file it stands in (for presets and on
    the command line: to the current folder); where nothing is there, to the folder named by the environment
    variable SACCADE_DATA."""
    train: Text = "auto"
    """Training split: name of the set file (voc), folder (folder), or value of the split column (table). auto
    takes `train`; for `folder` without a folder of that name, the root itself as one tree of classes."""
    val: Text | None = "auto"
    """Validation split, named likewise; null cuts `val_fraction` off the training split. auto takes the first
    of val, valid, validation that is there, else null."""
    test: Text | None = None
    """Test split, named likewise; scored only by `saccade evaluate --split test`. null takes the name
    `test`."""
    val_fraction: Fraction = 0.2
    """Share of the training split that becomes the validation split where `val` is null; stratified, by
    seed."""
    holdout: Fraction = 0.1
    """Share of the training split, stratified and by seed, on which the best epoch is chosen, so that the
    validation split is scored once. 0 chooses on the validation split itself; the report then calls its
    number optimistic."""
    classes: tuple[Text, ...] | None = None
    """Class names in the order of the outputs; null takes those of the training data, sorted."""
    image_size: Annotated[int, Field(ge=8), _NUMBER] = 224
    """Height and width of the network's input in pixels."""
    resize: Literal["crop", "squash"] = "crop"
    """In evaluation: crop resizes the shorter side to image_size / resize_crop and cuts the centre; squash
    resizes both sides to image_size and keeps everything in view."""
    resize_crop: Annotated[float, Field(gt=0.0, le=1.0), _NUMBER] = 0.875
    """Share of the shorter side that the centre crop keeps (224 of 256 by default)."""
    normalize: Literal["imagenet", "measured"] | MeanStd = "imagenet"
    """Mean and standard deviation taken off each channel: ImageNet's; measured on the training split and
    stored with the run; or given as {mean: [r, g, b], std: [r, g, b]}."""
    augment: Augment = Augment()
    """Random changes of training images."""
    on_error: Literal["stop", "skip"] = "stop"
    """A training image that cannot be read: stop, naming it; or skip it, counted in the report. Evaluation
    always stops."""
    table: Text = "labels.csv"
    """For `table`: the CSV or Parquet file, relative to `root`."""
    path_column: Text = "image"
    """For `table`: the column of image paths, relative to `root`."""
    label_columns: Annotated[tuple[Text, ...], Field(min_length=1)] = ("label",)
    """For `table`: one column of class names, or of delimited lists of them; or one 0/1 column a class (-1:
    ignore)."""
    delimiter: Text | None = None
    """For `table`: what separates the class names in the label column, such as "|"; null reads one name."""
    split_column: Text | None = None
    """For `table`: the column that names each row's split; null takes every row as training data."""
    scenes: Scenes = Scenes()
    """For `scenes`: what to draw."""

    @model_validator(mode="after")
    def _classes_are_distinct(self) -> Self:
        twice = [name for name, count in Counter(self.classes or ()).items() if count > 1]
        if twice:
            raise ValueError(
                f"data.classes: {', '.join(map(repr, twice))} is named more than once; name each class once"
            )
        if self.classes is not None and len(self.classes) == 0:
            raise ValueError("data.classes: is empty; name the classes, or set it to null to take those of the data")
        return self


class Loader(Section):
    """How batches are put together."""

    batch_size: Count = 32
    """Images a batch on each device."""
    workers: NonNegativeInteger | Literal["auto"] = "auto"
    """Processes that read images; 0 reads in the main process; auto fits the machine. The result is the same
    for any."""


class Model(Section):
    """The network, and the weights that it starts from."""

    name: Text = "resnet18"
    """A network of ours (`small_cnn`) or any timm backbone by its timm name."""
    pretrained: bool = False
    """Start from timm's published weights; the only setting that may touch the network."""
    weights: Path | None = None
    """Start from this file instead: safetensors or a torch state dict with timm's or torchvision's key names.
    The head is replaced unless its size agrees."""
    freeze: Literal["none", "backbone"] | Count = "none"
    """What stays as it is: none; everything but the head; or everything but the head until this many epochs
    are done. Frozen BatchNorm stays in evaluation mode."""
    backbone_lr: Positive = 1.0
    """Learning rate of everything but the head, as a factor on `optim.lr`."""
    drop_rate: Fraction = 0.0
    """Dropout before the head."""

    @model_validator(mode="after")
    def _one_source_of_weights(self) -> Self:
        if self.pretrained and self.weights is not None:
            raise ValueError(
                "model.pretrained: is true, and model.weights is set too; set model.pretrained=false to use that file"
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
    gamma: Annotated[float, Field(gt=0.0, lt=1.0), _NUMBER] = 0.1
    """For `step` and `plateau`: the factor of each fall."""
    patience: Count = 3
    """For `plateau`: epochs without improvement before a fall."""

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
    early_stopping: NonNegativeInteger = 0
    """Stop after this many epochs without a better metric; 0 never stops early."""
    gradient_clip: NonNegative = 0.0
    """Largest norm of the gradient; 0 does not clip."""
    accumulate: Count = 1
    """Batches whose gradients are averaged before a step."""
    deterministic: bool = True
    """Only algorithms that give the same result every time, also on GPUs."""


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
    seed: Annotated[int, Field(ge=0, lt=2**32), _NUMBER] = 0
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
