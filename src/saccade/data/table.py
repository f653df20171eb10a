"""A CSV or Parquet table with one row an image: its path, its labels, and perhaps its split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saccade.data.listing import ABSENT, IGNORED, PRESENT, Listing
from saccade.data.paths import PathList
from saccade.data.wording import named, refuse, unknown
from saccade.errors import DataError

_SEPARATORS = {".csv": ",", ".tsv": "\t"}
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
    column without a delimiter holds one name a row, unless all it holds is 1, 0 and -1: then it is the column
    of one class.

    Raises:
        DataError: naming the column or the data row (counted from 1, without the header) and what was found.
    """
    rows = _rows(path, split, layout)
    images = _images(path, root, rows, layout.path_column)
    columns = layout.label_columns
    if not multilabel:
        if len(columns) != 1:
            raise DataError(
                f"{path}: one class an image needs one label column, and {named(columns)} are given"
            )
        names, targets = _one_name(path, rows, columns[0], classes)
    elif len(columns) > 1 or (layout.delimiter is None and _is_truth(rows[columns[0]])):
        names, targets = _one_column_a_class(path, rows, columns, classes)
    else:
        names, targets = _name_lists(path, rows, layout, classes)
    return Listing(root, PathList(images), targets, names)


def splits(path: Path, layout: TableLayout) -> list[str]:
    """The values of the split column, sorted; empty without such a column."""
    if layout.split_column is None:
        return []
    table = _table(path)
    _need_columns(path, table, [layout.split_column])
    return _values(table[layout.split_column])


def _table(path: Path) -> pl.DataFrame:
    """The whole table; all columns of a CSV are text, so that no class name is taken for a number."""
    if not path.is_file():
        beside = sorted(p.name for p in path.parent.glob("*") if p.suffix in (*_SEPARATORS, ".parquet"))
        raise DataError(f"{path}: no such table; tables in its folder: {named(beside)}")
    if path.suffix not in (*_SEPARATORS, ".parquet"):
        raise DataError(f"{path}: a table ends in .csv, .tsv or .parquet")
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path).with_row_index(_ROW, offset=1)
        table = pl.read_csv(path, separator=_SEPARATORS[path.suffix], infer_schema=False)
        return table.with_row_index(_ROW, offset=1)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{path}: cannot be read as a table ({str(error).splitlines()[0]})") from None


def _need_columns(path: Path, table: pl.DataFrame, columns: list[str]) -> None:
    """Refuse columns that are not there."""
    there = [name for name in table.columns if name != _ROW]
    refuse([f"{path}: {unknown(name, there, what='column')}" for name in columns if name not in there])


def _values(column: pl.Series) -> list[str]:
    """The distinct values of a column as text, sorted, without nulls."""
    return sorted(column.drop_nulls().cast(pl.String).unique().to_list())


def _rows(path: Path, split: str | None, layout: TableLayout) -> pl.DataFrame:
    """The rows of one split; at least one."""
    table = _table(path)
    by = [] if layout.split_column is None else [layout.split_column]
    _need_columns(path, table, [layout.path_column, *layout.label_columns, *by])
    if split is None:
        rows = table
    elif layout.split_column is None:
        raise DataError(f"{path}: split {split!r} is asked for without a split column; set data.split_column")
    else:
        rows = table.filter(pl.col(layout.split_column).cast(pl.String) == split)
        if rows.is_empty():
            there = _values(table[layout.split_column])
            raise DataError(
                f"{path}: no row of split {split!r}; column {layout.split_column!r} has {named(there)}"
            )
    if rows.is_empty():
        raise DataError(f"{path}: the table has no rows")
    return rows


def _images(path: Path, root: Path, rows: pl.DataFrame, column: str) -> list[str]:
    """The paths relative to ``root`` with forward slashes, each once and none outside of it."""
    first_row: dict[str, int] = {}
    problems = []
    top = root.absolute().as_posix().rstrip("/") + "/"
    for row, value in zip(rows[_ROW], rows[column].cast(pl.String), strict=True):
        name = (value or "").replace("\\", "/").removeprefix(top).removeprefix("./")
        if not name or name.startswith("/") or ".." in name.split("/"):
            problems.append(f"{path}: data row {row}: path {value!r} lies outside of data.root {root}")
        elif first_row.setdefault(name, row) != row:
            first = first_row[name]
            problems.append(f"{path}: data row {row}: image {name!r} stands in data row {first} already")
    refuse(problems)
    return list(first_row)


