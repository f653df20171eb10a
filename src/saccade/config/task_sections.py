"""The section ``task`` of each task: what is learned, with its loss and its metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from saccade.config.fields import (
    NUMBER,
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


SegmentLoss = Literal["cross_entropy", "focal", "dice", "jaccard"]


class SegmentTask(Section):
    """A class for every pixel."""

    name: Literal["segment"]
    """The task."""
    loss: SegmentLoss | Annotated[dict[SegmentLoss, Positive], Field(min_length=1)] = "cross_entropy"
    """Over the pixels that are not void: cross-entropy; focal loss on the softmax (arXiv 1708.02002); soft Dice
    (arXiv 1606.04797) or Jaccard, of each image; or a sum with factors, such as {cross_entropy: 1, dice: 0.5}."""
    class_weights: Literal["none", "inverse", "median", "effective"] | dict[str, Positive] = "none"
    """Factor on each class's pixels in cross-entropy and focal loss: none; measured over the training pixels: inverse
    frequency, median frequency (arXiv 1411.4734), effective number (arXiv 1901.05555); or given by class name."""
    effective_beta: Fraction = 0.9999999
    """Beta of the effective number of pixels: 0 weighs all classes alike, towards 1 the weights become inverse."""
    focal_gamma: NonNegative = 2.0
    """Focusing exponent of the focal loss; 0 is cross-entropy."""
    label_smoothing: Fraction = 0.0
    """Share of the target's mass spread evenly over all classes, in `cross_entropy`."""
    auxiliary: NonNegative = 0.4
    """For networks with a coarse answer of their own (`glance`): weight of that answer's loss in training."""
    score_size: Literal["original", "input"] = "original"
    """Where pixels are scored: at the size of the mask file, to which the network's scores are brought before the
    highest is taken; or at image_size, to which the mask is brought."""
    window: bool = False
    """Score images at their own size in windows of image_size that overlap by half, instead of shrinking them."""
    flip: bool = False
    """Score the mean of what the network says of an image and of its mirror image."""

    @model_validator(mode="after")
    def _settings_of_a_loss(self) -> Self:
        losses = {self.loss} if isinstance(self.loss, str) else set(self.loss)
        if self.label_smoothing and "cross_entropy" not in losses:
            raise ValueError(
                f"task.label_smoothing: is {self.label_smoothing:g}, which cross_entropy alone knows, and task.loss is "
                f"{', '.join(sorted(losses))}; set task.label_smoothing=0"
            )
        if self.class_weights != "none" and not losses & {"cross_entropy", "focal"}:
            raise ValueError(
                "task.class_weights: is set, and weighs pixels in cross_entropy and focal, and task.loss is "
                f"{', '.join(sorted(losses))}; set task.class_weights=none"
            )
        return self

    @model_validator(mode="after")
    def _windows_have_the_original_size(self) -> Self:
        if self.window and self.score_size == "input":
            raise ValueError(
                "task.window: is true, and windows show the image at its own size, while task.score_size is input; "
                "set task.window=false or task.score_size=original"
            )
        return self


