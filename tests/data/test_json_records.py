"""What is wrong with a JSON file is told with its place, and all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from saccade.data.json_records import load, load_object, records
from saccade.errors import DataError

FIELDS = {"id": (int, str), "caption": (str,), "note": (str, type(None))}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"a\.json:1: not well-formed JSON \(Expecting value, column 1\)"),
        ('{"a": 1,\n "b": }', r"a\.json:2: not well-formed JSON \(Expecting value, column 7\)"),
        (b"\xff\xfe{}", r"a\.json: not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_json_is_named_with_its_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    (tmp_path / "a.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=said):
        load(tmp_path / "a.json")


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text("{}")
    with pytest.raises(DataError, match=r"a\.json: no such file; JSON files in its folder: 'b\.json'"):
        load(tmp_path / "a.json")
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path)


def test_a_mark_of_byte_order_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"id": 3, "caption": "x"}')
    assert load_object(tmp_path / "a.json", FIELDS) == {"id": 3, "caption": "x"}


@pytest.mark.parametrize("text", ["[]", "null", "3", '"words"'])
def test_something_else_than_an_object(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=r"a\.json: is .*; it takes an object with 'id', 'caption'$"):
        load_object(tmp_path / "a.json", FIELDS)


def test_every_bad_record_is_named_with_its_place() -> None:
    values = [
        {"id": 1, "caption": "fine"},
        {"id": "1", "caption": "fine", "note": "fine"},
        {"id": True, "caption": "x"},
        {"id": 2},
        {"id": 2, "caption": ["x"]},
        {"id": 2, "caption": "x", "note": 5},
        7,
        {"id": None, "caption": "x"},
    ]
    with pytest.raises(DataError) as caught:
        records(Path("f.json"), "annotations", values, FIELDS)
    assert str(caught.value).splitlines() == [
        "f.json: annotations[2] has 'id': true; it takes a whole number or text",
        "f.json: annotations[3] has no 'caption'; it takes text",
        "f.json: annotations[4] has 'caption': [\"x\"]; it takes text",
        "f.json: annotations[5] has 'note': 5; it takes text",
        "f.json: annotations[6] is 7; it takes an object with 'id', 'caption'",
        "f.json: annotations[7] has 'id': null; it takes a whole number or text",
    ]


def test_a_long_value_is_cut() -> None:
    with pytest.raises(DataError, match=r'has \'caption\': \["y+\.\.\.; it takes text$'):
        records(Path("f.json"), "x", [{"id": 1, "caption": ["y" * 500]}], FIELDS)
