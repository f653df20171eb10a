"""What a task is: the few methods in which the tasks differ. Everything else is the same road for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, Literal

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchmetrics import Metric
from typing_extensions import TypeVar

from saccade.config.schema import Config
from saccade.data.dataset import collate
from saccade.data.listing import Listing
from saccade.data.transforms import Transform
from saccade.data.wording import differing
from saccade.errors import CheckpointError, ConfigError
from saccade.nn.conversion import convert
from saccade.nn.padded import Padded
from saccade.nn.weights import load_weights, read_facts, read_state_dict
from saccade.samples import Batch, ImageLoss, Learned, Sample

MASK_PNG = "mask_png"
"""The column in which a table of predictions carries predicted masks, as bytes of palette PNGs, to who writes them."""
Network = Callable[[Tensor], Any]
"""(B, 3, H, W) images to what the network says of them."""
P = TypeVar("P", default=Any)
"""What a task calls a prediction."""


class Task(ABC, Generic[P]):
    """One kind of problem. Made from a resolved config: class names, weights and normalisation are all given in it."""

    monitor: str
    """Key of the metric (larger is better) that chooses the best epoch."""
    headline: str
    """How that metric is called in text."""
    positive: str | None = None
    """The class in question, against the rest, where there is one."""
    threshold: float | None = None
    """The score above which the answer is yes; None where the highest score is the answer."""
    scenes_layout: Literal["voc", "folder", "masks", "captions", "words"]
    """How the built-in scenes are drawn to disk for it."""
    output_noun: str = "class"
    """What one of the network's outputs stands for."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.classes: tuple[str, ...] = config.data.classes or ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the network's outputs are called, in their order."""
        return self.classes

    @property
    def conventions(self) -> Mapping[str, Any]:
        """How the numbers of the network are to be read, where that is not plain; a checkpoint keeps it."""
        return {}

    def config_in(self, folder: Path) -> Config:
        """The config as a run in ``folder`` keeps it, once what it refers to has been written there."""
        return self.config

    def before_training(self, listings: Mapping[str, Listing]) -> None:  # most tasks need nothing
        """Look at the images that are going to be learned from, ``train``, and at the other splits."""

    @classmethod  # most tasks have nothing to refuse
    def check(cls, config: Config) -> None:
        """Refuse settings that can be told to be wrong before the data set is read, which may take long.

        Raises:
            SaccadeError: they are.
        """

    @classmethod
    @abstractmethod
    def read(cls, config: Config, split: str) -> Listing:
        """The images and targets of a split of the data set, by its name on disk.

        Raises:
            DataError: anything about the data set that does not hold.
        """

    @classmethod
    @abstractmethod
    def splits(cls, config: Config) -> list[str]:
        """Names of the splits on disk."""

    @classmethod
    def resolve_data(cls, config: Config, train: Listing) -> Mapping[str, Any]:
        """Settings of the section ``data`` that the data set settles."""
        return {"classes": list(train.classes)}

    @classmethod
    @abstractmethod
    def resolve(cls, config: Config, train: Listing) -> Mapping[str, Any]:
        """Settings of the task's section that are measured on the training split, such as balanced weights."""

    @classmethod  # most tasks have nothing to refuse
    def check_selection(cls, config: Config, split: str, listing: Listing) -> None:
        """Refuse a split of a resolved config that cannot choose what it is to choose.

        Raises:
            SaccadeError: it cannot.
        """

    def deciding(self, about: Mapping[str, Any]) -> Task:
        """The task with what the training of a checkpoint chose for its weights, by what the checkpoint says of itself.

        Raises:
            CheckpointError: it does not say.
        """
        return self

    @abstractmethod
    def dataset(self, listing: Listing, *, training: bool) -> Dataset[Sample]:
        """The samples of a listing, with the random changes of training or without."""

    def collate(self, samples: Sequence[Sample]) -> Batch:
        """Samples as a batch."""
        return collate(samples)

    @abstractmethod
    def transform(self) -> Transform:
        """From a PIL image to the network's input, as in scoring."""

    @abstractmethod
    def model(self) -> nn.Module:
        """The network, with the starting weights that the config asks for; (B, 3, H, W) images to logits."""

    def network(self) -> nn.Module:
        """``model``, converted as the config asks: what is trained and scored.

        Starting weights are loaded before that; those of a network that was converted already, after it.

        Raises:
            ConfigError: nothing of it can be converted.
            CheckpointError: weights of a network that was converted in another way, or that do not fit.
        """
        section = self.config.model
        if section.convert is None:
            return self.model()
        if section.weights is None or read_facts(section.weights).get("convert") is None:
            return self._converted(self.model(), compensated=False)
        bare = section.model_copy(update={"weights": None, "head": "replace"})
        network = type(self)(self.config.model_copy(update={"model": bare})).model()
        made = self._converted(network, compensated=True)
        self.load(made, section.weights)
        return made

    def load(self, network: nn.Module, path: Path) -> None:
        """Give a network that has been converted the weights of one that was, with its head or without.

        Raises:
            CheckpointError: it was converted in another way, its outputs mean something else, or it does not fit.
        """
        section = self.config.model
        keep_head = section.head == "keep"
        if keep_head:
            self._require_same_outputs(path)
        inner = network.inner if isinstance(network, Padded) else network
        weights = read_state_dict(path, convert=section.convert)
        load_weights(inner, weights, source=str(path), keep_head=keep_head)

    def _require_same_outputs(self, path: Path) -> None:
        facts = read_facts(path)
        outputs, conventions = list(self.outputs), dict(self.conventions)
        if facts["outputs"] == outputs and facts["conventions"] == conventions:
            return
        parts = differing(facts["outputs"], outputs)
        if facts["outputs"] == outputs:
            parts = f"{facts['conventions']} there, {conventions} here"
        raise CheckpointError(
            f"model.weights: the outputs of {path} mean something else than those of this training ({parts}); name the "
            "weights of a run on the same data, or set model.head=replace"
        )

    def _converted(self, network: nn.Module, *, compensated: bool) -> nn.Module:
        section = self.config.model
        assert section.convert is not None
        try:
            return convert(
                network,
                *self.example_inputs()[:1],
                to=section.convert,
                compensate=section.compensate,
                compensated=compensated,
                name=section.name,
            ).network
        except ConfigError as error:
            reasons = "\n" in str(error)  # each on a line of its own
            hint = "set model.convert=null, or choose another network"
            raise ConfigError(f"model.convert: {error}{chr(10) if reasons else '; '}{hint}") from error

    @abstractmethod
    def loss(self, logits: Tensor, batch: Batch) -> ImageLoss:
        """The loss of each image of the batch."""

    def hits(self, logits: Tensor, batch: Batch) -> Tensor | None:
        """(B,) float, 1 where the answer is right, for the curve of training; None for a task without such a number."""
        return None

    @abstractmethod
    def decode(self, logits: Any) -> P:
        """What the network says, from what it gives."""

    def encode(self, prediction: P) -> Tensor | None:
        """Logits of which ``decode`` makes this prediction, which give averaged scores a loss; None: they have none."""
        return None

    def learn(self, network: Network, batch: Batch, *, epoch: int, trained: float = 0.0) -> Learned:
        """Logits of a training batch, and what the optimiser lowers.

        Args:
            network: in training mode.
            batch: of the training split.
            epoch: counts from 0.
            trained: share of the training that is over, in [0, 1].
        """
        logits = network(batch.image)
        return Learned(logits, self.loss(logits, batch))

    def score(self, network: Network, batch: Batch) -> tuple[ImageLoss, P]:
        """The loss of a batch that is scored, and what the network says of it."""
        logits = network(batch.image)
        return self.loss(logits, batch), self.decode(logits)

    def predict(self, network: Network, image: Tensor, size: Tensor) -> P:
        """What the network says of (B, 3, H, W) images; ``size`` (B, 2) is the height and width of each file."""
        return self.decode(network(image))

    @abstractmethod
    def metrics(self) -> Metric:
        """A fresh accumulator, for ``measure``; ``compute()`` gives the ``Scores`` of a whole split."""

    @abstractmethod
    def measure(self, metrics: Metric, prediction: P, batch: Batch) -> None:
        """Add a batch to the accumulator."""

    @abstractmethod
    def nothing(self) -> P:
        """The prediction of no image."""

    @property
    @abstractmethod
    def pooling(self) -> Mapping[str, str]:
        """How each metric is pooled, in words."""

    def facts(self, listing: Listing) -> Mapping[str, Any]:
        """What else ``about.json`` says of how a split was scored."""
        return {}

    @abstractmethod
    def table(self, batch: Batch, prediction: P) -> pl.DataFrame:
        """Target and prediction of each image as the task's columns of ``predictions.parquet``, B rows."""

    def known(self, listing: Listing) -> pl.DataFrame:
        """What else the data set says of N images: columns that stand before those of ``table``, N rows."""
        return pl.DataFrame()

    def files(self, listing: Listing, table: pl.DataFrame) -> dict[str, bytes]:
        """Further files of an evaluation by their names, made of its whole table."""
        return {}

    @abstractmethod
    def answers(self, prediction: P) -> pl.DataFrame:
        """The columns that ``saccade predict`` writes for B images without targets: answer and scores."""

    @abstractmethod
    def draw(self, batch: Batch) -> tuple[Sequence[NDArray[np.uint8]], Sequence[str]]:
        """Each image of the batch as (H, W, 3) uint8 RGB as the network sees it, and its target in words."""

    def example_inputs(self) -> tuple[Tensor, ...]:
        """What the network takes to answer one image, the image first: (1, 3, H, W) zeros."""
        return (torch.zeros(1, 3, *self.config.data.height_width),)
