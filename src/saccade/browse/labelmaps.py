"""Masks as small maps of class ids, which the page colours itself: so it can switch classes without asking again.

Not PNGs, whose pixels a browser would let a script read from a canvas only, where some browsers add noise against
tracking. H x W pixels of the mask, h x w of the map.
"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.data.masks import MaskCoding, read_mask
from saccade.errors import DataError

HEAD = struct.Struct("<HH")


def label_map(file: Path, size: int, coding: MaskCoding) -> bytes:
    """The mask in ``file``, at most ``size`` pixels on its longer side, compressed with gzip.

    Inside are w and h (unsigned, 16 bits each), how many of the H x W pixels have each id from 0 to 255 (256 numbers,
    unsigned, 32 bits), and h x w bytes, row by row: the class, 255 where void. All low byte first.

    Raises:
        OSError: the file is no mask of these classes.
    """
    try:
        mask = read_mask(file, coding)
    except DataError as error:
        raise OSError(str(error)) from None
    small = _reduced(mask, size)
    counts = np.bincount(mask.ravel(), minlength=256).astype("<u4")
    height, width = small.shape
    body = HEAD.pack(width, height) + counts.tobytes() + small.tobytes()
    return gzip.compress(body, compresslevel=1, mtime=0)


def _reduced(mask: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The pixels nearest to the centres of those of a smaller grid; ids cannot be averaged."""
    longer = max(mask.shape)
    if longer <= size:
        return mask
    rows, columns = (
        ((np.arange(new := max(1, round(old * size / longer))) + 0.5) * old / new).astype(np.int64)
        for old in mask.shape
    )
    return mask[np.ix_(rows, columns)]
