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

from saccade.config.schema import Config
from saccade.config.task_sections import ClassifyTask
from saccade.data.dataset import ImageDataset
from saccade.data.listing import Listing
from saccade.data.transforms import Transform
from saccade.decode.scores import logits_of_one, one_of_many
from saccade.errors import CheckpointError, ConfigError, DataError
from saccade.losses.classify import cross_entropy, focal
from saccade.losses.weights import balanced_class_weights, effective_class_weights
from saccade.metrics.classification import classify_prediction
from saccade.metrics.stateful import ClassifyMetrics
from saccade.metrics.summary import classify_pooling
from saccade.samples import Batch, ImageLoss, Prediction
from saccade.tasks import labels
from saccade.tasks.base import Task


class Classify(Task[Prediction]):
    """A softmax over the classes."""

    monitor = "accuracy"
    headline = "accuracy"
    scenes_layout = "folder"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        section = config.task
        assert isinstance(section, ClassifyTask)
        self.section = section
        self.positive = section.positive
        self._place = _place(section, self.classes)
        self.threshold = None if isinstance(section.threshold, str) else section.threshold
        if section.positive is not None:
            # accuracy would choose an epoch that never says the rare class
            self.monitor, self.headline = "positive_ap", f"AP of {section.positive}"
        weights = labels.class_weights(section.class_weights, self.classes, key="task.class_weights")
        self._class_weights = None if weights is None else torch.tensor(weights)

    @classmethod
    def read(cls, config: Config, split: str) -> Listing:
        """A split with targets (N,) int64, positions in the class list."""
        return labels.read(config, split, many=False)

    @classmethod
    def splits(cls, config: Config) -> list[str]:
        """Names of the splits on disk."""
        return labels.splits(config)

    @classmethod
    def resolve(cls, config: Config, train: Listing) -> Mapping[str, Any]:
        """Weights that come from the counts of the classes, by class name."""
        section = config.task
        assert isinstance(section, ClassifyTask)
        images = torch.from_numpy(np.bincount(train.targets, minlength=len(train.classes)))
        match section.class_weights:
            case "balanced":
                weights = balanced_class_weights(images, mean_over="images")
            case "effective":
                weights = effective_class_weights(images, beta=section.effective_beta)
            case _:
                return {}
        return {"class_weights": labels.by_name(train.classes, weights)}

    @classmethod
    def check_selection(cls, config: Config, split: str, listing: Listing) -> None:
        """The AP of the positive class, and a threshold with its highest F1, take images of it.

        Raises:
            ConfigError: no class is called as ``task.positive`` says.
            DataError: the split has no image of it.
        """
        section = config.task
        assert isinstance(section, ClassifyTask)
        place = _place(section, listing.classes)
        if place is None or (listing.targets == place).any():
            return
        if section.threshold == "holdout":
            raise DataError(
                f"task.threshold: is holdout, and none of the {len(listing)} images of the {split} split shows "
                f"{section.positive}, so no threshold can be chosen on it; raise data.holdout (now "
                f"{config.data.holdout:g}), or set task.threshold to a number or to argmax"
            )
        if config.trainer.monitor == "metric" and config.trainer.max_epochs > 0:
            raise DataError(
                f"task.positive: none of the {len(listing)} images of the {split} split shows {section.positive}, so "
                f"its AP cannot choose the epoch; raise data.holdout (now {config.data.holdout:g}), or set "
                "trainer.monitor=loss"
            )

    def deciding(self, about: Mapping[str, Any]) -> Classify:
        """The task with the threshold that was chosen for the weights of a checkpoint.

        Raises:
            CheckpointError: none was, because its epoch was not scored.
        """
        if self.section.threshold != "holdout":
            return self
        if about.get("threshold") is None:
            raise CheckpointError(
                f"the checkpoint of epoch {about.get('epoch')} holds no threshold (task.threshold: holdout), because "
                "that epoch was not scored; use the best checkpoint"
            )
        section = self.section.model_copy(update={"threshold": about["threshold"]})
        return Classify(self.config.model_copy(update={"task": section}))

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
        """Cross-entropy or focal loss of the softmax."""
        weights = None if self._class_weights is None else self._class_weights.to(logits.device)
        if self.section.loss == "focal":
            return focal(logits, batch.target, gamma=self.section.focal_gamma, class_weights=weights)
        return cross_entropy(logits, batch.target, class_weights=weights, label_smoothing=self.section.label_smoothing)

    def hits(self, logits: Tensor, batch: Batch) -> Tensor | None:
        """(B,) 1 where the class is right; None as long as its threshold is not known."""
        if self.section.threshold == "holdout":
            return None
        if self.threshold is None:
            return (logits.argmax(dim=1) == batch.target).float()
        answers = self._answers(self.decode(logits))
        return torch.from_numpy(answers == batch.target.cpu().numpy()).float().to(logits.device)

    def decode(self, logits: Tensor) -> Prediction:
        """Logits to a distribution over the classes."""
        return one_of_many(logits)

    def encode(self, prediction: Prediction) -> Tensor:
        """A distribution to logits."""
        return logits_of_one(prediction)

    @property
    def pooling(self) -> Mapping[str, str]:
        """How each metric is pooled."""
        return classify_pooling(len(self.classes), self.section.top_k, positive=self.positive, threshold=self.threshold)

    def metrics(self) -> Metric:
        """Accuracy, precision, recall, F1, AP and AUROC."""
        return ClassifyMetrics(
            self.classes,
            top_k=self.section.top_k,
            positive=self.positive,
            threshold=self.threshold,
            choose=self.section.threshold == "holdout",
        )

    def measure(self, metrics: Metric, prediction: Prediction, batch: Batch) -> None:
        """Scores and targets."""
        metrics.update(prediction.scores, batch.target)

    def nothing(self) -> Prediction:
        """(0, C)."""
        return labels.no_scores(self.classes)

    def table(self, batch: Batch, prediction: Prediction) -> pl.DataFrame:
        """Columns ``target``, ``prediction`` and ``scores``."""
        target = pl.Series("target", [self.classes[t] for t in batch.target.tolist()], dtype=pl.String)
        return pl.DataFrame([target, *self.answers(prediction)])

    def answers(self, prediction: Prediction) -> pl.DataFrame:
        """Columns ``prediction`` (a name) and ``scores``."""
        names = [self.classes[i] for i in self._answers(prediction)]
        return pl.DataFrame([pl.Series("prediction", names, dtype=pl.String), labels.score_column(prediction)])

    def _answers(self, prediction: Prediction) -> NDArray[np.int64]:
        """(B,) the class of each image."""
        assert self.section.threshold != "holdout", "the threshold is that of a checkpoint: `deciding` knows it"
        scores = prediction.scores.cpu().numpy()
        return classify_prediction(scores, positive=self._place, threshold=self.threshold)

    def draw(self, batch: Batch) -> tuple[Sequence[NDArray[np.uint8]], Sequence[str]]:
        """Images with the names of their classes."""
        return labels.pictures(self.config, batch.image), [self.classes[t] for t in batch.target.tolist()]


def _place(section: ClassifyTask, classes: Sequence[str]) -> int | None:
    """The position of ``task.positive`` among the classes; None where no class is special.

    Raises:
        ConfigError: there is no such class, or a threshold and not exactly two classes.
    """
    if section.positive is None:
        return None
    if section.positive not in classes:
        raise ConfigError(
            f"task.positive: no class is called {section.positive!r}; the classes are {', '.join(classes)}"
        )
    if section.threshold != "argmax" and len(classes) != 2:
        raise ConfigError(
            f"task.threshold: is {section.threshold}, which tells two classes apart, and there are {len(classes)}; "
            "set task.threshold=argmax"
        )
    return list(classes).index(section.positive)
