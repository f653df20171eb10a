"""The page of a run's explanations: the pictures that ``saccade explain`` left in the run folder, as they are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from saccade.browse.base import UnknownError
from saccade.browse.thumbnails import Allowed
from saccade.runs import Explanation, Run

MOST = 60
"""Pictures of an explanation that the page shows; its folder has all."""
FILMS = "filters"
"""The folder in which a training draws its filters, and the name of their animation."""


def sections(run: Run) -> list[dict[str, Any]]:
    """The explanations by method, each with its pictures, the newest first; and the filters drawn while training.

    Raises:
        RunError: an about.json is damaged.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for explanation in run.explained():
        found.setdefault(explanation.path.parent.name, []).append(_told(explanation))
    film = _film(run)
    return [
        *({"method": method, "film": None, "explanations": each} for method, each in found.items()),
        *([{"method": "filters while training", "film": film, "explanations": []}] if film else []),
    ]


def any_explanations(run: Run) -> bool:
    """Whether there is something to show."""
    return _film(run) is not None or next(iter(run.explained()), None) is not None


def picture_file(run: Run, path: str) -> Path | str:
    """The PNG of that path in the folder of explanations, or in a few words why it is not shown.

    Raises:
        UnknownError: it is no PNG.
    """
    if not path.endswith(".png"):
        raise UnknownError("there is no such picture")
    return Allowed(run.explanations, run.explanations, "folder of explanations").find(path)


def _told(explanation: Explanation) -> dict[str, Any]:
    pictures, folder = explanation.pictures(), "/".join(explanation.path.parts[-2:])
    return {
        "number": explanation.path.name,
        "words": explanation.words(),
        "pictures": [(f"/explanation/{quote(f'{folder}/{name}')}", words) for name, words in pictures[:MOST]],
        "more": max(0, len(pictures) - MOST),
        "folder": str(explanation.path),
    }


def _film(run: Run) -> str | None:
    """The animation of a training's filters, or while there is none the newest picture of them."""
    folder = run.explanations / FILMS
    drawn = sorted(folder.glob("epoch-*.png"), key=lambda path: (len(path.name), path.name))
    names = [*drawn[-1:], *folder.glob("epochs.png")]
    return f"/explanation/{FILMS}/{names[-1].name}" if names else None