def _one_name(
    path: Path, rows: pl.DataFrame, column: str, classes: tuple[str, ...] | None
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Classes and (N,) targets out of one column of names."""
    if isinstance(rows[column].dtype, pl.List):
        raise DataError(f"{path}: column {column!r} holds lists, and one class an image takes one name a row")
    found = rows[column].cast(pl.String).str.strip_chars()
    empty = rows[_ROW].filter(found.is_null() | (found == "")).to_list()
    refuse([f"{path}: data row {row}: column {column!r} is empty; each image needs a class" for row in empty])
    names = tuple(_values(found)) if classes is None else classes
    return names, _positions(path, found, rows[_ROW], names).astype(np.int64)


def _name_lists(
    path: Path, rows: pl.DataFrame, layout: TableLayout, classes: tuple[str, ...] | None
) -> tuple[tuple[str, ...], NDArray[np.int8]]:
    """Classes and (N, C) targets out of one column of lists of names."""
    lists = rows[layout.label_columns[0]]
    if not isinstance(lists.dtype, pl.List):
        text = lists.cast(pl.String)
        lists = text.str.split(layout.delimiter) if layout.delimiter else text.reshape((-1, 1)).arr.to_list()
    flat = pl.DataFrame({"i": np.arange(len(rows)), "row": rows[_ROW], "name": lists}).explode("name")
    flat = flat.with_columns(pl.col("name").cast(pl.String).str.strip_chars())
    flat = flat.filter(pl.col("name").is_not_null() & (pl.col("name") != ""))
    names = tuple(_values(flat["name"])) if classes is None else classes
    if not names:
        raise DataError(
            f"{path}: column {layout.label_columns[0]!r} is empty in every row, so there is no class"
        )
    targets = np.full((len(rows), len(names)), ABSENT, dtype=np.int8)
    targets[flat["i"].to_numpy(), _positions(path, flat["name"], flat["row"], names)] = PRESENT
    return names, targets


def _positions(path: Path, found: pl.Series, rows: pl.Series, names: tuple[str, ...]) -> NDArray[np.intp]:
    """The place in ``names`` of each name found; refuses others, each once, with its first data row."""
    place = {name: i for i, name in enumerate(names)}
    others = [name for name in _values(found) if name not in place]
    refuse([f"{path}: data row {rows[found.index_of(name)]}: {unknown(name, names)}" for name in others])
    return np.array([place[name] for name in found], dtype=np.intp)


def _truth(column: pl.Series) -> pl.Series:
    """1, 0, -1 of each value; null where it is none of them."""
    text = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    return text.replace_strict(_TRUTH, default=None, return_dtype=pl.Int8)


def _is_truth(column: pl.Series) -> bool:
    """Whether all values are 1, 0 or -1."""
    return not isinstance(column.dtype, pl.List) and not _truth(column).has_nulls()


def _one_column_a_class(
    path: Path, rows: pl.DataFrame, columns: tuple[str, ...], classes: tuple[str, ...] | None
) -> tuple[tuple[str, ...], NDArray[np.int8]]:
    """Classes and (N, C) targets out of columns that are named as the classes are."""
    names = tuple(sorted(columns)) if classes is None else classes
    refuse([f"{path}: column: {unknown(name, names)}" for name in columns if name not in names])
    refuse([f"{path}: {unknown(n, columns, what='label column')}" for n in names if n not in columns])
    problems = []
    targets = np.empty((len(rows), len(names)), dtype=np.int8)
    for c, name in enumerate(names):
        values = _truth(rows[name])
        for i in values.is_null().arg_true():
            row, value = rows[_ROW][i], rows[name][i]
            problems.append(
                f"{path}: data row {row}: column {name!r} has {value!r}; it takes 1, 0, or -1 (ignore)"
            )
        targets[:, c] = values.fill_null(ABSENT).to_numpy()
    refuse(problems)
    return names, targets
