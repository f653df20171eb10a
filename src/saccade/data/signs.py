"""Signs: words in one font on a plane in space, and where in an image a camera sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from saccade.data.lettering import EM, FACES, Matrix, carried, corners, ink, seen, shifted
from saccade.data.made_up_words import Characters, made_up_word
from saccade.data.scenes import SceneSplit
from saccade.data.textures import pick

MARGIN = 0.08
"""Of the height of a word's ink: what its quad leaves on each side of the ink."""
LOWEST = 14
"""Pixels of the image that the ink of a word to be read is high, at least, but for what tilt takes of it (a tenth)."""
ROW_ATTEMPTS = 4
"""Signs that find no place at the end of a row, lower ones on the average, after which it stays as it is."""
FIRST_ATTEMPTS = 20
"""The same at its beginning, after which the sheet stays as it is."""
Kind: TypeAlias = Literal["read", "cut", "small", "blurred"]
"""A sign to be read, or one that cannot be: the edge of the image cuts it off, it is too small, or out of focus."""


@dataclass(frozen=True)
class Word:
    """A word on the plane of its sign, in ``EM`` pixels."""

    text: str
    ink: Image.Image
    left: float
    top: float

    def box(self, margin: float = 0.0) -> NDArray[np.float64]:
        """(4, 2) the corners of its ink, widened by ``margin`` of its height."""
        (width, height), m = self.ink.size, margin * self.ink.height
        return corners(self.left - m, self.top - m, self.left + width + m, self.top + height + m)


@dataclass(frozen=True)
class Sign:
    """Words on a plane, with the origin in their middle, and (4, 2) the corners around them and their plate."""

    words: tuple[Word, ...]
    edge: NDArray[np.float64]


@dataclass(frozen=True)
class Placed:
    """A sign, and the homography that leads from its plane to the image."""

    sign: Sign
    view: Matrix
    kind: Kind

    @property
    def edge(self) -> NDArray[np.float64]:
        """(4, 2) the corners of the sign in the image."""
        return carried(self.view, self.sign.edge)


def sign_of(rng: np.random.Generator, count: int, split: SceneSplit, characters: Characters) -> Sign:
    """``count`` words in one font, one beside the other or in rows one below the other."""
    name, in_rows = pick(FACES, rng), rng.random() < 0.5
    gap, words = EM * rng.uniform(0.3, 0.5), list[Word]()
    for _ in range(count):
        text, picture, above = _written(rng, name, split, characters)
        last = words[-1] if words else None
        if last is None or in_rows:
            words.append(Word(text, picture, 0.0, last.top + last.ink.height + gap if last else -float(above)))
        else:
            words.append(Word(text, picture, last.left + last.ink.width + gap, -float(above)))
    border = rng.uniform(2, 7) * MARGIN
    points = np.concatenate([word.box(border) for word in words])
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = (low + high) / 2
    centred = tuple(Word(word.text, word.ink, word.left - x, word.top - y) for word in words)
    return Sign(centred, corners(*(low - (x, y)), *(high - (x, y))))


def _written(
    rng: np.random.Generator, name: str, split: SceneSplit, characters: Characters
) -> tuple[str, Image.Image, int]:
    """A word and its ``ink``; none so narrow that it could be taken for one that is written downwards."""
    while True:
        text = made_up_word(rng, split=split, characters=characters)
        picture, above = ink(text, name)
        if picture.width >= 1.3 * picture.height:
            return text, picture, above


