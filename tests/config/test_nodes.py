"""The tree before validation: keys as they are written, places, and how one config is laid over another."""

from __future__ import annotations

from pathlib import Path

import pytest

from saccade.config.nodes import COMMAND_LINE, Place, dotted, merged, nearest_place, plain, replaced
from saccade.config.yaml_reader import read_yaml

PARENT = Place("parent.yaml", Path("/configs"))
CHILD = Place("child.yaml", Path("/configs/mine"))


def over(parent: str, child: str) -> object:
    return plain(merged(read_yaml(parent, PARENT, []), read_yaml(child, CHILD, [])))


@pytest.mark.parametrize(
    ("key", "text"),
    [((), ""), (("a",), "a"), (("a", "b"), "a.b"), (("a", "b", 3), "a.b[3]"), (("a", 0, "b"), "a[0].b")],
)
def test_dotted(key: tuple[str | int, ...], text: str):
    assert dotted(key) == text


@pytest.mark.parametrize(
    ("parent", "child", "both"),
    [
        ("{a: 1, b: 2}", "{b: 3, c: 4}", {"a": 1, "b": 3, "c": 4}),
        ("{a: {x: 1, y: {z: 2}}}", "{a: {y: {w: 3}}}", {"a": {"x": 1, "y": {"z": 2, "w": 3}}}),
        ("{a: [1, 2, 3]}", "{a: [4]}", {"a": [4]}),
        ("{a: {x: 1}}", "{a: word}", {"a": "word"}),
        ("{a: word}", "{a: {x: 1}}", {"a": {"x": 1}}),
        ("{a: {x: 1}}", "{a: {x: null}}", {"a": {"x": None}}),
        ("{}", "{}", {}),
        (
            "{task: {name: a, loss: x}}",
            "{task: {top_k: 3}}",
            {"task": {"name": "a", "loss": "x", "top_k": 3}},
        ),
        (
            "{task: {name: a, loss: x}}",
            "{task: {name: a, k: 3}}",
            {"task": {"name": "a", "loss": "x", "k": 3}},
        ),
        ("{task: {name: a, loss: x}}", "{task: {name: b, k: 3}}", {"task": {"name": "b", "k": 3}}),
        ("{model: {name: a, rate: 1}}", "{model: {name: b}}", {"model": {"name": "b", "rate": 1}}),
    ],
)
def test_merged(parent: str, child: str, both: object):
    assert over(parent, child) == both


def test_places_are_those_of_the_config_that_said_it_last():
    tree = merged(read_yaml("data:\n  a: 1\n  b: 2\n", PARENT, []), read_yaml("\ndata: {b: 3}\n", CHILD, []))
    assert [str(nearest_place(tree, key)) for key in [("data", "a"), ("data", "b"), ("data", "c"), ("x",)]] == [
        "parent.yaml, line 2",
        "child.yaml, line 2",
        "child.yaml, line 2",
        "child.yaml, line 2",
    ]


def test_what_is_missing_is_missing_in_the_file_not_on_the_command_line():
    line = Place(COMMAND_LINE, Path("/here"))
    tree = merged(read_yaml("data:\n  a: 1\n", PARENT, []), read_yaml("data: {b: 3}", line, []))
    assert str(nearest_place(tree, ("data", "root"))) == "parent.yaml, line 1"


def test_replaced_leaves_the_first_tree_as_it_was():
    tree = read_yaml("{a: {b: 1, c: 2}}", PARENT, [])
    new = replaced(tree, ("a", "b"), read_yaml("9", CHILD, []))
    assert plain(new) == {"a": {"b": 9, "c": 2}}
    assert plain(tree) == {"a": {"b": 1, "c": 2}}
