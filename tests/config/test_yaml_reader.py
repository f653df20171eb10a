"""The reader against the examples of the YAML 1.2.2 specification, and the texts of its errors."""

# ruff: noqa: E501 (a text is easier to compare in one piece)
from __future__ import annotations

import math
from pathlib import Path

import pytest

from saccade.config.nodes import Place, Problem, find, plain
from saccade.config.yaml_reader import read_scalar, read_yaml
from saccade.errors import ConfigError

PLACE = Place("my.yaml", Path("/configs"))


def read(text: str) -> object:
    problems: list[Problem] = []
    value = plain(read_yaml(text, PLACE, problems))
    assert problems == []
    return value


def test_core_tag_resolution_as_in_the_specification():
    """YAML 1.2.2, example 10.9 (https://yaml.org/spec/1.2.2/#1032-tag-resolution)."""
    text = """
A null: null
Booleans: [ true, True, false, FALSE ]
Integers: [ 0, 0o7, 0x3A, -19 ]
Floats: [ 0., -0.0, .5, +12e03, -2E+05 ]
Also floats: [ .inf, -.Inf, +.INF, .NAN ]
"""
    value = read(text)
    assert isinstance(value, dict)
    nan = value["Also floats"].pop()
    assert math.isnan(nan)
    assert value == {
        "A null": None,
        "Booleans": [True, True, False, False],
        "Integers": [0, 7, 58, -19],
        "Floats": [0.0, -0.0, 0.5, 12000.0, -200000.0],
        "Also floats": [math.inf, -math.inf, math.inf],
    }
    assert [type(x) for x in value["Integers"]] == [int] * 4
    assert [type(x) for x in value["Floats"]] == [float] * 5


@pytest.mark.parametrize("text", ["no", "No", "yes", "on", "OFF", "y", "n"])
def test_words_that_yaml_1_1_takes_for_truth_values_stay_words(text: str):
    assert read(f"[{text}]") == [text]


@pytest.mark.parametrize(
    "text",
    [
        "12:30",
        "2024-01-01",
        "2024-01-01T10:00:00Z",
        "1_000",
        "0b11",
        "0o8",
        "0xg",
        "1e",
        "+",
        "-.",
        "1.2.3",
        "=",
        "<<",
    ],
)
def test_texts_that_yaml_1_1_takes_for_other_things_stay_texts(text: str):
    assert read(f"- {text}") == [text]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2e-5", 2e-5),
        ("1E3", 1000.0),
        ("08", 8),
        ("+7", 7),
        ("1.", 1.0),
        ("~", None),
        ("", None),
        ("True", True),
    ],
)
def test_scalars(text: str, value: object):
    assert read_scalar(text) == value
    assert type(read_scalar(text)) is type(value)


def test_keys_are_text_and_quotes_make_text():
    assert read("{no: 1, 08: 2, true: 3, null: 4, 'a b': '5'}") == {
        "no": 1,
        "08": 2,
        "true": 3,
        "null": 4,
        "a b": "5",
    }


@pytest.mark.parametrize("text", ["", "# just a comment\n", "---\n", "{}"])
def test_an_empty_document_is_an_empty_mapping(text: str):
    root = read_yaml(text, PLACE, [])
    assert plain(root) in ({}, None)


def test_every_value_knows_its_line_and_its_text():
    root = read_yaml("a:\n  b: 1e3\n  c:\n    - x\n    - true\n", PLACE, [])
    lines = {key: find(root, key).place.line for key in [("a",), ("a", "b"), ("a", "c"), ("a", "c", 1)]}  # type: ignore[union-attr]
    assert lines == {("a",): 1, ("a", "b"): 2, ("a", "c"): 3, ("a", "c", 1): 5}
    assert find(root, ("a", "b")).text == "1e3"  # type: ignore[union-attr]


def test_anchors_and_aliases_are_read():
    assert read("a: &x [1, 2]\nb: *x\n") == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "a (my.yaml, line 3): given twice; it stands in line 1 already; keep one of the two"),
        ("d:\n  r: 1\n  r: 1\n", "d.r (my.yaml, line 3): given twice; it stands in line 2 already; keep one of the two"),
        ("a: &x [*x]\n", "a[0] (my.yaml, line 1): found an alias of a section inside this very section"),
        ("a: !!python/none x\n", "a (my.yaml, line 1): found the tag tag:yaml.org,2002:python/none; "
         "a config holds plain values only"),
        ("a: !thing {b: 1}\n", "a (my.yaml, line 1): found the tag !thing; a config holds plain values only"),
        ("[a, b]: 1\n", "my.yaml, line 1: found a list or mapping as a key; a key is a word"),
        ("a: " + "9" * 5000, "a (my.yaml, line 1): found " + "9" * 40 + ", which cannot be read as a number"),
        ("a: !!int x\n", "a (my.yaml, line 1): found x, which cannot be read as a number"),
    ],
)  # fmt: skip
def test_what_yaml_allows_and_a_config_does_not(text: str, message: str):
    problems: list[Problem] = []
    read_yaml(text, PLACE, problems)
    assert [str(problem) for problem in problems] == [message]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\n\tb: 2\n", "line 2, column 1: not valid YAML: a tab where spaces belong; indent with spaces"),
        ("name: x: y\n", "line 1, column 8: not valid YAML: a second colon, or a wrong indentation; "
         "put a text that holds ': ' in quotes"),
        ("a: 1\nb\nc: 2\n", "line 3, column 1: not valid YAML: a key without its colon; write key: value"),
        ("a:\n  - 1\n b: 2\n", "line 3, column 2: not valid YAML: the indentation, or a line without 'key: value' or "
         "'- item', does not fit the lines above"),
        ("a: [x, y\nb: 3\n", "line 1, column 4: not valid YAML: a list that is not closed with ]"),
        ("a: {x: y\nb: 3\n", "line 1, column 4: not valid YAML: a mapping that is not closed with }"),
        ("a: 'x\nb: 3\n", "line 1, column 4: not valid YAML: a quoted text that is not closed"),
        ("a: *.jpg\n", "line 1, column 5: not valid YAML: a text that begins with * needs quotes"),
        ("a: *jpg\n", "line 1, column 4: not valid YAML: a text that begins with * needs quotes"),
        ("a: @x\n", "line 1, column 4: not valid YAML: a text that begins with this character needs quotes"),
        ("a: 1\n---\nb: 1\n", "line 2, column 1: not valid YAML: a second document begins here; "
         "a config is one document, without ---"),
        ("a: 1\nb: \x07\n", "line 2: not valid YAML: a control character, U+0007"),
    ],
)  # fmt: skip
def test_syntax_errors_say_where_and_what_to_do(text: str, message: str):
    with pytest.raises(ConfigError) as error:
        read_yaml(text, PLACE, [])
    assert str(error.value) == f"my.yaml, {message}"


def test_deep_nesting_is_an_error_not_a_crash():
    with pytest.raises(ConfigError, match=r"^my\.yaml: not a config: it is nested too deeply$"):
        read_yaml("[" * 5000 + "]" * 5000, PLACE, [])
