from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from saccade.data import table
from saccade.data.listing import Listing
from saccade.data.table import TableLayout
from saccade.errors import DataError


def csv(root: Path, text: str, name: str = "labels.csv") -> Path:
    path = root / name
    path.write_text(text, encoding="utf-8")
    return path


def parquet(root: Path, **columns: Any) -> Path:
    path = root / "labels.parquet"
    pl.DataFrame(columns).write_parquet(path)
    return path


def read(
    path: Path,
    layout: TableLayout = TableLayout(),
    *,
    split: str | None = None,
    classes: tuple[str, ...] | None = None,
    multilabel: bool = False,
) -> Listing:
    return table.read(path, root=path.parent, split=split, layout=layout, classes=classes, multilabel=multilabel)


def test_one_name_a_row(tmp_path: Path) -> None:
    listing = read(csv(tmp_path, "image,label\nb/1.jpg,dog\na/2.jpg, cat\n./a/3.jpg,dog\n"))
    assert listing.classes == ("cat", "dog")
    assert list(listing.images) == ["b/1.jpg", "a/2.jpg", "a/3.jpg"]
    assert listing.targets.dtype == np.int64
    assert listing.targets.tolist() == [1, 0, 1]


def test_names_are_kept_as_written(tmp_path: Path) -> None:
    text = "image,label\n1.jpg,001\n2.jpg,no\n3.jpg,1.0\n4.jpg,true\n5.jpg,null\n"
    assert read(csv(tmp_path, text)).classes == ("001", "1.0", "no", "null", "true")


def test_numbers_become_names(tmp_path: Path) -> None:
    listing = read(parquet(tmp_path, image=["1.jpg", "2.jpg", "3.jpg"], label=[10, 2, 10]))
    assert listing.classes == ("10", "2")
    assert listing.targets.tolist() == [0, 1, 0]


def test_classes_keep_the_order_they_are_given_in(tmp_path: Path) -> None:
    path = csv(tmp_path, "image,label\n1.jpg,dog\n2.jpg,cat\n")
    assert read(path, classes=("dog", "elk", "cat")).targets.tolist() == [0, 2]
    listing = read(path, classes=("dog", "elk", "cat"), multilabel=True)
    assert listing.targets.tolist() == [[1, 0, 0], [0, 0, 1]]


def test_paths_become_relative_with_forward_slashes(tmp_path: Path) -> None:
    path = csv(tmp_path, f"image,label\n{tmp_path}/a/1.jpg,dog\nb\\2.jpg,dog\n")
    assert list(read(path).images) == ["a/1.jpg", "b/2.jpg"]


def test_splits(tmp_path: Path) -> None:
    path = csv(tmp_path, "image,label,fold\n1.jpg,dog,train\n2.jpg,cat,val\n3.jpg,cat, train\n")
    layout = TableLayout(split_column="fold")
    assert table.splits(path, layout) == ["train", "val"]
    assert table.splits(path, TableLayout()) == []
    assert list(read(path, layout, split="train").images) == ["1.jpg", "3.jpg"]
    assert list(read(path, layout, split="val").images) == ["2.jpg"]
    assert len(read(path, layout)) == 3


def test_splits_that_are_numbers(tmp_path: Path) -> None:
    path = parquet(tmp_path, image=["1.jpg", "2.jpg"], label=["a", "b"], fold=[0, 1])
    assert list(read(path, TableLayout(split_column="fold"), split="1").images) == ["2.jpg"]


LISTS = [[1, 1], [0, 1], [0, 0], [0, 0], [1, 0]]


def test_delimited_lists(tmp_path: Path) -> None:
    path = csv(tmp_path, 'image,tags\n1.jpg,dog|cat\n2.jpg,dog\n3.jpg,\n4.jpg,"| "\n5.jpg,cat | cat|\n')
    listing = read(path, TableLayout(label_columns=("tags",), delimiter="|"), multilabel=True)
    assert listing.classes == ("cat", "dog")
    assert listing.targets.dtype == np.int8
    assert listing.targets.tolist() == LISTS


def test_list_column(tmp_path: Path) -> None:
    tags = [["dog", "cat"], ["dog"], [], None, ["cat", "cat"]]
    path = parquet(tmp_path, image=[f"{i}.jpg" for i in range(5)], tags=tags)
    for delimiter in (None, "|"):
        layout = TableLayout(label_columns=("tags",), delimiter=delimiter)
        assert read(path, layout, multilabel=True).targets.tolist() == LISTS


def test_list_of_numbers(tmp_path: Path) -> None:
    path = parquet(tmp_path, image=["1.jpg", "2.jpg"], label=[[3, 20], [3]])
    listing = read(path, multilabel=True)
    assert listing.classes == ("20", "3")
    assert listing.targets.tolist() == [[1, 1], [0, 1]]


