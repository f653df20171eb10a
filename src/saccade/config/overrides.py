"""``a.b=c``: values that are given on the command line."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from saccade.config.nodes import COMMAND_LINE, Node, Place, Problem, merged
from saccade.config.shape import shape_at
from saccade.config.yaml_reader import read_scalar, read_yaml
from saccade.errors import ConfigError

_YAML_STARTS = ("[", "{", '"', "'")


def read_overrides(
    overrides: Sequence[str], problems: list[Problem], *, allowed: Collection[str] | None = None, task: object = None
) -> Node:
    """The overrides as one tree, a later one over an earlier one; mistakes are added to ``problems``.

    A value in brackets, braces or quotes is read as YAML; any other is one number, word or text, so that
    ``data.delimiter=|`` needs no more quotes than the shell's own.

    Args:
        overrides: texts ``key=value`` with dotted keys.
        problems: where mistakes are added.
        allowed: of the keys that there are, only these and those below them may be given; None allows all.
        task: the task whose ``task.*`` keys there are; None for those of all tasks.
    """
    place = Place(COMMAND_LINE, Path.cwd())
    tree = Node({}, place)
    for override in overrides:
        node = _read_one(override, place, problems, allowed, task)
        tree = tree if node is None else merged(tree, node)
    return tree


def _read_one(
    override: str, place: Place, problems: list[Problem], allowed: Collection[str] | None, task: object
) -> Node | None:
    """The tree of one override; None where it is a mistake."""
    name, equals, text = override.partition("=")
    keys, text = name.strip().split("."), text.strip()
    problem = _mistake(override, keys, bool(equals), text)
    # of a key that there is not, the config itself says which one may be meant
    if problem is None and allowed is not None and shape_at(tuple(keys), task) and not _is_allowed(keys, allowed):
        there = sorted(key for key in allowed if shape_at(tuple(key.split(".")), task))
        problem = f"{'.'.join(keys)} cannot be changed here; what can be is {', '.join(there)}"
    if problem is not None:
        problems.append(Problem((), place, problem))
        return None
    found = len(problems)
    node = _value(text, place, keys, problems)
    return None if len(problems) > found else _nested(keys, node, place)


def _mistake(override: str, keys: list[str], has_equals: bool, text: str) -> str | None:
    """What is wrong with the form of an override, if anything."""
    if not has_equals:
        return f"found {override!r} without a =; write key=value, such as trainer.max_epochs=5"
    if not all(keys):
        return f"found {override!r}, where the key has an empty part; write key=value, such as optim.lr=1e-3"
    if keys[0] == "extends":
        return f"found {override!r}; extends belongs in a config file; name that config instead of this one"
    if not text:
        name = ".".join(keys)
        return f"found {override!r} without a value; for none, write {name}=null"
    return None


def _is_allowed(keys: list[str], allowed: Collection[str]) -> bool:
    return any(".".join(keys[:end]) in allowed for end in range(1, len(keys) + 1))


def _value(text: str, place: Place, keys: list[str], problems: list[Problem]) -> Node:
    if text.startswith(_YAML_STARTS):
        inside: list[Problem] = []
        try:
            node = read_yaml(text, place, inside)
        except ConfigError as error:
            said = str(error).partition("not valid YAML: ")[2]
            inside, node = [Problem((), place, f"found {text}: {said}")], Node(None, place)
        problems += [Problem((*keys, *problem.key), place, problem.text) for problem in inside]
        return node
    try:
        return Node(read_scalar(text), place, text)
    except ValueError:
        problems.append(Problem(tuple(keys), place, f"found {text[:40]}, which cannot be read as a number"))
        return Node(None, place)


def _nested(keys: list[str], node: Node, place: Place) -> Node:
    for key in reversed(keys):
        node = Node({key: node}, place)
    return node
