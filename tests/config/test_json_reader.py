"""The JSON reader against Python's own json module, and its lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from saccade.config.json_reader import read_json
from saccade.config.nodes import Place, Problem, find, plain
from saccade.errors import ConfigError

PLACE = Place("my.json", Path("/configs"))


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        '{"a": 1}',
        '{\t"a": {"b": [1, 2.5, -3e-5, true, false, null, "x"]},\n"c": []}',
        '{"a \\" , } ] b": "\\ud83d\\ude00 \\u00fc \\\\", "": {"": {}}}',
        '["a:b", "{", [[], [{}]]]',
        '"text"',
        " 12 ",
    ],
)
def test_values_are_those_of_the_json_module(text: str):
    problems: list[Problem] = []
    assert plain(read_json(text, PLACE, problems)) == json.loads(text)
    assert problems == []


def test_every_value_knows_its_line():
    root = read_json('{\n "a": {\n  "b": [1,\n\n   true]},\n "c": "x\\ny"}', PLACE, [])
    keys = [("a",), ("a", "b"), ("a", "b", 1), ("c",)]
    assert [find(root, key).place.line for key in keys] == [2, 3, 5, 6]  # type: ignore[union-attr]
    assert find(root, ("a", "b", 1)).text == "true"  # type: ignore[union-attr]


def test_a_key_given_twice_is_told_with_both_lines():
    problems: list[Problem] = []
    root = read_json('{"a": {"r": 1,\n "r": [2]},\n "b": 3}', PLACE, problems)
    assert [str(p) for p in problems] == [
        "a.r (my.json, line 2): given twice; it stands in line 1 already; keep one of the two"
    ]
    assert plain(root) == {"a": {"r": 1}, "b": 3}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": tru}', "my.json, line 1, column 7: not valid JSON: expecting value"),
        ('{"a": 1,\n}', "my.json, line "),  # the wording of a trailing comma differs between Python versions
        ("", "my.json, line 1, column 1: not valid JSON: expecting value"),
        ("[" * 100_000, "my.json: not a config: it is nested too deeply"),
    ],
)
def test_syntax_errors_say_where(text: str, message: str):
    with pytest.raises(ConfigError) as error:
        read_json(text, PLACE, [])
    assert str(error.value).startswith(message)
