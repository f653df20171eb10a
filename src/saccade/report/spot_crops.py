"""How large words are shown in the report."""

from __future__ import annotations

from PIL import Image

from saccade.draw.rectified import extent, rectified
from saccade.report.spot_matches import Points

LOWEST, HIGHEST, WIDEST = 24, 48, 480
"""Pixels of a cut-out: smaller words are enlarged to the first of the heights, if that does not make them too wide."""


def cut_out(picture: Image.Image, quad: Points) -> Image.Image | None:
    """What is inside the quad (4, 2), in pixels of the picture; None where it is less than a pixel high or wide."""
    width, height = extent(quad)
    if min(width, height) < 1:
        return None
    scale = min(max(LOWEST, min(height, HIGHEST)) / height, WIDEST / width)
    return rectified(picture, quad, (max(1, round(width * scale)), max(1, round(height * scale))))
