"""From a preset or file and ``key=value`` to a Config: read, extend, override, resolve paths, validate
once."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from pydantic import ValidationError

from saccade.config.belonging import FORMATS
from saccade.config.messages import explained, told
from saccade.config.nodes import Key, Node, Place, Problem, expanded, find, merged, plain, replaced
from saccade.config.overrides import read_overrides
from saccade.config.schema import Config
from saccade.config.sources import find_source, read_source
from saccade.errors import ConfigError, DataError

PATH_KEYS: tuple[tuple[str, ...], ...] = (
    ("task", "vocabulary"),
    ("task", "alphabet"),
    ("task", "lexicon"),
    ("data", "root"),
    ("data", "features", "path"),
    ("data", "features", "weights"),
    ("model", "weights"),
)
"""The keys whose values are paths."""


def load(source: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Load and validate a config.

    Args:
        source: name of a preset, or path of a YAML, JSON or TOML file. A name with a folder or one of these
            suffixes is a path; any other is a preset where there is one, else a path.
        overrides: ``key=value`` with dotted keys and YAML values; they are laid over the file.

    Returns:
        The complete config; its paths are absolute. Whether anything exists there is not checked.

    Raises:
        ConfigError: all mistakes of the file, of those that it extends, and of the overrides, in one message.
    """
    problems: list[Problem] = []
    tree, given = read_source(find_source(source, Path.cwd()), problems), read_overrides(overrides, problems)
    try:
        return _validated(merged(tree, given), problems)
    except ConfigError as error:
        made_for, wanted = find(tree, ("task", "name")), find(given, ("task", "name"))
        if made_for is None or wanted is None or made_for.value == wanted.value or wanted.value not in FORMATS:
            raise
        raise ConfigError(
            f"{error}\n{source} is a config for task.name={made_for.value}; start from one for {wanted.value} instead"
        ) from error


def look_for_data(config: Config) -> None:
    """Refuse a data root that is not there; a command can do so before it loads torch.

    Raises:
        DataError: it is no folder, and is not one that saccade makes itself.
    """
    if config.data.format != "scenes" and not config.data.root.is_dir():
        raise DataError(
            f"data.root: {config.data.root} is not a folder; set data.root=PATH to the folder of the data set "
            "(or set SACCADE_DATA to the folder that holds it)"
        )


def with_overrides(config: Config, overrides: Sequence[str], allowed: Collection[str] | None = None) -> Config:
    """The config with ``key=value`` laid over it, validated anew.

    Args:
        config: a loaded config.
        overrides: ``key=value``, as for `load`; paths are relative to the current folder.
        allowed: dotted keys; only these and the keys below them may be given. None allows all.

    Raises:
        ConfigError: all mistakes in one message.
    """
    problems: list[Problem] = []
    place = Place("the config of the run", Path.cwd())
    tree = _as_node(config.model_dump(), place)
    given = read_overrides(overrides, problems, allowed=allowed, task=config.task.name)
    return _validated(merged(tree, given), problems)


def _validated(tree: Node, problems: list[Problem]) -> Config:
    values = plain(_with_absolute_paths(tree, problems))
    config: Config | None = None
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        problems = [*problems, *explained(error.errors(), tree, known=problems)]
    if config is None or problems:
        raise ConfigError(told(problems))
    return config


def _with_absolute_paths(tree: Node, problems: list[Problem]) -> Node:
    for key in PATH_KEYS:
        node = find(tree, key)
        if node is not None and isinstance(node.value, str):
            path = _absolute(node.value, key, node.place, problems)
            tree = replaced(tree, key, Node(path, node.place, node.text))
    return tree


def _absolute(text: str, key: Key, place: Place, problems: list[Problem]) -> str:
    """The absolute path: below the place's folder, or below SACCADE_DATA where something is only there."""
    try:
        path = expanded(text)
    except RuntimeError:
        problems.append(Problem(key, place, f'found "{text}", and there is no home folder of that name'))
        return text
    here = os.path.normpath(place.folder / path)
    shared = os.environ.get("SACCADE_DATA")
    if path.is_absolute() or not shared or os.path.lexists(here):
        return here
    there = os.path.normpath(Path.cwd() / shared / path)
    return there if ".." not in path.parts and os.path.lexists(there) else here


def _as_node(value: object, place: Place) -> Node:
    if isinstance(value, dict):
        return Node({key: _as_node(child, place) for key, child in value.items()}, place)
    if isinstance(value, list | tuple):
        return Node([_as_node(child, place) for child in value], place)
    scalar = str(value) if isinstance(value, Path) else value
    return Node(scalar, place, str(scalar))
