"""``key=value``: what values are read as, and what is said about those that are none."""

# ruff: noqa: E501 (a text is easier to compare in one piece)
from __future__ import annotations

import pytest

from saccade.config.nodes import Problem, plain
from saccade.config.overrides import read_overrides


@pytest.mark.parametrize(
    ("override", "tree"),
    [
        ("seed=3", {"seed": 3}),
        ("optim.lr=2e-5", {"optim": {"lr": 2e-5}}),
        ("data.classes=[a, no]", {"data": {"classes": ["a", "no"]}}),
        ('data.classes=["true", 08]', {"data": {"classes": ["true", 8]}}),
        ("data.augment={crop: null, flip: 0.5}", {"data": {"augment": {"crop": None, "flip": 0.5}}}),
        ("a.b.c=yes", {"a": {"b": {"c": "yes"}}}),
        ("a=true", {"a": True}),
        ("a=null", {"a": None}),
        ("a='null'", {"a": "null"}),
        ('a=""', {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("a=b: c", {"a": "b: c"}),
        ("a=|", {"a": "|"}),
        ("a=#1", {"a": "#1"}),
        ("a=*.jpg", {"a": "*.jpg"}),
        ("a=C:\\images", {"a": "C:\\images"}),
        (" a.b = c ", {"a": {"b": "c"}}),
    ],
)
def test_values(override: str, tree: object):
    problems: list[Problem] = []
    assert plain(read_overrides([override], problems)) == tree
    assert problems == []


def test_a_later_one_is_laid_over_an_earlier_one():
    tree = read_overrides(["a.x=1", "a.y=2", "a.x=3", "b=1", "b={c: 2}"], [])
    assert plain(tree) == {"a": {"x": 3, "y": 2}, "b": {"c": 2}}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "command line: found 'seed' without a =; write key=value, such as trainer.max_epochs=5"),
        ("", "command line: found '' without a =; write key=value, such as trainer.max_epochs=5"),
        ("=3", "command line: found '=3', where the key has an empty part; write key=value, such as optim.lr=1e-3"),
        ("a..b=3", "command line: found 'a..b=3', where the key has an empty part; write key=value, such as optim.lr=1e-3"),
        (".=3", "command line: found '.=3', where the key has an empty part; write key=value, such as optim.lr=1e-3"),
        ("data.val=", "command line: found 'data.val=' without a value; for none, write data.val=null"),
        ("extends=x", "command line: found 'extends=x'; extends belongs in a config file; name that config instead of this one"),
        ("a.b=[x, y", "a.b (command line): found [x, y: a list that is not closed with ]"),
        ("a={x: 1, x: 2}", "a.x (command line): given twice; keep one of the two"),
        ("a=" + "1" * 5000, "a (command line): found " + "1" * 40 + ", which cannot be read as a number"),
    ],
)  # fmt: skip
def test_mistakes(override: str, message: str):
    problems: list[Problem] = []
    assert plain(read_overrides([override, "seed=1"], problems)) == {"seed": 1}
    assert [str(problem) for problem in problems] == [message]


@pytest.mark.parametrize("override", ["data.root=x", "loader.workers=0", "loader={workers: 0}"])
def test_allowed_keys_and_those_below_them(override: str):
    problems: list[Problem] = []
    read_overrides([override], problems, allowed=["data.root", "loader"])
    assert problems == []


@pytest.mark.parametrize("override", ["data={root: x}", "optim.lr=1", "task.top_k=3"])
def test_other_keys_are_refused(override: str):
    problems: list[Problem] = []
    tree = read_overrides([override], problems, allowed=["loader", "data.root"])
    key = override.partition("=")[0]
    assert [str(p) for p in problems] == [
        f"command line: {key} cannot be changed here; what can be is data.root, loader"
    ]
    assert plain(tree) == {}


@pytest.mark.parametrize("override", ["loader2.x=1", "loader.worker=1", "optim.lrr=1", "task.top_k=3"])
def test_keys_that_are_not_there_are_left_to_the_config_which_knows_similar_ones(override: str):
    problems: list[Problem] = []
    tree = read_overrides([override], problems, allowed=["loader"], task="caption")
    assert problems == []
    assert plain(tree)


def test_what_can_be_changed_is_told_for_the_task_alone():
    problems: list[Problem] = []
    read_overrides(["seed=1"], problems, allowed=["task.beam", "loader", "task.flip"], task="caption")
    assert [str(problem) for problem in problems] == [
        "command line: seed cannot be changed here; what can be is loader, task.beam"
    ]
