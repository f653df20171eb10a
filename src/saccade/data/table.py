"""A CSV or Parquet table with one row an image: its path, its labels, and perhaps its split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saccade.data.listing import ABSENT, IGNORED, PRESENT, Listing
from saccade.data.paths import PathList
from saccade.data.wording import named, refuse, refuse_unknown
from saccade.errors import DataError

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
_DELIMITERS = ("|", ";", ",")  # what people put between the names of a list
_TRUTH = {"1": PRESENT, "0": ABSENT, "-1": IGNORED, "1.0": PRESENT, "0.0": ABSENT, "-1.0": IGNORED}
_TRUTH |= {"true": PRESENT, "false": ABSENT}
_ROW = "row number"  # our own column: data rows from 1, counted before any filter


@dataclass(frozen=True)
class TableLayout:
    """Which columns hold what.

    ``label_columns``: one column of class names or lists of them, or one column of 1, 0, -1 (ignored) a
    class. ``delimiter``: what separates the names of a list in a text column. ``split_column``: None takes
    all rows.
    """

    path_column: str = "image"
    label_columns: tuple[str, ...] = ("label",)
    delimiter: str | None = None
    split_column: str | None = None


def read(
    path: Path,
    *,
    root: Path,
    split: str | None,
    layout: TableLayout,
    classes: tuple[str, ...] | None,
    multilabel: bool,
) -> Listing:
    """List the rows of ``split`` (None: all of them) in their order; image paths are relative to ``root``.

    Targets are (N,) int64, or with ``multilabel`` (N, C) int8. ``classes`` None takes those that occur,
    sorted; numbers are class names too. With ``multilabel`` an empty list shows no class, and one label
    column without a delimiter holds one name a row, unless it holds nothing but 1, 0 and -1: then it is a
    column of one class.

    Raises:
        DataError: naming the column or the data row (counted from 1, without the header) and what was found.
    """
    rows = _rows(path, split, layout)
    images = _images(path, root, rows, layout.path_column)
    columns = layout.label_columns
    targets: NDArray[np.int64] | NDArray[np.int8]
    if not multilabel:
        names, targets = _one_name(path, rows, columns, classes)
    elif len(columns) > 1 or (layout.delimiter is None and _is_truth(path, rows[columns[0]])):
        names, targets = _one_column_a_class(path, rows, columns, classes)
    else:
        names, targets = _name_lists(path, rows, layout, classes)
    return Listing(root, PathList(images), targets, names)


def splits(path: Path, layout: TableLayout) -> list[str]:
    """The values of the split column, sorted; empty without such a column."""
    if layout.split_column is None:
        return []
    table = _table(path)
    _need_columns(path, table, {"data.split_column": [layout.split_column]})
    return _values(_text(path, table[layout.split_column]))


def _table(path: Path) -> pl.DataFrame:
    """The whole table; all columns of a CSV are text, so that no class name is taken for a number.

    A .csv whose first line has no comma but semicolons or tabs, as some spreadsheets write it, is read by those.
    """
    if not path.is_file():
        beside = sorted(p.name for p in path.parent.glob("*") if p.suffix in (*_SEPARATORS, ".parquet"))
        raise DataError(f"{path}: no such table; tables in its folder: {named(beside)}")
    if path.suffix not in (*_SEPARATORS, ".parquet"):
        raise DataError(f"{path}: a table ends in .csv, .tsv or .parquet")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path).with_row_index(_ROW, offset=1)
        table = pl.read_csv(path, separator=_separator(path), infer_schema=False)
        return table.with_row_index(_ROW, offset=1)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: cannot be read as a table ({str(error).splitlines()[0]})") from None


def _separator(path: Path) -> str:
    """What stands between the columns of a text file."""
    with path.open("rb") as file:
        first = file.readline(1 << 16).decode("utf-8", "replace")
    usual = _SEPARATORS[path.suffix]
    return next((mark for mark in (usual, ";", "\t", ",") if mark in first), usual)


def _need_columns(path: Path, table: pl.DataFrame, keys: Mapping[str, Sequence[str]]) -> None:
    """Refuse columns that are not there; ``keys`` says which setting names them."""
    there = [name for name in table.columns if name != _ROW]
    places = {name: f"{path}: {key}" for key, names in keys.items() for name in names}
    refuse_unknown(places, there, what="column")


def _text(path: Path, column: pl.Series) -> pl.Series:
    """The values of a column as text without blanks around it; null where there is none."""
    if column.dtype.is_nested():
        raise DataError(f"{path}: column {column.name!r} holds {column.dtype}; it takes one value a row")
    return column.cast(pl.String).str.strip_chars()


def _values(column: pl.Series) -> list[str]:
    """The distinct values of a column of text, sorted, without nulls."""
    return sorted(column.drop_nulls().unique())


def _rows(path: Path, split: str | None, layout: TableLayout) -> pl.DataFrame:
    """The rows of one split; at least one."""
    table = _table(path)
    by = [] if layout.split_column is None else [layout.split_column]
    keys = {"data.path_column": [layout.path_column], "data.label_columns": layout.label_columns}
    _need_columns(path, table, {**keys, "data.split_column": by})
    if table.is_empty():
        raise DataError(f"{path}: the table has no rows")
    if split is None:
        return table
    if layout.split_column is None:
        raise DataError(f"{path}: split {split!r} is asked for without a split column; set data.split_column")
    column = _text(path, table[layout.split_column])
    rows = table.filter(column == split)
    if rows.is_empty():
        there = named(_values(column))
        raise DataError(f"{path}: no row of split {split!r}; column {column.name!r} has {there}")
    return rows


def _images(path: Path, root: Path, rows: pl.DataFrame, column: str) -> list[str]:
    """The paths relative to ``root`` with forward slashes, each once and none outside of it."""
    first_row: dict[str, int] = {}
    problems = []
    top = root.absolute().as_posix().rstrip("/") + "/"
    for row, value in zip(rows[_ROW], _text(path, rows[column]), strict=True):
        name = (value or "").replace("\\", "/").removeprefix(top).removeprefix("./")
        if not name:
            problems.append(
                f"{path}: data row {row}: column {column!r} (data.path_column) is empty; it takes the path of an image"
            )
        elif name.startswith("/") or ".." in name.split("/"):
            problems.append(f"{path}: data row {row}: {value!r} lies outside of data.root={root}")
        elif first_row.setdefault(name, row) != row:
            first = first_row[name]
            problems.append(f"{path}: data row {row}: image {name!r} stands in data row {first} already")
    refuse(problems)
    return list(first_row)


def _one_name(
    path: Path, rows: pl.DataFrame, columns: tuple[str, ...], classes: tuple[str, ...] | None
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Classes and (N,) targets out of one column of names."""
    if len(columns) != 1:
        raise DataError(
            f"{path}: one class an image needs one label column, and data.label_columns names {named(columns)}; "
            "name one of them, or set task.name=multilabel"
        )
    found = _text(path, rows[columns[0]])
    empty = rows[_ROW].filter(found.is_null() | (found == ""))
    refuse(
        [
            f"{path}: data row {row}: column {columns[0]!r} (data.label_columns) is empty; it takes a class name"
            for row in empty
        ]
    )
    names = tuple(_values(found)) if classes is None else classes
    return names, _positions(path, found, rows[_ROW], names)


