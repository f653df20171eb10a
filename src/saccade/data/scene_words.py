"""The built-in scenes with words: signs of one to three words, tilted in space, over textured grounds.

A scene is a pure function of (seed, split, index), and of its size and characters. The words of a split occur in no
other (``made_up_words``).

The quad of a word is the upright box around its ink in the plane of its sign, from the highest ink of this word to the
lowest and from the first to the last, widened on each side by ``MARGIN`` of that height, and carried to the image by
the homography of the ink itself. It is no line box: "sea" has a lower one than "Sky".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from saccade.data.lettering import EM, carried, painted, seen, shifted
from saccade.data.made_up_words import Characters
from saccade.data.scenes import SceneSplit
from saccade.data.shapes import OUTLINES, REACH
from saccade.data.signs import MARGIN, Kind, Placed, has_place, placed, plate_of, row_of, sign_of
from saccade.data.textures import COLOURS, background, jittered, photographed, pick
from saccade.data.words import DONT_CARE

VERSION = 2
"""Of the drawing; raised with every change that makes the same seed give another scene."""

MOST_WORDS = 10
SMALLEST_SIZE = 112
"""Pixels: in smaller images the longest words find no place."""

_SPLITS: dict[SceneSplit, int] = {"train": 0, "val": 1, "test": 2}
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_CONTRAST = 0.3  # of luma, between ink and whatever is behind it
_ATTEMPTS = 20  # signs that find no place, after which a scene stays with fewer words


@dataclass(frozen=True)
class TextScene:
    """An image and its K words; pixels are counted from the outer corner of the first."""

    image: NDArray[np.uint8]  # (H, W, 3) RGB
    quads: NDArray[np.float32]  # (K, 4, 2) x, y clockwise from where reading begins; of cut words beyond the image
    texts: tuple[str, ...]  # K; "###" where nobody could read it
    cared: NDArray[np.bool_]  # (K,) False where the text is "###"
    owner: NDArray[np.uint16]  # (H, W): 0 no ink, k + 1 where the ink of word k covers at least half the pixel


def draw_text_scene(
    seed: int, index: int, *, size: int, split: SceneSplit = "train", characters: Characters = "upper"
) -> TextScene:
    """Draw one scene of ``size`` by ``size`` pixels, ``SMALLEST_SIZE`` or more, with one to ``MOST_WORDS`` words."""
    assert size >= SMALLEST_SIZE, "the longest words would find no place"
    rng = np.random.default_rng([seed, _SPLITS[split], index, 0])
    left, failures, turn = pick(range(1, MOST_WORDS + 1), rng), 0, _turn(rng)
    signs: list[Placed] = []
    while left and (failures < _ATTEMPTS or not signs):
        kind = _kind(rng) if signs else "read"
        count = min(left, pick((1, 1, 2, 3), rng)) if kind == "read" else 1
        sign = sign_of(rng, count, split, characters)
        tries = (placed(rng, sign, kind, size, turn if rng.random() < 0.8 else _turn(rng)) for _ in range(3))
        found = next((there for there in tries if has_place(there, signs, size)), None)
        if found is None:
            failures += 1
        else:
            signs.append(found)
            left -= count
    return _photograph(rng, _ground(rng, size), signs)


def draw_word_sheet(
    seed: int, index: int, *, size: int, split: SceneSplit = "train", characters: Characters = "upper"
) -> TextScene:
    """Draw rows of words one beside the other, nearly level and each a sign of its own: all that can be read at once.

    Three times as many words as in a scene of that ``size``, ``SMALLEST_SIZE`` or more, to learn reading from.
    """
    assert size >= SMALLEST_SIZE, "the longest words would find no place"
    rng = np.random.default_rng([seed, _SPLITS[split], index, 1])
    signs: list[Placed] = []
    top = 0.0
    while (row := row_of(rng, top, size, split, characters)) is not None:
        signs += row
        top = max(sign.edge[:, 1].max() for sign in row)
    return _photograph(rng, _ground(rng, size), signs)


def _ground(rng: np.random.Generator, size: int) -> NDArray[np.float32]:
    """(size, size, 3) a textured ground; half of them with one to four of the built-in shapes, which nobody reads."""
    _, canvas, _ = background(rng, size)
    for _ in range(pick((0, 0, 0, 0, 1, 2, 3, 4), rng)):
        shape = Image.new("L", (2 * EM, 2 * EM))
        pen, cover = ImageDraw.Draw(shape), int(rng.uniform(90, 255))
        for i, outline in enumerate(OUTLINES[pick(list(OUTLINES), rng)]):
            fitting = EM * (1 + outline / REACH) - 0.5  # Pillow counts from the centre of a pixel
            pen.polygon([(float(x), float(y)) for x, y in fitting], fill=0 if i else cover)
        view = seen(
            turn=rng.uniform(0, 2 * np.pi), yaw=0, pitch=0, scale=size * rng.uniform(0.1, 0.4) / EM, distance=size
        )
        middle = shifted(*rng.uniform(0, size, 2)) @ view @ shifted(-EM, -EM)
        painted(canvas, shape, middle, jittered(pick(list(COLOURS.values()), rng), rng, amount=0.07))
    return canvas


def _kind(rng: np.random.Generator) -> Kind:
    share = rng.random()
    return "cut" if share < 0.05 else "small" if share < 0.10 else "blurred" if share < 0.13 else "read"


def _turn(rng: np.random.Generator) -> float:
    """Radians that a sign is turned by: six in seven up to 15 degrees, the others up to 45."""
    degrees = rng.uniform(-15, 15) if rng.random() < 6 / 7 else pick((-1, 1), rng) * rng.uniform(15, 45)
    return float(np.radians(degrees))


def _photograph(rng: np.random.Generator, canvas: NDArray[np.float32], signs: list[Placed]) -> TextScene:
    """Paint the signs over ``canvas`` and take the picture."""
    owner = np.zeros(canvas.shape[:2], np.uint16)
    quads: list[NDArray[np.float64]] = []
    texts: list[str] = []
    for there in signs:
        rgb = _colour(rng, canvas, there)
        for word in there.sign.words:
            flat = there.view @ shifted(word.left, word.top)
            quads.append(carried(there.view, word.box(MARGIN)))
            height = float(np.linalg.norm(quads[-1][3] - quads[-1][0]))
            here, share = painted(canvas, word.ink, flat, rgb, blur=0.22 * height if there.kind == "blurred" else 0)
            texts.append(word.text if there.kind == "read" else DONT_CARE)
            owner[here][share >= 0.5] = len(texts)
    if rng.random() < 0.5:
        canvas = _blurred(canvas, rng.uniform(0.3, 0.9))
    return TextScene(
        image=photographed(canvas, rng),
        quads=np.array(quads, np.float32).reshape(-1, 4, 2),
        texts=tuple(texts),
        cared=np.array([text != DONT_CARE for text in texts], dtype=np.bool_),
        owner=owner,
    )


def _colour(rng: np.random.Generator, canvas: NDArray[np.float32], there: Placed) -> NDArray[np.float32]:
    """(3,) a colour that stands out from what is behind the sign; paint a plate behind it first, or if none does."""
    x0, y0 = np.clip(there.edge.min(axis=0), 0, None).astype(int)
    x1, y1 = np.ceil(there.edge.max(axis=0)).astype(int)
    behind = canvas[y0:y1, x0:x1] @ _LUMA
    low, high = float(behind.min()), float(behind.max())
    palette = [jittered(rgb, rng, amount=0.07) for rgb in COLOURS.values()]
    clear = [rgb for rgb in palette if _stands_out(rgb, low, high)]
    if rng.random() > 0.35 and clear:
        return pick(clear, rng)
    plate = pick(palette, rng)
    painted(canvas, plate_of(rng, there.sign), there.view @ shifted(*there.sign.edge[0]), plate)
    luma = float(plate @ _LUMA)
    return pick([rgb for rgb in palette if _stands_out(rgb, luma, luma)], rng)


def _stands_out(rgb: NDArray[np.float32], low: float, high: float) -> bool:
    """Whether a colour is darker than ``low``, or lighter than ``high`` unless strong light would bleach both."""
    luma = float(rgb @ _LUMA)
    return luma < low - _CONTRAST or (high < 0.55 and luma > high + _CONTRAST)


def _blurred(canvas: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """The picture out of focus: a Gaussian with a standard deviation of ``radius`` pixels."""
    picture = Image.fromarray(np.clip(canvas * 255 + 0.5, 0, 255).astype(np.uint8))
    soft = picture.filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(soft, np.float32) / np.float32(255)
