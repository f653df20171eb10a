"""A text file of words beside each image, one word a line: what ICDAR's and SROIE's readers share.

Files are UTF-8, with or without a byte order mark at the start of any line, and with any ends of lines.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from saccade.data.folder import folders_in, is_image
from saccade.data.listing import Listing
from saccade.data.mended import PROBLEMS, Mended, Row, gathered
from saccade.data.paths import PathList
from saccade.data.wording import counted, named, refuse
from saccade.errors import DataError

Word: TypeAlias = tuple[Sequence[float], str]
"""x and y of four corners, 8 numbers, and the transcript."""
Parse: TypeAlias = Callable[[str], Word | str]
"""One line to its word, or what to say of a line that holds none."""

NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
QUAD_LINE = "x1,y1,x2,y2,x3,y3,x4,y4,transcript"
_IS_NUMBER = re.compile(NUMBER)
_LINE_END = re.compile(rb"\r*\n|\r")  # not splitlines: U+2028 and the like may stand in a transcript
_MARK = "\ufeff"


def listing_of(root: Path, images: str, texts: str, endings: tuple[str, ...], parse: Parse) -> tuple[Listing, Mended]:
    """The images of one folder with the words of their text files, sorted by name.

    ``images``, ``texts``: the folders, relative to ``root``; "." is ``root``. ``endings``: of text files, such as
    ".txt". The text file of ``a.jpg`` is ``gt_a.txt`` or ``a.txt``; an empty one is of an image without words.

    Raises:
        DataError: no images; an image without its text file, with two of them, or the reverse; a line that is no word,
            by file and line.
    """
    names, files = _paired(root / images, root / texts, endings)
    rows, problems = [], []
    for file in files:
        of_file, wrong = _rows(root / texts / file, parse)
        rows.append(of_file)
        problems += wrong
    words, mended = gathered(rows, problems)
    prefix = "" if images == "." else f"{images}/"
    targets = np.zeros((len(names), 0), dtype=np.int8)
    return Listing(root, PathList(f"{prefix}{name}" for name in names), targets, (), words=words), mended


def quad_of(line: str, *, forms: str = QUAD_LINE) -> Word | str:
    """Eight numbers and a transcript, in which there may be further commas; it is kept but for blanks at its ends.

    ``forms``: what a line may look like, for messages.
    """
    fields = line.split(",", 8)
    numbers = [_IS_NUMBER.fullmatch(field.strip()) is not None for field in fields[:8]]
    if not all(numbers):
        i = numbers.index(False)
        return f"field {i + 1}, {fields[i].strip()[:40]!r}, is no number; a line is {forms}"
    if len(fields) < 9:
        found = f"has {counted(len(fields), 'number')} and no transcript"
        return f"{found}; a line is {forms}, with ### for text that nobody can read"
    return [float(field) for field in fields[:8]], fields[8].strip()


def whats_there(root: Path, splits: Collection[str]) -> str:
    """What a message about a missing split says of ``root``."""
    if not root.is_dir():
        return "nor that folder"
    if splits:
        lies = ", where everything lies in one folder; set data.train=. and data.val=null, which holds images of it out"
        return f"it has the splits {named(splits)}" + lies * (list(splits) == ["."])
    folders = folders_in(root)
    if not folders:
        return "it has no folders; set data.root to where they are"
    return f"it has the folders {named(folders)}; set data.root to the folder above them"


def are_together(folder: Path, start: str, endings: tuple[str, ...]) -> bool:
    """Whether a folder holds both images and text files whose names begin with ``start``."""
    if not folder.is_dir() or not any(name.startswith(start) for name in _with_ending(folder, endings)):
        return False
    return any(is_image(name) for name in os.listdir(folder))  # noqa: PTH208


def _with_ending(folder: Path, endings: tuple[str, ...]) -> list[str]:
    names = os.listdir(folder)  # noqa: PTH208
    return sorted(name for name in names if name.lower().endswith(endings) and not name.startswith("."))


def _paired(images: Path, texts: Path, endings: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """The images of a folder, sorted, and the text file of each."""
    for folder in (images, texts):
        if not folder.is_dir():
            raise DataError(f"{folder}: no such folder")
    names = sorted(name for name in os.listdir(images) if is_image(name))  # noqa: PTH208
    if not names:
        raise DataError(f"{images}: no image in it")
    found = _with_ending(texts, endings)
    by_stem: dict[str, list[str]] = {}
    for file in found:
        by_stem.setdefault(Path(file).stem, []).append(file)
    image_of: dict[str, str] = {}
    problems, files = [], []
    for name in names:
        stem = Path(name).stem
        own = by_stem.get(f"gt_{stem}", []) + by_stem.get(stem, [])
        files += own
        if image_of.setdefault(stem, name) != name:
            problems.append(f"{images / name}: {image_of[stem]!r} has the same name, and the words are those of one")
        elif not own:
            problems.append(f"{images / name}: has no file gt_{stem}{endings[0]} or {stem}{endings[0]} in {texts}")
        elif len(own) > 1:
            problems.append(f"{images / name}: has the files {named(own)} in {texts}; keep one of them")
    problems += [f"{texts / file}: has no image in {images}" for file in sorted(set(found) - set(files))]
    refuse(problems, limit=PROBLEMS)
    return names, files


def _rows(path: Path, parse: Parse) -> tuple[list[Row], list[str]]:
    """The words of a file, and what is wrong with its other lines."""
    try:
        lines = _LINE_END.split(path.read_bytes())
    except OSError as error:
        return [], [f"{path}: cannot be read ({error.strerror or error})"]
    rows, problems = [], []
    for number, line in enumerate(lines, start=1):
        try:
            text = line.decode("utf-8").lstrip(_MARK)
        except UnicodeDecodeError as error:
            problems.append(f"{path}:{number}: not UTF-8 text ({error.reason} at byte {error.start} of the line)")
            continue
        word = parse(text) if text.strip() else None
        if isinstance(word, str):
            problems.append(f"{path}:{number}: {word}")
        elif word is not None:
            rows.append(Row(f"{path}:{number}", *word))
    return rows, problems
