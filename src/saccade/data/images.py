"""Reading one image file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from saccade.errors import DataError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})
"""File endings, in lower case, that count as images."""


FORMATS = ("JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""What Pillow may take a file for; its other formats may start other programs."""

_ORIENTATION = 0x0112
_TURNS: dict[object, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What puts an image upright, by its EXIF orientation."""


def read_rgb(path: Path, *, at_least: int | None = None) -> Image.Image:
    """The whole image as 8-bit RGB, turned upright where its EXIF data say so.

    16-bit grey images are scaled to 8 bits instead of being cut off at 255; transparency is dropped; floats are
    refused. With ``at_least`` a JPEG may be decoded at a half, a quarter or an eighth, no smaller than so many pixels
    a side: for looking, not for scoring.

    Raises:
        DataError: the file is missing, empty, truncated, or not an image; the message names it.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            if at_least is not None:
                image.draft("RGB", (at_least, at_least))
            image.load()
            upright = _upright(image)
            if upright.mode == "F":
                raise ValueError("its pixels are floats, which have no fixed range; save it with 8 or 16 bits")
            if upright.mode.startswith("I"):
                return Image.fromarray((np.asarray(upright) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
            if upright.mode == "P" and "transparency" in upright.info:
                return upright.convert("RGBA").convert("RGB")
            return upright.convert("RGB")
    except FileNotFoundError:
        raise DataError(f"{path}: image not found") from None
    except Exception as error:  # a damaged file makes Pillow's decoders raise almost anything, even SyntaxError
        raise DataError(f"{path}: cannot be read as an image ({_reason(path, error)})") from None


def _upright(image: Image.Image) -> Image.Image:
    # Not ImageOps.exif_transpose: it writes all EXIF data anew, and some cameras' cannot be written
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION))
    except Exception:  # damaged EXIF data say nothing of the orientation; the pixels are whole
        return image
    return image if turn is None else image.transpose(turn)


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it has no known image format" if path.stat().st_size else "the file is empty"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
