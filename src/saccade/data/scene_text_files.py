"""Scenes with words as files of ICDAR 2015: ``<split>_images/img_N.jpg``, ``<split>_gts/gt_img_N.txt``, N from 1.

What the format does not hold is lost: corners are whole pixels, so each coordinate moves by up to half a pixel, which
leaves a word that is just high enough to be read an IoU of 0.9 with where it was; and of words that nobody could read
only their place is told. Corners of words that the edge cuts lie outside the image, by negative numbers too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from saccade.data.made_up_words import Characters
from saccade.data.scene_words import SMALLEST_SIZE, TextScene, draw_text_scene, draw_word_sheet
from saccade.data.scenes import SceneSplit
from saccade.errors import DataError


@dataclass(frozen=True)
class WordSettings:
    """What is said of scenes with words alone: their alphabet, and how many sheets follow the training scenes."""

    characters: Characters = "upper"
    sheets: int = 0


def write_words(
    root: Path,
    which: Iterable[tuple[SceneSplit, int]],
    *,
    size: int,
    seed: int,
    characters: Characters,
    sheets_from: int | None = None,
) -> None:
    """Write the scene of each (split, index) to ``root``; those of training from ``sheets_from`` on are sheets.

    Raises:
        DataError: ``size`` is too small for words.
        OSError: a file cannot be written.
    """
    if size < SMALLEST_SIZE:
        raise DataError(f"data.scenes.size: words find no place in {size} pixels; set it to {SMALLEST_SIZE} or more")
    for split, index in which:
        images, texts = root / f"{split}_images", root / f"{split}_gts"
        for folder in (images, texts):
            folder.mkdir(parents=True, exist_ok=True)
        is_sheet = split == "train" and sheets_from is not None and index >= sheets_from
        draw = draw_word_sheet if is_sheet else draw_text_scene
        scene = draw(seed, index, size=size, split=split, characters=characters)
        name = f"img_{index + 1}"
        # Halved colour would blur words that differ from their ground in hue; PNG of noise is three times as large.
        Image.fromarray(scene.image).save(images / f"{name}.jpg", quality=95, subsampling=0)
        (texts / f"gt_{name}.txt").write_bytes(lines(scene).encode("utf-8"))


def lines(scene: TextScene) -> str:
    """The lines ``x1,y1,x2,y2,x3,y3,x4,y4,text`` of the words, each ended as those of ICDAR are."""
    corners = np.floor(scene.quads.astype(np.float64) + 0.5).astype(int).reshape(-1, 8).tolist()
    return "".join(f"{','.join(map(str, row))},{text}\r\n" for row, text in zip(corners, scene.texts, strict=True))
