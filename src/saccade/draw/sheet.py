"""A sheet of labelled pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

LINE = 16  # pixels of height for a line of text


def contact_sheet(
    images: Sequence[NDArray[np.uint8]], captions: Sequence[str], *, columns: int = 8, cell: int = 160
) -> NDArray[np.uint8]:
    """Pictures in rows, each shrunk or enlarged into a square cell with its caption below.

    Args:
        images: (H, W, 3) uint8 RGB, of any sizes.
        captions: one a picture, put on one line and cut where it does not fit.
        columns: pictures a row.
        cell: height and width of a cell in pixels, caption not counted.

    Returns:
        (rows * (cell + 20), columns * (cell + 4), 3) uint8 RGB.
    """
    assert len(images) == len(captions)
    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)
    width, height = cell + 4, cell + LINE + 4
    sheet = Image.new("RGB", (columns * width, max(rows, 1) * height), "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=11)
    for i, (image, caption) in enumerate(zip(images, captions, strict=True)):
        x, y = (i % columns) * width + 2, (i // columns) * height + 2
        picture = Image.fromarray(image)
        scale = cell / max(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        enlarged = picture.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.LANCZOS)
        sheet.paste(enlarged, (x + (cell - size[0]) // 2, y + (cell - size[1]) // 2))
        pen.text((x, y + cell + 1), _fitted(caption, font, cell), fill="black", font=font)
    return np.asarray(sheet)


def _fitted(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    text = " ".join(text.split())
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"
