"""What layers give of an image: their maps, strongest channels first.

Letters: C channels of a map of h x w places, N of them that are shown.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from saccade.explain.pictures import Floats, Picture, Scale, columns_for, tiled

WITHIN = 0.999
"""Share of the numbers that the scale of colours spans."""
SIDE = 720
"""Pixels that a grid is about wide or high."""


class Strongest(NamedTuple):
    """The channels of a layer that say most of an image."""

    numbers: list[int]  # N, which channels
    strengths: list[float]  # N, falling
    values: Floats  # (N, h, w)


def strongest(given: Tensor, top: int) -> Strongest:
    """The channels of (C, h, w) with the largest mean of absolute values; of equal ones the first."""
    strength = given.abs().mean(dim=(1, 2))
    order = strength.argsort(descending=True, stable=True)[:top]
    return Strongest(order.tolist(), strength[order].tolist(), given[order].float().cpu().numpy())


def sheet(found: Strongest, *, colours: str | None = None, side: int = SIDE) -> tuple[Picture, Scale]:
    """The maps as a grid, all by one scale, so that strong and weak ones can be told apart."""
    scale = Scale.of(found.values, colours, share=WITHIN)
    height, width = found.values.shape[1:]
    columns = columns_for(len(found.values), height=height, width=width)
    rows = -(-len(found.values) // columns)
    pixels = max(1, side // max(rows * height, columns * width))
    return tiled(list(scale.paint(found.values)), columns=columns, pixels=pixels, gap=2), scale
