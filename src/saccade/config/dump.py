"""From a Config to YAML that loads to the same Config."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from saccade.config.load import PATH_KEYS
from saccade.config.schema import Config
from saccade.config.yaml_reader import CORE


class _Dumper(yaml.SafeDumper):
    """Quotes every text that YAML 1.1 or 1.2 takes for something else; lists in brackets."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values twice instead of pointing from one to the other."""
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Line breaks and the like survive in double quotes only."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


for _tag, _pattern in CORE.items():
    _Dumper.add_implicit_resolver(_tag, _pattern, None)
_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(
    list, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)
)


def dump(config: Config, relative_to: Path | None = None) -> str:
    """The complete config as YAML, keys in the order of the schema; `load` makes an equal Config of it.

    Args:
        config: what to write.
        relative_to: the folder that the file will stand in; paths are then written relative to it, with
            forward slashes. None writes them absolute.
    """
    values = _listed(config.model_dump(mode="python"))
    for *sections, key in PATH_KEYS:
        section = values
        for name in sections:
            section = section[name]
        if isinstance(section.get(key), Path):
            section[key] = _written(section[key], relative_to)
    parts = [_yaml({key: value}) for key, value in values.items()]
    return "".join(
        "\n" + part if isinstance(values[key], dict) else part for key, part in zip(values, parts, strict=True)
    )


def _listed(value: Any) -> Any:
    """Tuples as lists, which is what YAML has."""
    if isinstance(value, dict):
        return {key: _listed(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_listed(child) for child in value]
    return value


def _written(path: Path, relative_to: Path | None) -> str:
    if relative_to is None:
        return path.as_posix()
    try:
        text = Path(os.path.relpath(path, relative_to)).as_posix()
    except ValueError:  # another drive
        return path.as_posix()
    return f"./{text}" if text.startswith("~") else text


def _yaml(value: object) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
    )
    return text
