"""Features of images, computed once and kept: one ``.npy`` of float16, and a JSON file that says whose row is which.

Letters: N images, R regions (or cells of a grid) of each, D features of a region. Beside ``train.npy`` lie
``train.json`` (names, shape, checksum, how it was made), with boxes ``train.boxes.npy``, and until all rows are written
``train.part.json`` in the place of ``train.json``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from saccade.data.json_records import Fields, load_object
from saccade.data.listing import Listing
from saccade.data.paths import PathList
from saccade.data.wording import counted, named
from saccade.errors import DataError
from saccade.samples import Sample, SampleKey

Pool: TypeAlias = Literal["max", "mean", "none"]
"""What becomes of an image's regions: the largest of each feature, the mean, or all regions as they are."""

INDEX, PART, BOXES = ".json", ".part.json", ".boxes.npy"
"""What stands in the place of ``.npy`` in the names of the files beside it."""
_ARRAY: Fields = {"shape": (list,), "dtype": (str,), "sha256": (str,)}


class FeatureFile:
    """The features of N images, of which only the rows that are asked for are read.

    ``names``: N, as a listing has them. ``array``: (N, R, D) or (N, D) float16; an image with fewer regions than R has
    rows of zeros after them. ``boxes``: (N, R, 4) float32 x0, y0, x1, y1 as shares of width and height, or None.
    ``made``: how the features were made.
    """

    def __init__(self, path: Path) -> None:
        """Open ``path``, which ends in ``.npy``.

        Raises:
            DataError: the file or its index is missing, damaged, or not written to the end.
        """
        self.path = path
        self.about = _index(path)
        self.names = PathList(self.about["names"])
        self.made: dict[str, Any] = self.about["made"]
        self.array = _mapped(path, self.about)
        boxes = self.about["boxes"]
        self.boxes = None if boxes is None else _mapped(path.with_suffix(BOXES), boxes)

    def __reduce__(self) -> tuple[type[FeatureFile], tuple[Path]]:
        return FeatureFile, (self.path,)  # a memory map would be pickled with all that is in the file

    def rows(self, images: Iterable[str]) -> NDArray[np.int64]:
        """The row of each of ``images``.

        Raises:
            DataError: images without features.
        """
        row = {name: i for i, name in enumerate(self.names)}
        wanted = list(images)
        missing = [name for name in wanted if name not in row]
        if missing:
            some = f"{counted(len(missing), 'image')} of {len(wanted)}, among them {named(missing, limit=3)}"
            raise DataError(f"{self.path}: has no features of {some}; compute or convert them for this split too")
        return np.array([row[name] for name in wanted], dtype=np.int64)

    def has(self, image: str) -> bool:
        """Whether there is a row of this image."""
        return image in self.names

    def verify(self) -> None:
        """Read everything and compare the checksums.

        Raises:
            DataError: a file is not as it was written.
        """
        files = {self.path: self.about, self.path.with_suffix(BOXES): self.about["boxes"]}
        for path, about in files.items():
            if about is not None and sha256(path) != about["sha256"]:
                raise DataError(f"{path}: its checksum is not that of its index; make it anew")


class StoredFeatures(Dataset[Sample]):
    """Samples whose ``image`` is (R, D) float32 from a store; R is 1 where it holds one vector an image."""

    def __init__(self, listing: Listing, store: FeatureFile) -> None:
        """Find the rows of the listing's images.

        Raises:
            DataError: images without features.
        """
        self.listing, self.store = listing, store
        self.rows = store.rows(listing.images)

    def __len__(self) -> int:
        return len(self.listing)

    def __getitem__(self, key: SampleKey) -> Sample:
        features = np.atleast_2d(self.store.array[self.rows[key.index]].astype(np.float32))
        return Sample(key.index, torch.from_numpy(features), torch.as_tensor(self.listing.targets[key.index]))


def store_of(folder: Path, images: Sequence[str]) -> FeatureFile:
    """The store in ``folder`` that holds the first of ``images``.

    Raises:
        DataError: there is none.
    """
    for path in sorted(folder.glob("*.npy")):
        if path.with_suffix(INDEX).is_file() and (store := FeatureFile(path)).has(images[0]):
            return store
    raise DataError(
        f"data.features.path: {folder} holds no finished file with features of {images[0]}; "
        "`saccade data features CONFIG` computes or converts them"
    )


def pooled(features: NDArray[np.float32], pool: Pool) -> NDArray[np.float32]:
    """(..., R, D) to (..., D), or with "none" as it is; regions that are all zeros are padding, and left out."""
    if pool == "none":
        return features
    there = (features != 0).any(axis=-1, keepdims=True)
    if pool == "mean":
        mean: NDArray[np.float32] = features.sum(axis=-2) / np.maximum(there.sum(axis=-2), 1).astype(np.float32)
        return mean
    largest: NDArray[np.float32] = np.where(there, features, np.float32(-np.inf)).max(axis=-2)
    return np.where(there.any(axis=-2), largest, np.float32(0))


def sha256(path: Path) -> str:
    """64 hex digits over the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _index(path: Path) -> dict[str, Any]:
    """What the index of a store says."""
    if path.suffix != ".npy":
        raise DataError(f"{path}: a file of features ends in .npy")
    index, part = path.with_suffix(INDEX), path.with_suffix(PART)
    if part.is_file() and not index.is_file():
        raise DataError(f"{path}: is not written to the end; the command that writes it goes on where it stopped")
    kinds: Fields = {**_ARRAY, "names": (list,), "boxes": (dict, type(None)), "made": (dict,)}
    about = load_object(index, kinds)
    if not all(isinstance(name, str) for name in about["names"]):
        raise DataError(f"{index}: 'names' holds something else than names of images")
    if about["shape"][:1] != [len(about["names"])]:
        raise DataError(f"{index}: {len(about['names'])} names, and the shape {about['shape']}; a row has one name")
    return about


def _mapped(path: Path, about: dict[str, Any]) -> NDArray[Any]:
    """An array of which only what is asked for is read."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file, though its index is there") from None
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: cannot be read as an array ({error})") from None
    if list(array.shape) != about.get("shape") or array.dtype.name != about.get("dtype"):
        found = f"{array.dtype.name} {list(array.shape)}"
        raise DataError(f"{path}: holds {found}, and its index says {about.get('dtype')} {about.get('shape')}")
    return array
