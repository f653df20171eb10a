"""MMOCR 1.x: one JSON for each split, ``textspotting_<split>.json``, with the outline and the text of every word.

``data_list`` holds for each image ``img_path`` and ``instances`` of ``polygon`` [x1, y1, x2, y2, ...] (or only ``bbox``
[x1, y1, x2, y2]), ``text`` and ``ignore``. Heights and widths are not read. Corners may lie some pixels outside of the
image.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from saccade.data.caption_layout import images_folder
from saccade.data.json_records import load_object, records
from saccade.data.listing import Listing
from saccade.data.mended import Mended, Row, gathered
from saccade.data.paths import PathList
from saccade.data.wording import named, refuse
from saccade.errors import DataError

Points: TypeAlias = NDArray[np.float64]

PREFIX = "textspotting_"
"""What the file of a split is called before the split's name; where no file is, it may be left out."""
FOLDERS = (".", "annotations")
"""Where below the root the files may lie."""
_IMAGE = {"img_path": (str,), "instances": (list,)}
_INSTANCE = {"polygon": (list, type(None)), "bbox": (list, type(None)), "text": (str,)}
_CORNERS = 4
_LARGEST = 2**53
"""The largest whole number that is taken for a coordinate; JSON knows larger ones than a float can hold."""
_BROKEN = re.compile("[\ud800-\udfff\r\n]")
"""Half of what UTF-16 writes in two, and ends of lines: JSON may hold them, and no file of results can."""


def read(root: Path, split: str, *, images: str | None = None) -> tuple[Listing, Mended]:
    """List the images of ``split`` with their words, in the order of the file, and how many words were set right.

    ``images``: the folder, relative to ``root``, in which every ``img_path`` lies; None looks for it.

    Raises:
        DataError: no such split; a file that does not hold: not JSON, a field missing or of another type, an image
            twice, an outline without an inside. It names file and place.
    """
    path = _file(root, split)
    pictures = records(path, "data_list", load_object(path, {"data_list": (list,)})["data_list"], _IMAGE)
    if not pictures:
        raise DataError(f"{path}: 'data_list' is empty; it lists the images of the split")
    names = [picture["img_path"] for picture in pictures]
    _refuse_names(path, names)
    rows, problems, polygons = [], [], 0
    for i, picture in enumerate(pictures):
        place = f"data_list[{i}].instances"
        found = [
            _row(f"{path}: {place}[{k}]", instance)
            for k, instance in enumerate(records(path, place, picture["instances"], _INSTANCE))
        ]
        rows.append([row for row in found if isinstance(row, Row)])
        problems += [row for row in found if isinstance(row, str)]
        polygons += sum(len(instance.get("polygon") or ()) > 2 * _CORNERS for instance in picture["instances"])
    words, mended = gathered(rows, problems, polygons=polygons)
    folder = images_folder(root, split, names[0]) if images is None else images
    prefix = "" if folder == "." else f"{folder}/"
    targets = np.zeros((len(names), 0), dtype=np.int8)
    return Listing(root, PathList(f"{prefix}{name}" for name in names), targets, (), words=words), mended


def splits(root: Path) -> list[str]:
    """Names of the splits that have a file, sorted; empty where there is none."""
    return sorted(_files(root))


def has_named_files(root: Path) -> bool:
    """Whether any file is called as MMOCR calls them, and not only a JSON."""
    return any(any((root / folder).glob(f"{PREFIX}*.json")) for folder in FOLDERS)


