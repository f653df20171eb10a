"""Every mask of a split is read once before anything is learned from it; what was found is kept in a cache."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from saccade.data.images import upright_size
from saccade.data.listing import Listing, Masks
from saccade.data.masks import VOID, MaskCoding, read_mask
from saccade.data.parallel import Progress, in_threads
from saccade.data.paths import PathList
from saccade.data.wording import refuse
from saccade.errors import DataError
from saccade.files import written_aside

_VERSION = 1
"""Of what is counted and how; raised with every change of it, so that older caches are not taken."""


class _Found(NamedTuple):
    """What the masks hold, as in ``Masks``."""

    pixels: NDArray[np.int64]
    void: NDArray[np.int64]
    heights_widths: NDArray[np.int64]


def scan(
    root: Path,
    images: PathList,
    masks: PathList,
    coding: MaskCoding,
    classes: Sequence[str],
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Masks:
    """Read the masks (N paths relative to ``root``) of ``images`` (N, likewise) and count the pixels of each class.

    ``cache``: the folder in which the counts are kept and looked for. They are taken from there where names, sizes
    and times of the files and the coding are the same. An image that cannot be read is not the mask's fault, and is
    left to whoever reads it.

    Raises:
        DataError: masks that are missing, unreadable, hold a value of no class, or are of another size than their
            image; every one of them is named, up to the eighth.
    """
    assert len(classes) == len(coding.ids)
    kept = None if cache is None else cache / f"masks-{_key(root, images, masks, coding)}.npz"
    found = None if kept is None else _load(kept, len(masks), len(classes))
    if found is None:
        found = _read_all(root, images, masks, coding, progress)
        if kept is not None:
            _store(kept, found)
    elif progress is not None:
        progress(len(masks))
    _refuse_all_void(root, masks, found, coding, classes)
    return Masks(masks, *found, coding)


def mask_faults(listing: Listing) -> Iterator[tuple[str, str]]:
    """Path, and what is wrong, of each mask that is no longer as the scan found it; every file is read anew."""
    if listing.masks is None:
        return
    pairs = zip(listing.images, listing.masks.paths, strict=True)
    examined = in_threads(partial(_examine, listing.root, listing.masks.coding), pairs)
    for name, result in zip(listing.masks.paths, examined, strict=True):
        if isinstance(result, str):
            yield name, result.removeprefix(f"{listing.root / name}: ")


def size_fault(image: str, width_height: tuple[int, int], shape: tuple[int, ...]) -> str | None:
    """What to say of a mask of ``shape`` (H, W) whose ``image`` has another size; None where they agree."""
    if width_height == shape[::-1]:
        return None
    return (
        f"the mask has {shape[1]} x {shape[0]} pixels (width x height), and its image {image} has "
        f"{width_height[0]} x {width_height[1]}; a mask has the size of its image, turned upright"
    )


def _read_all(root: Path, images: PathList, masks: PathList, coding: MaskCoding, progress: Progress | None) -> _Found:
    problems: list[str] = []
    counts = np.zeros((len(masks), 256), dtype=np.int64)
    sizes = np.zeros((len(masks), 2), dtype=np.int64)
    pairs = zip(images, masks, strict=True)
    for i, result in enumerate(in_threads(partial(_examine, root, coding), pairs, progress=progress)):
        if isinstance(result, str):
            problems.append(result)
        else:
            counts[i], sizes[i] = result
    refuse(problems, limit=8)
    void = counts[:, VOID].copy()
    pixels = counts[:, : len(coding.ids)].copy()
    if coding.void_is_background:
        pixels[:, 0] += void
    return _Found(pixels, void, sizes)


def _examine(root: Path, coding: MaskCoding, pair: tuple[str, str]) -> tuple[NDArray[np.int64], tuple[int, int]] | str:
    """(256,) how often each id occurs and the size of a good mask, or what is wrong with it."""
    image, mask = pair
    try:
        ids = read_mask(root / mask, coding, keep_void=True)
    except DataError as error:
        return str(error)
    with suppress(DataError):
        fault = size_fault(image, upright_size(root / image), ids.shape)
        if fault is not None:
            return f"{root / mask}: {fault}"
    return np.bincount(ids.ravel(), minlength=256), (ids.shape[0], ids.shape[1])


def _refuse_all_void(root: Path, masks: PathList, found: _Found, coding: MaskCoding, classes: Sequence[str]) -> None:
    """Refuse masks of 0 and 255 alone, of which 255 is meant for the second class and would be read as void."""
    first_only = len(classes) == 2 and not found.pixels[:, 1].any() and found.void.any()
    if first_only and coding.void_id == VOID and coding.colours is None:
        example = masks[int(found.void.argmax())]
        raise DataError(
            f"{root / example}: the masks of the split hold no {classes[1]!r} (id 1), only {classes[0]!r} (id 0) and "
            f"255, which is void; if 255 stands for {classes[1]!r}, set "
            f"data.colours='{{{classes[0]}: [0, 0, 0], {classes[1]}: [255, 255, 255]}}'"
        )


def _key(root: Path, images: PathList, masks: PathList, coding: MaskCoding) -> str:
    """32 hex digits over place, names, sizes and times of all files, and over the coding."""
    digest = hashlib.blake2b(repr((_VERSION, os.fspath(root.resolve()), coding)).encode(), digest_size=16)
    for paths in (images, masks):
        text, ends = paths.arrays()
        for array in (ends, text, _stats(root, paths)):
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _stats(root: Path, paths: PathList) -> NDArray[np.int64]:
    """(N, 2) bytes and time of the last change in nanoseconds of each file; -1 where there is none."""
    folder = os.path.join(root, "")  # noqa: PTH118  # strings, as in listing.fingerprint
    stats = np.full((len(paths), 2), -1, dtype=np.int64)
    for i, name in enumerate(paths):
        with suppress(OSError):
            stat = os.stat(folder + name)  # noqa: PTH116
            stats[i] = stat.st_size, stat.st_mtime_ns
    return stats


def _load(path: Path, n: int, classes: int) -> _Found | None:
    """What a cache holds; None where there is none, or a damaged one."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = _Found(*(arrays[name] for name in _Found._fields))
    except Exception:  # what a damaged archive makes NumPy raise has no common class
        return None
    expected = ((n, classes), (n,), (n, 2))
    whole = all(array.shape == shape and array.dtype == np.int64 for array, shape in zip(found, expected, strict=True))
    return found if whole else None


def _store(path: Path, found: _Found) -> None:
    """Keep what was found; a folder that cannot be written to costs time, and stops nothing."""
    with suppress(OSError), written_aside(path) as aside, aside.open("wb") as file:
        np.savez_compressed(file, **found._asdict())
