"""What is wrong with a config, for a person: all of it at once, each with its place, what was found, what is
allowed."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence

from pydantic_core import ErrorDetails

from saccade.config.nodes import COMMAND_LINE, Key, Node, Problem, child_of, dotted, find, nearest_place
from saccade.config.shape import Shape, allowed, keys_of, options, sections, shape_at, task_names, values_of
from saccade.config.suggest import similar_keys

EXAMPLES: dict[str, str] = {
    "name": "name: my-first-run",
    "task": "task: {name: multilabel}",
    "task.name": "name: multilabel",
    "data": "data: {format: folder, root: path/to/images}",
    "data.format": "format: folder",
    "data.root": "root: path/to/images",
    "data.normalize.mean": "mean: [0.485, 0.456, 0.406]",
    "data.normalize.std": "std: [0.229, 0.224, 0.225]",
}
"""A line to copy for each key that has no default."""
_MISSING = ("missing", "union_tag_not_found")


def told(problems: Sequence[Problem]) -> str:
    """All mistakes as one text: a single line, or a list by file and line with the command line last."""
    ordered = sorted(problems, key=lambda p: (p.place.source == COMMAND_LINE, p.place.source, p.place.line or 0))
    lines = list(dict.fromkeys(map(str, ordered)))
    if len(lines) == 1:
        return lines[0]
    return "\n  ".join([f"{len(lines)} mistakes in the config:", *lines])


def explained(errors: Sequence[ErrorDetails], tree: Node, known: Sequence[Problem] = ()) -> list[Problem]:
    """Pydantic's errors as problems, one a key.

    Args:
        errors: what the validation of ``tree`` said. A key of several types has an error for each of them.
        tree: the config as it was written.
        known: problems told already; what they concern is not told again.
    """
    by_key: dict[Key, ErrorDetails] = {}
    for error in errors:
        by_key.setdefault(_key(error, tree), error)
    told_already = {problem.key for problem in known if problem.key}
    return [
        Problem(key, nearest_place(tree, key), text)
        for found, error in by_key.items()
        if found not in told_already and not _has_inner(found, by_key)
        for key, text in [_explained(error, found, tree)]
    ]


def _has_inner(key: Key, keys: dict[Key, ErrorDetails]) -> bool:
    """Whether another error lies below this key, and so says more precisely what is wrong."""
    return any(len(other) > len(key) and other[: len(key)] == key for other in keys) and bool(key)


def _key(error: ErrorDetails, tree: Node) -> Key:
    """The key an error is about: its location without the tasks and types that pydantic puts between."""
    parts = list(error["loc"])
    if len(parts) > 1 and parts[0] == "task":
        del parts[1]
    if error["type"].startswith("union_tag"):
        parts.append("name")
    key: Key = ()
    node: Node | None = tree
    for i, part in enumerate(parts):
        child = None if node is None else child_of(node, part)
        is_new = error["type"] in _MISSING and i == len(parts) - 1 and isinstance(part, str)
        if child is not None or is_new:
            key, node = (*key, part), child
    return key


def _explained(error: ErrorDetails, key: Key, tree: Node) -> tuple[Key, str]:
    """The key to show and the text of one error."""
    kind = error["type"]
    if kind == "extra_forbidden":
        return key, _unknown(key, tree)
    if kind in _MISSING and find(tree, key) is None:
        return key, _missing(key)
    if kind == "value_error":
        return _rule(str(error["ctx"]["error"]), key, tree)
    node = find(tree, key)
    shape = shape_at(key, _task(tree))
    if node is None or shape is None:
        return key, error["msg"]
    return key, _wrong(node, key, shape)


def _task(tree: Node) -> object:
    name = find(tree, ("task", "name"))
    return None if name is None else name.value


def _rule(text: str, key: Key, tree: Node) -> tuple[Key, str]:
    """A rule of the schema over several keys: its text ``key: what is wrong`` names the key to point at."""
    first, _, rest = text.partition(": ")
    parts = tuple(first.split("."))
    return (parts, rest) if find(tree, parts) is not None else (key, text)


def _missing(key: Key) -> str:
    example = EXAMPLES[dotted(key)]
    where = f" to section {dotted(key[:-1])}" if len(key) > 1 else ""
    return f"missing; add it{where}, for example `{example}`"


def _unknown(key: Key, tree: Node) -> str:
    task = _task(tree)
    if key[0] == "task" and shape_at(key) is not None:
        owners = [name for name in task_names() if shape_at(key, name) is not None]
        return f"a key of task {' and '.join(owners)}, and task.name is {task}"
    near = similar_keys(key, task)
    if near:
        return f"there is no such key; did you mean {' or '.join(near)}?"
    section = shape_at(key[:-1], task)
    own = keys_of(section) if section else []
    return f"there is no such key; {f'{dotted(key[:-1])} has' if key[1:] else 'there are'} {', '.join(own)}"


def _wrong(node: Node, key: Key, shape: Shape) -> str:
    """A value that a key does not take."""
    return f"found {_found(node)}; allowed: {allowed(shape)}{_hint(node, key, shape)}"


def _found(node: Node) -> str:
    """A value as the user would recognise it."""
    if isinstance(node.value, dict):
        return f"a section with {', '.join(node.value)}" if node.value else "an empty section"
    if isinstance(node.value, list):
        text = f"[{', '.join(_found(item) for item in node.items)}]"
        return text if len(text) <= 60 else f"a list of {len(node.items)}"
    if node.value is None:
        return f"{node.text} (nothing)" if node.text else "nothing"
    if isinstance(node.value, str):
        text = node.value if len(node.value) <= 60 else f"{node.value[:60]}..."
        return json.dumps(text, ensure_ascii=False)
    return str(node.text)


def _hint(node: Node, key: Key, shape: Shape) -> str:
    """What to do about a wrong value, where that can be guessed."""
    value, text = node.value, node.text
    on_command_line = node.place.source == COMMAND_LINE
    if value == "" or value == []:
        return "; it must not be empty"
    if value is None and sections(shape):
        return f"; leave {dotted(key)} out to keep what it has"
    if not text:
        return ""
    if value is not None and any("items" in choice for choice in options(shape)):
        return f"; for a list of one write [{text}]"
    if sections(shape) and "name" in keys_of(shape):
        name = f"{dotted(key)}.name={text}" if on_command_line else f"{dotted(key)}: {{name: {text}}}"
        return f"; write {name}"
    if not isinstance(value, str) and (timed := _with_units(text, shape)):
        return f"; write {' or '.join(timed)}"
    if not isinstance(value, str) and _takes_text(shape):
        quoted = f"'{dotted(key)}=\"{text}\"'" if on_command_line and isinstance(key[-1], str) else f'"{text}"'
        return f"; if {text} is meant as a text, put it in quotes: {quoted}"
    return _near_value(node, shape)


def _with_units(text: str, shape: Shape) -> list[str]:
    """A number as the times that may have been meant, where a key takes times."""
    patterns = [choice["pattern"] for choice in options(shape) if "pattern" in choice]
    return [text + unit for unit in ("s", "min", "h") if any(re.fullmatch(p, text + unit) for p in patterns)]


def _near_value(node: Node, shape: Shape) -> str:
    """The fixed value that is closest to what was written."""
    fixed = [str(value) for value in values_of(shape)]
    if isinstance(node.value, str) and node.value in fixed:
        return f"; write {node.value} without quotes"
    near = difflib.get_close_matches(str(node.text).lower(), fixed, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _takes_text(shape: Shape) -> bool:
    return any(choice.get("type") == "string" and not {"enum", "const"} & choice.keys() for choice in options(shape))
