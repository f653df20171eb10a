"""What is the same for all data sets with captions: where their images lie, and how a listing is made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from saccade.data.captions import Captions
from saccade.data.listing import Listing
from saccade.data.paths import PathList
from saccade.data.wording import named, refuse
from saccade.errors import DataError

_FOLDERS = ("JPEGImages", "images", "Images", "Flicker8k_Dataset", "Flickr8k_Dataset", "flickr30k-images", ".")
"""Where the images of a data set may lie, besides a folder of the split's own name; the first that holds them wins."""


def listing_of(
    path: Path, root: Path, names: Sequence[str], captions: Captions, *, split: str, images: str | None
) -> Listing:
    """The listing of N images with their captions; targets are (N, 0), for there are no classes.

    ``path``: of the file that was read. ``names``: N paths relative to the folder ``images`` below ``root``; None looks
    for that folder.

    Raises:
        DataError: an image that stands there twice or lies outside of its folder, or no folder that holds the images.
    """
    first: dict[str, int] = {}
    problems = []
    for i, name in enumerate(names):
        if not name or name.startswith("/") or ".." in name.split("/"):
            problems.append(f"{path}: images[{i}] has the file name {name!r}; it is relative to the folder of images")
        elif first.setdefault(name, i) != i:
            problems.append(f"{path}: images[{i}] has the file name {name!r}, as images[{first[name]}] has already")
    refuse(problems)
    folder = images_folder(root, split, names[0]) if images is None else images
    prefix = "" if folder == "." else f"{folder}/"
    paths = PathList(f"{prefix}{name}" for name in names)
    return Listing(root, paths, np.zeros((len(names), 0), dtype=np.int8), (), captions=captions, split=split)


def images_folder(root: Path, split: str, first: str) -> str:
    """The folder, relative to ``root`` and with forward slashes, in which the ``first`` image of a split lies.

    Raises:
        DataError: there is none; it says where it was looked for.
    """
    folders = (split, f"images/{split}", *_FOLDERS)
    found = next((folder for folder in folders if (root / folder / first).is_file()), None)
    if found is None:
        raise DataError(
            f"{root}: no image {first!r}, the first of split {split}, in any of {named(folders)}; set data.images to "
            "the folder of the images, relative to data.root"
        )
    return found
