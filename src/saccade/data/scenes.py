"""The built-in scenes: coloured shapes over textured grounds, with occlusion, scale, tilt, light and noise.

A scene is a pure function of (seed, split, index): the same index gives the same scene however many are
drawn. Colour, fill and ground are chosen independently of the shape, so only the outline tells the class.
``Scene`` keeps enough for other labels than classes: ``owner`` is a mask, and the objects' names, sizes and
places are what captions speak of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from saccade.data.shapes import OUTLINES, REACH, placed
from saccade.data.textures import COLOURS, FILLS, background, jittered, pattern, photographed, pick

VERSION = 1
"""Of the drawing; raised with every change that makes the same seed give another scene."""

CLASSES: tuple[str, ...] = tuple(sorted(OUTLINES))
SceneSplit: TypeAlias = Literal["train", "val", "test"]
_SPLITS: dict[SceneSplit, int] = {"train": 0, "val": 1, "test": 2}

DIFFICULT_BELOW = 0.3
"""An object of which less than this share is seen is difficult in VOC's sense."""

TILT = np.pi / 6
"""Shapes are turned by up to this angle in radians, either way."""

_SUPERSAMPLING = 4


@dataclass(frozen=True)
class SceneObject:
    """One shape in a scene, in pixels, x right and y down, from the outer corner of the first pixel."""

    shape: str  # one of CLASSES
    colour: str  # a key of COLOURS
    rgb: tuple[float, float, float]  # the shade of that colour it has, in [0, 1]
    fill: str  # one of FILLS
    centre_xy: tuple[float, float]
    radius: float  # about half its height and width
    angle: float  # radians, clockwise as seen


@dataclass(frozen=True)
class Scene:
    """What is to be seen in an image of ``size`` by ``size`` pixels; N objects from the back to the front."""

    size: int
    ground: str  # one of BACKGROUNDS
    objects: tuple[SceneObject, ...]
    owner: NDArray[np.uint8]  # (H, W): 0 ground, i + 1 where object i is what one sees
    areas: tuple[int, ...]  # N pixel counts of the whole shapes, hidden and outside parts too
    areas_inside: tuple[int, ...]  # N pixel counts of what lies inside the image, hidden parts too

    def mask(self, i: int) -> NDArray[np.bool_]:
        """(H, W) true where object ``i`` is seen."""
        seen: NDArray[np.bool_] = self.owner == i + 1
        return seen

    def visible(self, i: int) -> float:
        """The share of object ``i`` that is seen: 0 hidden, 1 nothing covers it or cuts it off."""
        return int(self.mask(i).sum()) / self.areas[i]

    def difficult(self, i: int) -> bool:
        """Whether so little of object ``i`` is seen that it is neither to be found nor to be missed."""
        return self.visible(i) < DIFFICULT_BELOW

    def truncated(self, i: int) -> bool:
        """Whether the edge of the image cuts object ``i`` off."""
        return self.areas_inside[i] < self.areas[i]

    def occluded(self, i: int) -> bool:
        """Whether other objects hide a part of object ``i``."""
        return int(self.mask(i).sum()) < self.areas_inside[i]

    def box_xyxy(self, i: int) -> tuple[int, int, int, int]:
        """The tight box x0, y0, x1, y1 of what is seen of object ``i``, in pixels; x1 and y1 lie outside."""
        mask = self.mask(i)
        assert mask.any(), "a hidden object has no box"
        ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        return int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1


def draw_scene(
    seed: int, index: int, *, size: int, split: SceneSplit = "train", max_objects: int = 3
) -> tuple[NDArray[np.uint8], Scene]:
    """Draw one scene of 1 to ``max_objects`` shapes; image (size, size, 3) uint8 RGB.

    The shape in front is class ``index % C``, and at least half of it is seen, so that C scenes in a row
    show every class.
    """
    rng = np.random.default_rng([seed, _SPLITS[split], index])
    ground, canvas, tones = background(rng, size)
    objects = _compose(rng, size=size, tones=tones, max_objects=max_objects, front=CLASSES[index % len(CLASSES)])
    owner = np.zeros((size, size), np.uint8)
    areas = [_paint(canvas, owner, i + 1, thing) for i, thing in enumerate(objects)]
    whole, inside = zip(*areas, strict=True)
    return photographed(canvas, rng), Scene(size, ground, objects, owner, whole, inside)


