"""Cutting one split in two so that both hold the classes in like shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saccade.data.listing import PRESENT

Indices = NDArray[np.int64]


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
        is_cut = _cut_iteratively(targets == PRESENT, share, total, order, rng)
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


def _cut_iteratively(
    present: NDArray[np.bool_], share: float, total: int, order: Indices, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """(N,) which are cut, by iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011) into two parts.

    The rarest class goes first: each of its images goes where more of the class is still wanted, else where
    more images are, else by lot. Beyond the paper, both parts end with their exact number of images, and the
    last image of a class that the kept side has none of goes there.
    """
    n, n_classes = len(present), present.shape[1]
    is_cut = np.zeros(n, dtype=bool)
    lot = rng.random(n)
    labels = [np.flatnonzero(row).tolist() for row in present]
    left = present.sum(axis=0)  # images of each class that are in neither part yet
    kept = [0] * n_classes
    wanted = [[(1 - share) * x for x in left.tolist()], [share * x for x in left.tolist()]]
    space = [n - total, total]
    waiting = np.ones(n, dtype=bool)
    while left.any():
        rarest = int(np.argmin(np.where(left > 0, left, n + 1)))
        for i in order[(waiting & present[:, rarest])[order]].tolist():
            last_of_class = any(not kept[c] and left[c] == 1 for c in labels[i])
            # The shares are not exact in binary: a difference this small is a tie.
            leads = (wanted[1][rarest] - wanted[0][rarest], float(space[1] - space[0]), float(lot[i]) - 0.5)
            side = int(next((lead for lead in leads if abs(lead) > 1e-9), 0.0) > 0)
            side = 0 if last_of_class or not space[1] else side if space[0] else 1
            is_cut[i], waiting[i] = bool(side), False
            space[side] -= 1
            for c in labels[i]:
                wanted[side][c] -= 1
                left[c] -= 1
                kept[c] += 1 - side
    unlabelled = order[waiting[order]]
    is_cut[unlabelled[: max(space[1], 0)]] = True
    return is_cut
