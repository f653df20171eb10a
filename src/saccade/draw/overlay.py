"""Masks as pictures: in the colours of their classes, over their image, and against the prediction.

Letters: C classes, H x W pixels. ``mask`` and ``predicted`` (H, W) uint8 are the class of each pixel in 0 ... C-1, 255
where it is void; a palette is (C, 3) uint8 RGB, and pictures are (H, W, 3) uint8 RGB. Nothing given is changed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

VOID = 255
"""The class of a pixel that does not count."""

RIGHT, WRONG, UNKNOWN = (0, 114, 178), (213, 94, 0), (160, 160, 160)
"""Blue, vermilion and grey of ``errors``: told apart by the colour-blind and in print (Okabe and Ito 2008)."""

Picture = NDArray[np.uint8]


def palette(classes: int) -> Picture:
    """(classes, 3) the colours of PASCAL VOC (VOCdevkit, VOClabelcolormap.m), at most 256; the last is that of void.

    The bits of the class, from the lowest, go in turn to red, green and blue, each colour filled from its highest bit.

    >>> palette(4).tolist()
    [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    """
    assert classes <= 256
    ids = np.arange(classes, dtype=np.uint8)
    colours = np.zeros((classes, 3), dtype=np.uint8)
    for bit in range(8):
        colours[:, bit % 3] |= ((ids >> bit) & 1) << (7 - bit // 3)
    return colours


def colourise(mask: NDArray[np.uint8], colours: Picture) -> Picture:
    """The mask in its colours; void, where the palette says nothing of 255, in the (224, 224, 192) of PASCAL VOC."""
    table = palette(VOID + 1)
    table[: len(colours)] = colours
    return table[mask]


def blend(image: Picture, mask: NDArray[np.uint8], colours: Picture, alpha: float = 0.5) -> Picture:
    """The image below its mask: ``alpha`` of the colour (0 ... 1) and the rest of the image; void shows the image."""
    assert image.shape == (*mask.shape, 3)
    assert 0.0 <= alpha <= 1.0
    mixed = (1.0 - alpha) * image + alpha * colourise(mask, colours)
    return np.where((mask == VOID)[..., None], image, np.rint(mixed).astype(np.uint8))


def errors(mask: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> Picture:
    """Where the prediction is ``RIGHT``, where it is ``WRONG``, and where nobody knows (void in the mask: UNKNOWN)."""
    assert mask.shape == predicted.shape
    kind = np.where(mask == VOID, 2, (mask != predicted).astype(np.uint8))
    return np.array([RIGHT, WRONG, UNKNOWN], dtype=np.uint8)[kind]
