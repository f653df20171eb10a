"""The section ``data``: where the images and labels are, how they are split, and how an image becomes a tensor."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from saccade.config.fields import (
    NUMBER,
    Count,
    Finite,
    Fraction,
    NonNegative,
    NonNegativeInteger,
    Positive,
    Probability,
    Section,
    Text,
)

Side = Annotated[int, Field(ge=8), NUMBER]
Channel = Annotated[int, Field(ge=0, le=255), NUMBER]
Colour = tuple[Channel, Channel, Channel]


class Augment(Section):
    """Random changes of a training image; none of them touches evaluation."""

    crop: tuple[Probability, Probability] | None = (0.35, 1.0)
    """Random resized crop: range of the kept share of the area; null resizes as in evaluation. Not for spot, which cuts
    squares as `longer_side` says."""
    flip: Probability = 0.5
    """Probability of a horizontal flip. Not for spot: text reads one way."""
    vertical_flip: Probability = 0.0
    """Probability of a vertical flip."""
    pad: NonNegativeInteger = 0
    """Pixels of black put around the image that evaluation sees, of which a random square of image_size is cut; needs
    `crop: null`. 0 is off."""
    rotate: Annotated[float, Field(ge=0.0, le=180.0), NUMBER] = 0.0
    """For segment and spot: largest angle in degrees by which an image is turned, either way, and its mask or words."""
    longer_side: tuple[Side, Side] | None = None
    """For spot: range of what the longer side of a training image is resized to, before a square of image_size is cut
    from it that cuts no word; null takes that of scoring, `data.longer_side`."""
    stretch: tuple[Positive, Positive] | None = None
    """For spot: range of a factor on the height alone, such as [0.8, 1.2]."""
    size: Side | tuple[Side, Side] | None = None
    """For segment: height and width of a training image, where they differ from those of scoring, image_size; a smaller
    cut costs less time, and networks without dense layers take images of any size."""
    scale: tuple[Positive, Positive] | None = None
    """For segment: range of a random factor on the size, such as [0.5, 2.0], where 1 is the size of scoring; a training
    image is then cut at random. Needs `crop: null`."""
    jitter: NonNegative = 0.0
    """Strength of random brightness, contrast and saturation; hue takes a quarter of it (at most 0.5)."""
    randaugment: NonNegativeInteger = 0
    """Number of RandAugment operations (arXiv 1909.13719); 0 is off."""
    randaugment_magnitude: Annotated[int, Field(ge=0, le=30), NUMBER] = 9
    """Strength of the RandAugment operations, 0 to 30."""
    mixup: NonNegative = 0.0
    """Alpha of mixup (arXiv 1710.09412): each batch is blended with itself in another order; 0 is off."""
    cutmix: NonNegative = 0.0
    """Alpha of CutMix (arXiv 1905.04899): a rectangle of each image comes from another; 0 is off. With mixup, each
    batch gets one of the two."""

    @model_validator(mode="after")
    def _crop_range(self) -> Self:
        if self.crop is not None and not 0.0 < self.crop[0] <= self.crop[1]:
            raise ValueError(
                f"data.augment.crop: found {list(self.crop)}; allowed: [low, high] with 0 < low <= high <= 1, or null"
            )
        return self

    @model_validator(mode="after")
    def _one_kind_of_crop(self) -> Self:
        if self.scale is not None and self.scale[0] > self.scale[1]:
            raise ValueError(
                f"data.augment.scale: found {list(self.scale)}; allowed: [low, high] with 0 < low <= high, or null"
            )
        for key, given in (("longer_side", self.longer_side), ("stretch", self.stretch)):
            if given is not None and given[0] > given[1]:
                raise ValueError(
                    f"data.augment.{key}: found {list(given)}; allowed: [low, high] with 0 < low <= high, or null"
                )
        if self.scale is not None and self.crop is not None:
            raise ValueError(
                f"data.augment.scale: is {list(self.scale)}, and data.augment.crop cuts at random too; "
                "set data.augment.crop=null or data.augment.scale=null"
            )
        if self.pad and self.crop is not None:
            raise ValueError(
                f"data.augment.pad: is {self.pad}, and data.augment.crop cuts at random too; "
                "set data.augment.crop=null or data.augment.pad=0"
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
    size: Annotated[int, Field(ge=32), NUMBER] = 64
    """Height and width of a scene in pixels."""
    seed: NonNegativeInteger = 0
    """Seed of the drawing; the training seed has no influence on the scenes."""
    characters: Literal["digits", "upper", "mixed"] = "mixed"
    """For spot: what the words are made of."""
    sheets: NonNegativeInteger = 0
    """For spot: so many training images more that are full of words, nearly level and one beside the other, to learn
    reading from."""


class Features(Section):
    """Features of the images, computed once by `saccade data features` and kept, which a caption network may learn from
    instead of the images themselves."""

    path: Path | None = None
    """Folder of the files, `<split>.npy` and what belongs to it; null: the images go through `model.encoder` in
    training. A relative path is read as that of `data.root`."""
    network: Text = "fasterrcnn_resnet50_fpn_v2"
    """What makes them: `fasterrcnn_resnet50_fpn` or `fasterrcnn_resnet50_fpn_v2` of torchvision, the regions of an
    image being its best boxes; or any backbone that `model.encoder` takes for captions, the regions being the
    positions of its last map."""
    pretrained: bool = False
    """Use the published weights of that network, which are downloaded once."""
    weights: Path | None = None
    """Use the weights of this file instead."""
    regions: Count = 10
    """For boxes: how many of an image."""
    size: Annotated[int, Field(ge=32), NUMBER] = 800
    """For boxes: what the shorter side of an image is resized to, the longer one not beyond 5/3 of it. Backbones see
    images as `data.image_size` and `data.resize` say."""
    pool: Literal["none", "max", "mean"] = "none"
    """What is kept of the regions of an image: all, or the largest or the mean of each feature."""
    source: Text | None = None
    """Convert these existing features instead: a `.npy`, `.h5` or `.tsv` file, or a folder of them, in whose path
    {split} stands for the name of the split; a relative path belongs to `data.root`."""
    shape: tuple[Count, Count] | None = None
    """Regions of an image and numbers of a region; null reads them off the files."""
    made: dict[str, Any] | None = None
    """How the features that a network learned from were made, as their index says; it sees no others. null takes what
    is there."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if self.pretrained and self.weights is not None:
            raise ValueError(
                "data.features.pretrained: is true, and data.features.weights is set too; "
                "set data.features.pretrained=false to use that file"
            )
        return self

    @property
    def are_boxes(self) -> bool:
        """Whether the regions are boxes of a detector, and not positions of a map."""
        return self.network.startswith("fasterrcnn_")


