"""ICDAR 2015's files of what stands in images and of what was found there, as its scripts read them.

``gt_<image>.txt`` holds the words of an image and ``res_<image>.txt`` what was found in it. A line is
``x1,y1,x2,y2,x3,y3,x4,y4,transcript``: whole pixels, clockwise, and all that follows the eighth comma is the
transcript, which may stand in double quotes. Results may have a confidence between the two, and may go without a
transcript. Nothing is mended here, unlike in data to learn from: the numbers are to be the official ones.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from saccade.data.text_bundles import RESULTS, TRUTH, TextFile, read_bundle
from saccade.data.wording import counted, named, refuse
from saccade.errors import DataError

_LINE = re.compile(r"\s*,".join([r"\s*(-?[0-9]{1,9})"] * 8) + r"(?:\s*|\s*,(.*))", re.ASCII | re.DOTALL)
_FRACTION = re.compile(r"\s*-?[0-9]*\.[0-9]*(?:[eE][-+]?[0-9]+)?\s*", re.ASCII)
_WHOLE = re.compile(r"\s*-?[0-9]{1,9}\s*", re.ASCII)
_CONFIDENCE = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)\s*(?:,(.*))?", re.ASCII | re.DOTALL)
_QUOTED = re.compile(r'\s*"(.*)"\s*', re.ASCII | re.DOTALL)
_FORM = "x1,y1,x2,y2,x3,y3,x4,y4,transcript"
_NOT_CLOCKWISE = (
    "Points are not clockwise. The coordinates of bounding quadrilaterals have to be given in clockwise order. "
    "Regarding the correct interpretation of 'clockwise' remember that the image coordinate system used is the "
    "standard one, with the image origin at the upper left, the X axis extending to the right and Y axis extending "
    "downwards."
)


@dataclass(frozen=True)
class FileWords:
    """The K words of one file, in its order."""

    quads: NDArray[np.float64]  # (K, 4, 2) x, y in whole pixels, clockwise on screen or without area
    texts: tuple[str, ...] | None  # None where the files have no transcripts
    confidences: NDArray[np.float64] | None = None  # (K,) 0 to 1; None where the files have none


class _Line(NamedTuple):
    place: str  # file:line
    corners: Sequence[int]  # x and y of four points
    rest: str | None  # what follows the corners; None where nothing does, not even a comma
    confidence: float | None = None


def read_ground_truth(path: Path) -> dict[str, FileWords]:
    """The words of each image, by its name, that a zip or folder of ``gt_<image>.txt`` holds.

    Raises:
        DataError: of ``read_bundle``, or lines that hold no word, by file and line.
    """
    lines = _lines(read_bundle(path, TRUTH))
    bare = [line.place for of_image in lines.values() for line in of_image if line.rest is None]
    refuse([f"{place}: has no transcript; a line is {_FORM}, and ### a word that does not count" for place in bare])
    return {image: _words(of_image) for image, of_image in lines.items()}


def read_results(path: Path, images: Collection[str], *, confidences: bool | None = None) -> dict[str, FileWords]:
    """What was found in each of ``images``, in a zip or folder of ``res_<image>.txt``; no words where there is no file.

    ``confidences``: whether a number from 0 to 1 stands between corners and transcript; None tells it by the lines.

    Raises:
        DataError: of ``read_bundle``, a file of an unknown image, lines that hold no word, lines some of which have a
            transcript or a confidence and some have not, and lines that can be taken either way.
    """
    files = read_bundle(path, RESULTS)
    known = named(sorted(images), limit=3)
    unknown = [(file.place, image) for image, file in files.items() if image not in images]
    refuse([f"{place}: the ground truth has no image {image!r}; it has {known}" for place, image in unknown])
    lines = _lines(files)
    if confidences is None:
        confidences = _are_confidences([line for of_image in lines.values() for line in of_image])
    if confidences:
        lines = {image: _parted(of_image) for image, of_image in lines.items()}
    every = [line for of_image in lines.values() for line in of_image]
    bare = [line.place for line in every if line.rest is None]
    if 0 < len(bare) < len(every):
        counts = f"{len(bare)} of {counted(len(every), 'line')}"
        raise DataError(f"{bare[0]}: has no transcript, as {counts}; all of them take one, or none does")
    read = not (every and bare)
    return {image: _words(lines.get(image, ()), read=read, confidences=confidences) for image in images}


def _lines(files: Mapping[str, TextFile]) -> dict[str, list[_Line]]:
    """The lines of each file that are not blank.

    Raises:
        DataError: lines that hold no word; the first ten are named.
    """
    found: dict[str, list[_Line]] = {image: [] for image in files}
    problems = []
    for image, file in files.items():
        for number, line in enumerate(file.text.split("\n"), start=1):  # not splitlines: a transcript may hold U+2028
            text = line.replace("\r", "")
            if not text.strip():
                continue
            place, fits = f"{file.place}:{number}", _LINE.fullmatch(text)
            corners = [int(corner) for corner in fits.groups()[:8]] if fits else []
            if fits and _are_clockwise(corners):
                found[image].append(_Line(place, corners, fits[9]))
            else:
                problems.append(f"{place}: {_NOT_CLOCKWISE if fits else _fault(text)}")
    refuse(problems)
    return found


def _fault(text: str) -> str:
    """What is wrong with a line that does not begin with eight whole numbers."""
    fields = text.split(",")[:8]
    wrong = next((field for field in fields if not _WHOLE.fullmatch(field)), None)
    if wrong is None:
        return f"has {counted(len(fields), 'number')}; a line is {_FORM}"
    number = fields.index(wrong) + 1
    if _FRACTION.fullmatch(wrong):
        return f"number {number} is {wrong.strip()}, and corners are whole pixels here: round them"
    return f"number {number} of eight is {wrong.strip()[:40]!r}; a line is {_FORM}, with whole numbers"


def _are_clockwise(corners: Sequence[int]) -> bool:
    """The official test; what has no area, or crosses itself evenly, passes."""
    points = list(zip(corners[::2], corners[1::2], strict=True))
    following = points[1:] + points[:1]
    return sum((x2 - x1) * (y2 + y1) for (x1, y1), (x2, y2) in zip(points, following, strict=True)) <= 0


def _are_confidences(lines: Sequence[_Line]) -> bool:
    """Whether the numbers that follow the corners are confidences, and not what was read.

    They are where every line has one, and some have a decimal point: a transcript may be a number, but not all are.

    Raises:
        DataError: most lines have such a number but not all, or none of the numbers has a point.
    """
    fits = [_CONFIDENCE.fullmatch(line.rest or "") for line in lines]
    numbers = [found[1] for found in fits if found]
    if 2 * len(numbers) < len(lines) or not lines:
        return False
    if len(numbers) == len(lines) and any("." in number for number in numbers):
        return True
    odd = next((line for line, found in zip(lines, fits, strict=True) if not found), lines[0])
    raise DataError(
        f"{odd.place}: after the corners comes {odd.rest or ''!r}, and {len(numbers)} of {counted(len(lines), 'line')} "
        f"{'has' if len(numbers) == 1 else 'have'} a number there; say --confidences if it is a confidence, "
        "--no-confidences if it belongs to the transcript"
    )


def _parted(lines: Sequence[_Line]) -> list[_Line]:
    """The lines with confidence and transcript apart.

    Raises:
        DataError: lines without a confidence from 0 to 1.
    """
    found, problems = [], []
    for line in lines:
        fits = _CONFIDENCE.fullmatch(line.rest or "")
        if fits and float(fits[1]) <= 1:
            found.append(line._replace(confidence=float(fits[1]), rest=fits[2]))
        else:
            has = (line.rest or "").split(",")[0].strip()[:40]
            problems.append(f"{line.place}: {has!r} after the corners is no confidence, which is a number from 0 to 1")
    refuse(problems)
    return found


def _words(lines: Sequence[_Line], *, read: bool = True, confidences: bool = False) -> FileWords:
    """The words of lines; ``read``: with their transcripts."""
    corners = np.array([line.corners for line in lines], dtype=np.float64)
    return FileWords(
        corners.reshape(-1, 4, 2),
        tuple(_unquoted(line.rest or "") for line in lines) if read else None,
        np.array([line.confidence for line in lines], dtype=np.float64) if confidences else None,
    )


def _unquoted(text: str) -> str:
    """A transcript without double quotes around it; blanks at its ends are kept where there are none."""
    quoted = _QUOTED.fullmatch(text)
    return quoted[1].replace("\\\\", "\\").replace('\\"', '"') if quoted else text
