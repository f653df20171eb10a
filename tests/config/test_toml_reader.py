"""The TOML reader against Python's own tomllib, and the lines it finds."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from saccade.config.nodes import Place, find, plain
from saccade.config.toml_reader import read_toml
from saccade.errors import ConfigError

PLACE = Place("my.toml", Path("/configs"))
TEXT = """name = "x"  # a comment
task.name = "classify"

[data]
format = "voc"
classes = [
  "a",
  "b",
]
"root" = 'C:\\images'

[data.augment]  # random changes
flip = 0.25
crop = [0.5, 1.0]
"""


def test_values_are_those_of_tomllib():
    assert plain(read_toml(TEXT, PLACE)) == tomllib.loads(TEXT)


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("name",), 1),
        (("task", "name"), 2),
        (("data",), 4),
        (("data", "format"), 5),
        (("data", "classes", 1), 6),
        (("data", "root"), 10),
        (("data", "augment"), 12),
        (("data", "augment", "flip"), 13),
    ],
)
def test_lines_of_keys_and_sections(key: tuple[str | int, ...], line: int):
    node = find(read_toml(TEXT, PLACE), key)
    assert node is not None
    assert node.place.line == line


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a = 1\nb = ]\n", "my.toml, line 2, column 5: not valid TOML: "),
        ("a = 1\na = 2\n", "my.toml, line 2, column 6: not valid TOML: cannot overwrite a value"),
        ("a = [", "my.toml, at the end: not valid TOML: "),
    ],
)
def test_syntax_errors_say_where(text: str, where: str):
    with pytest.raises(ConfigError) as error:
        read_toml(text, PLACE)
    assert str(error.value).startswith(where)
