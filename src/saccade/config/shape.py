"""The config as JSON Schema, and what can be read off it: the keys there are, and the values they take."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

from saccade.config.nodes import Key
from saccade.config.schema import Config

Shape = dict[str, Any]
"""A piece of JSON Schema, without references."""

_EXTENDS: Shape = {
    "type": "string",
    "description": "Name of a preset, or path of another config relative to this file. What stands here is "
    "laid over it: sections are merged key by key; lists are replaced; and another task.name drops its whole "
    "task section.",
}


def schema() -> Shape:
    """The JSON Schema of a config file: without ``extends``, what has no default is required."""
    raw = copy.deepcopy(Config.model_json_schema())
    required: dict[str, list[str]] = {"": raw.pop("required")}
    for name, definition in raw["$defs"].items():
        required[name] = definition.pop("required", [])
    task = raw["properties"]["task"]
    task["anyOf"] = task.pop("oneOf")  # without its name, a section may be of more than one task
    task.pop("discriminator")
    sections = {"task": {"required": ["name"]}, "data": {"required": required["Data"]}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **raw,
        "title": "saccade config",
        "properties": {"$schema": {"type": "string"}, "extends": _EXTENDS, **raw["properties"]},
        "if": {"required": ["extends"]},
        "else": {"required": required[""], "properties": sections},
    }


@cache
def full_shape() -> Shape:
    """The JSON Schema of a complete config with its references filled in."""
    raw = Config.model_json_schema()
    filled: Shape = _filled(raw, raw["$defs"])
    return filled


def _filled(value: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_filled(item, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        target = definitions[value["$ref"].rpartition("/")[2]]
        return _filled({**target, **{k: v for k, v in value.items() if k != "$ref"}}, definitions)
    return {key: _filled(item, definitions) for key, item in value.items() if key not in ("$defs", "discriminator")}


def options(shape: Shape) -> list[Shape]:
    """The alternatives of a shape; just itself where there is no choice."""
    choices = shape.get("anyOf") or shape.get("oneOf")
    return [inner for choice in choices for inner in options(choice)] if choices else [shape]


def task_shape(name: object) -> Shape | None:
    """The shape of the section of one task."""
    tasks = options(full_shape()["properties"]["task"])
    return next((task for task in tasks if task["properties"]["name"]["const"] == name), None)


def task_names() -> list[str]:
    """The tasks there are, in the order of the schema."""
    return [task["properties"]["name"]["const"] for task in options(full_shape()["properties"]["task"])]


def shape_at(key: Key, task: object = None) -> Shape | None:
    """The shape of a key; None where there is no such key. With ``task``, ``task.*`` are that task's keys."""
    shapes = [full_shape()]
    for i, part in enumerate(key):
        shapes = [found for shape in shapes for choice in options(shape) for found in _step(choice, part)]
        if i == 0 and part == "task" and (chosen := task_shape(task)) is not None:
            shapes = [chosen]
    if not shapes:
        return None
    return shapes[0] if len(shapes) == 1 else {"anyOf": shapes}


def _step(shape: Shape, part: str | int) -> list[Shape]:
    if isinstance(part, int):
        prefix = shape.get("prefixItems", [])
        items = prefix[part] if part < len(prefix) else shape.get("items")
        return [items] if isinstance(items, dict) else []
    below = shape.get("properties", {}).get(part, shape.get("additionalProperties"))
    return [below] if isinstance(below, dict) else []


def sections(shape: Shape) -> list[Shape]:
    """Those alternatives of a shape that are a section with keys of its own."""
    return [choice for choice in options(shape) if "properties" in choice]


def keys_of(shape: Shape) -> list[str]:
    """The keys of a section."""
    return list(dict.fromkeys(key for choice in sections(shape) for key in choice["properties"]))


def all_keys(shape: Shape | None = None, above: Key = ()) -> Iterator[Key]:
    """Every key of a config, sections too, in the order of the schema."""
    here = full_shape() if shape is None else shape
    for key in keys_of(here):
        yield (*above, key)
        below = [choice["properties"][key] for choice in sections(here) if key in choice["properties"]]
        yield from all_keys({"anyOf": below}, (*above, key))


def allowed(shape: Shape) -> str:
    """What a key takes, in words: ``none, backbone, or a whole number >= 1``."""
    words = [word for choice in options(shape) if "properties" not in choice for word in _words(choice)]
    words += [f"a section with {_some(keys_of(shape))}"] if sections(shape) else []
    words = list(dict.fromkeys(words))
    if len(words) < 3:
        return " or ".join(words)
    return f"{', '.join(words[:-1])}, or {words[-1]}"


def values_of(shape: Shape) -> list[Any]:
    """The fixed values among what a key takes."""
    return [value for choice in options(shape) for value in _fixed(choice)]


def _fixed(shape: Shape) -> list[Any]:
    return [shape["const"]] if "const" in shape else list(shape.get("enum", []))


def _words(shape: Shape) -> list[str]:
    if fixed := _fixed(shape):
        return [str(value) for value in fixed]
    return [_noun(shape, many=False)]


def _some(keys: list[str]) -> str:
    """The first few of many keys."""
    return ", ".join(keys) if len(keys) <= 4 else f"{', '.join(keys[:3])}, ..."


def _noun(shape: Shape, *, many: bool) -> str:
    """``a number > 0`` or, of many, ``numbers > 0``."""
    kind = shape.get("type")
    if kind == "null":
        return "null"
    if kind == "boolean":
        return "true or false"
    if kind in ("integer", "number"):
        noun = "whole number" if kind == "integer" else "number"
        return f"{noun}s{_range(shape)}" if many else f"a {noun}{_range(shape)}"
    if kind == "array":
        size = f"{len(shape['prefixItems'])} " if "prefixItems" in shape else ""
        of = shape["prefixItems"][0] if "prefixItems" in shape else shape["items"]
        return f"{'lists' if many else 'a list'} of {size}{_noun(of, many=True)}"
    if kind == "object":
        of = shape["additionalProperties"]
        return "a mapping" if of is True else f"a mapping of names to {_noun(of, many=True)}"
    return _text_noun(shape, many)


def _text_noun(shape: Shape, many: bool) -> str:
    if shape.get("format") == "path":
        return "paths" if many else "a path"
    if "min|h" in shape.get("pattern", ""):
        return "a time such as 90s, 7min or 1.5h"
    if "pattern" in shape:
        return "a name of letters, digits, '.', '_' and '-' that begins with a letter or digit"
    return "texts" if many else "a text"


def _range(shape: Shape) -> str:
    low, high = shape.get("minimum"), shape.get("maximum")
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    signs = (("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<="), ("exclusiveMaximum", "<"))
    bounds = [f"{sign} {_bound(shape[name])}" for name, sign in signs if name in shape]
    return f" {' and '.join(bounds)}" if bounds else ""


def _bound(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"
