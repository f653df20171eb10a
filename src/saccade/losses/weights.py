"""Balanced weights from the counts of the training split; never infinite, never 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

Counts = Sequence[int] | Tensor


def balanced_class_weights(counts: Counts, *, mean_over: Literal["images", "classes"]) -> Tensor:
    """(C,) float32 weights inversely proportional to the number of examples of each class.

    ``mean_over`` says what has mean 1: the weights of all images (classify; scikit-learn's ``balanced``), or
    those of the classes (multilabel, where ``counts`` are the positives). A class without an example has
    nothing to weigh: it gets 1 and the others are as if it were not there.

    >>> balanced_class_weights([30, 10], mean_over="images").tolist()  # 30 * 2/3 + 10 * 2 = 40
    [0.6666666865348816, 2.0]
    >>> balanced_class_weights([30, 10], mean_over="classes").tolist()
    [0.5, 1.5]
    """
    n = torch.as_tensor(counts, dtype=torch.float64)
    there = n > 0
    inverse = torch.where(there, 1.0 / n.clamp_min(1.0), 0.0)
    classes = there.sum()
    # Each class weighs the same in total, so the sum over images of 1/n is the number of classes that are
    # there.
    scale = n.sum() / classes if mean_over == "images" else classes / inverse.sum()
    return torch.where(there, inverse * scale, 1.0).float()


def balanced_positive_weights(n_positive: Counts, n_negative: Counts) -> Tensor:
    """(C,) float32 factors on the positive term: negatives over positives.

    A class without a positive or without a negative has no two sides to balance and gets 1.

    >>> balanced_positive_weights([10, 0], [30, 40]).tolist()
    [3.0, 1.0]
    """
    positive = torch.as_tensor(n_positive, dtype=torch.float64)
    negative = torch.as_tensor(n_negative, dtype=torch.float64)
    both = (positive > 0) & (negative > 0)
    return torch.where(both, negative / positive.clamp_min(1.0), 1.0).float()