def _name_lists(
    path: Path, rows: pl.DataFrame, layout: TableLayout, classes: tuple[str, ...] | None
) -> tuple[tuple[str, ...], NDArray[np.int8]]:
    """Classes and (N, C) targets out of one column of lists of names."""
    column = rows[layout.label_columns[0]]
    if layout.delimiter is not None and not column.dtype.is_nested():
        column = _text(path, column).str.split(layout.delimiter)
    flat = pl.DataFrame({"index": np.arange(len(rows)), "row": rows[_ROW], column.name: column})
    if isinstance(column.dtype, pl.List | pl.Array):
        flat = flat.explode(column.name)
    flat = flat.with_columns(name=_text(path, flat[column.name])).filter(pl.col("name").fill_null("") != "")
    found = _values(flat["name"])
    _refuse_lists(path, column.name, layout.delimiter, found, classes)
    names = tuple(found) if classes is None else classes
    if not names:
        raise DataError(f"{path}: column {column.name!r} (data.label_columns) is empty in every row: no class to learn")
    targets = np.full((len(rows), len(names)), ABSENT, dtype=np.int8)
    targets[flat["index"].to_numpy(), _positions(path, flat["name"], flat["row"], names)] = PRESENT
    return names, targets


def _refuse_lists(
    path: Path, column: str, delimiter: str | None, found: Sequence[str], classes: Sequence[str] | None
) -> None:
    """Refuse "cat;dog" as the name of a class where that looks like a list with another delimiter than the one set.

    It does where cat and dog are classes themselves, or where the parts of all names are fewer than the names.
    """
    known = {*found} if classes is None else {*classes}
    for mark in _DELIMITERS:
        lists = [name for name in found if mark in name and (classes is None or name not in known)]
        few = classes is None and len(set().union(*(_parts(name, mark) for name in found))) < len(found)
        meant = [name for name in lists if few or _parts(name, mark) <= known]
        if meant and mark != delimiter:
            now = "null" if delimiter is None else repr(delimiter)
            keep = "; or list it in data.classes if it is one name" if classes is None else ""
            raise DataError(
                f"{path}: column {column!r} holds {meant[0]!r}, and data.delimiter is {now}; "
                f"set data.delimiter={mark!r} if that is a list of names{keep}"
            )


