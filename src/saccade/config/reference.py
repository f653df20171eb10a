"""The config reference as Markdown, made of the docs of the fields."""

from __future__ import annotations

from typing import Any

from saccade.config.nodes import Key, dotted
from saccade.config.shape import Shape, allowed, full_shape, options, sections

_HEAD = """# Config reference

A config is one file with the keys below; `saccade config show CONFIG` prints it with every default filled in.
Most configs say `extends: <preset or path>` and just what differs: sections are merged key by key, lists are
replaced as a whole, and another `task.name` drops the `task` section of the config it extends, since keys of
one task mean nothing to another. `key=value` on the command line is laid over the file: `optim.lr=1e-3`,
`data.classes=[cat, dog]`.

YAML is read as YAML 1.2: `2e-5` is a number, `no`, `yes`, `on` and `off` are words (`model.pretrained: no`
still means false), dates and times are text. A class that is called `true`, `null` or `1` is put in quotes.
JSON and TOML are read too; TOML has no null. A relative path belongs to the folder of the file it stands in;
in a preset and on the command line, to the current folder. Where nothing is there, it is looked for in the
folder named by the environment variable `SACCADE_DATA`.
"""


def reference_markdown() -> str:
    """One table for each section, in the order of the schema."""
    top = full_shape()
    single = [name for name, shape in top["properties"].items() if not sections(shape)]
    parts = [
        _HEAD,
        _table("Top level", "", {**top, "properties": {n: top["properties"][n] for n in single}}, ()),
    ]
    for name, shape in top["properties"].items():
        for section in sections(shape):
            title = f"{name} (task.name: {section['properties']['name']['const']})" if name == "task" else name
            parts += _section(title, section, (name,))
    return "\n".join(parts)


def _section(title: str, section: Shape, key: Key) -> list[str]:
    """The table of a section, then those of the sections in it."""
    tables = [_table(title, section.get("description", ""), section, key)]
    for name, shape in section["properties"].items():
        for inner in sections(shape):
            tables += _section(dotted((*key, name)), inner, (*key, name))
    return tables


def _table(title: str, text: str, section: Shape, key: Key) -> str:
    lines = [f"## {title}", ""] + ([_one_line(text), ""] if text else [])
    lines += ["| key | takes | default | |", "|---|---|---|---|"]
    lines += [_row((*key, name), shape) for name, shape in section["properties"].items()]
    return "\n".join(lines) + "\n"


def _row(key: Key, shape: Shape) -> str:
    kinds = options(shape)
    is_section = all("properties" in kind for kind in kinds)
    takes = "a section, below" if is_section else allowed(shape)
    default = "" if is_section else _default(shape)
    cells = (f"`{dotted(key)}`", takes, default, _one_line(shape.get("description", "")))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(shape: Shape) -> str:
    if "default" not in shape:
        return "must be given"
    return f"`{_written(shape['default'])}`"


def _written(value: Any) -> str:
    """A value as YAML."""
    if isinstance(value, list):
        return f"[{', '.join(_written(item) for item in value)}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _one_line(text: str) -> str:
    return " ".join(text.split())
