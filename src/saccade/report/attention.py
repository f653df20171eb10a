"""Where a network looks at each word: the picture, dark where the word's weights are low.

Letters: R regions of an image, W words of its caption; pictures are height x width pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from saccade.data.images import read_rgb
from saccade.errors import RunError
from saccade.report.captions import Captioned
from saccade.report.thumbnails import Files, jpeg_address

SIDE = 200
"""Longest side of a picture in pixels."""
DARK = 0.18
"""Share of the light that stays where the weight is 0."""
QUALITY = 82
_MARK = (255, 176, 0)
"""Of the box with the highest weight: amber, seen on dark and light pictures."""

Weights: TypeAlias = NDArray[np.float64]
Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class WordLook:
    """One word, and where the network looked when it said it."""

    word: str
    highest: float  # the largest weight of a region
    address: str  # of the picture's data


@dataclass(frozen=True)
class Look:
    """One caption, word by word."""

    image: str
    caption: str
    regions: int
    words: Sequence[WordLook]


def look(scored: Captioned, row: int, files: Files) -> Look | None:
    """The caption of ``row`` word by word; None without weights, without words, or without a picture.

    None too where nobody knows where the regions are, as of features from elsewhere that came without their boxes.

    Raises:
        RunError: the weights fit neither the words nor the regions.
    """
    weights, boxes = _weights(scored, row), _boxes(scored, row)
    words = scored.captions[row].split(" ")
    regions: Mapping[str, Any] = scored.about.get("regions") or {}
    if weights is None or not scored.captions[row] or (boxes is None and regions.get("kind") != "grid"):
        return None
    _check(scored, row, weights, boxes)
    picture = files.read(scored.images[row], _picture)
    if picture is None:
        return None
    looks = []
    for word, of_word in zip(words, weights, strict=True):
        light = grid_light(of_word, regions, picture.size) if boxes is None else box_light(of_word, boxes, picture.size)
        lit = _lit(picture, light)
        if boxes is not None:
            ImageDraw.Draw(lit).rectangle(_pixels(boxes[int(of_word.argmax())], picture.size), outline=_MARK, width=2)
        looks.append(WordLook(word, float(of_word.max()), jpeg_address(lit, quality=QUALITY)))
    return Look(scored.images[row], scored.captions[row], weights.shape[1], looks)


def _weights(scored: Captioned, row: int) -> Weights | None:
    """(W, R), rows adding up to 1."""
    return _table(scored, "attention", row)


def _boxes(scored: Captioned, row: int) -> Weights | None:
    """(R, 4) left, top, right and bottom as shares of the picture."""
    return _table(scored, "boxes", row)


def _table(scored: Captioned, column: str, row: int) -> Weights | None:
    found = scored.rows[column][row] if column in scored.rows.columns else None
    if found is None or not len(found):
        return None
    rows = found.to_list()
    if len({len(each) for each in rows}) > 1:
        raise _misfit(scored, row, f"the rows of {column} are not equally long")
    return np.array(rows, dtype=np.float64)


def _check(scored: Captioned, row: int, weights: Weights, boxes: Weights | None) -> None:
    regions, words = scored.about.get("regions") or {}, scored.captions[row].split(" ")
    if len(weights) != len(words):
        raise _misfit(scored, row, f"the caption has {len(words)} words, and attention has {len(weights)} rows")
    expected = regions.get("height", 0) * regions.get("width", 0) if boxes is None else len(boxes)
    if weights.shape[1] != expected:
        raise _misfit(scored, row, f"there are {expected} regions, and {weights.shape[1]} weights of a word")


def _misfit(scored: Captioned, row: int, what: str) -> RunError:
    return RunError(f"evaluation {scored.name}, {scored.images[row]}: {what}; write it again with `saccade evaluate`")


def grid_light(weights: Weights, regions: Mapping[str, Any], size: Size) -> Weights:
    """(height, width) in [0, 1] from (R,) weights of a grid, row by row; 1 is the highest weight of the word.

    ``regions``: height and width of the grid, and which part of the picture it covers: all of it (``resize``
    "squash") or the square in its middle whose side is ``resize_crop`` of the shorter side ("crop").
    """
    width, height = size
    grid = weights.reshape(regions["height"], regions["width"]) / max(float(weights.max()), 1e-12)
    x, y, w, h = 0, 0, width, height
    if regions.get("resize") == "crop":
        w = h = max(1, round(min(size) * regions.get("resize_crop", 1.0)))
        x, y = (width - w) // 2, (height - h) // 2
    light = np.zeros((height, width))
    smooth = Image.fromarray(grid.astype(np.float32)).resize((w, h), Image.Resampling.BICUBIC)
    light[y : y + h, x : x + w] = np.clip(np.asarray(smooth), 0, 1)
    return light


def box_light(weights: Weights, boxes: Weights, size: Size) -> Weights:
    """(height, width) in [0, 1] from (R,) weights of (R, 4) boxes, added up where these overlap; 1 is the highest."""
    width, height = size
    light = np.zeros((height, width))
    for weight, box in zip(weights, boxes, strict=True):
        left, top, right, bottom = _pixels(box, size)
        light[top : bottom + 1, left : right + 1] += weight
    return light / max(float(light.max()), 1e-12)


def _pixels(box: Weights, size: Size) -> tuple[int, int, int, int]:
    """The first and the last pixel of a box, across and down, within the picture."""
    width, height = size
    left, top, right, bottom = (box * np.array([width, height, width, height])).tolist()
    x, y = min(max(int(left), 0), width - 1), min(max(int(top), 0), height - 1)
    return x, y, min(max(round(right) - 1, x), width - 1), min(max(round(bottom) - 1, y), height - 1)


def _lit(picture: Image.Image, light: Weights) -> Image.Image:
    shares = DARK + (1 - DARK) * light[..., None]
    return Image.fromarray(np.rint(np.asarray(picture) * shares).astype(np.uint8))


def _picture(path: Path) -> Image.Image:
    image = read_rgb(path, at_least=2 * SIDE)
    width, height = image.size
    scale = SIDE / max(width, height)
    # a small picture is enlarged: the light over it would be as coarse
    return image.resize((max(1, round(width * scale)), max(1, round(height * scale))), Image.Resampling.LANCZOS)
