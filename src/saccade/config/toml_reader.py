"""TOML with the line of every key that stands at the beginning of a line.

TOML has no null: a key that should be null is left out, set with YAML, or given on the command line
(``data.val=null``).
"""

from __future__ import annotations

import re
import tomllib

from saccade.config.nodes import Key, Node, Place
from saccade.errors import ConfigError

_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_.-]|\s*\.\s*|"[^"]*"|'[^']*')+?)\s*=""")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_POSITION = re.compile(r"^(.*?) \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read_toml(text: str, place: Place) -> Node:
    """Read a TOML document.

    Raises:
        ConfigError: the text is not TOML; with line and column where they are known.
    """
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax_message(str(error), place)) from None
    except (RecursionError, ValueError):
        raise ConfigError(f"{place}: not a config: it is nested too deeply, or holds too long a number") from None
    return _converted(value, place, _lines(text), ())


def _syntax_message(said: str, place: Place) -> str:
    match = _POSITION.match(said)
    what, line, column = match.groups() if match else (said, None, None)
    where = f"{place.at(int(line))}, column {column}" if line else f"{place}, at the end"
    return f"{where}: not valid TOML: {what[:1].lower()}{what[1:]}"


def _lines(text: str) -> dict[Key, int]:
    """The line of each ``[section]`` and ``key =``; tomllib itself keeps none."""
    lines: dict[Key, int] = {}
    section: Key = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = _parts(header.group(1))
            lines.setdefault(section, number)
        elif entry := _KEY.match(line):
            lines.setdefault((*section, *_parts(entry.group(1))), number)
    return lines


def _parts(name: str) -> Key:
    return tuple(part.strip("\"'") for part in _PART.findall(name))


def _converted(value: object, place: Place, lines: dict[Key, int], key: Key) -> Node:
    here = place.at(lines.get(key, place.line))
    if isinstance(value, dict):
        return Node({name: _converted(child, here, lines, (*key, name)) for name, child in value.items()}, here)
    if isinstance(value, list):
        return Node([_converted(child, here, lines, (*key, i)) for i, child in enumerate(value)], here)
    return Node(value, here, str(value).lower() if isinstance(value, bool) else str(value))
