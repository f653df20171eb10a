"""One mask file: how its values become class ids, and palette PNGs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from saccade.data.images import FORMATS, upright, why_unreadable
from saccade.errors import DataError

RGB = tuple[int, int, int]
VOID = 255
"""Marks void pixels in every mask in memory, whatever the files use."""

_STRAY = 254
"""Internal: a value that the coding does not know. No class has this id, since there are 254 at most."""
MOST_CLASSES = _STRAY
_GREY_STEPS = {"L;2": 85, "L;4": 17}
"""By which Pillow multiplies the values of grey PNGs of 2 and 4 bits, so that they reach from 0 to 255."""


@dataclass(frozen=True)
class MaskCoding:
    """How the values in a mask file become classes 0 to C - 1 and void.

    The file alone says which of the two it holds. A palette image holds ids, and never the colours its palette gives
    them. A grey image holds ids, unless ``colours`` are given and all of them are greys; a black-and-white one holds
    0 and 1. An RGB image (transparency is dropped) holds colours.
    """

    ids: tuple[int, ...]  # C stored ids; -1 for a class that the data set does not have
    void_id: int | None = 255
    colours: tuple[RGB | None, ...] | None = None  # C colours; None for a class that the data set does not have
    void_colour: RGB | None = None
    void_is_background: bool = False  # void pixels are read as class 0

    @property
    def is_grey(self) -> bool:
        """Whether grey levels tell the classes, such as 0 and 255."""
        return self.colours is not None and all(c is not None and len(set(c)) == 1 for c in self.colours)


def read_mask(path: Path, coding: MaskCoding, *, keep_void: bool = False) -> NDArray[np.uint8]:
    """(H, W) class of every pixel, ``VOID`` where there is none; turned upright like the image.

    With ``coding.void_is_background`` void pixels become class 0, unless ``keep_void``.

    Raises:
        DataError: the file is missing or unreadable, is no mask, or holds a value that ``coding`` does not know; the
            message names file, value and number of pixels.
    """
    stored = _stored(path, coding)
    ids = _from_colours(path, stored, coding) if stored.ndim == 3 else _from_ids(stored, coding)
    is_stray = ids == _STRAY
    if is_stray.any():
        raise DataError(f"{path}: {_strays(stored[is_stray], coding)}")
    if coding.void_is_background and not keep_void:
        ids[ids == VOID] = 0
    return ids


def palette_png(mask: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Ids (H, W) as a PNG that viewers show in the colours of ``palette`` (256, 3)."""
    assert mask.ndim == 2 and mask.dtype == np.uint8  # noqa: PT018
    assert palette.shape == (256, 3) and palette.dtype == np.uint8  # noqa: PT018
    image = Image.fromarray(mask)
    image.putpalette(palette.tobytes())
    file = BytesIO()
    image.save(file, "PNG", compress_level=1)  # a fifth of the time, for files that are somewhat larger
    return file.getvalue()


def palette_of(path: Path) -> NDArray[np.uint8] | None:
    """(256, 3) the colours that a palette image gives its stored ids, black where it says nothing; None without one.

    Raises:
        DataError: the file is missing or is not an image.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            values = image.getpalette("RGB") if image.mode == "P" else None
    except FileNotFoundError:
        raise DataError(f"{path}: mask not found") from None
    except Exception as error:  # as in read_rgb
        raise DataError(f"{path}: cannot be read as a mask ({why_unreadable(path, error)})") from None
    if values is None:
        return None
    palette = np.zeros((256, 3), dtype=np.uint8)
    palette[: len(values) // 3] = np.array(values, dtype=np.uint8).reshape(-1, 3)
    return palette


def _stored(path: Path, coding: MaskCoding) -> NDArray[np.integer]:
    """What the file holds: (H, W) ids or (H, W, 3) colours."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.format == "JPEG":
                raise ValueError("it is a JPEG, whose compression changes the values; save masks as PNG")
            # (codec, box, offset, arguments); the last has a name in newer versions of Pillow alone
            step = _GREY_STEPS.get(str(image.tile[0][3]), 1) if image.format == "PNG" and image.tile else 1
            image.load()
            return _values(upright(image), coding, step)
    except FileNotFoundError:
        raise DataError(f"{path}: mask not found") from None
    except Exception as error:  # as in read_rgb
        raise DataError(f"{path}: cannot be read as a mask ({why_unreadable(path, error)})") from None


