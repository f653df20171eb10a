"""YAML as the core schema of YAML 1.2 reads it, with the line of every value.

PyYAML alone follows YAML 1.1, where `no` is false, `2e-5` a text, `12:30` the number 750 and `2024-01-01` a
date. Here numbers are numbers, and everything that is neither a number nor `true`, `false` or `null` is text.
Keys are always text.
"""

from __future__ import annotations

import re
from typing import Final

import yaml

from saccade.config.nodes import Key, Node, Place, Problem, given_twice
from saccade.errors import ConfigError

_PREFIX = "tag:yaml.org,2002:"
NULL, BOOL, INT, FLOAT, STR = (_PREFIX + name for name in ("null", "bool", "int", "float", "str"))

CORE: Final[dict[str, re.Pattern[str]]] = {
    NULL: re.compile(r"(?:~|null|Null|NULL|)\Z"),
    BOOL: re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"),
    INT: re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"),
    FLOAT: re.compile(
        r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
    ),
}
"""How an unquoted scalar is told: tags and patterns of YAML 1.2, section 10.3.2; what fits none is text."""
_TAGS = frozenset({*CORE, STR, _PREFIX + "map", _PREFIX + "seq"})

_SENTENCES: Final[tuple[tuple[str, str], ...]] = (
    (
        "mapping values are not allowed here",
        "a second colon, or a wrong indentation; put a text that holds ': ' in quotes",
    ),
    ("found character '\\t'", "a tab where spaces belong; indent with spaces"),
    ("could not find expected ':'", "a key without its colon; write key: value"),
    (
        "expected <block end>",
        "the indentation, or a line without 'key: value' or '- item', does not fit the lines above",
    ),
    ("while scanning a quoted scalar", "a quoted text that is not closed"),
    ("expected ',' or ']'", "a list that is not closed with ]"),
    ("expected ',' or '}'", "a mapping that is not closed with }"),
    ("found undefined alias", "a text that begins with * needs quotes"),
    ("while scanning an alias", "a text that begins with * needs quotes"),
    ("while scanning an anchor", "a text that begins with & needs quotes"),
    ("that cannot start any token", "a text that begins with this character needs quotes"),
    ("expected a single document", "a second document begins here; a config is one document, without ---"),
)
"""What PyYAML says, and what a person can do about it."""


class _Composer(yaml.SafeLoader):
    """PyYAML's reader with the scalars of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (PyYAML's own shape)


for _tag, _pattern in CORE.items():
    _Composer.add_implicit_resolver(_tag, _pattern, None)


def read_yaml(text: str, place: Place, problems: list[Problem]) -> Node:
    """Read one document; an empty one is an empty mapping. Duplicate keys and the like are added to
    ``problems``.

    Raises:
        ConfigError: the text is not YAML; with line and column.
    """
    try:
        root = _composed(text)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_syntax_message(error, place)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{place.at(line)}: not valid YAML: a control character, U+{ord(text[error.position]):04X}"
        ) from None
    except RecursionError:
        raise ConfigError(f"{place}: not a config: it is nested too deeply") from None
    if root is None:
        return Node({}, place)
    return _Converter(place, problems).node(root)


def _composed(text: str) -> yaml.Node | None:
    loader = _Composer(text)
    try:
        root: yaml.Node | None = loader.get_single_node()
    finally:
        loader.dispose()
    return root


def read_scalar(text: str) -> object:
    """An unquoted scalar: None, bool, int, float, or the text itself.

    Raises:
        ValueError: a whole number of thousands of digits.
    """
    return _scalar(next((tag for tag, pattern in CORE.items() if pattern.match(text)), STR), text)


def _scalar(tag: str, text: str) -> object:
    if tag == NULL:
        return None
    if tag == BOOL:
        return text.lower() == "true"
    if tag == INT:
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if tag == FLOAT:
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


class _Converter:
    """Turns PyYAML's nodes of one source into ours."""

    def __init__(self, place: Place, problems: list[Problem]) -> None:
        self.place, self.problems = place, problems

    def node(self, node: yaml.Node, key: Key = (), above: tuple[yaml.Node, ...] = ()) -> Node:
        """The node at ``key``; ``above`` are those around it, since an alias may point to one of them."""
        here = self.place.at(node.start_mark.line + 1)
        if any(node is outer for outer in above):
            return self._refused(key, here, "found an alias of a section inside this very section")
        if node.tag not in _TAGS:
            return self._refused(key, here, f"found the tag {node.tag}; a config holds plain values only")
        if isinstance(node, yaml.MappingNode):
            return Node(self._entries(node, key, (*above, node)), here)
        if isinstance(node, yaml.SequenceNode):
            items = enumerate(node.value)
            return Node([self.node(item, (*key, i), (*above, node)) for i, item in items], here)
        try:
            return Node(_scalar(node.tag, node.value), here, node.value)
        except ValueError:
            return self._refused(key, here, f"found {node.value[:40]}, which cannot be read as a number")

    def _entries(self, node: yaml.MappingNode, key: Key, above: tuple[yaml.Node, ...]) -> dict[str, Node]:
        """The entries of a mapping, each at the line of its key."""
        entries: dict[str, Node] = {}
        for name_node, value_node in node.value:
            here = self.place.at(name_node.start_mark.line + 1)
            if not isinstance(name_node, yaml.ScalarNode):
                self._refused(key, here, "found a list or mapping as a key; a key is a word")
                continue
            name = name_node.value
            if name in entries:
                self._refused((*key, name), here, given_twice(entries[name].place))
                continue
            value = self.node(value_node, (*key, name), above)
            entries[name] = Node(value.value, here, value.text)
        return entries

    def _refused(self, key: Key, place: Place, text: str) -> Node:
        self.problems.append(Problem(key, place, text))
        return Node(None, place)


def _syntax_message(error: yaml.MarkedYAMLError, place: Place) -> str:
    said = f"{error.context or ''} {error.problem or ''}".strip()
    sentence = next((ours for theirs, ours in _SENTENCES if theirs in said), said)
    mark = error.problem_mark or error.context_mark
    opened = error.context_mark if "not closed" in sentence else None
    mark = opened or mark
    if mark is None:
        return f"{place}: not valid YAML: {sentence}"
    return f"{place.at(mark.line + 1)}, column {mark.column + 1}: not valid YAML: {sentence}"
