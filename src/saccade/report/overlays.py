"""Rows of small pictures for the page: an image, its true mask, the predicted one, and where the two differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from saccade.data.images import read_rgb
from saccade.data.masks import MaskCoding, read_mask
from saccade.draw.overlay import blend, colourise, errors
from saccade.report.mask_words import lowest_ious
from saccade.report.segments import Segmented
from saccade.report.shown import Place
from saccade.report.thumbnails import Files, jpeg_address
from saccade.report.words import number

SIDE = 320
"""Longest side of a picture in pixels."""
ALPHA = 0.65
"""Share of a colour over the image."""
QUALITY = 85

Pixels: TypeAlias = NDArray[np.uint8]
"""(H, W) classes of a mask, or (H, W, 3) RGB of a picture."""


@dataclass(frozen=True)
class Picture:
    """One of the pictures of a row."""

    name: str  # image, target, prediction, errors
    address: str | None  # of its data; None where a file is missing
    enlarged: bool  # so small that its pixels should stay sharp


@dataclass(frozen=True)
class OverlayRow:
    """One image of the page."""

    image: str
    position: int  # in the ranking by mean IoU, from 1
    mean_iou: str
    pixel_accuracy: str
    words: str  # its worst classes
    pictures: Sequence[Picture]


class Overlays:
    """Makes rows of pictures, and counts the files that it could not read."""

    def __init__(self, scored: Segmented, *, data_root: Path, evaluation: Path) -> None:
        self.data = Files(data_root)
        self.predicted = Files(evaluation)
        self._scored = scored
        self._target_coding = scored.coding
        self._predicted_coding = MaskCoding(ids=tuple(range(len(scored.classes))), void_id=None)
        self._means = scored.image_means()

    def rows(self, places: Sequence[Place]) -> list[OverlayRow]:
        """A row for each of the places."""
        return [self._row(place) for place in places]

    def _row(self, place: Place) -> OverlayRow:
        scored, row = self._scored, place.row
        return OverlayRow(
            scored.images[row],
            place.position,
            number(float(self._means[row])),
            number(float(scored.accuracies[row])),
            lowest_ious(scored.classes, scored.ious[row]),
            self._pictures(row),
        )

    def _pictures(self, row: int) -> list[Picture]:
        scored = self._scored
        image = self.data.read(scored.images[row], _image)
        target = self.data.read(scored.targets[row], lambda path: read_mask(path, self._target_coding))
        said = self.predicted.read(scored.masks[row], lambda path: read_mask(path, self._predicted_coding))
        size = _size(image, target, said)
        small = None if image is None else image.resize(size, Image.Resampling.LANCZOS)
        # Grey below the colours: those of the image would turn them into the colours of other classes.
        grey = None if small is None else np.asarray(small.convert("L").convert("RGB"))
        masks = [None if mask is None else _resized(mask, size) for mask in (target, said)]
        return [
            _picture("image", None if small is None else np.asarray(small)),
            _picture("target", self._over(grey, masks[0])),
            _picture("prediction", self._over(grey, masks[1])),
            _picture("errors", _errors_over(grey, *masks)),
        ]

    def _over(self, grey: Pixels | None, mask: Pixels | None) -> Pixels | None:
        """The mask over its image, or alone where the image is missing."""
        if mask is None:
            return None
        colours = self._scored.colours
        return colourise(mask, colours) if grey is None else blend(grey, mask, colours, ALPHA)


def _errors_over(grey: Pixels | None, target: Pixels | None, said: Pixels | None) -> Pixels | None:
    """Where the two masks differ, over the image if it is there."""
    if target is None or said is None:
        return None
    found = errors(target, said)
    if grey is None:
        return found
    return np.rint((1 - ALPHA) * grey + ALPHA * found).astype(np.uint8)


def _image(path: Path) -> Image.Image:
    return read_rgb(path, at_least=2 * SIDE)


def _size(image: Image.Image | None, *masks: Pixels | None) -> tuple[int, int]:
    """Width and height at which a row is put together: twice that of its pictures at most."""
    sizes = [] if image is None else [image.size]
    sizes += [(mask.shape[1], mask.shape[0]) for mask in masks if mask is not None]
    width, height = sizes[0] if sizes else (1, 1)
    scale = min(1.0, 2 * SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resized(mask: Pixels, size: tuple[int, int]) -> Pixels:
    """Of each new pixel the class under its centre."""
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))


def _picture(name: str, pixels: Pixels | None) -> Picture:
    if pixels is None:
        return Picture(name, None, enlarged=False)
    picture = Image.fromarray(pixels)
    enlarged = max(picture.size) < SIDE // 2
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return Picture(name, jpeg_address(picture, quality=95 if enlarged else QUALITY, full_colour=True), enlarged)
