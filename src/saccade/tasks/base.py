"""What a task is: the few methods in which the tasks differ. Everything else is the same road for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset
from torchmetrics import Metric

from saccade.config.schema import Config
from saccade.data.listing import Listing
from saccade.samples import Batch, ImageLoss, Prediction, Sample


class Task(ABC):
    """One kind of problem. Made from a resolved config: class names, weights and normalisation are all given in it."""

    monitor: str
    """Key of the metric (larger is better) that chooses the best epoch."""
    headline: str
    """How that metric is called in text."""
    positive: str | None = None
    """The class in question, against the rest, where there is one."""
    threshold: float | None = None
    """The score above which the answer is yes; None where the highest score is the answer."""

    def __init__(self, config: Config) -> None:
        assert config.data.classes is not None, "the config must be resolved"
        self.config = config
        self.classes: tuple[str, ...] = config.data.classes

    @classmethod
    @abstractmethod
    def read(cls, config: Config, split: str) -> Listing:
        """The images and targets of a split of the data set, by its name on disk.

        Raises:
            DataError: anything about the data set that does not hold.
        """

    @classmethod
    @abstractmethod
    def resolve(cls, config: Config, train: Listing) -> Mapping[str, Any]:
        """Settings of the task's section that are measured on the training split, such as balanced weights."""

    @classmethod  # noqa: B027  # most tasks have nothing to refuse
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

    @abstractmethod
    def model(self) -> nn.Module:
        """The network, with the starting weights that the config asks for; (B, 3, H, W) images to logits."""

    @abstractmethod
    def loss(self, logits: Tensor, batch: Batch) -> ImageLoss:
        """The loss of each image of the batch."""

    def hits(self, logits: Tensor, batch: Batch) -> Tensor | None:
        """(B,) float, 1 where the answer is right, for the curve of training; None for a task without such a number."""
        return None

    @abstractmethod
    def decode(self, logits: Tensor) -> Prediction:
        """What the network says."""

    def encode(self, prediction: Prediction) -> Tensor | None:
        """Logits of which ``decode`` makes this prediction, which give averaged scores a loss; None: they have none."""
        return None

    @abstractmethod
    def metrics(self) -> Metric:
        """A fresh accumulator with ``update(scores, target)``; ``compute()`` gives the ``Scores`` of a whole split."""

    @property
    @abstractmethod
    def pooling(self) -> Mapping[str, str]:
        """How each metric is pooled, in words."""

    @abstractmethod
    def table(self, batch: Batch, prediction: Prediction) -> pl.DataFrame:
        """Target and prediction of each image as the task's columns of ``predictions.parquet``, B rows."""

    @abstractmethod
    def answers(self, prediction: Prediction) -> pl.DataFrame:
        """The columns that ``saccade predict`` writes for B images without targets: answer and scores."""

    @abstractmethod
    def draw(self, batch: Batch) -> tuple[Sequence[NDArray[np.uint8]], Sequence[str]]:
        """Each image of the batch as (H, W, 3) uint8 RGB as the network sees it, and its target in words."""

    def example_input(self) -> Tensor:
        """One image-shaped input of zeros, (1, 3, H, W)."""
        size = self.config.data.image_size
        return torch.zeros(1, 3, size, size)
