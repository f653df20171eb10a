"""Classification: exactly one class an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics import Metric

from saccade.config.schema import ClassifyTask, Config
from saccade.data.dataset import ImageDataset
from saccade.data.listing import Listing
from saccade.decode.scores import one_of_many
from saccade.losses.classify import cross_entropy
from saccade.losses.weights import balanced_class_weights
from saccade.metrics.stateful import ClassifyMetrics
from saccade.metrics.summary import classify_pooling
from saccade.samples import Batch, ImageLoss, Prediction
from saccade.tasks import labels
from saccade.tasks.base import Task


class Classify(Task):
    """A softmax over the classes."""

    monitor = "accuracy"
    headline = "accuracy"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        section = config.task
        assert isinstance(section, ClassifyTask)
        self.section = section
        weights = labels.class_weights(section.class_weights, self.classes, key="task.class_weights")
        self._class_weights = None if weights is None else torch.tensor(weights)

    @classmethod
    def read(cls, config: Config, split: str) -> Listing:
        """A split with targets (N,) int64, positions in the class list."""
        return labels.read(config, split, many=False)

    @classmethod
    def resolve(cls, config: Config, train: Listing) -> Mapping[str, Any]:
        """Balanced weights, by class name."""
        section = config.task
        assert isinstance(section, ClassifyTask)
        if section.class_weights != "balanced":
            return {}
        images = torch.from_numpy(np.bincount(train.targets, minlength=len(train.classes)))
        return {"class_weights": labels.by_name(train.classes, balanced_class_weights(images, mean_over="images"))}

    def dataset(self, listing: Listing, *, training: bool) -> ImageDataset:
        """The samples of a listing."""
        return labels.dataset(self.config, listing, training=training)

    def model(self) -> nn.Module:
        """A network with one logit a class."""
        return labels.model(self.config)

    def loss(self, logits: Tensor, batch: Batch) -> ImageLoss:
        """Softmax cross-entropy."""
        weights = None if self._class_weights is None else self._class_weights.to(logits.device)
        return cross_entropy(logits, batch.target, class_weights=weights, label_smoothing=self.section.label_smoothing)

    def decode(self, logits: Tensor) -> Prediction:
        """Logits to a distribution over the classes."""
        return one_of_many(logits)

    @property
    def pooling(self) -> Mapping[str, str]:
        """How each metric is pooled."""
        return classify_pooling(len(self.classes), self.section.top_k)

    def metrics(self) -> Metric:
        """Accuracy, precision, recall, F1, AP and AUROC."""
        return ClassifyMetrics(self.classes, top_k=self.section.top_k)

    def table(self, batch: Batch, prediction: Prediction) -> pl.DataFrame:
        """Columns ``target``, ``prediction`` and ``scores``."""
        target = pl.Series("target", [self.classes[t] for t in batch.target.tolist()], dtype=pl.String)
        return pl.DataFrame([target, *self.answers(prediction)])

    def answers(self, prediction: Prediction) -> pl.DataFrame:
        """Columns ``prediction`` (a name) and ``scores``."""
        scores = prediction.scores.cpu().numpy()
        return pl.DataFrame(
            [
                pl.Series("prediction", [self.classes[i] for i in scores.argmax(axis=1)], dtype=pl.String),
                labels.score_column(prediction),
            ]
        )

    def draw(self, batch: Batch) -> tuple[Sequence[NDArray[np.uint8]], Sequence[str]]:
        """Images with the names of their classes."""
        return labels.pictures(self.config, batch.image), [self.classes[t] for t in batch.target.tolist()]
