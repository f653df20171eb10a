"""Images and masks in folders of their own: ``images/`` and ``masks/``.

With splits inside (``images/train``, ``masks/train``), inside splits (``train/images``, ``train/masks``), or without
any. Deeper folders below both are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from saccade.data.folder import folders_in, images_below
from saccade.data.listing import Listing
from saccade.data.mask_layout import MaskLayout, listing_of
from saccade.data.parallel import Progress
from saccade.data.wording import named, refuse
from saccade.errors import DataError

IMAGES, MASKS = "images", "masks"


def read(root: Path, split: str, layout: MaskLayout, *, progress: Progress | None = None) -> Listing:
    """List the images of ``split`` by path, each with the mask of its name and ``layout.mask_suffix``.

    ``split`` "." takes everything below ``images/``. The classes are those of ``layout`` or ``classes.txt``. Masks
    that belong to no image are left alone.

    Raises:
        DataError: a folder or a mask is missing, two files claim one name, no classes are known, or a mask does not
            hold.
    """
    image_folder, mask_folder = _folders(root, split)
    images = sorted(images_below(root / image_folder))
    if not images:
        raise DataError(f"{root / image_folder}: no image in it")
    masks = _matched(root, image_folder, mask_folder, images, layout.mask_suffix)
    return listing_of(
        root,
        [f"{image_folder}/{name}" for name in images],
        [f"{mask_folder}/{name}" for name in masks],
        layout,
        progress=progress,
    )


def splits(root: Path) -> list[str]:
    """Names of the splits, sorted: ["."] where images and masks lie in one folder each; empty where there is none."""
    inside = set(folders_in(root / IMAGES)) & set(folders_in(root / MASKS))
    outside = {name for name in folders_in(root) if _is_pair(root / name / IMAGES, root / name / MASKS)}
    flat = ["."] if _is_pair(root / IMAGES, root / MASKS) else []
    return sorted(inside | outside) or flat


def _is_pair(images: Path, masks: Path) -> bool:
    return images.is_dir() and masks.is_dir()


def _folders(root: Path, split: str) -> tuple[str, str]:
    """The folders of a split's images and masks, relative to ``root``."""
    if split == ".":
        places = [(IMAGES, MASKS)]
    else:
        name = PurePosixPath(Path(split).as_posix())
        places = [(f"{IMAGES}/{name}", f"{MASKS}/{name}"), (f"{name}/{IMAGES}", f"{name}/{MASKS}")]
    for images, masks in places:
        if _is_pair(root / images, root / masks):
            return images, masks
    tried = " or ".join(f"{images}/ with {masks}/" for images, masks in places)
    there = f"it has the splits {named(splits(root))}" if splits(root) else f"it has {named(folders_in(root))}"
    raise DataError(f"{root}: no split {split!r}: there is no {tried}; {there if root.is_dir() else 'nor that folder'}")


def _matched(root: Path, image_folder: str, mask_folder: str, images: Sequence[str], suffix: str) -> list[str]:
    """The mask of each image, relative to its folder."""
    by_stem: dict[str, list[str]] = {}
    for name in sorted(images_below(root / mask_folder)):
        by_stem.setdefault(_stem(name), []).append(name)
    problems, masks = [], []
    image_of: dict[str, str] = {}
    for image in images:
        stem = _stem(image)
        found = by_stem.get(stem + suffix, [])
        path = root / image_folder / image
        if image_of.setdefault(stem, image) != image:
            problems.append(f"{path}: {image_of[stem]!r} has the same name, and the mask is for one of them")
        elif len(found) > 1:
            problems.append(f"{path}: has the masks {named(found)} in {root / mask_folder}; keep one of them")
        elif not found:
            problems.append(f"{path}: has no mask {stem + suffix}.png in {root / mask_folder}{_hint(stem, by_stem)}")
        masks += found
    refuse(problems, limit=8)
    return masks


def _stem(name: str) -> str:
    """Path without the file's ending."""
    return name.rpartition(".")[0]


def _hint(stem: str, masks: dict[str, list[str]]) -> str:
    """What may have been meant: a mask whose name begins with that of the image."""
    near = next((mask for mask in masks if mask.startswith(stem)), None)
    if near is None:
        return ""
    return f"; there is {masks[near][0]!r}: set data.mask_suffix={near.removeprefix(stem)}"
