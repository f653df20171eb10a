"""Arrays as pictures: heat over an image, grids of small maps, and panels with words beside each other.

Letters: H x W pixels, N tiles of h x w. A ``Picture`` is (H, W, 3) uint8 RGB. Nothing given is changed.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from saccade.data.wording import nearest
from saccade.errors import ConfigError

Picture: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]

SIGNED, RISING = "RdBu_r", "viridis"
"""Colour maps of numbers around 0 (blue below, white at 0, red above), and of numbers from 0 up."""
PAPER, INK, MUTED, EDGE = (255, 255, 255), (34, 38, 43), (98, 105, 115), (136, 141, 148)
GAP, LINE, TEXT = 12, 18, 13
"""Pixels between panels, of a line of text, and of its letters."""
WORDS = 640
"""Pixels that words may make a panel wider than its picture."""
BAR = 12
"""Height of a scale of colours."""


class Scale(NamedTuple):
    """From numbers to colours."""

    low: float
    high: float
    colours: str
    zero: float  # share of the way from low to high at which 0 lies

    @classmethod
    def around_zero(
        cls, values: Floats, colours: str | None = None, *, share: float = 1.0, at_least: float = 0.0
    ) -> Scale:
        """0 in the middle; ``share`` of the values lie within, the others get the colours of the ends.

        ``at_least``: where all values are nearer to 0, the ends are there all the same.
        """
        end = max(at_least, _quantile(np.abs(values), share))
        return cls(-end, end, colours or SIGNED, 0.5)

    @classmethod
    def from_zero(cls, values: Floats, colours: str | None = None, *, share: float = 1.0) -> Scale:
        """0 at the lower end."""
        return cls(0.0, _quantile(values, share), colours or RISING, 0.0)

    @classmethod
    def of(cls, values: Floats, colours: str | None = None, *, share: float = 1.0) -> Scale:
        """From 0 up, or around 0 where some values are below."""
        return (cls.around_zero if float(values.min(initial=0)) < 0 else cls.from_zero)(values, colours, share=share)

    def shares(self, values: Floats) -> Floats:
        """The values in [0, 1]; where all are 0, the place of 0."""
        if self.high <= self.low:
            return np.full_like(values, self.zero)
        shares: Floats = ((values - self.low) / (self.high - self.low)).clip(0, 1).astype(np.float32)
        return shares

    def paint(self, values: Floats) -> Picture:
        """(..., H, W) numbers in their colours, (..., H, W, 3)."""
        return colour_table(self.colours)[np.rint(255 * self.shares(values)).astype(np.uint8)]

    def strength(self, values: Floats) -> Floats:
        """How far from 0, in [0, 1]."""
        reach = max(abs(self.low), abs(self.high))
        return (np.abs(values) / reach).clip(0, 1).astype(np.float32) if reach > 0 else np.zeros_like(values)


class Panel(NamedTuple):
    """A picture with words above it, and a scale or more words below."""

    picture: Picture
    title: str
    note: str = ""
    scale: Scale | None = None


@lru_cache(maxsize=8)
def colour_table(name: str) -> Picture:
    """(256, 3) the colours of one of matplotlib's maps.

    Raises:
        ConfigError: there is none of that name.
    """
    import matplotlib as mpl

    if name not in mpl.colormaps:
        near = nearest(name, list(mpl.colormaps))
        hint = f"did you mean {near}?" if near else f"choose gray, {RISING}, {SIGNED}, or another of matplotlib's"
        raise ConfigError(f"--colours: no colour map is called {name!r}; {hint}")
    table: Picture = np.rint(255 * mpl.colormaps[name](np.linspace(0, 1, 256))[:, :3]).astype(np.uint8)
    return table


def enlarged(picture: Picture, longest: int) -> Picture:
    """The picture with a longer side of so many pixels; what is enlarged keeps its pixels visible."""
    height, width = picture.shape[:2]
    factor = longest / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = Image.Resampling.BICUBIC if factor < 1 else Image.Resampling.NEAREST
    return np.asarray(Image.fromarray(picture).resize(size, how))


def laid_over(picture: Picture, values: Floats, scale: Scale) -> Picture:
    """The picture in grey, under (H, W) numbers of the same size: the farther from 0, the more of their colour."""
    grey = np.asarray(Image.fromarray(picture).convert("L"), dtype=np.float32)[..., None]
    grey = 40 + grey * (215 / 255)  # black and white would swallow a colour
    weight = 0.85 * scale.strength(values)[..., None] ** 0.8
    return np.rint((1 - weight) * grey + weight * scale.paint(values)).astype(np.uint8)


def tiled(
    tiles: Sequence[Picture], *, columns: int, pixels: int, gap: int = 1, between: tuple[int, int, int] = EDGE
) -> Picture:
    """Tiles of one size, row by row, each of its pixels ``pixels`` wide, with ``gap`` of a colour between the tiles."""
    height, width = (pixels * side for side in tiles[0].shape[:2])
    rows = math.ceil(len(tiles) / columns)
    shape = (rows * (height + gap) + gap, columns * (width + gap) + gap, 3)
    sheet: Picture = np.full(shape, between, dtype=np.uint8)
    for place, tile in enumerate(tiles):
        y, x = (n * (side + gap) + gap for n, side in zip(divmod(place, columns), (height, width), strict=True))
        sheet[y : y + height, x : x + width] = tile.repeat(pixels, axis=0).repeat(pixels, axis=1)
    sheet[y:, x + width + gap :] = PAPER  # behind the last tile
    return sheet


def columns_for(tiles: int, *, height: int, width: int) -> int:
    """How many columns make a grid of such tiles about as wide as it is high, rather wider, with full rows if it can.

    >>> [columns_for(n, height=3, width=3) for n in (1, 6, 16, 32, 64, 96)]
    [1, 3, 4, 8, 8, 12]
    """
    ideal = math.sqrt(tiles * height / width)
    near = range(max(1, math.floor(ideal)), min(tiles, math.ceil(1.6 * ideal)) + 1)
    full = [columns for columns in near if tiles % columns == 0 and columns >= ideal]
    return min(tiles, full[0] if full else math.ceil(ideal))


def panels(rows: Sequence[Sequence[Panel]], *, title: str = "") -> Picture:
    """Rows of panels on white, below a title."""
    drawn = [[_drawn(panel) for panel in row] for row in rows]
    widths = [sum(each.width + GAP for each in row) + GAP for row in drawn]
    heights = [max(each.height for each in row) + GAP for row in drawn]
    head = LINE + GAP if title else 0
    words = min(math.ceil(_font(bold=True).getlength(title)), WORDS) + 2 * GAP
    sheet = Image.new("RGB", (max(*widths, words), sum(heights) + head + GAP), PAPER)
    if title:
        _write(ImageDraw.Draw(sheet), (GAP, GAP), title, INK, sheet.width - 2 * GAP, bold=True)
    y = head + GAP
    for row, height in zip(drawn, heights, strict=True):
        x = GAP
        for each in row:
            sheet.paste(each, (x, y))
            x += each.width + GAP
        y += height
    return np.asarray(sheet)


def _drawn(panel: Panel) -> Image.Image:
    height, width = panel.picture.shape[:2]
    below = (BAR + LINE + 4 if panel.scale else 0) + (LINE if panel.note else 0)
    words = math.ceil(max(_font().getlength(text) for text in (panel.title, panel.note)))
    sheet = Image.new("RGB", (max(width, 96, min(words, WORDS)), height + LINE + below), PAPER)
    pen = ImageDraw.Draw(sheet)
    _write(pen, (0, 0), panel.title, INK, sheet.width)
    sheet.paste(Image.fromarray(panel.picture), (0, LINE))
    y = LINE + height + 2
    if panel.scale:
        _draw_scale(sheet, pen, panel.scale, y, width)
        y += BAR + LINE + 2
    if panel.note:
        _write(pen, (0, y), panel.note, MUTED, sheet.width)
    return sheet


def _draw_scale(sheet: Image.Image, pen: ImageDraw.ImageDraw, scale: Scale, y: int, width: int) -> None:
    ramp = np.linspace(scale.low, scale.high, width, dtype=np.float32)[None].repeat(BAR, axis=0)
    sheet.paste(Image.fromarray(scale.paint(ramp)), (0, y + 2))
    pen.rectangle((0, y + 2, width - 1, y + BAR + 1), outline=EDGE)
    if scale.high <= scale.low:
        _write(pen, (0, y + BAR + 2), "0 everywhere", MUTED, width)
        return
    low, high = number(scale.low), number(scale.high)
    _write(pen, (0, y + BAR + 2), low, MUTED, width)
    _write(pen, (width - round(_font().getlength(high)), y + BAR + 2), high, MUTED, width)
    if scale.low < 0 < scale.high and width > 110:
        _write(pen, (width // 2 - 4, y + BAR + 2), "0", MUTED, width)


def probability(value: float) -> str:
    """Three digits behind the point, or one that says something: 0.994, 0.000049 as 5e-05."""
    return f"{value:.3f}" if value >= 0.0005 or value == 0 else f"{value:.0e}"


def number(value: float) -> str:
    """Two digits that say something: 0.43, -1.2, 0.0031, 12."""
    return f"{value:.2g}" if abs(value) < 10 else f"{value:.0f}"


@lru_cache(maxsize=2)
def _font(*, bold: bool = False) -> ImageFont.FreeTypeFont:
    import matplotlib as mpl

    # it knows Greek and Cyrillic letters too, which Pillow's own does not
    file = Path(mpl.get_data_path()) / "fonts" / "ttf" / f"DejaVuSans{'-Bold' if bold else ''}.ttf"
    return ImageFont.truetype(str(file), TEXT)


def _write(
    pen: ImageDraw.ImageDraw,
    xy: tuple[int, int],
    text: str,
    fill: tuple[int, int, int],
    width: int,
    *,
    bold: bool = False,
) -> None:
    """One line, cut where it does not fit."""
    font, text = _font(bold=bold), " ".join(text.split())
    if font.getlength(text) > width:
        fits = bisect_left(range(1, len(text) + 1), True, key=lambda n: font.getlength(f"{text[:n]}…") > width)
        text = f"{text[:fits]}…"
    pen.text(xy, text, fill=fill, font=font)


def _quantile(values: Floats, share: float) -> float:
    if not values.size:
        return 0.0
    reached = values.max() if share == 1.0 else np.quantile(values, share, method="higher")
    return float(reached) or float(values.max())
