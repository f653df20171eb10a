"""Cutting a split into folds for cross-validation, each a small picture of the whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.data.listing import PRESENT
from saccade.data.stratification import Indices, share_out
from saccade.errors import DataError


def folds(targets: NDArray[np.int64] | NDArray[np.int8], k: int, seed: int) -> list[Indices]:
    """Split 0 to N - 1 into ``k`` folds, each sorted; their sizes differ by at most one.

    ``targets``: (N,) classes, of which the numbers in any two folds differ by at most one; or (N, C) of 1 present,
    0 absent, -1 ignored, shared out by iterative stratification (`stratification.share_out`). What is ignored counts
    for nothing, and images that show no class come last and make the sizes even. The result is a function of the
    arguments alone.

    Raises:
        DataError: fewer than two folds, or more folds than images.
    """
    n = len(targets)
    if k < 2:
        raise DataError(f"data.folds: {k} is no number of folds to train on all but one of; set it to 2 or more")
    if k > n:
        raise DataError(f"data.folds: {k} folds of {n} training images would leave folds empty; set it to {n} or fewer")
    rng = np.random.default_rng(seed)
    # Uniform doubles and a stable sort: NumPy promises neither permutation() nor choice() to stay as they are.
    order = np.argsort(rng.random(n), kind="stable")
    if targets.ndim == 1:
        part = _deal(targets, k, order, rng)
    else:
        sizes = [n // k + (fold < n % k) for fold in range(k)]
        part = share_out(targets == PRESENT, [1 / k] * k, sizes, order=order, lot=rng.random(n))
    return [np.flatnonzero(part == fold) for fold in range(k)]


def _deal(targets: NDArray[np.int64] | NDArray[np.int8], k: int, order: Indices, rng: np.random.Generator) -> Indices:
    """(N,) folds: the images, class after class, are dealt out like cards."""
    lot = rng.random(int(targets.max()) + 1)  # classes in random order too: which fold gets one more is by chance
    by_class = order[np.argsort(lot[targets[order]], kind="stable")]
    part = np.empty(len(targets), dtype=np.int64)
    part[by_class] = np.arange(len(targets)) % k
    return part