def least_rectangle(points: Points) -> Points:
    """The rectangle of least area around (K, 2) points; one of its sides lies along an edge of their hull.

    (4, 2), clockwise on screen. The points go round a word in either direction from where reading begins, as many above
    the text as below it; the first corner is the one by which the four fit their ends best.
    """
    try:
        hull = points[ConvexHull(points).vertices]
    except QhullError:  # all on one line
        hull = points[np.lexsort(points.T)][[0, -1]]
    along = np.roll(hull, -1, axis=0) - hull
    lengths = np.hypot(along[:, 0], along[:, 1])
    if not lengths.all():
        return points[:_CORNERS]
    u = along / lengths[:, None]
    v = np.stack([-u[:, 1], u[:, 0]], axis=1)
    across, down = u @ points.T, v @ points.T  # (directions, K)
    (left, right), (top, bottom) = ((values.min(1), values.max(1)) for values in (across, down))
    k = int(np.argmin((right - left) * (bottom - top)))
    ends = np.array([[left[k], top[k]], [right[k], top[k]], [right[k], bottom[k]], [left[k], bottom[k]]])
    rectangle = ends @ np.stack([u[k], v[k]])
    x, y = points.T
    anticlockwise = x @ np.roll(y, -1) < y @ np.roll(x, -1)
    n = len(points)
    outline = (np.roll(points[::-1], 1, axis=0) if anticlockwise else points)[[0, (n - 1) // 2, (n + 1) // 2, n - 1]]
    starts = [np.roll(rectangle, -i, axis=0) for i in range(_CORNERS)]
    return min(starts, key=lambda corners: float(((corners - outline) ** 2).sum()))


def _row(place: str, instance: dict[str, Any]) -> Row | str:
    """One word, or what is wrong with it."""
    text, ignored = instance["text"].strip(), instance.get("ignore", False)
    if _BROKEN.search(text):
        return f"{place} has half a letter, as of a cut emoji, or an end of line in its text"
    if ignored not in (False, True):
        return f"{place} has 'ignore': {ignored!r}; it takes true or false"
    field = "bbox" if instance.get("polygon") is None else "polygon"
    numbers = instance.get(field)
    if numbers is None:
        return f"{place} has neither 'polygon' nor 'bbox'"
    if not all(type(n) is float or (type(n) is int and abs(n) <= _LARGEST) for n in numbers):
        return f"{place} has something else than numbers in {field!r}"
    if field == "bbox":
        if len(numbers) != 4 or not (numbers[0] < numbers[2] and numbers[1] < numbers[3]):
            return f"{place} has 'bbox': {numbers}; it takes x1, y1, x2, y2 of top left and bottom right"
        x1, y1, x2, y2 = numbers
        return Row(place, [x1, y1, x2, y1, x2, y2, x1, y2], text, bool(ignored))
    if len(numbers) % 2 or len(numbers) < 2 * _CORNERS:
        found = f"{len(numbers)} numbers"
        return f"{place} has a polygon of {found}; it takes x and y of at least {_CORNERS} points"
    points = np.array(numbers, dtype=np.float64).reshape(-1, 2)
    if len(points) > _CORNERS and np.isfinite(points).all():
        points = least_rectangle(points)
    return Row(place, points[:_CORNERS].ravel().tolist(), text, bool(ignored))


def _refuse_names(path: Path, names: list[str]) -> None:
    """Refuse images that stand there twice, or outside of their folder."""
    first: dict[str, int] = {}
    problems = []
    for i, name in enumerate(names):
        if not name or name.startswith("/") or ".." in name.split("/") or _BROKEN.search(name):
            problems.append(f"{path}: data_list[{i}] has img_path {name!r}; it is relative to the folder of images")
        elif first.setdefault(name, i) != i:
            problems.append(f"{path}: data_list[{i}] has img_path {name!r}, as data_list[{first[name]}] has already")
    refuse(problems)


def _files(root: Path) -> dict[str, Path]:
    """The file of each split; those without ``PREFIX`` where there is none with it."""
    found: dict[str, Path] = {}
    for pattern in (f"{PREFIX}*.json", "*.json"):
        for folder in FOLDERS:
            for path in sorted((root / folder).glob(pattern)):
                found.setdefault(path.stem.removeprefix(PREFIX), path)
        if found:
            break
    return found


def _file(root: Path, split: str) -> Path:
    """The file of one split."""
    there = _files(root)
    if split in there:
        return there[split]
    found = f"it has {named(sorted(there))}" if root.is_dir() else "nor that folder"
    raise DataError(f"{root}: no split {split!r}: there is no {PREFIX}{split}.json, here or in annotations/; {found}")
