"""``saccade data fetch``: download a data set that is free to be downloaded."""

from __future__ import annotations

from pathlib import Path

from saccade.console import progress_bar, say
from saccade.data.fetch import SOURCES, fetch


def fetch_voc(name: str, root: Path) -> Path:
    """Download, verify and unpack ``name``, of ``data.fetch.SOURCES``, below ``root``; the folder to train on.

    Raises:
        DataError: no network, a wrong checksum, a full disk.
    """
    with progress_bar(in_bytes=True) as bar:
        task = bar.add_task(name, total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        folder = fetch(SOURCES[name], root, progress=show)
    kept = [root / archive.filename for archive in SOURCES[name].archives if (root / archive.filename).is_file()]
    if kept:
        say(f"no longer needed: {', '.join(map(str, kept))}")
    say(f"now: saccade train voc-multilabel data.root={folder}")
    return folder
