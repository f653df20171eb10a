"""Readable names for classes whose folders have ids, from a CSV file beside them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from saccade.data.wording import refuse
from saccade.errors import DataError

FILE = "classes.csv"
"""Looked for in the root of a data set; its columns ``class`` and ``name`` are a folder and what to call it."""


def of(root: Path, given: str | None) -> dict[str, str]:
    """The names of folders by the setting ``data.class_names``: a file in ``root``, "auto" to look for one, or None.

    Raises:
        DataError: the file does not hold.
    """
    path = root / given if given not in (None, "auto") else find(root) if given == "auto" else None
    return {} if path is None else read(path)


def find(root: Path) -> Path | None:
    """The file of class names in ``root``; None where there is none, or one with other columns."""
    path = root / FILE
    if not path.is_file():
        return None
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        header = next(csv.reader(file), [])
    return path if {"class", "name"} <= set(map(str.strip, header)) else None


def read(path: Path) -> dict[str, str]:
    """The name of each folder that the file names.

    Raises:
        DataError: a missing file or column, an empty cell, or a folder or a name that stands there twice.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; data.class_names takes a CSV file with the columns class and name")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(row)] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a CSV file in UTF-8 ({error})") from None
    if not {"class", "name"} <= set(header):
        raise DataError(f"{path}: its first line names the columns {', '.join(header)}; it takes class and name")
    at = header.index("class"), header.index("name")
    pairs = [(row[at[0]], row[at[1]]) if len(row) > max(at) else ("", "") for row in rows]
    _refuse_doubtful(path, pairs)
    return dict(pairs)


def _refuse_doubtful(path: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """A name stands for one folder and a folder has one name."""
    problems = []
    folders: dict[str, int] = {}
    names: dict[str, str] = {}
    for number, (folder, name) in enumerate(pairs, start=1):
        if not folder or not name:
            problems.append(f"{path}: data row {number}: a class or a name is missing")
        elif folders.setdefault(folder, number) != number:
            problems.append(f"{path}: data row {number}: class {folder!r} stands in data row {folders[folder]} already")
        elif names.setdefault(name, folder) != folder:
            problems.append(
                f"{path}: data row {number}: {names[name]!r} is called {name!r} too; a name is for one class"
            )
    refuse(problems)
