"""Writing files so that a crash or a full disk never leaves half of one: written aside, then renamed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; rename it to ``path`` when the block ends without an error.

    On an error the half-written file is removed, an earlier ``path`` stays as it was, and the error goes on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield aside
        with aside.open("rb") as written:
            os.fsync(written.fileno())  # or a power cut could leave the new name with old or no content
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def cache_folder() -> Path:
    """What can be made again is kept there: $SACCADE_CACHE, or ``saccade`` in the user's folder of caches."""
    own, users = os.environ.get("SACCADE_CACHE"), os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else (Path(users) if users else Path.home() / ".cache") / "saccade"


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, whole or not at all."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def to_json(value: Any) -> str:
    """``value`` as indented JSON; a NaN or infinity is a bug of ours and raises ``ValueError``."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as ``to_json`` puts it, whole or not at all."""
    write_text(path, to_json(value))


def copy_file(source: Path, target: Path) -> None:
    """Put ``source`` under the name ``target`` too, whole or not at all.

    Where the file system can, both are names of one file, which takes neither time nor space; since files are never
    written to but replaced by new ones, each goes its own way afterwards.
    """
    with written_aside(target) as aside:
        try:
            os.link(source, aside)
        except OSError:  # two file systems, or one that knows no links
            shutil.copyfile(source, aside)
