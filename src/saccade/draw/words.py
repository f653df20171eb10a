"""Outlines of words over their image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from saccade.draw.overlay import Picture
from saccade.quads import laid, sides

CARED, UNCARED = (213, 94, 0), (160, 160, 160)
"""Vermilion; grey of what is neither learned nor scored."""
LEGIBLE = 960
"""Pixels of the longer side of a picture with letters on it."""
LEAST_LETTERS, MOST_LETTERS = 10.0, 28.0
"""Pixels of the height of letters, else half of that of their word."""


def outlined(
    image: Picture, quads: NDArray[np.floating[Any]], cared: NDArray[np.bool_], *, width: int | None = None
) -> Picture:
    """The image (H, W, 3) with the outlines of (K, 4, 2) quads in its pixels, their first corners marked by a dot.

    ``cared``: (K,), False is drawn in grey. ``width``: of the lines in pixels; None goes by the size of the image.
    """
    shown = Image.fromarray(image)
    pen = ImageDraw.Draw(shown)
    width = width or max(1, round(max(image.shape[:2]) / 320))
    for quad, colour in zip(quads.tolist(), [CARED if flag else UNCARED for flag in cared.tolist()], strict=True):
        corners = [(x, y) for x, y in quad]
        pen.line([*corners, corners[0]], fill=colour, width=width, joint="curve")
        x, y = corners[0]
        pen.ellipse((x - 2 * width, y - 2 * width, x + 2 * width, y + 2 * width), fill=colour)
    return np.asarray(shown)


def lettered(image: Picture, quads: NDArray[np.floating[Any]], texts: Sequence[str]) -> Picture:
    """The image (H, W, 3) with the outlines of (K, 4, 2) quads, and above the first corner of each what it says.

    A small image is enlarged, by a whole number, so that its longer side has ``LEGIBLE`` pixels or more.
    """
    scale = -(-LEGIBLE // max(image.shape[:2]))
    large = Image.fromarray(image).resize((scale * image.shape[1], scale * image.shape[0]), Image.Resampling.BICUBIC)
    places = scale * quads
    shown = Image.fromarray(outlined(np.asarray(large), places, np.ones(len(quads), dtype=np.bool_), width=2))
    pen = ImageDraw.Draw(shown)
    heights = sides(laid(places))[:, [1, 3]].mean(axis=1)
    for (x, y), text, height in zip(places[:, 0].tolist(), texts, heights.tolist(), strict=True):
        size = min(max(LEAST_LETTERS, height / 2), MOST_LETTERS)
        font = ImageFont.load_default(size=size)
        left = max(0.0, min(x, shown.width - font.getlength(text)))
        pen.text((left, max(0.0, y - 1.3 * size)), text, fill="white", font=font, stroke_width=2, stroke_fill="black")
    return np.asarray(shown)