def _values(image: Image.Image, coding: MaskCoding, step: int) -> NDArray[np.integer]:
    mode = image.mode
    if mode in ("RGB", "RGBA") or (mode in ("L", "1") and coding.is_grey):
        if coding.colours is None:
            raise ValueError(
                "it is in colour, and no table says what the colours mean; give data.colours, or lines of "
                "`name r g b` in classes.txt, or save masks of class ids"
            )
        return np.asarray(image.convert("RGB"))
    if mode == "1":
        return np.asarray(image).astype(np.uint8)
    if mode in ("P", "L"):
        values = np.asarray(image)
        return values // step if step > 1 else values
    if mode.startswith("I"):
        return np.asarray(image).astype(np.int64)
    raise ValueError(f"its pixels are of Pillow's mode {mode}; a mask is a palette, grey or RGB image")


def _from_ids(stored: NDArray[np.integer], coding: MaskCoding) -> NDArray[np.uint8]:
    """(H, W) classes, ``VOID`` and ``_STRAY``."""
    table = _id_table(coding)
    if stored.dtype == np.uint8:
        return np.asarray(table[stored], dtype=np.uint8)
    low = stored.clip(0, 255).astype(np.uint8)
    return np.where(stored == low, table[low], np.uint8(_STRAY))


@lru_cache(maxsize=16)
def _id_table(coding: MaskCoding) -> NDArray[np.uint8]:
    """(256,) the meaning of each stored id."""
    table = np.full(256, _STRAY, dtype=np.uint8)
    for position, stored in enumerate(coding.ids):
        if stored >= 0:
            table[stored] = position
    if coding.void_id is not None:
        table[coding.void_id] = VOID
    return table


def _from_colours(path: Path, stored: NDArray[np.integer], coding: MaskCoding) -> NDArray[np.uint8]:
    """(H, W) classes, ``VOID`` and ``_STRAY``."""
    colours, meanings = _colour_table(coding)
    if (colours[1:] == colours[:-1]).any():
        twice = [_rgb(int(c)) for c in colours[1:][colours[1:] == colours[:-1]]]
        raise DataError(f"{path}: the mask is in colour, and {twice[0]} is the colour of two classes, or of void too")
    packed = _packed(stored)
    places = np.searchsorted(colours, packed).clip(max=len(colours) - 1)
    return np.where(colours[places] == packed, meanings[places], np.uint8(_STRAY))


@lru_cache(maxsize=16)
def _colour_table(coding: MaskCoding) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Colours in one number each, sorted, and what each of them means."""
    assert coding.colours is not None
    pairs = [(colour, position) for position, colour in enumerate(coding.colours) if colour is not None]
    if coding.void_colour is not None:
        pairs.append((coding.void_colour, VOID))
    colours = _packed(np.array([colour for colour, _ in pairs]))
    order = np.argsort(colours, kind="stable")
    return colours[order], np.array([meaning for _, meaning in pairs], dtype=np.uint8)[order]


def _packed(colours: NDArray[np.integer]) -> NDArray[np.int32]:
    """(..., 3) colours in one number each."""
    wide = colours.astype(np.int32)
    return np.asarray(wide[..., 0] << 16 | wide[..., 1] << 8 | wide[..., 2], dtype=np.int32)


def _rgb(packed: int) -> RGB:
    return packed >> 16, packed >> 8 & 255, packed & 255


def _strays(values: NDArray[np.integer], coding: MaskCoding) -> str:
    """What to say of (N,) ids or (N, 3) colours that mean nothing: the most frequent first."""
    in_colour = values.ndim == 2
    found, counts = np.unique(_packed(values) if in_colour else values, return_counts=True)
    first = int(found[counts.argmax()])
    more = f" (and {len(found) - 1} other such values)" if len(found) > 1 else ""
    pixels = f"{counts.max()} pixel{'' if counts.max() == 1 else 's'}"
    if in_colour:
        void = "" if coding.void_colour is None else f" and void {coding.void_colour}"
        return (
            f"colour {_rgb(first)} in {pixels}{more} is not among those of the {len(coding.ids)} classes{void}; if it "
            f"is void, set data.void_colour={list(_rgb(first))}, else give its class in data.colours or classes.txt"
        )
    void = "" if coding.void_id is None else f" and {coding.void_id} (void)"
    hint = f"if {first} is void, set data.void_id={first}; else " if first <= 255 else ""
    return (
        f"id {first} in {pixels}{more} stands for no class; allowed: {', '.join(_ranges(coding.ids))}{void}; {hint}"
        "name the class of every id in data.classes or classes.txt"
    )


def _ranges(ids: Iterable[int]) -> Iterator[str]:
    """Runs of numbers in words: 0 to 10, 12."""
    known = sorted(i for i in ids if i >= 0)
    starts = [i for i in known if i - 1 not in known]
    ends = [i for i in known if i + 1 not in known]
    return (str(start) if start == end else f"{start} to {end}" for start, end in zip(starts, ends, strict=True))