def test_one_column_a_class(tmp_path: Path) -> None:
    path = csv(tmp_path, "image,dog,cat\n1.jpg,1,0\n2.jpg,-1, 1\n3.jpg,False,1.0\n")
    layout = TableLayout(label_columns=("dog", "cat"))
    listing = read(path, layout, multilabel=True)
    assert listing.classes == ("cat", "dog")
    assert listing.targets.tolist() == [[0, 1], [1, -1], [1, 0]]
    assert read(path, layout, classes=("dog", "cat"), multilabel=True).targets.tolist() == [
        [1, 0],
        [-1, 1],
        [0, 1],
    ]


def test_one_column_a_class_of_any_type(tmp_path: Path) -> None:
    path = parquet(tmp_path, image=["1.jpg", "2.jpg"], a=[True, False], b=[0.0, -1.0], c=[1, 0])
    listing = read(path, TableLayout(label_columns=("a", "b", "c")), multilabel=True)
    assert listing.targets.tolist() == [[1, 0, 1], [0, -1, 0]]


def test_a_single_column_of_0_and_1_is_a_class(tmp_path: Path) -> None:
    path = csv(tmp_path, "image,smiling\n1.jpg,1\n2.jpg,0\n")
    listing = read(path, TableLayout(label_columns=("smiling",)), multilabel=True)
    assert listing.classes == ("smiling",)
    assert listing.targets.tolist() == [[1], [0]]


def test_byte_order_mark_tabs_and_quotes(tmp_path: Path) -> None:
    listing = read(csv(tmp_path, '\ufeffimage\tlabel\n"a,1.jpg"\tdog\n', "labels.tsv"))
    assert list(listing.images) == ["a,1.jpg"]
    assert listing.classes == ("dog",)


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_csv_without_commas_in_its_first_line(tmp_path: Path, mark: str) -> None:
    path = csv(tmp_path, f'image{mark}label\n"1.jpg"{mark}"dog, small"\n2.jpg{mark}cat\n')
    assert read(path).classes == ("cat", "dog, small")
    assert read(csv(tmp_path, "image,label\n1;1.jpg,a;b\n")).classes == ("a;b",)


