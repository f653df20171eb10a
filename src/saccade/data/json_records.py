"""JSON files of records, checked one by one, so that a message can say which of them is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from saccade.data.wording import named, refuse
from saccade.errors import DataError

Fields: TypeAlias = Mapping[str, tuple[type, ...]]
"""The types that each field of a record may have; a field that may be missing has ``type(None)`` among them."""

_WORDS: dict[type, str] = {int: "a whole number", str: "text", list: "a list", dict: "an object"}


def load(path: Path) -> Any:
    """What a JSON file holds.

    Raises:
        DataError: no such file, or one that is not JSON in UTF-8; it names the line.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        beside = sorted(p.name for p in path.parent.glob("*.json"))
        raise DataError(f"{path}: no such file; JSON files in its folder: {named(beside)}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: not well-formed JSON ({error.msg}, column {error.colno})") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from None


def load_object(path: Path, fields: Fields) -> dict[str, Any]:
    """The one object that a JSON file holds, with ``fields``.

    Raises:
        DataError: of ``load``, or it holds something else.
    """
    return as_object(path, load(path), fields)


def as_object(path: Path, value: object, fields: Fields) -> dict[str, Any]:
    """``value``, which ``path`` holds, as an object with ``fields``.

    Raises:
        DataError: it is something else.
    """
    fault = _fault(value, fields)
    if fault is not None:
        raise DataError(f"{path}: {fault}")
    assert isinstance(value, dict)
    return value


def records(path: Path, place: str, values: list[Any], fields: Fields) -> list[dict[str, Any]]:
    """The objects of a list, each with ``fields``; ``place`` is what the list is called in messages.

    Raises:
        DataError: entries that are no objects, or with a field missing or of another type, each with its position from
            0.
    """
    faults = ((i, _fault(value, fields)) for i, value in enumerate(values))
    refuse([f"{path}: {place}[{i}] {fault}" for i, fault in faults if fault is not None])
    return values


def _fault(value: object, fields: Fields) -> str | None:
    """What to say of a value that is no object with ``fields``; None where it is."""
    if not isinstance(value, dict):
        needed = named([key for key, types in fields.items() if type(None) not in types])
        return f"is {_short(value)}; it takes an object with {needed}"
    for key, types in fields.items():
        if type(value.get(key)) in types:  # not isinstance: true and false are whole numbers to Python
            continue
        allowed = " or ".join(_WORDS[kind] for kind in types if kind in _WORDS)
        found = f"has {key!r}: {_short(value[key])}" if key in value else f"has no {key!r}"
        return f"{found}; it takes {allowed}"
    return None


def _short(value: object) -> str:
    """A value as JSON, cut after the first few characters."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
