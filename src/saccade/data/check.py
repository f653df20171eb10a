"""Looking at every file of a data set before an evening of training is spent on it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from saccade.data.captions import Captions
from saccade.data.images import read_rgb
from saccade.data.listing import Listing, counts
from saccade.data.mask_scan import mask_faults
from saccade.data.parallel import Progress, in_threads
from saccade.data.words import Words
from saccade.errors import DataError, SaccadeError

Kind = Literal[
    "labels",  # a reader refused the split
    "missing",
    "empty file",
    "truncated",
    "unreadable",
    "mask",
    "in two splits",
    "no training example",
    "duplicate",  # within a split: a note, not a problem
    "mended",  # likewise
]


class Finding(NamedTuple):
    """One thing that was found, for one row of a table."""

    kind: Kind
    split: str
    what: str
    """The image's path relative to the root, or the class."""
    detail: str


@dataclass(frozen=True)
class Report:
    """What a check found; the data are fine where ``problems`` is empty.

    ``notes``: worth knowing, no reason to stop. ``images``: number in each split. ``classes``: for each split
    and class ``n_positive`` and ``n_ignored``. ``captions`` and ``words``: of each split that has such.
    """

    problems: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    images: dict[str, int] = field(default_factory=dict)
    classes: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    captions: dict[str, Captions] = field(default_factory=dict)
    words: dict[str, Words] = field(default_factory=dict)


class _Place(NamedTuple):
    split: str
    image: str
    target: bytes


def check(
    listings: Mapping[str, Listing],
    *,
    errors: Mapping[str, DataError] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Decode and hash every image of every split, read its masks, and count the classes.

    ``listings``: by the name of the split; classes without an example are looked for in the one named
    "train". ``errors``: what the readers raised for splits that could not be listed; they become problems.
    """
    problems = [
        Finding("labels", split, "", line)
        for split, error in (errors or {}).items()
        for line in str(error).splitlines()
    ]
    places: dict[bytes, list[_Place]] = {}
    for split, listing in listings.items():
        examined = in_threads(partial(_examine, listing.root), listing.images, progress=progress)
        for name, target, found in zip(listing.images, listing.targets, examined, strict=True):
            if isinstance(found, bytes):
                places.setdefault(found, []).append(_Place(split, name, target.tobytes()))
            else:
                problems.append(Finding(found[0], split, name, found[1]))
        problems += [Finding("mask", split, name, detail) for name, detail in mask_faults(listing)]
    twice = [group for group in places.values() if len(group) > 1]
    problems += [finding for group in twice for finding in _in_two_splits(group)]
    problems += _without_example(listings)
    return Report(
        problems=tuple(problems),
        notes=(*(finding for group in twice for finding in _duplicates(group)), *_mended(listings)),
        images={split: len(listing) for split, listing in listings.items()},
        classes={split: counts(listing) for split, listing in listings.items()},
        captions={split: listing.captions for split, listing in listings.items() if listing.captions is not None},
        words={split: listing.words for split, listing in listings.items() if listing.words is not None},
    )


def _mended(listings: Mapping[str, Listing]) -> Iterator[Finding]:
    return (Finding("mended", split, "", note) for split, listing in listings.items() for note in listing.notes)


def unreadable(root: Path, names: Sequence[str], *, progress: Progress | None = None) -> list[tuple[str, str]]:
    """The names, of files relative to ``root``, that cannot be decoded to the end, each with the reason."""
    faults = in_threads(partial(_fault, root), names, progress=progress)
    return [(name, fault[1]) for name, fault in zip(names, faults, strict=True) if fault is not None]


def _examine(root: Path, name: str) -> bytes | tuple[Kind, str]:
    """The hash of a good image's bytes, or what is wrong with it."""
    fault = _fault(root, name)
    return fault or hashlib.blake2b((root / name).read_bytes(), digest_size=16).digest()


def _fault(root: Path, name: str) -> tuple[Kind, str] | None:
    """What keeps an image from being decoded, and the reason in words; None where nothing does."""
    path = root / name
    try:
        if path.stat().st_size == 0:
            return "empty file", "the file has 0 bytes"
        read_rgb(path)
    except FileNotFoundError:
        return "missing", "there is no such file"
    # Whatever a decoder trips over, this is the place to hear of it.
    except Exception as error:
        reason = str(error).removeprefix(f"{path}: ") if isinstance(error, SaccadeError) else repr(error)
        return ("truncated" if "truncated" in reason else "unreadable"), reason
    return None


def _in_two_splits(group: Iterable[_Place]) -> Iterator[Finding]:
    """A problem for each further split that holds the same bytes."""
    first: dict[str, _Place] = {}
    for place in group:
        first.setdefault(place.split, place)
    origin, *others = first.values()
    for place in others:
        detail = f"the same bytes as {origin.image} in {origin.split}{_labels(origin, place)}"
        yield Finding("in two splits", place.split, place.image, detail)


def _duplicates(group: Iterable[_Place]) -> Iterator[Finding]:
    """A note for each image that repeats one of its own split."""
    first: dict[str, _Place] = {}
    for place in group:
        origin = first.setdefault(place.split, place)
        if origin is not place:
            detail = f"the same bytes as {origin.image}{_labels(origin, place)}"
            yield Finding("duplicate", place.split, place.image, detail)


def _labels(one: _Place, other: _Place) -> str:
    """Said of two like images with unlike labels."""
    return "" if one.target == other.target else ", with another label"


def _without_example(listings: Mapping[str, Listing]) -> Iterator[Finding]:
    """A problem for each class that no training image shows."""
    if "train" not in listings:
        return
    for name, count in counts(listings["train"]).items():
        if not count["n_positive"]:
            ignored = f" ({count['n_ignored']} are ignored)" if count["n_ignored"] else ""
            yield Finding("no training example", "train", name, f"no image of train shows it{ignored}")
