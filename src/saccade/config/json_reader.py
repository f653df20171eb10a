"""JSON with the line of every value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from saccade.config.nodes import Key, Node, Place, Problem, given_twice
from saccade.errors import ConfigError

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')

Token = tuple[str, int]
"""A token and its line."""


def read_json(text: str, place: Place, problems: list[Problem]) -> Node:
    """Read a JSON document. Duplicate keys are added to ``problems``.

    Raises:
        ConfigError: the text is not JSON; with line and column.
    """
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{place.at(error.lineno)}, column {error.colno}"
        raise ConfigError(f"{where}: not valid JSON: {error.msg[:1].lower()}{error.msg[1:]}") from None
    except (RecursionError, ValueError):
        raise ConfigError(f"{place}: not a config: it is nested too deeply, or holds too long a number") from None
    return _Builder(text, place, problems).value()


def _tokens(text: str) -> Iterator[Token]:
    line, end = 1, 0
    for match in _TOKEN.finditer(text):
        line += text.count("\n", end, match.start())
        end = match.start()
        yield match.group(), line


class _Builder:
    """Builds nodes out of the tokens of a text that is known to be valid."""

    def __init__(self, text: str, place: Place, problems: list[Problem]) -> None:
        self.tokens, self.place, self.problems = _tokens(text), place, problems

    def value(self, key: Key = (), first: Token | None = None) -> Node:
        """The value that begins with the next token, or with ``first`` where that is taken already."""
        token, line = first or next(self.tokens)
        here = self.place.at(line)
        if token == "{":
            return Node(self._members(key), here)
        if token == "[":
            return Node(self._elements(key), here)
        value = json.loads(token)
        return Node(value, here, value if isinstance(value, str) else token)

    def _members(self, key: Key) -> dict[str, Node]:
        members: dict[str, Node] = {}
        for token, line in self.tokens:
            if token == "}":
                break
            if token == ",":
                continue
            name, here = json.loads(token), self.place.at(line)
            next(self.tokens)  # the colon
            value = self.value((*key, name))
            if name in members:
                self.problems.append(Problem((*key, name), here, given_twice(members[name].place)))
            else:
                members[name] = Node(value.value, here, value.text)
        return members

    def _elements(self, key: Key) -> list[Node]:
        elements: list[Node] = []
        for token, line in self.tokens:
            if token == "]":
                break
            if token != ",":
                elements.append(self.value((*key, len(elements)), (token, line)))
        return elements
