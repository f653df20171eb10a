"""Heat over an image as one picture.

Letters: H x W pixels of the network's input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from saccade.explain.pictures import Floats, Panel, Picture, Scale, enlarged, laid_over, panels

COLUMNS = 5
"""Things in a row, where many are explained."""


class Heat(NamedTuple):
    """How much each pixel has to do with something."""

    title: str
    values: Floats  # (H, W)
    scale: Scale


def heat_picture(image: Picture, heat: Heat, *, title: str) -> Picture:
    """The image (H, W, 3), the heat over it, and the heat by itself."""
    side = max(280, min(max(image.shape[:2]), 720))
    alone = heat.scale.paint(_values_at(image, heat, side))
    row = [_input(image, side), Panel(_over(image, heat, side), heat.title), Panel(alone, "alone", scale=heat.scale)]
    return panels([row], title=title)


def heat_rows(image: Picture, heats: Sequence[Heat], looks: Sequence[Heat], *, title: str) -> Picture:
    """The image, and beside it each heat over it; below each where the network looked, if it says so."""
    side = max(180, min(max(image.shape[:2]), 320))
    blank = np.full_like(enlarged(image, side), 255)
    rows = []
    for first in range(0, len(heats), COLUMNS):
        part = slice(first, first + COLUMNS)
        left = _input(image, side) if first == 0 else Panel(blank, "")
        for begin, some in ((left, heats[part]), (Panel(blank, ""), looks[part])):
            if some:
                rows.append([begin, *(Panel(_over(image, heat, side), heat.title, scale=heat.scale) for heat in some)])
    return panels(rows, title=title)


def _input(image: Picture, side: int) -> Panel:
    height, width = image.shape[:2]
    return Panel(enlarged(image, side), f"input, {width}×{height}")


def _over(image: Picture, heat: Heat, side: int) -> Picture:
    return laid_over(enlarged(image, side), _values_at(image, heat, side), heat.scale)


def _values_at(image: Picture, heat: Heat, side: int) -> Floats:
    """A number for each pixel keeps the pixels visible, as the image does; a coarser map is bilinear."""
    how = Image.Resampling.NEAREST if heat.values.shape == image.shape[:2] else Image.Resampling.BILINEAR
    return stretched(heat.values, _size(image, side), how)


def _size(image: Picture, side: int) -> tuple[int, int]:
    """Height and width of the image, enlarged."""
    height, width = enlarged(image, side).shape[:2]
    return height, width


def stretched(values: Floats, size: tuple[int, int], how: Image.Resampling = Image.Resampling.BILINEAR) -> Floats:
    """(H, W) numbers at another height and width."""
    height, width = size
    return np.asarray(Image.fromarray(values).resize((width, height), how))
