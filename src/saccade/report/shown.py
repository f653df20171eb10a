"""Which images of a ranking the page shows: its two ends and its middle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_SHOWN = 4
"""So many images at most are shown of the best, of those in the middle, and of the worst."""


@dataclass(frozen=True)
class Place:
    """One image that is shown."""

    row: int
    position: int  # in the ranking, from 1


@dataclass(frozen=True)
class Shown:
    """Images from a ranking of those that have a number; none is shown twice."""

    ranked: int  # how many there are
    best: Sequence[Place]  # the best first
    median: Sequence[Place]  # those in the middle, the best of them first
    worst: Sequence[Place]  # the worst first

    def ends(self) -> list[tuple[str, Sequence[Place]]]:
        """``best``, ``median`` and ``worst`` with their images, those that have any."""
        named = (("best", self.best), ("median", self.median), ("worst", self.worst))
        return [(name, places) for name, places in named if places]


def shown_images(values: NDArray[np.float64]) -> Shown:
    """Which images to show by their (N,) numbers, high ones being good; ties go by row, NaN has no place.

    Of few images each group takes a third at most, the best and the worst one at least.
    """
    rows = np.flatnonzero(~np.isnan(values))
    order = rows[np.argsort(-values[rows], kind="stable")]
    places = [Place(int(row), i) for i, row in enumerate(order, start=1)]
    n = len(places)
    k = min(MOST_SHOWN, max(1, n // 3))
    rest = places[k : max(k, n - k)]
    middle = (len(rest) - k) // 2 if len(rest) > k else 0
    return Shown(n, places[:k], rest[middle : middle + k], places[max(k, n - k) :][::-1])
