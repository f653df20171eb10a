"""Which images of a ranking are shown, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.report.shown import shown_images


@pytest.mark.parametrize(
    ("n", "best", "median", "worst"),
    [
        (0, [], [], []),
        (1, [0], [], []),
        (2, [0], [], [1]),
        (3, [0], [1], [2]),
        (5, [0], [2], [4]),
        (8, [0, 1], [3, 4], [7, 6]),
        (12, [0, 1, 2, 3], [4, 5, 6, 7], [11, 10, 9, 8]),
        (101, [0, 1, 2, 3], [48, 49, 50, 51], [100, 99, 98, 97]),
    ],
)
def test_no_image_is_shown_twice(n: int, best: list[int], median: list[int], worst: list[int]) -> None:
    shown = shown_images(np.linspace(1, 0, n))
    assert [p.row for p in shown.best] == best
    assert [p.row for p in shown.median] == median
    assert [p.row for p in shown.worst] == worst
    assert all(p.position == p.row + 1 for group in (shown.best, shown.median, shown.worst) for p in group)
    assert shown.ranked == n


def test_ties_go_by_row_and_an_image_without_a_mean_has_no_place() -> None:
    shown = shown_images(np.array([0.5, np.nan, 0.9, 0.5]))
    assert shown.ranked == 3
    assert [(p.row, p.position) for p in (*shown.best, *shown.median, *shown.worst)] == [(2, 1), (0, 2), (3, 3)]
    assert [name for name, _ in shown.ends()] == ["best", "median", "worst"]
    assert [name for name, _ in shown_images(np.array([0.5, 0.4])).ends()] == ["best", "worst"]
