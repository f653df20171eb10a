"""Phrases that the readers' messages share."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence

from saccade.errors import DataError


def named(words: Collection[str], *, limit: int = 12) -> str:
    """The first ``limit`` of ``words`` in quotes and how many more there are, or "none"."""
    if not words:
        return "none"
    shown = ", ".join(repr(word) for word in list(words)[:limit])
    return shown if len(words) <= limit else f"{shown}, and {len(words) - limit} more"


def counted(n: int, noun: str) -> str:
    """``n`` with its noun in the singular or plural: 1 image, 2 images, 2 classes."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{n} {noun if n == 1 else plural}"


def nearest(word: str, allowed: Collection[str]) -> str | None:
    """The one of ``allowed`` that ``word`` may have been meant for, or None."""
    folded = {name.casefold(): name for name in allowed}
    near = difflib.get_close_matches(word.casefold(), list(folded), n=1)
    return folded[near[0]] if near else None


def differing(found: Sequence[str], wanted: Sequence[str]) -> str:
    """Where two unlike lists part: their lengths, and the first place at which they differ, counted from 1."""
    lengths = f"{len(found)} there, {len(wanted)} here"
    place = next((i for i, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), None)
    return (
        lengths if place is None else f"{lengths}; number {place + 1} is {found[place]!r} there, {wanted[place]!r} here"
    )


def refuse(problems: Sequence[str], *, limit: int = 10) -> None:
    """Raise a ``DataError`` with the first ``limit`` of ``problems``, one a line, if there are any."""
    if not problems:
        return
    rest = [f"and {len(problems) - limit} more of the kind"] if len(problems) > limit else []
    raise DataError("\n".join([*problems[:limit], *rest]))


def refuse_unknown(places: Mapping[str, object], allowed: Collection[str], *, what: str = "class") -> None:
    """Raise a ``DataError`` for the names that are none of ``allowed``, those that look like slips first.

    ``places`` says for each name found where it stands.
    """
    slips, others = [], []
    for name, place in places.items():
        if name in allowed:
            continue
        near = nearest(name, allowed)
        if near is None:
            others.append(f"{place}: unknown {what} {name!r}; expected: {named(allowed)}")
        else:
            slips.append(f"{place}: unknown {what} {name!r}; the nearest is {near!r}")
    refuse([*slips, *others])
