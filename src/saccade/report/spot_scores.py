"""The score map of an image over its picture: where the network says that text is."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, UnidentifiedImageError

COLOUR = (232, 89, 12)
"""Of a score of 1."""
STRENGTH = 0.85
"""Share of the colour there; the rest is the picture, in grey."""


def scores_over(picture: Image.Image, png: bytes | None) -> Image.Image | None:
    """The picture in grey under its score map, the more coloured the higher the score.

    Cell (i, j) of an (h, w) map stands for the upper left corner of the j-th of w parts of the width and the i-th of h
    of the height, which is off by up to 3 pixels of the network's input at the far edges where its sides are no
    multiples of 4; between cells scores are interpolated.

    Args:
        picture: RGB.
        png: the map, grey from 0 to 255; None, or no picture at all: there is none.
    """
    try:
        scores = Image.open(io.BytesIO(png or b"")).convert("L")
    except (UnidentifiedImageError, OSError):
        return None
    across, down = scores.width / picture.width, scores.height / picture.height
    # Pillow counts from the corners of cells, whose middles lie half a cell further
    affine, place = Image.Transform.AFFINE, (across, 0, 0.5, 0, down, 0.5)
    padded = Image.fromarray(np.pad(np.asarray(scores), ((0, 1), (0, 1)), mode="edge"))
    fine = padded.transform(picture.size, affine, place, Image.Resampling.BILINEAR)
    share = STRENGTH * np.asarray(fine, np.float32)[..., None] / 255
    grey = np.asarray(picture.convert("L"), np.float32)[..., None]
    return Image.fromarray(np.rint((1 - share) * grey + share * np.array(COLOUR)).astype(np.uint8))