def message(path: Path, layout: TableLayout = TableLayout(), **given: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(path, layout, **given)
    text = str(caught.value)
    assert text.startswith(str(path))
    return text.replace(f"{path}: ", "")


class TestRefusals:
    def test_no_table(self, tmp_path: Path) -> None:
        csv(tmp_path, "", "other.csv")
        assert message(tmp_path / "labels.csv") == "no such table; tables in its folder: 'other.csv'"
        (tmp_path / "labels.xlsx").touch()
        assert message(tmp_path / "labels.xlsx") == "a table ends in .csv, .tsv or .parquet"

    @pytest.mark.parametrize("content", [b"", b"not a table", b"\xff\xfe\x00"])
    def test_damaged(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "labels.parquet").write_bytes(content)
        assert message(tmp_path / "labels.parquet").startswith("cannot be read as a table (")

    @pytest.mark.parametrize("content", [b"", b"image,label\n1.jpg,a\n2.jpg,b,c\n", b"image,label\n1.jpg,\xff\n"])
    def test_damaged_csv(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "labels.csv").write_bytes(content)
        assert message(tmp_path / "labels.csv").startswith("cannot be read as a table (")

    def test_missing_columns(self, tmp_path: Path) -> None:
        path = csv(tmp_path, "images,labels,fold\n1.jpg,dog,train\n")
        assert message(path, TableLayout(split_column="xyz")).splitlines() == [
            "data.path_column: unknown column 'image'; the nearest is 'images'",
            "data.label_columns: unknown column 'label'; the nearest is 'labels'",
            "data.split_column: unknown column 'xyz'; expected: 'images', 'labels', 'fold'",
        ]
        with pytest.raises(DataError, match=r"data\.split_column: unknown column 'folds'; the nearest is 'fold'"):
            table.splits(path, TableLayout(split_column="folds"))

    def test_no_rows(self, tmp_path: Path) -> None:
        assert message(csv(tmp_path, "image,label\n")) == "the table has no rows"

    def test_split(self, tmp_path: Path) -> None:
        path = csv(tmp_path, "image,label,fold\n1.jpg,dog,train\n")
        layout = TableLayout(split_column="fold")
        assert message(path, layout, split="val") == "no row of split 'val'; column 'fold' has 'train'"
        assert "set data.split_column" in message(path, split="val")

    def test_paths(self, tmp_path: Path) -> None:
        path = csv(tmp_path, "image,label\n1.jpg,a\n,a\n../2.jpg,a\n/etc/3.jpg,a\n./1.jpg,a\n")
        assert message(path).splitlines() == [
            "data row 2: column 'image' (data.path_column) is empty; it takes the path of an image",
            f"data row 3: '../2.jpg' lies outside of data.root={tmp_path}",
            f"data row 4: '/etc/3.jpg' lies outside of data.root={tmp_path}",
            "data row 5: image '1.jpg' stands in data row 1 already",
        ]

    def test_row_numbers_are_those_of_the_table_and_not_of_the_split(self, tmp_path: Path) -> None:
        path = csv(tmp_path, "image,label,fold\n1.jpg,a,train\n2.jpg,b,val\n3.jpg,,val\n")
        layout = TableLayout(split_column="fold")
        found = message(path, layout, split="val")
        assert found == "data row 3: column 'label' (data.label_columns) is empty; it takes a class name"

    def test_unknown_classes(self, tmp_path: Path) -> None:
        path = csv(tmp_path, "image,label\n1.jpg,dog\n2.jpg,cat\n3.jpg,cat\n")
        assert message(path, classes=("dog", "cats")) == "data row 2: unknown class 'cat'; the nearest is 'cats'"
        assert message(path, classes=("dog",), multilabel=True) == "data row 2: unknown class 'cat'; expected: 'dog'"

    def test_no_label_at_all(self, tmp_path: Path) -> None:
        path = csv(tmp_path, "image,label\n1.jpg,\n")
        assert "empty in every row" in message(path, TableLayout(delimiter="|"), multilabel=True)
        assert "empty in every row" in message(path, multilabel=True)

    def test_bad_values(self, tmp_path: Path) -> None:
        path = csv(tmp_path, "image,dog,cat\n1.jpg,1,2\n2.jpg,,0\n")
        assert message(path, TableLayout(label_columns=("dog", "cat")), multilabel=True).splitlines() == [
            "data row 1: column 'cat' (data.label_columns) has '2'; it takes 1, 0, or -1 (ignore)",
            "data row 2: column 'dog' (data.label_columns) has None; it takes 1, 0, or -1 (ignore)",
        ]

    def test_an_empty_cell_of_a_single_class(self, tmp_path: Path) -> None:
        path = csv(tmp_path, "image,dog\n1.jpg,1\n2.jpg,\n")
        found = message(path, TableLayout(label_columns=("dog",)), multilabel=True)
        assert found == "data row 2: column 'dog' (data.label_columns) has None; it takes 1, 0, or -1 (ignore)"

    def test_columns_and_classes_disagree(self, tmp_path: Path) -> None:
        path = csv(tmp_path, "image,dog,cat\n1.jpg,1,0\n")
        layout = TableLayout(label_columns=("dog", "cat"))
        assert message(path, layout, classes=("dog", "cats"), multilabel=True) == (
            "data.label_columns: unknown class 'cat'; the nearest is 'cats'"
        )
        assert message(path, layout, classes=("dog", "cat", "elk"), multilabel=True) == (
            "data.classes: unknown label column 'elk'; expected: 'dog', 'cat'"
        )

    def test_several_columns_for_one_class(self, tmp_path: Path) -> None:
        path = csv(tmp_path, "image,dog,cat\n1.jpg,1,0\n")
        assert message(path, TableLayout(label_columns=("dog", "cat"))) == (
            "one class an image needs one label column, and data.label_columns names 'dog', 'cat'; "
            "name one of them, or set task.name=multilabel"
        )

    def test_lists_for_one_class(self, tmp_path: Path) -> None:
        path = parquet(tmp_path, image=["1.jpg"], label=[["dog"]])
        assert message(path) == "column 'label' holds List(String); it takes one value a row"

    @pytest.mark.parametrize("rows", [["dog;cat", "dog", "cat"], ["dog;cat", "cat;elk", "elk;dog", "dog;cat;elk"]])
    @pytest.mark.parametrize("delimiter", [None, "|"])
    def test_lists_with_another_delimiter(self, tmp_path: Path, rows: list[str], delimiter: str | None) -> None:
        path = csv(tmp_path, "image,label\n" + "".join(f"{i}.jpg,{row}\n" for i, row in enumerate(rows)))
        layout = TableLayout(delimiter=delimiter)
        start = f"column 'label' holds {min(r for r in rows if ';' in r)!r}, and data.delimiter is "
        assert message(path, layout, multilabel=True) == (
            f"{start}{'null' if delimiter is None else repr(delimiter)}; "
            "set data.delimiter=';' if that is a list of names; or list it in data.classes if it is one name"
        )
        assert message(path, layout, multilabel=True, classes=("cat", "dog", "elk")).endswith("a list of names")
        assert read(path, TableLayout(delimiter=";"), multilabel=True).targets[0, :2].tolist() == [1, 1]

    def test_names_that_only_look_like_lists(self, tmp_path: Path) -> None:
        path = csv(tmp_path, 'image,label\n1.jpg,"tench, Tinca tinca|cock"\n2.jpg,cock\n3.jpg,"hen, biddy"\n')
        listing = read(path, TableLayout(delimiter="|"), multilabel=True)
        assert listing.classes == ("cock", "hen, biddy", "tench, Tinca tinca")
        path = csv(tmp_path, "image,label\n1.jpg,dog;cat\n2.jpg,dog\n3.jpg,cat\n")
        listing = read(path, classes=("cat", "dog", "dog;cat"), multilabel=True)
        assert listing.targets.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
        assert read(path).classes == ("cat", "dog", "dog;cat")
