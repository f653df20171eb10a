"""What is the same for all data sets with masks: which class has which id or colour, and how a listing is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from saccade.data.listing import Listing
from saccade.data.mask_scan import scan
from saccade.data.masks import MOST_CLASSES, RGB, MaskCoding, palette_of
from saccade.data.parallel import Progress
from saccade.data.paths import PathList
from saccade.data.voc import lines
from saccade.data.wording import named, refuse, refuse_unknown
from saccade.errors import DataError

CLASSES_FILE = "classes.txt"
"""In the root of a data set: the name of each id from 0 on, one a line, each with a colour (``road 128 64 128``) or
none of them."""


@dataclass(frozen=True)
class MaskLayout:
    """What the settings say of masks."""

    classes: tuple[str, ...] | None = None  # in the order of the outputs; None takes what the data set says
    void_id: int | None = 255  # in masks of ids
    void_is_background: bool = False  # void pixels are read as the first class
    colours: Mapping[str, RGB] | None = None  # of each class by name; None takes those of classes.txt
    void_colour: RGB | None = None  # in masks of colours
    mask_suffix: str = ""  # what a mask's stem has after that of its image
    cache: Path | None = None  # folder in which counts of pixels are kept


def read_classes(root: Path) -> dict[str, RGB | None] | None:
    """Names of the ids from 0 on, each with its colour or all with None; None where there is no ``classes.txt``.

    Raises:
        DataError: the file is empty, names a class twice, or gives only some of them a colour.
    """
    path = root / CLASSES_FILE
    if not path.is_file():
        return None
    table: dict[str, RGB | None] = {}
    problems = []
    for number, line in lines(path):
        name, colour = _name_and_colour(line)
        if name in table:
            problems.append(f"{path}:{number}: class {name!r} stands in an earlier line too")
        elif table and (colour is None) != (next(iter(table.values())) is None):
            problems.append(f"{path}:{number}: found {line!r}; all lines have a colour (name r g b), or none has")
        table[name] = colour
    refuse(problems)
    if not table:
        raise DataError(f"{path}: is empty; it names one class a line, that of id 0 first")
    return table


def classes_and_coding(
    root: Path, layout: MaskLayout, *, default: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], MaskCoding]:
    """The C classes of a data set, and how its masks tell them.

    The ids are those of ``classes.txt`` where there is one; ``layout.classes`` are then matched to it by name, and a
    name at the place or with the colour of void is no class. Without it an id is the position in ``layout.classes``,
    else in ``layout.colours``, else in ``default``.

    Raises:
        DataError: no classes are known, or what is known of them is contradictory.
    """
    file = read_classes(root)
    colours: Mapping[str, RGB | None] = layout.colours or file or {}
    table = _ids(root, layout, file, default)
    classes = tuple(table) if layout.classes is None else layout.classes
    source = root / CLASSES_FILE if file else "data.classes"
    refuse_unknown(dict.fromkeys(table, source), classes)
    if len(classes) > MOST_CLASSES:
        raise DataError(f"{source}: {len(classes)} classes; there can be {MOST_CLASSES} at most")
    if layout.colours is not None:
        is_void = layout.void_colour
        refuse_unknown({n: "data.colours" for n, c in layout.colours.items() if c != is_void}, classes)
        refuse([f"data.colours: class {name!r} has no colour" for name in classes if name not in layout.colours])
    given = tuple(colours.get(name) for name in classes)
    coding = MaskCoding(
        ids=tuple(table.get(name, -1) for name in classes),
        void_id=layout.void_id,
        colours=given if any(given) else None,
        void_colour=layout.void_colour,
        void_is_background=layout.void_is_background,
    )
    return classes, coding


def listing_of(
    root: Path,
    images: Sequence[str],
    masks: Sequence[str],
    layout: MaskLayout,
    *,
    default: tuple[str, ...] | None = None,
    progress: Progress | None = None,
) -> Listing:
    """The listing of images (N paths relative to ``root``) with their masks, all of which are scanned.

    Raises:
        DataError: of the classes or of a mask.
    """
    classes, coding = classes_and_coding(root, layout, default=default)
    names = PathList(images)
    scanned = scan(root, names, PathList(masks), coding, classes, cache=layout.cache, progress=progress)
    return Listing(root, names, (scanned.pixels > 0).astype(np.int8), classes, scanned)


def class_colours(listing: Listing) -> tuple[RGB, ...] | None:
    """The data set's own colour of each class: from its table, else from the palette of its first mask; else None."""
    assert listing.masks is not None
    coding = listing.masks.coding
    if coding.colours is not None and None not in coding.colours:
        return tuple(colour for colour in coding.colours if colour is not None)
    palette = palette_of(listing.root / listing.masks.paths[0]) if len(listing) else None
    if palette is None or min(coding.ids) < 0:
        return None
    return tuple((int(r), int(g), int(b)) for r, g, b in palette[list(coding.ids)])


def _ids(
    root: Path, layout: MaskLayout, file: Mapping[str, RGB | None] | None, default: tuple[str, ...] | None
) -> dict[str, int]:
    """The stored id of each class that the data set has."""
    void = layout.void_colour
    if file is not None:
        colour_of = layout.colours or file
        is_void = [i == layout.void_id or (void is not None and colour_of.get(n) == void) for i, n in enumerate(file)]
        return {name: i for i, name in enumerate(file) if not is_void[i]}
    coloured = [name for name, colour in (layout.colours or {}).items() if colour != void]
    names = layout.classes or tuple(coloured) or default
    if names is None:
        raise DataError(
            f"{root}: nothing says which classes the masks hold; give data.classes in the order of their ids, or "
            f"write {root / CLASSES_FILE} with one name a line"
        )
    if layout.void_id is not None and layout.void_id < len(names):
        raise DataError(
            f"data.void_id: is {layout.void_id}, which is the id of class {names[layout.void_id]!r} in {named(names)}; "
            f"name all ids in {root / CLASSES_FILE}, void too, or set data.void_id to another number or null"
        )
    return {name: i for i, name in enumerate(names)}


def _name_and_colour(line: str) -> tuple[str, RGB | None]:
    """What a line of ``classes.txt`` says; a name may have blanks."""
    *name, red, green, blue = ["", "", "", *line.split()]
    channels = [int(word) for word in (red, green, blue) if word.isascii() and word.isdigit()]
    if not any(name) or len(channels) < 3 or max(channels) > 255:
        return line, None
    return " ".join(filter(None, name)), (channels[0], channels[1], channels[2])
