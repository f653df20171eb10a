"""Reading one image file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from saccade.errors import DataError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})
"""File endings, in lower case, that count as images."""


def read_rgb(path: Path) -> Image.Image:
    """The whole image as 8-bit RGB, turned upright where its EXIF data say so.

    16-bit grey images are scaled to 8 bits instead of being cut off at 255; transparency is dropped.

    Raises:
        DataError: the file is missing, empty, truncated, or not an image; the message names it.
    """
    try:
        with Image.open(path) as image:
            image.load()
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith("I"):
                return Image.fromarray((np.asarray(upright) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
            if upright.mode == "P" and "transparency" in upright.info:
                return upright.convert("RGBA").convert("RGB")
            return upright.convert("RGB")
    except FileNotFoundError:
        raise DataError(f"{path}: image not found") from None
    # Pillow's decoders raise any of these for a damaged file, and SyntaxError for a damaged PNG chunk.
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        reason = "the file is empty" if path.is_file() and path.stat().st_size == 0 else str(error)
        raise DataError(f"{path}: cannot be read as an image ({reason})") from None
