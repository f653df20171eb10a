"""Multi-label classification: any number of classes in one image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics import Metric

from saccade.config.schema import Config
from saccade.config.task_sections import MultilabelTask
from saccade.data.dataset import ImageDataset
from saccade.data.listing import ABSENT, PRESENT, Listing
from saccade.data.transforms import Transform
from saccade.decode.scores import each_by_itself, logits_of_each
from saccade.losses.multilabel import asymmetric, bce, focal
from saccade.losses.weights import balanced_class_weights, balanced_positive_weights
from saccade.metrics.stateful import MultilabelMetrics
from saccade.metrics.summary import MULTILABEL_POOLING
from saccade.samples import Batch, ImageLoss, Prediction
from saccade.tasks import labels
from saccade.tasks.base import Task


class Multilabel(Task[Prediction]):
    """One logit a class; each class is its own yes-or-no question."""

    monitor = "map"
    scenes_layout = "voc"
    headline = "mAP"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        section = config.task
        assert isinstance(section, MultilabelTask)
        self.section = section
        self.threshold = section.threshold
        weights = labels.class_weights(section.class_weights, self.classes, key="task.class_weights")
        self._class_weights = None if weights is None else torch.tensor(weights)
        positive = labels.class_weights(section.positive_weights, self.classes, key="task.positive_weights")
        self._positive_weights = None if positive is None else torch.tensor(positive)

    @classmethod
    def read(cls, config: Config, split: str) -> Listing:
        """A split with targets (N, C) int8 of 1 present, 0 absent, -1 ignored."""
        return labels.read(config, split, many=True)

    @classmethod
    def splits(cls, config: Config) -> list[str]:
        """Names of the splits on disk."""
        return labels.splits(config)

    @classmethod
    def resolve(cls, config: Config, train: Listing) -> Mapping[str, Any]:
        """Balanced weights, by class name."""
        section = config.task
        assert isinstance(section, MultilabelTask)
        positive, negative = (torch.from_numpy((train.targets == state).sum(axis=0)) for state in (PRESENT, ABSENT))
        found: dict[str, Any] = {}
        if section.class_weights == "balanced":
            found["class_weights"] = labels.by_name(
                train.classes, balanced_class_weights(positive, mean_over="classes")
            )
        if section.positive_weights == "balanced":
            found["positive_weights"] = labels.by_name(train.classes, balanced_positive_weights(positive, negative))
        return found

    def dataset(self, listing: Listing, *, training: bool) -> ImageDataset:
        """The samples of a listing."""
        return labels.dataset(self.config, listing, training=training)

    def transform(self) -> Transform:
        """Resized and normalised."""
        return labels.transform(self.config, training=False)

    def model(self) -> nn.Module:
        """A network with one logit a class."""
        return labels.model(self.config)

    def loss(self, logits: Tensor, batch: Batch) -> ImageLoss:
        """The loss over the targets that are not ignored."""
        section = self.section
        weights = _to(self._class_weights, logits)
        match section.loss:
            case "bce":
                positive = _to(self._positive_weights, logits)
                return bce(logits, batch.target, class_weights=weights, positive_weights=positive)
            case "focal":
                return focal(
                    logits,
                    batch.target,
                    class_weights=weights,
                    gamma=section.focal_gamma,
                    alpha=section.focal_alpha,
                )
            case "asymmetric":
                return asymmetric(
                    logits,
                    batch.target,
                    class_weights=weights,
                    gamma_negative=section.asymmetric_gamma_negative,
                    gamma_positive=section.asymmetric_gamma_positive,
                    clip=section.asymmetric_clip,
                )

    def decode(self, logits: Tensor) -> Prediction:
        """Logits to one probability a class."""
        return each_by_itself(logits)

    def encode(self, prediction: Prediction) -> Tensor:
        """Probabilities to logits."""
        return logits_of_each(prediction)

    @property
    def pooling(self) -> Mapping[str, str]:
        """How each metric is pooled."""
        return MULTILABEL_POOLING

    def metrics(self) -> Metric:
        """AP, mAP, F1, accuracy and tail accuracy."""
        return MultilabelMetrics(self.classes, threshold=self.section.threshold)

    def measure(self, metrics: Metric, prediction: Prediction, batch: Batch) -> None:
        """Scores and targets."""
        metrics.update(prediction.scores, batch.target)

    def nothing(self) -> Prediction:
        """(0, C)."""
        return labels.no_scores(self.classes)

    def table(self, batch: Batch, prediction: Prediction) -> pl.DataFrame:
        """Columns ``targets`` and ``scores``."""
        targets = pl.Series("targets", batch.target.cpu().numpy()).cast(pl.List(pl.Int8))
        return pl.DataFrame([targets, labels.score_column(prediction)])

    def answers(self, prediction: Prediction) -> pl.DataFrame:
        """Columns ``found`` (names scored above the threshold, best first) and ``scores``."""
        scores = prediction.scores.cpu().numpy()
        order = np.argsort(-scores, axis=1, kind="stable")
        found = [[self.classes[c] for c in row if scores[i, c] > self.section.threshold] for i, row in enumerate(order)]
        return pl.DataFrame(
            [
                pl.Series("found", found, dtype=pl.List(pl.String)),
                labels.score_column(prediction),
            ]
        )

    def draw(self, batch: Batch) -> tuple[Sequence[NDArray[np.uint8]], Sequence[str]]:
        """Images with the names of their classes."""
        names = [
            ", ".join(name for name, target in zip(self.classes, row, strict=True) if target == 1) or "(none)"
            for row in batch.target.tolist()
        ]
        return labels.pictures(self.config, batch.image), names


def _to(weights: Tensor | None, like: Tensor) -> Tensor | None:
    return None if weights is None else weights.to(like.device)
