from __future__ import annotations

import numpy as np
import pytest

from saccade.data.stratification import share_out

A, B = (1, 0), (0, 1)
SIX = np.array([A, A, (1, 1), B, B, B], dtype=bool)
LOT = np.array([0.2, 0.7, 0.9, 0.0, 0.4, 0.0])


def test_by_hand() -> None:
    """A is rarer (3 of 6), so its images go first; both parts want 1.5 of A and 2 of B, and hold 3 images.

    Image 0: all equal, its lot 0.2 says part 0. Image 1: part 1 wants more of A (1.5 over 0.5). Image 2: both want 0.5
    and have room for 2; lot 0.9 says part 1, which then wants 1 of B and has room for 1. Image 3: part 0 wants 2 of B,
    part 1 wants 1: part 0. Image 4: both want 1 and have room for 1; lot 0.4 says part 0. Image 5: part 1 has room.
    """
    part = share_out(SIX, (0.5, 0.5), (3, 3), order=np.arange(6), lot=LOT)
    assert part.tolist() == [0, 1, 1, 0, 0, 1]


def test_most_room_breaks_a_tie_before_the_lot() -> None:
    """Both want 0.5 of the label; part 1 has room for 2, part 0 for 1."""
    part = share_out(np.array([[1], [0], [0]], dtype=bool), (0.5, 0.5), (1, 2), order=np.arange(3), lot=np.zeros(3))
    assert part.tolist() == [1, 1, 0]


def test_the_lot_is_over_all_that_are_equal() -> None:
    one = np.array([[1], *[[0]] * 3], dtype=bool)
    for lot, expected in ((0.0, 0), (0.24, 0), (0.26, 1), (0.74, 2), (0.99, 3)):
        part = share_out(one, (0.25,) * 4, (1, 1, 1, 1), order=np.arange(4), lot=np.full(4, lot))
        assert part[0] == expected


def test_the_first_part_keeps_a_label_that_has_one_image() -> None:
    one = np.array([[1], [0]], dtype=bool)
    for first, expected in ((False, 1), (True, 0)):
        part = share_out(one, (0.1, 0.9), (1, 1), order=np.arange(2), lot=np.ones(2) * 0.9, first_keeps_all=first)
        assert part[0] == expected


def test_what_the_first_part_must_keep_may_be_more_than_its_size() -> None:
    part = share_out(
        np.eye(4, dtype=bool), (0.1, 0.9), (1, 3), order=np.arange(4), lot=np.zeros(4), first_keeps_all=True
    )
    assert part.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("n", [0, 1, 5])
def test_without_labels_the_sizes_are_filled(n: int) -> None:
    part = share_out(
        np.zeros((n, 2), dtype=bool), (0.4, 0.6), (n - n // 2, n // 2), order=np.arange(n), lot=np.zeros(n)
    )
    assert np.bincount(part, minlength=2).tolist() == [n - n // 2, n // 2]
