"""The strongest channels, and their grid."""

from __future__ import annotations

import pytest
import torch

from saccade.explain.feature_maps import sheet, strongest
from saccade.explain.pictures import RISING, SIGNED, colour_table


def test_the_strongest_come_first() -> None:
    given = torch.zeros(4, 2, 2)
    given[1] = torch.tensor([[1.0, 3.0], [0.0, 0.0]])
    given[2] = -2.0
    given[3] = 1.0  # as strong as channel 1, which stands before it
    found = strongest(given, 3)
    assert found.numbers == [2, 1, 3]
    assert found.strengths == pytest.approx([2.0, 1.0, 1.0])
    assert found.values.tolist() == given[[2, 1, 3]].tolist()
    assert strongest(given, 100).numbers == [2, 1, 3, 0]


def test_all_by_one_scale() -> None:
    given = torch.zeros(2, 2, 2)
    given[0], given[1] = 4.0, 1.0
    picture, scale = sheet(strongest(given, 2), side=80)
    assert (scale.low, scale.high, scale.colours) == (0.0, 4.0, RISING)
    table = colour_table(RISING)
    assert picture[10, 10].tolist() == table[255].tolist()
    assert picture[10, 60].tolist() == table[64].tolist()


def test_maps_below_0_have_0_in_the_middle() -> None:
    given = torch.tensor([[[-3.0, 0.0], [1.0, 0.0]]])
    picture, scale = sheet(strongest(given, 1), side=40)
    assert (scale.low, scale.high, scale.colours) == (-3.0, 3.0, SIGNED)
    assert picture[30, 30].tolist() == colour_table(SIGNED)[128].tolist()


def test_a_map_of_nothing_is_the_colour_of_0() -> None:
    picture, scale = sheet(strongest(torch.zeros(3, 2, 2), 3), side=60)
    assert scale.high == 0
    assert picture[10, 10].tolist() == colour_table(RISING)[0].tolist()
