"""The section ``model``: the network, and the weights that it starts from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from saccade.config.fields import (
    NUMBER,
    Count,
    Fraction,
    Positive,
    Section,
    Text,
)


class Model(Section):
    """The network, and the weights that it starts from."""

    name: Text = "resnet18"
    """A network of ours (`small_cnn`, `dogs_cnn`, `resnet18`, `34`, `50`, `101`, `152`, `cifar_resnet20`, `32`, `44`,
    `56`) or any timm backbone by its timm name; with a tag, such as `resnet18.a1_in1k`, it is timm's in any case. For
    segment: `fcn_basic`, `unet`, `fcn`, `glance`, or `smp_` and a decoder of segmentation_models_pytorch, such as
    `smp_unet`, `smp_fpn`, `smp_deeplabv3plus`. For caption: `rnn`, `gru`, `gru_torch` (the GRU of torch.nn), `lstm`,
    `attention`, `updown`, `transformer`. For spot: `fots`, which finds and reads text, or `east`, which finds it."""
    pretrained: bool = False
    """Start from timm's published weights; the only setting that may touch the network."""
    weights: Path | None = None
    """Start from this file instead: safetensors or a torch state dict with timm's or torchvision's key names."""
    head: Literal["replace", "keep"] = "replace"
    """The last layer under `pretrained` or `weights`: replace starts with a fresh one, whatever the file holds; keep
    loads the file's, which must have one output a class, in the order of the class names. For caption and spot replace
    takes weights of `model.encoder` alone, and keep a checkpoint of the whole network."""
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
    """Dropout before the head; for captions, in each part of the `transformer`; for spot, before the
    last layer of the reader."""
    cache_features: Literal["auto"] | bool = "auto"
    """With a frozen backbone and no random changes of the images, compute what reaches the head once and train the
    head on that: the same result in a fraction of the time. auto does it where it can be done."""
    encoder: Text = "resnet34"
    """For the segmentation networks `fcn` and `smp_...`: the timm backbone that they stand on. For caption without
    stored features: the backbone whose last map is what the caption network sees; `small_cnn` and `cifar_resnet20`
    (`32`, `44`, `56`) are ours. For spot: a timm backbone with maps of 1/4 to 1/32 of the image, or `small_spot`, ours
    for CPUs."""
    depth: Annotated[int, Field(ge=1, le=8), NUMBER] = 4
    """For `unet`: how often the map is halved."""
    width: Count | None = None
    """For `unet` and `glance`: channels of the first level, by which all others go (64 and 32 where null)."""
    layers: Count | None = None
    """For caption: recurrent or transformer layers; null takes 1 for `rnn`, 2 for the other recurrent ones, 3 for
    `transformer`."""
    embedding: Count | None = None
    """For caption: numbers of a word; null takes 300, or 1000 for `updown`."""
    hidden: Count | None = None
    """For caption: units of a layer; null takes 512, or 1000 for `updown`. For spot: units of the reader's LSTM in each
    direction; null takes 256."""
    reach: Positive | None = None
    """For spot: pixels of the input, the farthest that a side of a word can be from a place in it; null takes
    data.image_size."""
    max_width: Count = 128
    """For spot: columns of the widest word that is read, where 8 rows are its height; wider ones are squeezed."""
    fused: bool = True
    """For caption: run recurrent layers through torch's kernels where these compute the same; only the speed
    differs."""
    convert: Literal["weight-standardized", "folded"] | None = None
    """What becomes of the network once its weights are loaded, so that it computes the same in another way.
    weight-standardized: convolutions before a BatchNorm divide each filter by its standard deviation; folded: their
    BatchNorm is part of them, for inference. With weights of a network that was converted so, their own is meant."""
    compensate: Literal["statistics", "affine"] = "statistics"
    """For weight-standardized: what of each BatchNorm changes so that the outputs stay the same: its running
    statistics, or its scale and shift. With affine a training loses at once most of what the weights knew; with
    statistics it goes as without conversion."""

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
    def _compensation_is_for_standardized_weights(self) -> Self:
        if self.compensate != "statistics" and self.convert != "weight-standardized":
            raise ValueError(
                f"model.compensate: is {self.compensate}, which weight-standardized alone knows, and model.convert is "
                f"{self.convert or 'null'}; set model.convert=weight-standardized or model.compensate=statistics"
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
