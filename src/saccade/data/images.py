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
_QUARTER_TURNS = {_TURNS[orientation] for orientation in (5, 6, 7, 8)}


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
            turned = upright(image)
            if turned.mode == "F":
                raise ValueError("its pixels are floats, which have no fixed range; save it with 8 or 16 bits")
            if turned.mode.startswith("I"):
                return Image.fromarray((np.asarray(turned) >> 8).clip(0, 255).astype(np.uint8)).convert("RGB")
            if turned.mode == "P" and "transparency" in turned.info:
                return turned.convert("RGBA").convert("RGB")
            return turned.convert("RGB")
    except FileNotFoundError:
        raise DataError(f"{path}: image not found") from None
    except Exception as error:  # a damaged file makes Pillow's decoders raise almost anything, even SyntaxError
        raise DataError(f"{path}: cannot be read as an image ({why_unreadable(path, error)})") from None


def upright_size(path: Path) -> tuple[int, int]:
    """Width and height of an image in pixels, turned upright; only the head of the file is read.

    Raises:
        DataError: the file is missing or is not an image.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            return image.size[::-1] if _turn(image) in _QUARTER_TURNS else image.size
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{path}: cannot be read as an image ({error})") from None


def upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF data say; itself where they say nothing."""
    # Not ImageOps.exif_transpose: it writes all EXIF data anew, and some cameras' cannot be written
    turn = _turn(image)
    return image if turn is None else image.transpose(turn)


def _turn(image: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION))
    except Exception:  # damaged EXIF data say nothing of the orientation; the pixels are whole
        return None


def why_unreadable(path: Path, error: Exception) -> str:
    """What to say of an error that reading the file raised."""
    if isinstance(error, UnidentifiedImageError):
        return "it has no known image format" if path.stat().st_size else "the file is empty"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
