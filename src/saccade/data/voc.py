"""Pascal VOC's layout, any year, any class names: ``JPEGImages``, ``Annotations``, ``ImageSets/Main``.

``ImageSets/Main/<split>.txt`` lists the images of a split, one id a line. What they show stands in the set
files ``<class>_<split>.txt`` (1 present, 0 difficult, -1 absent) where all the classes asked for have one,
else in ``Annotations/<id>.xml``. A class of which an image shows difficult objects only is ignored for that
image.
"""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.data.listing import ABSENT, IGNORED, PRESENT, Listing
from saccade.data.paths import PathList
from saccade.data.wording import named, refuse, refuse_unknown
from saccade.errors import DataError

IMAGES, ANNOTATIONS, SETS = "JPEGImages", "Annotations", "ImageSets/Main"
_SUFFIXES = (".jpg", ".jpeg", ".png")  # the first of them wins where an id has several files
_VALUES = {"1": PRESENT, "0": IGNORED, "-1": ABSENT}


def read(root: Path, split: str, *, classes: tuple[str, ...] | None) -> Listing:
    """List the images of ``split``, with (N, C) int8 targets, in the order of its set file.

    ``classes`` None takes those that have a set file, sorted, or without such files those of the XML, sorted.
    An image that is listed but not on disk is listed all the same, with the suffix jpg.

    Raises:
        DataError: something is missing, malformed or contradictory; it names file and line, or file and
        class.
    """
    need_layout(root, SETS)
    ids = listed(root / SETS, split, there=splits(root))
    files = _class_files(root, split)
    names = tuple(sorted(files)) if classes is None else classes
    if names and all(name in files for name in names):
        targets = np.stack([_from_set_file(root, files[name], ids) for name in names], axis=1)
    else:
        names, targets = _from_xml(root, ids, classes, files)
    return Listing(root, PathList(image_names(root, ids)), targets, names)


def splits(root: Path) -> list[str]:
    """Names of the splits that have a set file, sorted; empty where there is no such folder."""
    return sorted(_set_files(root)[0])


def need_layout(root: Path, sets: str, *more: str) -> None:
    """Refuse a root without ``JPEGImages``, ``sets`` and ``more``, pointing to a folder below it that has them.

    Raises:
        DataError: one of them is missing.
    """
    needed = (IMAGES, *more, sets)
    missing = [name for name in needed if not (root / name).is_dir()]
    if not missing:
        return
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; set data.root to the folder that holds {IMAGES}/")
    below = sorted(p.parent.parent for depth in ("*", "*/*") for p in root.glob(f"{depth}/{sets}"))
    found = named(sorted(p.name for p in root.iterdir()))
    hint = f"set data.root={below[-1]}" if below else f"there is: {found}; data.format says how a data set is laid out"
    lacks = " and ".join(missing)
    held = " and ".join(f"{name}/" for name in needed)
    raise DataError(f"{root}: a VOC data set holds {held}; this one lacks {lacks}; {hint}")


def lines(path: Path) -> list[tuple[int, str]]:
    """Number (from 1) and text of each line that is not blank.

    Raises:
        DataError: the file is not UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None
    return [(i, line.strip()) for i, line in enumerate(text.splitlines(), start=1) if line.strip()]


def listed(sets: Path, split: str, *, there: Sequence[str]) -> list[str]:
    """The image ids of a split, whose file lies in the folder ``sets``; ``there`` are the splits it has.

    Raises:
        DataError: no such split, an empty one, or an id that it lists twice.
    """
    path = sets / f"{split}.txt"
    if not path.is_file():
        raise DataError(f"{path}: no such split; {sets} has {named(there)}")
    first_line: dict[str, int] = {}
    problems = []
    for number, image_id in lines(path):
        if image_id in first_line:
            problems.append(f"{path}:{number}: image {image_id!r} is already in line {first_line[image_id]}")
        first_line.setdefault(image_id, number)
    refuse(problems)
    if not first_line:
        raise DataError(f"{path}: the split is empty; it lists one image id a line")
    return list(first_line)


def _set_files(root: Path) -> tuple[set[str], dict[str, tuple[str, str]]]:
    """The stems of the set files: those of splits, and those of classes with their class and split.

    ``traffic_light_val`` is a class of ``val`` if its lines hold values, else a split of its own; and where
    there is a split ``small_val`` too, ``dog_small_val`` is ``dog`` of that.
    """
    folder = root / SETS
    stems = {path.stem for path in folder.glob("*.txt")} if folder.is_dir() else set()
    parts = {s: [(s[:i], s[i + 1 :]) for i in range(1, len(s)) if s[i] == "_" and s[i + 1 :] in stems] for s in stems}
    split_stems = {s for s in stems if not parts[s] or not _holds_values(folder / f"{s}.txt")}
    owner = {s: next(((c, t) for c, t in parts[s] if t in split_stems), None) for s in stems - split_stems}
    return split_stems, {stem: found for stem, found in owner.items() if found is not None}


def _holds_values(path: Path) -> bool:
    """Whether the first line is an id and a value, as a class's set file has it, or there is no line."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = next((line.split() for line in file if line.strip()), None)
    return first is None or (len(first) > 1 and first[-1] in _VALUES)


