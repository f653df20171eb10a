"""Which images the report shows: the ends of three classes' rankings, and the most costly mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.report.scored import Scored

TEN = 10


@dataclass(frozen=True)
class Tile:
    """One image of a gallery and what stands under it."""

    image: str  # relative path
    value: float  # the class's score, or the loss
    verdict: str  # hit, miss, false alarm, rejected; empty among the costliest
    note: str
    position: int  # in the ranking, from 1


@dataclass(frozen=True)
class ClassGallery:
    """The two ends of one class's ranking."""

    name: str
    place: str  # best, median, worst, or only
    ap: float
    ranked: int  # images in the ranking: all but the ignored
    positives: int
    present_in_best: int  # of the ten best, how many show the class
    first_without: int | None  # position of the first image that does not show it
    last_with: int  # position of the last image that does; a class with an AP has one
    best: Sequence[Tile]
    worst: Sequence[Tile]


def three_classes(aps: Sequence[float | None]) -> list[tuple[str, int]]:
    """The best, the median and the worst class by AP as (place, column); ties in class order.

    Classes without an AP are left out. Of an even number the median is the lower of the two in the middle.
    Two classes give the best and the worst, one is the only one.
    """
    defined = [c for c, ap in enumerate(aps) if ap is not None]
    order = sorted(defined, key=lambda c: (-(aps[c] or 0.0), c))
    if len(order) < 2:
        return [("only", c) for c in order]
    middle = [("median", order[len(order) // 2])] if len(order) > 2 else []
    return [("best", order[0]), *middle, ("worst", order[-1])]


def ranking(scores: NDArray[np.float32], targets: NDArray[np.int8]) -> NDArray[np.int64]:
    """(M,) rows of one class from the highest score to the lowest, ties by row, the ignored left out."""
    rows = np.flatnonzero(targets >= 0)
    return rows[np.argsort(-scores[rows], kind="stable")]


def class_galleries(scored: Scored) -> list[ClassGallery]:
    """The galleries of :func:`three_classes`."""
    aps = scored.of_class("ap")
    return [_class_gallery(scored, column, place, float(aps[column] or 0.0)) for place, column in three_classes(aps)]


def _class_gallery(scored: Scored, column: int, place: str, ap: float) -> ClassGallery:
    scores, targets = scored.scores[:, column], scored.targets[:, column]
    down = ranking(scores, targets)
    # Not simply the ranking turned round: among equal scores the earlier row comes first at both ends.
    up = np.sort(down)
    up = up[np.argsort(scores[up], kind="stable")]
    position = {int(row): i for i, row in enumerate(down, start=1)}
    shown = targets[down] == 1
    without, having = np.flatnonzero(~shown), np.flatnonzero(shown)
    return ClassGallery(
        name=scored.classes[column],
        place=place,
        ap=ap,
        ranked=len(down),
        positives=int(shown.sum()),
        present_in_best=int(shown[:TEN].sum()),
        first_without=int(without[0]) + 1 if len(without) else None,
        last_with=int(having[-1]) + 1,
        best=[_tile(scored, int(row), column, position[int(row)]) for row in down[:TEN]],
        worst=[_tile(scored, int(row), column, position[int(row)]) for row in up[:TEN]],
    )


def _tile(scored: Scored, row: int, column: int, position: int) -> Tile:
    present, found = scored.targets[row, column] == 1, bool(scored.found[row, column])
    verdict = {
        (True, True): "hit",
        (True, False): "miss",
        (False, True): "false alarm",
        (False, False): "rejected",
    }
    note = ""
    if scored.task == "classify" and not present:
        note = f"is {scored.classes[int(scored.targets[row].argmax())]}"
    elif scored.task == "classify" and not found:
        note = f"called {scored.classes[int(scored.found[row].argmax())]}"
    score = float(scored.scores[row, column])
    return Tile(scored.images[row], score, verdict[bool(present), found], note, position)


def costliest(scored: Scored) -> list[Tile]:
    """The ten images with the highest loss, ties by row; those without a loss are left out."""
    rows = np.flatnonzero(~np.isnan(scored.losses))
    order = rows[np.argsort(-scored.losses[rows], kind="stable")][:TEN]
    note = _wrong_class if scored.task == "classify" else _wrong_labels
    return [
        Tile(scored.images[row], float(scored.losses[row]), "", note(scored, int(row)), i)
        for i, row in enumerate(order, start=1)
    ]


def _wrong_class(scored: Scored, row: int) -> str:
    target, said = int(scored.targets[row].argmax()), int(scored.found[row].argmax())
    if target == said:
        return f"is {scored.classes[target]}, rightly called so at {scored.scores[row, said]:.2f}"
    return f"is {scored.classes[target]}, called {scored.classes[said]} at {scored.scores[row, said]:.2f}"


def _wrong_labels(scored: Scored, row: int) -> str:
    """The misses and false alarms of one image, at most three of each."""
    targets, found = scored.targets[row], scored.found[row]
    missed = _names(scored, np.flatnonzero((targets == 1) & ~found))
    alarms = _names(scored, np.flatnonzero((targets == 0) & found))
    parts = [f"missed {missed}" if missed else "", f"false alarm {alarms}" if alarms else ""]
    return "; ".join(p for p in parts if p) or "every label right at the threshold"


def _names(scored: Scored, columns: NDArray[np.int64]) -> str:
    rest = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
    return ", ".join(scored.classes[int(c)] for c in columns[:3]) + rest
