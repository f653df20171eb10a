"""Cutting one split in two so that both hold the classes in like shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.data.listing import PRESENT
from saccade.data.stratification import Indices, share_out


def cut(targets: NDArray[np.int64] | NDArray[np.int8], share: float, seed: int) -> tuple[Indices, Indices]:
    """Split 0 to N - 1 into the indices that are kept and those that are cut off, both sorted.

    ``targets``: (N,) classes, or (N, C) of 1 present, 0 absent, -1 ignored. ``share``: 0 <= share < 1;
    round(share N) are cut off, stratified; fewer where that would leave a class without an image on the kept
    side. The result is a function of the arguments alone.
    """
    assert 0.0 <= share < 1.0
    n = len(targets)
    # Uniform doubles and a stable sort: NumPy promises neither permutation() nor choice() to stay as they
    # are.
    rng = np.random.default_rng(seed)
    order = np.argsort(rng.random(n), kind="stable")
    total = round(share * n)
    if targets.ndim == 1:
        is_cut = _cut_by_class(targets, share, total, order, rng)
    else:
        sizes = (n - total, total)
        lot = rng.random(n)
        present = targets == PRESENT
        is_cut = share_out(present, (1 - share, share), sizes, order=order, lot=lot, first_keeps_all=True) == 1
    return np.flatnonzero(~is_cut), np.flatnonzero(is_cut)


def _cut_by_class(
    targets: NDArray[np.int64] | NDArray[np.int8],
    share: float,
    total: int,
    order: Indices,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """(N,) which are cut: of each class the share rounded down, and one more of those with most left over."""
    is_cut = np.zeros(len(targets), dtype=bool)
    sizes = np.bincount(targets.astype(np.intp))
    room = np.maximum(sizes - 1, 0)
    take = np.minimum(np.floor(share * sizes).astype(np.int64), room)
    # Equal remainders are drawn by lot: in the order of the classes the first ones would always pay.
    lot = rng.random(len(sizes))
    by_remainder = np.lexsort((lot, take - share * sizes))
    while (missing := total - int(take.sum())) > 0 and (open_ := by_remainder[(take < room)[by_remainder]]).size:
        take[open_[:missing]] += 1
    shuffled = order[np.argsort(targets[order], kind="stable")]  # grouped by class, in random order within
    for start, k in zip(np.cumsum(sizes) - sizes, take, strict=True):
        is_cut[shuffled[start : start + k]] = True
    return is_cut