class CaptionTask(Section):
    """A sentence that says what is in the image."""

    name: Literal["caption"]
    """The task."""
    loss: Literal["cross_entropy", "self_critical"] = "cross_entropy"
    """Cross-entropy of each next word; or self-critical training (arXiv 1612.00563): captions are drawn from the
    network, and those with a higher CIDEr-D than their baseline become likelier. It is a second stage, and goes on from
    a network that can speak: `model.weights` and `vocabulary` name the checkpoint and the words of the first."""
    vocabulary: Path | Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    """The words the network knows: the `vocabulary.json` of a run, or a list that begins with `<pad>`, `<start>`,
    `<unk>`, `<end>`; null takes those of the training split. A run keeps its own as `vocabulary.json`."""
    min_count: Count = 5
    """How often a word must occur in the training split to be known; the rest is `<unk>`, which is never said."""
    label_smoothing: Fraction = 0.0
    """Share of the target's mass spread evenly over all other words, in `cross_entropy`."""
    scheduled_sampling: Probability = 0.0
    """Largest probability that a word read in training is the network's own instead of the caption's (arXiv
    1506.03099); it grows by 0.05 every 5 epochs. 0 is off."""
    concepts: NonNegative = 0.0
    """Weight of a second loss in training: which words the captions of an image hold, told from `model.encoder`'s map
    alone (after arXiv 1411.4952 and 1506.01144), rare words weighing more. It teaches an encoder with random weights
    what there is to see, which the next word does slowly. 0 is off."""
    chunk: Count = 25
    """Words after which the state is carried on without its gradient (truncated back-propagation)."""
    samples: Annotated[int, Field(ge=2), NUMBER] = 5
    """For `self_critical`: captions drawn for each image."""
    baseline: Literal["others", "greedy"] = "others"
    """For `self_critical`: what a drawn caption is compared with: the mean of the others drawn for the image (arXiv
    2003.09971), or the greedy caption."""
    beam: Count = 1
    """Beginnings of a caption that are followed at a time; 1 takes the likeliest word at each step (greedy)."""
    length_penalty: Literal["none", "avg", "wu"] = "none"
    """What a caption's log-probability is divided by when the beams are compared: nothing; its length; or
    ((5 + length) / 6) ** length_alpha (arXiv 1609.08144)."""
    length_alpha: NonNegative = 0.7
    """Exponent of the penalty `wu`."""
    max_length: Count = 20
    """Words after which a caption is cut, its end counted."""
    block_repeats: bool = False
    """Never say a word twice in a row."""
    block_ngrams: NonNegativeInteger = 0
    """Never say a sequence of so many words twice in a caption; 0 is off."""

    @model_validator(mode="after")
    def _settings_of_a_loss(self) -> Self:
        if self.loss == "cross_entropy":
            for key, value, default in (("samples", self.samples, 5), ("baseline", self.baseline, "others")):
                if value != default:
                    raise ValueError(
                        f"task.{key}: is {value}, which self_critical alone knows, and task.loss is cross_entropy; "
                        f"set task.{key}={default}"
                    )
            return self
        for key in ("label_smoothing", "scheduled_sampling", "concepts"):
            if getattr(self, key):
                raise ValueError(
                    f"task.{key}: is {getattr(self, key):g}, which cross_entropy alone knows, and task.loss is "
                    f"self_critical; set task.{key}=0"
                )
        return self

    @model_validator(mode="after")
    def _penalty_is_for_beams(self) -> Self:
        if self.length_penalty != "none" and self.beam == 1:
            raise ValueError(
                f"task.length_penalty: is {self.length_penalty}, which compares beams, and task.beam is 1; "
                "set task.beam=5 or task.length_penalty=none"
            )
        return self


class SpotTask(Section):
    """Text in scenes: where it is, and what it says."""

    name: Literal["spot"]
    """The task."""
    alphabet: Path | Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    """The characters that can be read: the `alphabet.json` of a run, or a list; null takes those of the training split.
    A run keeps its own as `alphabet.json`."""
    score_loss: Literal["ohem", "dice", "balanced"] = "ohem"
    """Loss of where text is: cross-entropy of the text, the 512 hardest and 512 random places of an image (FOTS, arXiv
    1801.01671); one minus the Dice coefficient; or cross-entropy balanced between the two (EAST, arXiv 1704.03155)."""
    geometry: NonNegative | tuple[Positive, Positive] = 1.0
    """Weight of the loss of the boxes, -log IoU and the angle's; two numbers: at the beginning and at the end of the
    training, and by equal factors between."""
    angle: NonNegative = 10.0
    """Weight, within the loss of the boxes, of 1 - cos of the angle's error."""
    reading: NonNegative | tuple[Positive, Positive] = 1.0
    """Weight of the loss of what is read (CTC); two numbers as for `geometry`."""
    shrink: Annotated[float, Field(ge=0.0, lt=0.5), NUMBER] = 0.3
    """Share of an edge by which the part of a word that counts as text is smaller at each end; the band around it is
    not cared for."""
    min_side: NonNegative = 10.0
    """Pixels of the network's input: text with a shorter side is neither learned to be found nor to be read."""
    threshold: Probability = 0.8
    """A place belongs to text if its score is higher."""
    merge_iou: Probability = 0.2
    """Boxes of neighbouring places that overlap more are merged (locality-aware NMS, arXiv 1704.03155)."""
    nms_iou: Probability = 0.2
    """Of merged boxes that overlap more, that with the highest sum of scores stays."""
    min_score: Probability = 0.1
    """A box stays if the mean score inside it is higher."""
    max_places: Count = 10000
    """The surest places of an image that are looked at, so that an untrained network does not take minutes."""
    max_words: Count = 500
    """The most words of an image, those that most places are sure of; for the same reason."""
    margin: NonNegative = 0.0
    """What is read begins and ends outside what is found, by this share of its height. In training, where quads are
    exact and those that are found are not, by none to twice as much, and top and bottom are off by up to a third of it,
    at random; this grows from nothing over the first half of the training."""
    lexicon: Path | None = None
    """A file with a word a line: what is read is the one that fits best. null reads any characters."""


FINDING = ("threshold", "merge_iou", "nms_iou", "min_score", "max_places", "max_words", "margin", "lexicon")
"""Settings of `spot` by which words are found and read in what a network says."""