def _compose(
    rng: np.random.Generator, *, size: int, tones: NDArray[np.float32], max_objects: int, front: str
) -> tuple[SceneObject, ...]:
    """Choose the objects from back to front; all differ in colour, from each other and from the ground."""
    count = pick(range(1, max_objects + 1), rng)
    colours = _contrasting(rng, tones)
    objects: list[SceneObject] = []
    for i in range(count):
        shape = front if i == count - 1 else pick(CLASSES, rng)
        radius = float(np.exp(rng.uniform(np.log(0.15), np.log(0.28))))
        rgb = jittered(COLOURS[colours[i]], rng, amount=0.07)
        centre_xy = _place(rng, radius, objects[-1] if objects else None, size)
        objects.append(
            SceneObject(
                shape=shape,
                colour=colours[i],
                rgb=(float(rgb[0]), float(rgb[1]), float(rgb[2])),
                fill=pick(FILLS, rng),
                centre_xy=centre_xy,
                radius=radius * size,
                angle=float(rng.uniform(-TILT, TILT)),
            )
        )
    return tuple(objects)


def _contrasting(rng: np.random.Generator, tones: NDArray[np.float32]) -> list[str]:
    """Names of all colours in random order; those too close to one of the ground's two tones come last."""
    palette = np.asarray(list(COLOURS.values()), np.float32)
    is_close = np.linalg.norm(palette[:, None] - tones, axis=2).min(axis=1) < 0.4
    order = np.lexsort((rng.random(len(palette)), is_close))
    return [list(COLOURS)[i] for i in order]


def _place(rng: np.random.Generator, radius: float, behind: SceneObject | None, size: int) -> tuple[float, float]:
    """A centre in pixels: anywhere, or, one time in three, close to the object just behind it."""
    margin = 0.75 * radius  # the edge may cut off a little
    x, y = rng.uniform(margin, 1 - margin, 2)
    away, turn, covers = rng.uniform(0.3, 1.0), rng.uniform(0, 2 * np.pi), rng.random() < 1 / 3
    if behind is not None and covers:
        reach = away * (radius + behind.radius / size)
        x = np.clip(behind.centre_xy[0] / size + reach * np.cos(turn), margin, 1 - margin)
        y = np.clip(behind.centre_xy[1] / size + reach * np.sin(turn), margin, 1 - margin)
    return float(x * size), float(y * size)


def _coverage(thing: SceneObject) -> tuple[NDArray[np.float32], int, int]:
    """The share of each pixel that the whole shape covers, and x and y of the patch's first pixel."""
    reach = REACH * thing.radius
    x0, y0 = (int(np.floor(c - reach)) for c in thing.centre_xy)
    side = int(np.ceil(2 * reach)) + 2
    patch = Image.new("L", (side * _SUPERSAMPLING, side * _SUPERSAMPLING))
    pen = ImageDraw.Draw(patch)
    for i, outline in enumerate(OUTLINES[thing.shape]):
        corners = placed(outline, centre_xy=thing.centre_xy, radius=thing.radius, angle=thing.angle)
        fine = (corners - (x0, y0)) * _SUPERSAMPLING - 0.5  # Pillow counts from the centre of a pixel
        pen.polygon([(float(x), float(y)) for x, y in fine], fill=0 if i else 255)
    return np.asarray(patch.reduce(_SUPERSAMPLING), np.float32) / np.float32(255), x0, y0


def _paint(canvas: NDArray[np.float32], owner: NDArray[np.uint8], number: int, thing: SceneObject) -> tuple[int, int]:
    """Paint the object over ``canvas`` and ``owner`` in place; return its pixels, in all and inside."""
    cover, x0, y0 = _coverage(thing)
    size, side = len(canvas), len(cover)
    top, left = max(0, -y0), max(0, -x0)
    inside = cover[top : min(side, size - y0), left : min(side, size - x0)]
    height, width = inside.shape
    here = (slice(y0 + top, y0 + top + height), slice(x0 + left, x0 + left + width))
    canvas[here] += inside[:, :, None] * (_skin(thing, here) - canvas[here])
    owner[here][inside >= 0.5] = number
    return int((cover >= 0.5).sum()), int((inside >= 0.5).sum())


def _skin(thing: SceneObject, here: tuple[slice, slice]) -> NDArray[np.float32]:
    """(h, w, 3) the object's colour with its fill pattern, in a second shade, at the pixels ``here``."""
    ys, xs = (np.arange(s.start, s.stop, dtype=np.float32) for s in here)
    x, y = xs[None, :] - np.float32(thing.centre_xy[0]), ys[:, None] - np.float32(thing.centre_xy[1])
    first = np.asarray(thing.rgb, np.float32)
    second = first * np.float32(0.65) if first.mean() > 0.45 else first + np.float32(0.3) * (1 - first)
    weight = pattern(thing.fill, x, y, angle=thing.angle + 0.6, period=max(4.0, 0.55 * thing.radius))
    return first + weight[:, :, None] * (second - first)
