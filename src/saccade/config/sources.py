"""Where a config comes from: presets, files, and the chain of ``extends`` between them."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

from saccade.config.json_reader import read_json
from saccade.config.nodes import Node, Place, Problem, expanded, merged
from saccade.config.schema import Config
from saccade.config.toml_reader import read_toml
from saccade.config.yaml_reader import read_yaml
from saccade.errors import ConfigError

_PRESETS = Path(__file__).resolve().parent.parent / "presets"
_SUFFIXES = (".yaml", ".yml", ".json", ".toml")
_SECTIONS = frozenset(Config.model_fields) - {"name", "seed"}


@dataclass(frozen=True)
class Source:
    """A preset or a file."""

    path: Path
    """The file that holds it; absolute."""
    place: Place
    """How it is shown, and what its paths are relative to."""


def preset_names() -> list[str]:
    """The names of the presets, sorted."""
    return sorted(path.stem for path in _PRESETS.glob("*.yaml"))


def preset_text(name: str) -> str:
    """The YAML of a preset with its comments.

    Raises:
        ConfigError: there is no such preset; the message names the nearest.
    """
    if name not in preset_names():
        raise ConfigError(f"there is no preset {name!r}{_nearest_presets(name)}")
    return (_PRESETS / f"{name}.yaml").read_text(encoding="utf-8")


def preset_summary(name: str) -> str:
    """What a preset is for: the first line of its text.

    Raises:
        ConfigError: there is no such preset.
    """
    return preset_text(name).partition("\n")[0].lstrip("# ")


def find_source(name: str | Path, folder: Path) -> Source:
    """The preset or file of that name; a relative path is relative to ``folder``.

    A name with a folder or a known suffix is a file; any other is a preset where there is one, else a file.

    Raises:
        ConfigError: there is neither.
    """
    text = os.fspath(name)
    if not _is_path(name) and text in preset_names():
        return Source(_PRESETS / f"{text}.yaml", Place(f"preset {text}", Path.cwd()))
    try:
        path = Path(os.path.normpath(folder / expanded(text)))
    except RuntimeError:
        raise ConfigError(f"there is no file {text}, and no home folder of that name") from None
    if path.is_file():
        return Source(path, Place(shown(path), path.parent))
    raise ConfigError(_not_found(name, path))


def read_source(source: Source, problems: list[Problem]) -> Node:
    """The config of ``source`` laid over those that it extends; mistakes within are added to ``problems``.

    Raises:
        ConfigError: a file cannot be read, or the chain of ``extends`` comes back to where it was.
    """
    layers: list[Node] = []
    chain = [source]
    while True:
        root = _read(chain[-1], problems)
        extends = root.mapping.get("extends")
        layers.append(Node({key: value for key, value in root.mapping.items() if key != "extends"}, root.place))
        if extends is None:
            break
        chain.append(_parent(extends, chain))
    tree = layers.pop()
    while layers:
        tree = merged(tree, layers.pop())
    return tree


def shown(path: Path) -> str:
    """A path as messages show it: short where it lies below the current folder."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _is_path(name: str | Path) -> bool:
    text = os.fspath(name)
    return isinstance(name, Path) or "/" in text or os.sep in text or text.lower().endswith(_SUFFIXES)


def _parent(extends: Node, chain: list[Source]) -> Source:
    """The source that the last one of the chain extends."""
    if not isinstance(extends.value, str):
        found = "nothing" if extends.value is None else extends.text or "a list or section"
        raise ConfigError(f"extends ({extends.place}): found {found}; it takes the name of one preset, or a path")
    try:
        parent = find_source(extends.value, chain[-1].place.folder)
    except ConfigError as error:
        raise ConfigError(f"extends ({extends.place}): {error}") from None
    if any(parent.path == source.path for source in chain):
        circle = " -> ".join(source.place.source for source in (*chain, parent))
        raise ConfigError(f"extends ({extends.place}): goes in a circle: {circle}")
    return parent


def _read(source: Source, problems: list[Problem]) -> Node:
    """The mapping that one file holds. A section with nothing in it changes nothing, so it is left out."""
    try:
        text = source.path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.path.read_bytes()[: error.start].count(b"\n") + 1
        raise ConfigError(f"{source.place.at(line)}: not a text in UTF-8; save the file in that encoding") from None
    except OSError as error:
        raise ConfigError(f"{source.place}: cannot be read: {error.strerror}") from None
    root = _parsed(text, source, problems)
    if not isinstance(root.value, dict):
        what = "a list" if isinstance(root.value, list) else "a single value"
        raise ConfigError(f"{source.place}: the file holds {what}; a config is made of lines such as `seed: 1`")
    # editors write $schema into JSON; it is about the file and says nothing of the run
    settings = {key: v for key, v in root.value.items() if key != "$schema"}
    kept = {key: v for key, v in settings.items() if not (key in _SECTIONS and v.value is None)}
    return Node(kept, source.place)


def _parsed(text: str, source: Source, problems: list[Problem]) -> Node:
    suffix = source.path.suffix.lower()
    if suffix == ".json":
        return read_json(text, source.place, problems)
    if suffix == ".toml":
        return read_toml(text, source.place)
    return read_yaml(text, source.place, problems)


def _not_found(name: str | Path, path: Path) -> str:
    if path.is_dir() and (path / "config.yaml").is_file():
        return f"{name} is a folder; did you mean {Path(name) / 'config.yaml'}?"
    if path.is_dir():
        return f"{name} is a folder; a config is a YAML, JSON or TOML file"
    if not _is_path(name):
        text = os.fspath(name)
        return f"there is no preset {text!r}, nor a file of that name{_nearest_presets(text)}"
    if not path.parent.is_dir():
        return f"there is no file {shown(path)}; the folder {shown(path.parent)} does not exist"
    files = [p.name for p in path.parent.iterdir() if p.name.lower().endswith(_SUFFIXES)]
    near = difflib.get_close_matches(path.name, files, n=1, cutoff=0.75)
    hint = f"; did you mean {shown(path.with_name(near[0]))}?" if near else ""
    return f"there is no file {shown(path)}{hint}"


def _nearest_presets(name: str) -> str:
    near = difflib.get_close_matches(name, preset_names(), n=2)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; the presets are {', '.join(preset_names())}"