def row_of(
    rng: np.random.Generator, top: float, size: int, split: SceneSplit, characters: Characters
) -> list[Placed] | None:
    """Signs of one word each, to be read, side by side below ``top`` in an image of ``size`` pixels; None at its end.

    Words of a row are about as high. Each is turned by up to 4 degrees; every other is tilted.
    """
    row, left, failures = list[Placed](), rng.uniform(0, 6), 0
    highest = _height(rng, size)
    while failures < (ROW_ATTEMPTS if row else FIRST_ATTEMPTS):
        sign = sign_of(rng, 1, split, characters)
        height = max(LOWEST, highest * rng.uniform(0.8, 1.0) ** (1 + failures))
        view = _view(rng, sign, height, float(np.radians(rng.uniform(-4, 4))))
        new = Placed(sign, shifted(*((left, top) - carried(view, sign.edge).min(axis=0))) @ view, "read")
        if has_place(new, [], size):
            row.append(new)
            left, failures = new.edge[:, 0].max() + rng.uniform(0, 6), 0
        else:
            failures += 1
    return row or None


def placed(rng: np.random.Generator, sign: Sign, kind: Kind, size: int, turn: float) -> Placed:
    """A sign somewhere in an image of ``size`` pixels, turned by ``turn`` radians clockwise; every other is tilted."""
    height = _height(rng, size)
    if kind == "small":
        height = rng.uniform(5, 8)
    view = _view(rng, sign, height, turn)
    outline = carried(view, sign.edge)
    low, high = -outline.min(axis=0), size - outline.max(axis=0)
    place = low + (high - low) * rng.random(2)
    if kind == "cut":
        side = int(rng.random() * 4)  # left, top, right, bottom
        middle = (low + high - size) / 2 + rng.uniform(-0.2, 0.2, 2) * np.ptp(outline, axis=0)
        place[side % 2] = middle[side % 2] + (size if side >= 2 else 0)
    return Placed(sign, shifted(*place) @ view, kind)


def _height(rng: np.random.Generator, size: int) -> float:
    """Pixels of ink of a word to be read, more often low than high."""
    return float(np.exp(rng.uniform(np.log(LOWEST), np.log(max(1.3 * LOWEST, size / 6)))))


def _view(rng: np.random.Generator, sign: Sign, height: float, turn: float) -> Matrix:
    """From the plane of a sign, whose lowest word is ``height`` pixels high, to an image about its middle."""
    scale = height / min(word.ink.height for word in sign.words)
    extent = float(np.linalg.norm(sign.edge[2] - sign.edge[0])) * scale
    yaw, pitch = np.radians(rng.uniform(-1, 1, 2) * (35, 25)) if rng.random() < 0.5 else (0.0, 0.0)
    return seen(turn=turn, yaw=yaw, pitch=pitch, scale=scale, distance=2 * extent)


def has_place(new: Placed, others: list[Placed], size: int) -> bool:
    """Whether a sign lies inside the image (unless it is to be cut), is high enough and meets no other."""
    if new.kind != "cut" and not (new.edge.min() >= 0 and new.edge.max() <= size):
        return False
    if new.kind == "read":
        quads = [carried(new.view, word.box()) for word in new.sign.words]
        sides = min(float(np.linalg.norm(quad[a] - quad[b])) for quad in quads for a, b in ((0, 3), (1, 2)))
        if sides < 0.9 * LOWEST:
            return False
    return all(_apart(new.edge, other.edge) for other in others)


def _apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether an edge of one of two convex quads, clockwise on screen, has the other quad on its outer side."""
    for one, other in ((a, b), (b, a)):
        along = np.roll(one, -1, axis=0) - one
        away = other[None] - one[:, None]
        inward = along[:, None, 0] * away[:, :, 1] - along[:, None, 1] * away[:, :, 0]
        if (inward < 0).all(axis=1).any():
            return True
    return False


def plate_of(rng: np.random.Generator, sign: Sign) -> Image.Image:
    """What a plate covers: all of the sign, its corners rounded at times."""
    width, height = (round(v) for v in np.ptp(sign.edge, axis=0))
    plate = Image.new("L", (width, height))
    radius = pick((0.0, 0.1, 0.3), rng) * min(width, height)
    ImageDraw.Draw(plate).rounded_rectangle((0, 0, width - 1, height - 1), radius, fill=255)
    return plate
