"""A config before validation: plain values that remember where each of them was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

Key = tuple[str | int, ...]
"""The way to a value: keys of mappings and indices of lists."""


COMMAND_LINE = "command line"


@dataclass(frozen=True)
class Place:
    """Where a value was written."""

    source: str
    """The file as it is shown to the user, ``preset NAME``, or ``command line``."""
    folder: Path
    """The folder that relative paths are relative to: the file's; else the current one."""
    line: int | None = None
    """Line in the file, from 1; None where the source has no lines."""

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}, line {self.line}"

    def at(self, line: int | None) -> Place:
        """The same source at another line; the command line is one line and needs no number."""
        return self if self.source == COMMAND_LINE else Place(self.source, self.folder, line)


@dataclass(frozen=True)
class Node:
    """A value and its place. Mappings and lists hold nodes; keys are always text."""

    value: object
    """``dict[str, Node]``, ``list[Node]``, or a scalar."""
    place: Place
    text: str | None = None
    """A scalar as it was written (``1e3``, not ``1000.0``); None for all else."""

    @property
    def mapping(self) -> dict[str, Node]:
        """The entries of a mapping; empty for all else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The entries of a list; empty for all else."""
        return self.value if isinstance(self.value, list) else []


@dataclass(frozen=True)
class Problem:
    """One mistake in a config."""

    key: Key
    """What it is about; empty for the file as a whole."""
    place: Place
    """Where it stands."""
    text: str
    """What was found, what is allowed, what to do."""

    def __str__(self) -> str:
        return f"{dotted(self.key)} ({self.place}): {self.text}" if self.key else f"{self.place}: {self.text}"


def dotted(key: Key) -> str:
    """The key as it is written: ``data.classes[3]``."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def given_twice(first: Place) -> str:
    """What is said about a key that stands in a mapping already."""
    where = "" if first.line is None else f"it stands in line {first.line} already; "
    return f"given twice; {where}keep one of the two"


def expanded(text: str) -> Path:
    """The path with a leading ``~`` replaced by the home folder; ``./~`` is a folder of that name.

    Raises:
        RuntimeError: nobody knows that home folder.
    """
    return Path(text).expanduser() if text.startswith("~") else Path(text)


def plain(node: Node) -> object:
    """The value without its places."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def child_of(node: Node, part: str | int) -> Node | None:
    """The entry of that key or index; None where there is none."""
    if isinstance(part, int):
        return node.items[part] if 0 <= part < len(node.items) else None
    return node.mapping.get(part)


def find(node: Node, key: Key) -> Node | None:
    """The node at ``key``; None where there is none."""
    found: Node | None = node
    for part in key:
        found = None if found is None else child_of(found, part)
    return found


def nearest_place(node: Node, key: Key) -> Place:
    """The place of ``key``, or of the closest section around it that was written."""
    place = node.place
    for end in range(len(key) + 1):
        found = find(node, key[:end])
        if found is None:
            break
        place = found.place
    return place


def replaced(node: Node, key: Sequence[str], value: Node) -> Node:
    """A copy of the tree with ``value`` at ``key``, whose parents are all there."""
    if not key:
        return value
    child = replaced(node.mapping[key[0]], key[1:], value)
    return Node({**node.mapping, key[0]: child}, node.place)


def merged(parent: Node, child: Node, key: Key = ()) -> Node:
    """``child`` laid over ``parent``: mappings are merged key by key; everything else, lists too, is
    replaced.

    A child that names another task replaces the whole ``task`` section: keys of one task mean nothing to
    another.
    """
    if not (isinstance(parent.value, dict) and isinstance(child.value, dict)):
        return child
    if key == ("task",) and _another_task(parent, child):
        return child
    both = dict(parent.value)
    for name, value in child.value.items():
        both[name] = merged(both[name], value, (*key, name)) if name in both else value
    from_command_line = child.place.source == COMMAND_LINE  # then what is missing is missing in the file
    return Node(both, parent.place if from_command_line else child.place)


def _another_task(parent: Node, child: Node) -> bool:
    """Whether both say which task they are for, and it is not the same."""
    old, new = parent.mapping.get("name"), child.mapping.get("name")
    return old is not None and new is not None and old.value != new.value
