"""What every reader returns: which images there are and what is known of each."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.data.captions import Captions
from saccade.data.masks import MaskCoding
from saccade.data.paths import PathList
from saccade.data.words import Words

PRESENT, ABSENT, IGNORED = 1, 0, -1


@dataclass(frozen=True)
class Masks:
    """The masks of N images, and what is in them, every one of which was read and found good.

    ``paths``: relative to the listing's root. ``pixels``: (N, C) pixels of each class as they are learned and scored:
    where void counts as background, those of class 0 include it. ``void``: (N,) pixels that are void in the files,
    whatever becomes of them. ``heights_widths``: (N, 2) of each mask, and of its image, turned upright.
    """

    paths: PathList
    pixels: NDArray[np.int64]
    void: NDArray[np.int64]
    heights_widths: NDArray[np.int64]
    coding: MaskCoding

    def __post_init__(self) -> None:
        assert len(self.paths) == len(self.pixels) == len(self.void) == len(self.heights_widths)

    def take(self, indices: NDArray[np.int64]) -> Masks:
        """The masks at ``indices``, in that order."""
        paths, sizes = self.paths.take(indices), self.heights_widths[indices]
        return Masks(paths, self.pixels[indices], self.void[indices], sizes, self.coding)


@dataclass(frozen=True)
class Listing:
    """One split of a data set, held in compact arrays.

    ``images``: N paths relative to ``root``, with forward slashes, in the order of the split's own file or
    sorted. ``targets``: for one class an image, (N,) int64 positions in ``classes``; for many, (N, C) int8 of
    1 present, 0 absent, -1 ignored (difficult in VOC's sense: neither scored nor learned). ``masks``: where pixels
    have classes; an image's targets then say which of them occur. ``captions``: where images are described in words.
    ``words``: where the text in them is marked and transcribed. There are no classes with either, and targets are
    (N, 0). ``split``: its name on disk, where files of its own, such as stored features, belong to it.
    ``notes``: what was set right in reading it, in sentences.
    """

    root: Path
    images: PathList
    targets: NDArray[np.int64] | NDArray[np.int8]
    classes: tuple[str, ...]
    masks: Masks | None = None
    captions: Captions | None = None
    words: Words | None = None
    split: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert len(self.images) == len(self.targets)
        assert self.targets.ndim == 1 or self.targets.shape[1] == len(self.classes)
        assert self.masks is None or len(self.masks.paths) == len(self.images)
        assert self.captions is None or len(self.captions) == len(self.images)
        assert self.words is None or len(self.words) == len(self.images)

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: NDArray[np.int64]) -> Listing:
        """The images at ``indices``, in that order."""
        masks = None if self.masks is None else self.masks.take(indices)
        captions = None if self.captions is None else self.captions.take(indices)
        words = None if self.words is None else self.words.take(indices)
        images, targets = self.images.take(indices), self.targets[indices]
        return Listing(self.root, images, targets, self.classes, masks, captions, words, self.split, self.notes)


def counts(listing: Listing) -> dict[str, dict[str, int]]:
    """For each class by name, ``n_positive`` images that show it and ``n_ignored`` that leave it open."""
    if listing.targets.ndim == 1:
        positive = np.bincount(listing.targets.astype(np.intp), minlength=len(listing.classes))
        ignored = np.zeros_like(positive)
    else:
        positive = (listing.targets == PRESENT).sum(axis=0)
        ignored = (listing.targets == IGNORED).sum(axis=0)
    rows = zip(listing.classes, positive.tolist(), ignored.tolist(), strict=True)
    return {name: {"n_positive": p, "n_ignored": i} for name, p, i in rows}


def fingerprint(listing: Listing) -> str:
    """32 hex digits over the classes, names, targets and file sizes, wherever the root lies.

    Of masks the names and the pixels of each class count too, of captions every letter, and of words their corners,
    every letter, and which are cared for. The contents of the images are not read: an edit that keeps the size goes
    unseen. A missing file counts as size -1.
    """
    digest = hashlib.blake2b(json.dumps(listing.classes).encode(), digest_size=16)
    text, ends = listing.images.arrays()
    shape = np.array(listing.targets.shape)
    arrays: list[NDArray[Any]] = [ends, text, shape, listing.targets, file_sizes(listing)]
    if listing.masks is not None:
        text, ends = listing.masks.paths.arrays()
        arrays += [ends, text, listing.masks.pixels, listing.masks.void]
    if listing.captions is not None:
        text, ends = listing.captions.texts.arrays()
        arrays += [ends, text, listing.captions.ends]
    if listing.words is not None:
        text, ends = listing.words.texts.arrays()
        arrays += [ends, text, listing.words.ends, listing.words.quads, listing.words.cared]
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
    return digest.hexdigest()


def file_sizes(listing: Listing) -> NDArray[np.int64]:
    """(N,) bytes of each file; -1 where it cannot be looked at."""
    # Strings: a Path for each of a million names takes four times as long.
    folder = os.path.join(listing.root, "")  # noqa: PTH118
    sizes = np.full(len(listing), -1, dtype=np.int64)
    for i, name in enumerate(listing.images):
        try:
            sizes[i] = os.stat(folder + name).st_size  # noqa: PTH116
        except OSError:
            continue
    return sizes
