"""Iterative stratification: sharing out images with many labels so that every part gets its share of every label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


def share_out(
    present: NDArray[np.bool_],
    shares: Sequence[float],
    sizes: Sequence[int],
    *,
    order: Indices,
    lot: NDArray[np.float64],
    first_keeps_all: bool = False,
) -> Indices:
    """The part, 0 to K - 1, of each image, by Sechidis, Tsoumakas and Vlahavas 2011, figure 1.

    ``present``: (N, C), which image shows which label. ``shares``: K, what part of each label each gets. ``sizes``: K,
    how many images. ``order``: (N,) the images in random order. ``lot``: (N,) random numbers in [0, 1).

    The rarest label goes first: each of its images goes where most of the label is still wanted, of those parts where
    most images are, and of those by lot. Beyond the paper the parts end with their exact sizes, images without a label
    fill what is left, and with ``first_keeps_all`` the last image of a label of which part 0 has none goes there,
    whatever the sizes.
    """
    part = np.full(len(present), -1, dtype=np.int64)
    labels = [np.flatnonzero(row).tolist() for row in present]
    left = present.sum(axis=0)  # images of each label that are in no part yet
    in_first = [0] * present.shape[1]
    wanted = [[share * x for x in left.tolist()] for share in shares]
    space = list(sizes)
    while left.any():
        rarest = int(np.argmin(np.where(left > 0, left, len(present) + 1)))
        for i in order[((part < 0) & present[:, rarest])[order]].tolist():
            kept = first_keeps_all and any(not in_first[c] and left[c] == 1 for c in labels[i])
            part[i] = k = 0 if kept else _neediest([row[rarest] for row in wanted], space, float(lot[i]))
            space[k] -= 1
            for c in labels[i]:
                wanted[k][c] -= 1
                left[c] -= 1
                in_first[c] += k == 0
    unlabelled = order[(part < 0)[order]]
    part[unlabelled] = _filling(space, len(unlabelled))
    return part


def _neediest(wanted: Sequence[float], space: Sequence[int], lot: float) -> int:
    """The part that wants most of the label; among equals the one with most space; among equals by lot."""
    # Not "> 0": a part that had to keep more than its size stays open. The holdouts of earlier runs rest on it.
    parts = [k for k, room in enumerate(space) if room != 0]
    # The shares are not exact in binary: a difference this small is a tie.
    most = max(wanted[k] for k in parts) - 1e-9
    parts = [k for k in parts if wanted[k] >= most]
    room = max(space[k] for k in parts)
    parts = [k for k in parts if space[k] == room]
    return parts[int(lot * len(parts))]


def _filling(space: Sequence[int], n: int) -> Indices:
    """(n,) parts that fill what is left, the last part first; what is over goes to part 0."""
    filled = np.repeat(np.arange(len(space))[::-1], np.maximum(space[::-1], 0))[:n]
    return np.concatenate([filled, np.zeros(n - len(filled), dtype=np.int64)])
