"""The section of a run's explanations: some pictures of the newest of each method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from saccade.data.images import read_rgb
from saccade.report.thumbnails import Files, jpeg_address
from saccade.runs import Run

PICTURES = 4
"""Of each method."""
LONGEST = 1000
"""Pixels of a side: larger ones are shrunk."""
QUALITY = 80


@dataclass(frozen=True)
class Shown:
    """The newest explanation of a method."""

    method: str
    words: str  # checkpoint and settings
    pictures: Sequence[tuple[str, str]]  # data address, and what it shows
    all: int  # pictures that it has
    folder: str  # in the run folder


def newest(run: Run) -> list[Shown]:
    """Of each method by which the run was explained, the newest explanation that has a picture.

    Raises:
        RunError: an about.json is damaged.
    """
    found: dict[str, Shown] = {}
    for explanation in run.explained():
        method = explanation.path.parent.name
        if method in found:
            continue
        files, pictures = Files(explanation.path), explanation.pictures()
        drawn = [(files.read(name, _address), words) for name, words in pictures[:PICTURES]]
        shown = [(address, words) for address, words in drawn if address is not None]
        if shown:
            folder = explanation.path.relative_to(run.path).as_posix()
            found[method] = Shown(method, explanation.words(), shown, len(pictures), folder)
    return list(found.values())


def _address(path: Path) -> str:
    picture = read_rgb(path)
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return jpeg_address(picture, quality=QUALITY, full_colour=True)
