"""Outlines of words over their image."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from saccade.draw.overlay import Picture

CARED, UNCARED = (213, 94, 0), (160, 160, 160)
"""Vermilion; grey of what is neither learned nor scored."""


def outlined(image: Picture, quads: NDArray[np.floating[Any]], cared: NDArray[np.bool_]) -> Picture:
    """The image (H, W, 3) with the outlines of (K, 4, 2) quads in its pixels, their first corners marked by a dot.

    ``cared``: (K,), False is drawn in grey.
    """
    shown = Image.fromarray(image)
    pen = ImageDraw.Draw(shown)
    width = max(1, round(max(image.shape[:2]) / 320))
    for quad, colour in zip(quads.tolist(), [CARED if flag else UNCARED for flag in cared.tolist()], strict=True):
        corners = [(x, y) for x, y in quad]
        pen.line([*corners, corners[0]], fill=colour, width=width, joint="curve")
        x, y = corners[0]
        pen.ellipse((x - 2 * width, y - 2 * width, x + 2 * width, y + 2 * width), fill=colour)
    return np.asarray(shown)
