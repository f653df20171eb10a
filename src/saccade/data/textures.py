"""Patterns, colours and light for the built-in scenes: functions of pixels and a random generator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

T = TypeVar("T")
Plane: TypeAlias = NDArray[np.float32]
"""(H, W) float32, mostly in [0, 1]."""

COLOURS: dict[str, tuple[float, float, float]] = {
    "black": (0.10, 0.10, 0.12),
    "blue": (0.16, 0.36, 0.85),
    "brown": (0.48, 0.29, 0.14),
    "green": (0.17, 0.60, 0.26),
    "orange": (0.96, 0.54, 0.12),
    "pink": (0.96, 0.56, 0.73),
    "purple": (0.51, 0.24, 0.69),
    "red": (0.85, 0.16, 0.17),
    "turquoise": (0.16, 0.72, 0.72),
    "white": (0.95, 0.95, 0.93),
    "yellow": (0.97, 0.84, 0.20),
}
"""The colours of objects by name, RGB in [0, 1]."""

FILLS = ("plain", "striped", "dotted", "checkered")
BACKGROUNDS = ("gradient", "stripes", "checker", "noise")


def pick(values: Sequence[T], rng: np.random.Generator) -> T:
    """One of ``values`` at random; from a plain uniform double, a stream that NumPy keeps as it is."""
    return values[int(rng.random() * len(values))]


def jittered(rgb: tuple[float, float, float], rng: np.random.Generator, *, amount: float) -> NDArray[np.float32]:
    """(3,) the colour moved by up to ``amount`` in each channel, kept in [0, 1]."""
    return np.clip(np.asarray(rgb) + rng.uniform(-amount, amount, 3), 0, 1).astype(np.float32)


def _clipped(plane: Plane) -> Plane:
    clipped: Plane = np.clip(plane, 0, 1)
    return clipped


def _edge(value: Plane, period: float) -> Plane:
    """0 below zero and 1 above, with a flank about one pixel wide if ``value`` is a sine of that period."""
    return _clipped(0.5 + period / 6 * value)


def pattern(kind: str, x: Plane, y: Plane, *, angle: float, period: float) -> Plane:
    """How much of a second colour each pixel takes: ``plain``, ``striped``, ``dotted`` or ``checkered``.

    ``x`` and ``y`` are in pixels; the pattern is turned by ``angle`` radians and repeats every ``period``
    pixels.
    """
    if kind == "plain":
        return np.zeros(np.broadcast_shapes(x.shape, y.shape), np.float32)
    turn = np.float32(2 * np.pi / period)
    c, s = np.float32(np.cos(angle)) * turn, np.float32(np.sin(angle)) * turn
    across = np.sin(c * x + s * y)
    if kind == "striped":
        return _edge(across, period)
    along = np.sin(c * y - s * x)
    if kind == "dotted":
        return _edge(across + along - np.float32(0.6), period)
    assert kind == "checkered", kind
    first, second = _edge(across, period), _edge(along, period)
    checks: Plane = first + second - 2 * first * second
    return checks


def value_noise(rng: np.random.Generator, size: int, *, cells: int) -> Plane:
    """(size, size) smooth noise in about [0, 1]: grids of ``cells`` and twice as many, blown up, summed."""
    total = np.zeros((size, size), np.float32)
    for octave in range(2):
        grid = rng.random((cells << octave, cells << octave), dtype=np.float32)
        smooth = Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC)
        total += np.asarray(smooth, np.float32) * np.float32((0.65, 0.35)[octave])
    return total


def _weights(kind: str, rng: np.random.Generator, size: int) -> Plane:
    """How much of the second colour each pixel of a background takes, (size, size) in [0, 1]."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    if kind == "gradient":
        ramp = np.float32(np.cos(angle)) * (x / size - 0.5) + np.float32(np.sin(angle)) * (y / size - 0.5)
        return _clipped(0.5 + ramp)
    if kind == "noise":
        return _clipped(1.6 * value_noise(rng, size, cells=pick(range(3, 9), rng)) - 0.3)
    fill = {"stripes": "striped", "checker": "checkered"}[kind]
    return pattern(fill, x, y, angle=angle, period=size * rng.uniform(0.09, 0.35))


def background(rng: np.random.Generator, size: int) -> tuple[str, NDArray[np.float32], NDArray[np.float32]]:
    """A textured ground in two related, muted colours.

    Returns:
        its kind, the picture (size, size, 3) in [0, 1], and the two colours (2, 3).
    """
    kind = pick(BACKGROUNDS, rng)
    grey = rng.uniform(0.15, 0.85)
    first = np.clip(grey + rng.uniform(-0.16, 0.16, 3), 0, 1)
    second = np.clip(first + pick((-1, 1), rng) * rng.uniform(0.08, 0.22) + rng.uniform(-0.06, 0.06, 3), 0, 1)
    weights = _weights(kind, rng, size)[:, :, None]
    tones = np.stack([first, second]).astype(np.float32)
    return kind, tones[0] + weights * (tones[1] - tones[0]), tones


def photographed(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The picture (H, W, 3) in [0, 1] as uint8, under uneven light, with its own brightness and noise."""
    height, width = picture.shape[:2]
    angle, slope, gain = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25), rng.uniform(0.75, 1.15)
    rows = np.linspace(-slope, slope, height, dtype=np.float32)[:, None] * np.float32(np.sin(angle))
    columns = np.linspace(-slope, slope, width, dtype=np.float32) * np.float32(np.cos(angle))
    light = np.float32(gain) * (1 + rows + columns)[:, :, None]
    noise = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(0.01, 0.05))
    return np.clip((picture * light + noise) * 255 + 0.5, 0, 255).astype(np.uint8)
