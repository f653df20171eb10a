"""What all readers of words share: outlines without an inside are refused, what can be set right is, and counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from saccade.data.paths import PathList
from saccade.data.wording import counted, refuse
from saccade.data.words import DONT_CARE, Words
from saccade.quads import area, ordered

Bools: TypeAlias = NDArray[np.bool_]
Corners: TypeAlias = NDArray[np.float64]

PROBLEMS = 8
"""How many faults of a data set are told one by one."""
_LEAST_AREA = 1.0  # square pixels
_LARGEST = float(np.finfo(np.float32).max)


class Row(NamedTuple):
    """One word as it stands in a file."""

    place: str  # file:line, for messages
    corners: Sequence[float]  # x and y of four points, 8 numbers
    text: str
    ignored: bool = False  # where the file says so in another way than by "###"


@dataclass(frozen=True)
class Mended:
    """How many words of a split were set right; all others stand as they do in the files."""

    turned: int = 0  # corners anticlockwise
    crossed: int = 0  # an outline that crosses itself
    silent: int = 0  # no transcript
    polygons: int = 0  # more than four corners


def describe(mended: Mended) -> list[str]:
    """A sentence for each kind of fault that was set right; none where there was nothing to do."""
    told = (
        (mended.turned, "with corners anticlockwise: turned, the first corner kept"),
        (mended.crossed, "with an outline that crosses itself: corners put in order, the first one kept"),
        (mended.silent, f"without a transcript: taken as {DONT_CARE}, neither learned nor scored"),
        (mended.polygons, "of more than four corners: taken as the rectangle of least area around them"),
    )
    return [f"{counted(n, 'word')} {said}" for n, said in told if n]


def gathered(
    images: Sequence[Sequence[Row]], problems: Sequence[str] = (), *, polygons: int = 0
) -> tuple[Words, Mended]:
    """The words of N images, corners clockwise on screen from the one that comes first in the file.

    ``problems``: what no row could be made of, told together with what is found here. ``polygons``: how many rows
    stand for more than four corners. Corners may lie outside of the image: its size is not known here.

    Raises:
        DataError: there are problems, or outlines without an inside: less than one square pixel, two corners in one
            place, or a coordinate that is not finite.
    """
    rows = [row for image in images for row in image]
    given = np.array([row.corners for row in rows], dtype=np.float64).reshape(-1, 4, 2)
    finite = np.asarray((np.abs(given) <= _LARGEST).all(axis=(1, 2)))
    corners, crossed = _uncrossed(np.where(finite[:, None, None], given, 0.0))
    corners, turned = ordered(corners)
    refuse([*problems, *_without_inside(rows, finite, area(corners))], limit=PROBLEMS)
    silent = np.array([not row.text and not row.ignored for row in rows], dtype=np.bool_)
    uncared = np.array([row.ignored or row.text in ("", DONT_CARE) for row in rows], dtype=np.bool_)
    ends = np.cumsum([len(image) for image in images], dtype=np.int64)
    words = Words(ends, corners.astype(np.float32), PathList(row.text for row in rows), ~uncared)
    return words, Mended(int(turned.sum()), int(crossed.sum()), int(silent.sum()), polygons)


def _without_inside(rows: Sequence[Row], finite: Bools, areas: Corners) -> Iterator[str]:
    """What is wrong with each outline that cannot be used; ``finite`` and ``areas`` are (M,)."""
    for row, is_finite, size in zip(rows, finite.tolist(), areas.tolist(), strict=True):
        points = list(zip(row.corners[::2], row.corners[1::2], strict=True))
        shown = " ".join(f"{x:g},{y:g}" for x, y in points)
        if not is_finite:
            yield f"{row.place}: the outline {shown} has a coordinate that is not a finite number"
        elif len(set(points)) < len(points):
            yield f"{row.place}: the outline {shown} has two corners in one place"
        elif size < _LEAST_AREA:
            yield f"{row.place}: the outline {shown} holds {size:.2g} square pixels; it takes at least {_LEAST_AREA:g}"


def _uncrossed(corners: Corners) -> tuple[Corners, Bools]:
    """(M, 4, 2) outlines that do not cross themselves, the first corner kept, and which of them did."""
    a, b, c, d = np.moveaxis(corners, 1, 0)
    first, second = _cross(a, b, c, d), _cross(b, c, d, a)
    mended = corners.copy()
    mended[first] = corners[first][:, [0, 2, 1, 3]]
    mended[second] = corners[second][:, [0, 1, 3, 2]]
    return mended, first | second


def _cross(a: Corners, b: Corners, c: Corners, d: Corners) -> Bools:
    """(M,) whether the line from ``a`` to ``b`` meets that from ``c`` to ``d`` inside of both; all are (M, 2)."""
    return (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)


def _side(a: Corners, b: Corners, p: Corners) -> Corners:
    """(M,) sign of the side of the line from ``a`` to ``b`` on which ``p`` lies; 0 on it."""
    return np.sign((b[:, 0] - a[:, 0]) * (p[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (p[:, 0] - a[:, 0]))