class Data(Section):
    """Where the images and labels are, how they are split, and how an image becomes a tensor."""

    format: Literal["voc", "folder", "table", "masks", "coco", "karpathy", "icdar", "sroie", "mmocr", "scenes"]
    """Layout on disk: Pascal VOC; one folder a class; a CSV or Parquet table; folders `images` and `masks`; for
    captions COCO's JSON or Karpathy's; for text ICDAR's files, SROIE's or MMOCR's JSON; or the built-in scenes, drawn
    to `data.root` at first use."""
    root: Path
    """Folder of the data set. A relative path is relative to the config file it stands in (for presets and on
    the command line: to the current folder); where nothing is there, to the folder named by the environment
    variable SACCADE_DATA."""
    train: Text = "auto"
    """Training split: name of the set file (voc), folder (folder), value of the split column (table), what stands
    behind `captions_` in the name of a file (coco), or a split in it (karpathy). auto
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
    class_names: Text | None = "auto"
    """For `folder`: the CSV file, relative to `root`, whose columns class and name say what each class folder is
    called; auto takes `classes.csv` where there is one; null keeps the names of the folders."""
    image_size: Side | tuple[Side, Side] = 224
    """Height and width of the network's input in pixels: one number, or for segment also [height, width]. For spot: of
    the squares that are learned from."""
    longer_side: Side | None = None
    """For spot: what the longer side of an image is resized to in scoring; null leaves images as they are."""
    resize: Literal["crop", "squash"] = "crop"
    """In evaluation: crop resizes the shorter side to image_size / resize_crop and cuts the centre; squash
    resizes both sides to image_size and keeps everything in view."""
    resize_crop: Annotated[float, Field(gt=0.0, le=1.0), NUMBER] = 0.875
    """Share of the shorter side that the centre crop keeps (224 of 256 by default)."""
    normalize: Literal["imagenet", "measured"] | MeanStd = "imagenet"
    """Mean and standard deviation taken off each channel: ImageNet's; measured on the training split and
    stored with the run; or given as {mean: [r, g, b], std: [r, g, b]}."""
    augment: Augment = Augment()
    """Random changes of training images."""
    progressive: tuple[Side, ...] = ()
    """Progressive resizing: image sizes of the first parts of training, such as [96, 128]; image_size is that of the
    last. Each part has equally many epochs, but for a remainder, which the last takes."""
    folds: NonNegativeInteger = 0
    """Cross-validation: cut the training split into so many folds, train a network for each on the other folds with
    the fold as holdout (`data.holdout` then says nothing), and score their averaged probabilities; 0 is off."""
    fold: Count | None = None
    """With `folds`: train this fold alone, counted from 1; null trains all."""
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
    void: Literal["ignore", "background"] = "ignore"
    """For segment: what void pixels (255 in VOC, the edges of objects) are: neither learned nor scored; or the first
    class, as some courses score VOC 2007."""
    void_id: Channel | None = 255
    """For segment: the number of void in index masks; null where there is none."""
    colours: dict[Text, Colour] | None = None
    """For segment: the colour of each class as [r, g, b], by which masks in colour are read; null takes those of
    `classes.txt`."""
    void_colour: Colour | None = None
    """For segment: the colour of void in masks in colour; null where there is none."""
    palette: dict[Text, Colour] | None = None
    """For segment: the colour in which each class is shown; null takes that by which it is read, that of the masks' own
    palette, or else VOC's."""
    mask_suffix: str = ""
    """For `masks`: what a mask's name has after the name of its image, such as `_mask`."""
    images: Text | None = None
    """For captions and `mmocr`: the folder of the images, relative to `root`; null looks for it."""
    captions: Text | None = None
    """For `karpathy`: the JSON file, relative to `root`; null takes the one `dataset_*.json` there is."""
    features: Features = Features()
    """For caption: features that were computed before."""
    scenes: Scenes = Scenes()
    """For `scenes`: what to draw."""

    @property
    def height_width(self) -> tuple[int, int]:
        """Of the network's input in pixels."""
        return self.image_size if isinstance(self.image_size, tuple) else (self.image_size, self.image_size)

    @property
    def side(self) -> int:
        """Height and width of a square input in pixels."""
        assert isinstance(self.image_size, int), "the config refuses others where the input must be square"
        return self.image_size

    @property
    def cross_validates(self) -> bool:
        """Whether all folds are trained, each with a config of its own in which `fold` says which it is."""
        return self.folds > 0 and self.fold is None

    @model_validator(mode="after")
    def _captions_in_one_file(self) -> Self:
        if self.captions is not None and self.format != "karpathy":
            raise ValueError(
                f"data.captions: is {self.captions}, and data.format is {self.format}; it names the one file of "
                "karpathy, while coco takes captions_<split>.json of the splits in data.train and data.val; "
                "set data.captions=null"
            )
        return self

    @model_validator(mode="after")
    def _folds_are_several(self) -> Self:
        if self.folds == 1:
            raise ValueError("data.folds: is 1, and cross-validation takes 2 or more; set 0 to do without")
        if self.fold is not None and self.folds == 0:
            raise ValueError(f"data.fold: is {self.fold}, and data.folds is 0; set data.folds, or data.fold=null")
        if self.fold is not None and self.fold > self.folds:
            raise ValueError(
                f"data.fold: is {self.fold}, and data.folds is {self.folds}; set 1 to {self.folds} or null"
            )
        return self

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