def _parts(name: str, mark: str) -> set[str]:
    return {part.strip() for part in name.split(mark) if part.strip()}


def _positions(path: Path, found: pl.Series, rows: pl.Series, names: tuple[str, ...]) -> NDArray[np.int64]:
    """The place in ``names`` of each name found; refuses others, each once, with its first data row."""
    place = {name: i for i, name in enumerate(names)}
    first_row = dict(zip(reversed(found.to_list()), reversed(rows.to_list()), strict=True))
    refuse_unknown({name: f"{path}: data row {first_row[name]}" for name in _values(found)}, names)
    return np.array([place[name] for name in found], dtype=np.int64)


def _truth(path: Path, column: pl.Series) -> pl.Series:
    """1, 0, -1 of each value; null where it is none of them."""
    text = _text(path, column).str.to_lowercase()
    return text.replace_strict(_TRUTH, default=None, return_dtype=pl.Int8)


def _is_truth(path: Path, column: pl.Series) -> bool:
    """Whether a column holds 1, 0 and -1 and nothing else; empty cells are left for later."""
    filled = column.drop_nulls()
    return not column.dtype.is_nested() and not filled.is_empty() and not _truth(path, filled).has_nulls()


def _one_column_a_class(
    path: Path, rows: pl.DataFrame, columns: tuple[str, ...], classes: tuple[str, ...] | None
) -> tuple[tuple[str, ...], NDArray[np.int8]]:
    """Classes and (N, C) targets out of columns that are named as the classes are."""
    names = tuple(sorted(columns)) if classes is None else classes
    refuse_unknown(dict.fromkeys(columns, f"{path}: data.label_columns"), names)
    refuse_unknown(dict.fromkeys(names, f"{path}: data.classes"), columns, what="label column")
    problems = []
    targets = np.empty((len(rows), len(names)), dtype=np.int8)
    for c, name in enumerate(names):
        values = _truth(path, rows[name])
        for i in values.is_null().arg_true():
            found = f"{path}: data row {rows[_ROW][i]}: column {name!r} (data.label_columns) has {rows[name][i]!r}"
            problems.append(f"{found}; it takes 1, 0, or -1 (ignore)")
        targets[:, c] = values.fill_null(ABSENT).to_numpy()
    refuse(problems)
    return names, targets