def _class_files(root: Path, split: str) -> dict[str, Path]:
    """The set file of each class that has one for this split."""
    files = _set_files(root)[1]
    return {name: root / SETS / f"{stem}.txt" for stem, (name, of) in files.items() if of == split}


def _from_set_file(root: Path, path: Path, ids: Sequence[str]) -> NDArray[np.int8]:
    """(N,) targets of one class."""
    values: dict[str, int] = {}
    problems = []
    for number, line in lines(path):
        image_id, _, value = line.replace("\t", " ").rpartition(" ")
        image_id = image_id.rstrip()
        if not image_id or value not in _VALUES:
            problems.append(f"{path}:{number}: found {line!r}; a line holds an image id and 1, 0 or -1")
        elif values.setdefault(image_id, _VALUES[value]) != _VALUES[value]:
            problems.append(f"{path}:{number}: image {image_id!r} has another value in an earlier line")
    refuse(problems)
    refuse([f"{path}: no line for image {i!r}, which the split lists" for i in ids if i not in values])
    return np.array([values[i] for i in ids], dtype=np.int8)


def _from_xml(
    root: Path, ids: Sequence[str], classes: tuple[str, ...] | None, files: dict[str, Path]
) -> tuple[tuple[str, ...], NDArray[np.int8]]:
    """Classes and (N, C) targets out of the annotations."""
    folder = root / ANNOTATIONS
    if not folder.is_dir():
        refuse_unknown(dict.fromkeys(classes or (), f"{folder}: no such folder; set files"), files)
        raise DataError(f"{folder}: no such folder, and no class has a set file of this split")
    objects, problems = [], []
    for image_id in ids:
        try:
            objects.append(_objects(folder / f"{image_id}.xml"))
        except DataError as error:
            problems.append(str(error))
    refuse(problems)
    names = tuple(sorted(set().union(*objects))) if classes is None else classes
    if not names:
        raise DataError(f"{folder}: the annotations of the split hold no object, so there is no class to learn")
    return names, _targets(folder, ids, objects, names)


def _objects(path: Path) -> dict[str, int]:
    """PRESENT or IGNORED for each class that an annotation holds."""
    try:
        annotation = ET.parse(path).getroot()
    except FileNotFoundError:
        raise DataError(f"{path}: no such annotation, though the split lists the image") from None
    except ET.ParseError as error:
        raise DataError(f"{path}:{error.position[0]}: not well-formed XML ({error})") from None
    found: dict[str, int] = {}
    for number, item in enumerate(annotation.findall("object"), start=1):
        name, difficult = (item.findtext(tag, "").strip() for tag in ("name", "difficult"))
        if not name:
            raise DataError(f"{path}: object {number} has no name")
        if difficult not in ("", "0", "1"):
            raise DataError(f"{path}: object {number} ({name}) has difficult={difficult!r}; it is 0 or 1")
        if difficult == "1":
            found.setdefault(name, IGNORED)
        else:
            found[name] = PRESENT
    return found


def _targets(
    folder: Path, ids: Sequence[str], objects: Sequence[dict[str, int]], names: tuple[str, ...]
) -> NDArray[np.int8]:
    """(N, C) targets; refuses an object of no given class, once a class."""
    column = {name: c for c, name in enumerate(names)}
    targets = np.full((len(ids), len(names)), ABSENT, dtype=np.int8)
    places: dict[str, Path] = {}
    for i, found in enumerate(objects):
        for name, value in found.items():
            if name in column:
                targets[i, column[name]] = value
            else:
                places.setdefault(name, folder / f"{ids[i]}.xml")
    refuse_unknown(places, names)
    return targets


def image_names(root: Path, ids: Sequence[str]) -> list[str]:
    """The path of each id's image, relative to ``root``."""
    by_stem: dict[str, tuple[int, str]] = {}
    for name in os.listdir(root / IMAGES):  # noqa: PTH208 (plain strings: there may be a million)
        stem, dot, suffix = name.rpartition(".")
        if (dot + suffix.lower()) in _SUFFIXES:
            rank = (_SUFFIXES.index(dot + suffix.lower()), name)
            by_stem[stem] = min(by_stem.get(stem, rank), rank)
    return [f"{IMAGES}/{by_stem[i][1] if i in by_stem else i + _SUFFIXES[0]}" for i in ids]
