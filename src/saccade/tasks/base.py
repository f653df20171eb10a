"""What a task is: the few methods in which the tasks differ. Everything else is the same road for all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

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

    monitor: ClassVar[str]
    """Key of the metric (larger is better) that chooses the best epoch."""
    headline: ClassVar[str]
    """How that metric is called in text."""

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

    @abstractmethod
    def dataset(self, listing: Listing, *, training: bool) -> Dataset[Sample]:
        """The samples of a listing, with the random changes of training or without."""

    @abstractmethod
    def model(self) -> nn.Module:
        """The network, with the starting weights that the config asks for; (B, 3, H, W) images to logits."""

    @abstractmethod
    def loss(self, logits: Tensor, batch: Batch) -> ImageLoss:
        """The loss of each image of the batch."""

    @abstractmethod
    def decode(self, logits: Tensor) -> Prediction:
        """What the network says."""

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
