"""Weights of classes from the counts of the training split; never infinite, never 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor

Counts = Sequence[int] | Tensor
PixelCounts = NDArray[Any] | Tensor
"""(N, C) whole numbers: the pixels of each class in each training image, void left out."""


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


def effective_class_weights(counts: Counts, *, beta: float) -> Tensor:
    """(C,) float32 weights by the effective number of images of each class (Cui et al. 2019, arXiv 1901.05555).

    A class of n images weighs (1 - beta) / (1 - beta^n), scaled to mean 1 over all images. ``beta``, at least 0 and
    below 1, leads from equal weights (0) to balanced ones (towards 1). A class without an image gets 1.

    >>> effective_class_weights([3, 1], beta=0.5).tolist()  # 4/7 to 1, times 4 / (3 * 4/7 + 1)
    [0.8421052694320679, 1.4736841917037964]
    """
    n = torch.as_tensor(counts, dtype=torch.float64)
    there = n > 0
    # 1 - beta^n by its logarithm: for a beta near 1 the difference itself would have few digits left
    log_beta = torch.log(torch.tensor(beta, dtype=torch.float64))
    weights = torch.where(there, (1.0 - beta) / -torch.expm1(n.clamp_min(1.0) * log_beta), 0.0)
    return torch.where(there, weights * n.sum() / (n * weights).sum(), 1.0).float()


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


def inverse_frequency(pixels: PixelCounts) -> Tensor:
    """(C,) float32 weights inversely proportional to a class's pixels in all images, with mean 1 over all pixels.

    A class without a pixel has nothing to weigh: it gets 1 and the others are as if it were not there.

    >>> inverse_frequency(torch.tensor([[20, 10], [10, 0]])).tolist()  # 30 * 2/3 + 10 * 2 = 40
    [0.6666666865348816, 2.0]
    """
    return balanced_class_weights(_summed(pixels), mean_over="images")


def median_frequency(pixels: PixelCounts) -> Tensor:
    """(C,) float32 weights by median frequency balancing (Eigen and Fergus 2015, arXiv 1411.4734).

    The frequency of a class is its pixels over all valid pixels of the images that have it; its weight is the median
    of the frequencies over its own, so the class in the middle weighs 1 (of an even number, the median lies between
    two). A class without a pixel gets 1 and the others are as if it were not there.

    >>> median_frequency(torch.tensor([[20, 10], [10, 0]])).tolist()  # 30/40 and 10/30, median 13/24
    [0.7222222089767456, 1.625]
    """
    each = torch.as_tensor(pixels, dtype=torch.float64)
    n = each.sum(dim=0)
    there = n > 0
    around = ((each > 0) * each.sum(dim=1, keepdim=True)).sum(dim=0)  # pixels of the images that have the class
    frequency = n / around.clamp_min(1.0)
    if not there.any():
        return torch.ones(len(n))
    median = frequency[there].quantile(0.5)
    return torch.where(there, median / torch.where(there, frequency, 1.0), 1.0).float()


def _summed(pixels: PixelCounts) -> Tensor:
    return torch.as_tensor(pixels, dtype=torch.float64).sum(dim=0)
