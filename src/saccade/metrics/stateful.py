"""The metrics as torchmetrics: batches in, the numbers of the whole split out, over any number of processes.

The states are the scores and targets themselves, so a ranking is always one over the whole split and never a
mean of batches. Scores are kept as float32, the type in which ``predictions.parquet`` stores them: who
recomputes a number from there starts from the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from saccade.metrics.classification import f1_threshold
from saccade.metrics.scores import Scores
from saccade.metrics.summary import MULTILABEL_POOLING, classify_pooling, classify_scores, multilabel_scores


class MultilabelMetrics(Metric):
    """The numbers of the multilabel task; ``classes`` in column order, above ``threshold`` is a yes."""

    full_state_update = False
    is_differentiable = False
    scores: list[Tensor]
    targets: list[Tensor]

    def __init__(self, classes: Sequence[str], threshold: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.classes = tuple(classes)
        self.threshold = threshold
        self.add_state("scores", default=[], dist_reduce_fx="cat")
        self.add_state("targets", default=[], dist_reduce_fx="cat")

    @property
    def pooling(self) -> dict[str, str]:
        """How each number is pooled, in words."""
        return dict(MULTILABEL_POOLING)

    def update(self, scores: Tensor, targets: Tensor) -> None:
        """Add a batch: ``scores`` (B, C) in [0, 1], ``targets`` (B, C) int8 of 1, 0, -1 ignored."""
        assert scores.shape == targets.shape == (len(scores), len(self.classes))
        self.scores.append(scores.detach().to(torch.float32))
        self.targets.append(targets.detach().to(torch.int8))

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the batches of all processes; one that had none takes part with an empty batch."""
        if not self.scores:
            self.update(*(torch.zeros(0, len(self.classes), device=self.device) for _ in range(2)))
        super().sync(*args, **kwargs)

    def compute(self) -> Scores:
        """The numbers over everything added so far; ``None`` where undefined.

        Raises:
            SaccadeError: a score is NaN.
        """
        empty = np.zeros((0, len(self.classes)), dtype=np.float32)
        return multilabel_scores(
            _whole(self.scores, empty),
            _whole(self.targets, empty.astype(np.int8)),
            classes=self.classes,
            threshold=self.threshold,
        )


class ClassifyMetrics(Metric):
    """The numbers of the classify task; ``classes`` in column order, ``positive`` one of them.

    ``threshold`` decides between two classes as in ``classify_scores``; with ``choose`` it is the one with the highest
    F1 of ``positive`` on the split itself, and ``compute().threshold`` says which that is.
    """

    full_state_update = False
    is_differentiable = False
    scores: list[Tensor]
    target: list[Tensor]

    def __init__(
        self,
        classes: Sequence[str],
        top_k: int = 5,
        *,
        positive: str | None = None,
        threshold: float | None = None,
        choose: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        assert not choose or positive is not None
        self.classes = tuple(classes)
        self.top_k, self.positive, self.threshold, self.choose = top_k, positive, threshold, choose
        self.add_state("scores", default=[], dist_reduce_fx="cat")
        self.add_state("target", default=[], dist_reduce_fx="cat")

    @property
    def pooling(self) -> dict[str, str]:
        """How each number is pooled, in words."""
        return classify_pooling(len(self.classes), self.top_k, positive=self.positive, threshold=self.threshold)

    def update(self, scores: Tensor, target: Tensor) -> None:
        """Add a batch: ``scores`` (B, C) in [0, 1], ``target`` (B,) int64 in 0 ... C-1."""
        assert scores.shape == (len(target), len(self.classes))
        self.scores.append(scores.detach().to(torch.float32))
        self.target.append(target.detach().to(torch.int64))

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the batches of all processes; one that had none takes part with an empty batch."""
        if not self.scores:
            self.update(torch.zeros(0, len(self.classes), device=self.device), torch.zeros(0, device=self.device))
        super().sync(*args, **kwargs)

    def compute(self) -> Scores:
        """The numbers over everything added so far; ``None`` where undefined.

        Raises:
            SaccadeError: a score is NaN.
        """
        scores = _whole(self.scores, np.zeros((0, len(self.classes)), dtype=np.float32))
        target = _whole(self.target, np.zeros(0, dtype=np.int64))
        threshold = self.threshold
        if self.choose and self.positive is not None:
            place = self.classes.index(self.positive)
            threshold = f1_threshold(scores[:, place], target == place)
        found = classify_scores(
            scores, target, classes=self.classes, top_k=self.top_k, positive=self.positive, threshold=threshold
        )
        return found._replace(threshold=threshold) if self.choose else found


def _whole(state: list[Tensor] | Tensor, empty: NDArray[Any]) -> NDArray[Any]:
    """A list state, or the tensor that it becomes after gathering, as one array on the CPU."""
    if isinstance(state, list) and not state:
        return empty
    return np.asarray(dim_zero_cat(state).cpu().numpy())
