"""What people would say of the built-in scenes, and what a caption says of one, to be held against it.

Only what is well seen is spoken of: no hidden and no difficult objects. Every caption of a scene names the same things,
each by colour and shape; some add what is striking in size or fill, and where the things are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from saccade.data.scenes import CLASSES, Scene
from saccade.data.textures import COLOURS, FILLS

PER_SCENE = 5
"""Captions of each scene, no two the same."""
MOST_OBJECTS = 2
"""Objects in a scene with captions; of more, a short sentence would leave out most."""

SIZES = ("small", "large")
SAID_FILLS = tuple(fill for fill in FILLS if fill != "plain")
"""Nobody says of a thing that it is plain."""
_SMALL_BELOW, _LARGE_FROM = 0.185, 0.235
"""Of the radius as a share of the image's side, which lies between 0.15 and 0.28: about a third is neither."""


class Thing(NamedTuple):
    """An object as a caption speaks of it; None where it says nothing, "red blue" where it says too much."""

    size: str | None  # one of SIZES
    colour: str | None  # a key of COLOURS
    fill: str | None  # one of SAID_FILLS
    shape: str  # one of CLASSES


def captions(scene: Scene, *, seed: int, index: int) -> tuple[str, ...]:
    """``PER_SCENE`` of the scene's ``wordings`` in random order, the fullest always among them.

    What no caption of a scene says of a thing is therefore not so.
    """
    fullest, *others = wordings(scene)
    rng = np.random.default_rng([seed, index])
    return tuple(_shuffled([fullest, *_shuffled(others, rng)[: PER_SCENE - 1]], rng))


def wordings(scene: Scene) -> tuple[str, ...]:
    """Every caption of a scene of at most ``MOST_OBJECTS`` objects: five or more, each once, the fullest first.

    All are true, and have at most 12 words.
    """
    assert len(scene.objects) <= MOST_OBJECTS
    seen = [i for i in range(len(scene.objects)) if not scene.difficult(i)]
    found = _of_one(scene, seen[0]) if len(seen) == 1 else _of_two(scene, *_in_reading_order(scene, seen))
    return tuple(dict.fromkeys(found))


def said(caption: str) -> frozenset[Thing]:
    """The things that a caption names: at each shape, with the sizes, colours and fills since the one before."""
    things: set[Thing] = set()
    words: list[str] = []
    for word in re.findall(r"[a-z]+", caption.lower()):
        if word in CLASSES:
            things.add(Thing(_among(SIZES, words), _among(COLOURS, words), _among(SAID_FILLS, words), word))
            words = []
        else:
            words.append(word)
    return frozenset(things)


def agrees(caption: str, references: Iterable[str]) -> bool:
    """Whether a caption names exactly the things of a scene, by colour and shape, with no wrong size and fill.

    Where things lie, and how often they are named, is not looked at.

    ``references``: all captions of the scene, of which one says everything.
    """
    truth: dict[tuple[str | None, str], Thing] = {}
    for thing in frozenset[Thing]().union(*map(said, references)):
        known = truth.get((thing.colour, thing.shape), thing)
        whole = known._replace(size=known.size or thing.size, fill=known.fill or thing.fill)
        truth[thing.colour, thing.shape] = whole
    things = {(thing.colour, thing.shape): thing for thing in said(caption)}
    return things.keys() == truth.keys() and all(
        thing.size in (None, truth[key].size) and thing.fill in (None, truth[key].fill) for key, thing in things.items()
    )


def _shuffled(words: Sequence[str], rng: np.random.Generator) -> list[str]:
    """In random order, by plain uniform doubles, a stream that NumPy keeps as it is."""
    return [words[i] for i in np.argsort(rng.random(len(words)), kind="stable")]


def _among(known: Collection[str], words: Sequence[str]) -> str | None:
    """Those of ``words`` that are known, in one string; None where there is none."""
    return " ".join(word for word in words if word in known) or None


def _of_one(scene: Scene, i: int) -> list[str]:
    """Captions of a scene with one object to speak of."""
    thing, full = _noun(scene, i), _noun(scene, i, size=True, fill=True)
    return [
        full,
        thing,
        f"there is {thing}",
        f"here is {thing}",
        f"a picture of {thing}",
        f"{thing} {_region(scene, i)}",
        f"{full} {_region(scene, i)}",
        _noun(scene, i, size=True),
        _noun(scene, i, fill=True),
    ]


def _of_two(scene: Scene, i: int, k: int) -> list[str]:
    """Captions of a scene with two objects, of which the first lies left of the other, or above it."""
    a, b = _noun(scene, i), _noun(scene, k)
    relation, inverse = ("left of", "right of") if _side_by_side(scene, i, k) else ("above", "below")
    found = [
        f"{_noun(scene, i, size=True, fill=True)} {relation} {_noun(scene, k, size=True, fill=True)}",
        f"{a} {relation} {b}",
        f"{b} {inverse} {a}",
        f"{a} and {b}",
        f"there is {a} {relation} {b}",
        f"a picture of {a} and {b}",
        f"{_noun(scene, i, size=True)} {relation} {_noun(scene, k, fill=True)}",
    ]
    for behind, back, front in ((i, a, b), (k, b, a)):
        if scene.occluded(behind):
            found += [f"{front} in front of {back}", f"{back} behind {front}"]
    return found


def _noun(scene: Scene, i: int, *, size: bool = False, fill: bool = False) -> str:
    """An object with its article, colour and shape; with its ``size`` and ``fill`` where they are worth a word."""
    thing = scene.objects[i]
    share = thing.radius / scene.size
    of_size = "small" if share < _SMALL_BELOW else "large" if share >= _LARGE_FROM else ""
    of_fill = thing.fill if thing.fill in SAID_FILLS else ""
    words = [of_size if size else "", thing.colour, of_fill if fill else "", thing.shape]
    text = " ".join(filter(None, words))
    return f"{'an' if text[0] in 'aeiou' else 'a'} {text}"


def _middle(scene: Scene, i: int) -> tuple[float, float]:
    """The middle x and y of what is seen of an object, in pixels."""
    x0, y0, x1, y1 = scene.box_xyxy(i)
    return (x0 + x1) / 2, (y0 + y1) / 2


def _side_by_side(scene: Scene, i: int, k: int) -> bool:
    """Whether two objects lie farther apart from left to right than from top to bottom."""
    (xi, yi), (xk, yk) = _middle(scene, i), _middle(scene, k)
    return abs(xi - xk) >= abs(yi - yk)


def _in_reading_order(scene: Scene, pair: Sequence[int]) -> list[int]:
    """Two objects from left to right, or where they lie one above the other from top to bottom."""
    axis = 0 if _side_by_side(scene, *pair) else 1
    return sorted(pair, key=lambda i: _middle(scene, i)[axis])


def _region(scene: Scene, i: int) -> str:
    """Where in the image an object is: the middle, or the side it is nearest to."""
    x, y = (2 * place / scene.size - 1 for place in _middle(scene, i))
    if max(abs(x), abs(y)) < 1 / 3:
        return "in the middle"
    if abs(x) >= abs(y):
        return "on the left" if x < 0 else "on the right"
    return "at the top" if y < 0 else "at the bottom"
