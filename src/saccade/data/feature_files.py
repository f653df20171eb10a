"""Features of images, computed once and kept: one ``.npy`` of float16, and a JSON file that says whose row is which.

Letters: N images, R regions (or cells of a grid) of each, D features of a region. Beside ``train.npy`` lie
``train.json`` (names, sizes of the images' files, shape, checksum, how it was made), with boxes ``train.boxes.npy``,
and until all rows are written ``train.part.json`` in the place of ``train.json``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from saccade.data.json_records import Fields, load_object
from saccade.data.listing import Listing, file_sizes
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

    ``names``: N, as a listing has them. ``sizes``: (N,) bytes of the images' files, -1 where nobody knew. ``array``:
    (N, R, D) or (N, D) float16; an image with fewer regions than R has rows of zeros after them. ``boxes``: (N, R, 4)
    float32 x0, y0, x1, y1 as shares of width and height, or None. ``made``: how the features were made.
    """

    def __init__(self, path: Path) -> None:
        """Open ``path``, which ends in ``.npy``.

        Raises:
            DataError: the file or its index is missing, damaged, or not written to the end.
        """
        self.path = path
        self.about = _index(path)
        self.names = PathList(self.about["names"])
        self.sizes: NDArray[np.int64] = np.array(self.about["sizes"], dtype=np.int64)
        self.made: dict[str, Any] = self.about["made"]
        self.array = _mapped(path, self.about)
        boxes = self.about["boxes"]
        self.boxes = None if boxes is None else _mapped(path.with_suffix(BOXES), boxes)

    def __reduce__(self) -> tuple[type[FeatureFile], tuple[Path]]:
        return FeatureFile, (self.path,)  # a memory map would be pickled with all that is in the file

    def rows(self, listing: Listing) -> NDArray[np.int64]:
        """The row of each of the listing's images.

        Raises:
            DataError: images without features, or whose files have other sizes than those that the features are of.
        """
        row = {name: i for i, name in enumerate(self.names)}
        missing = [name for name in listing.images if name not in row]
        if missing:
            raise self._lacking("has no features of", missing, listing)
        rows = np.array([row[name] for name in listing.images], dtype=np.int64)
        now, then = file_sizes(listing), self.sizes[rows]
        changed = np.flatnonzero((now != then) & (now >= 0) & (then >= 0))
        if len(changed):
            raise self._lacking("has features of files of other sizes for", listing.images.take(changed), listing)
        return rows

    def _lacking(self, what: str, images: Sequence[str], listing: Listing) -> DataError:
        """That there are no features of these images of a listing, and what to do."""
        some = f"{counted(len(images), 'image')} of {len(listing)}, among them {named(images, limit=3)}"
        index = self.path.with_suffix(INDEX).name
        return DataError(
            f"{self.path}: {what} {some}; remove it and {index}, and `saccade data features CONFIG` makes it anew, or "
            "set data.features.path to another folder"
        )

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
            DataError: as of ``FeatureFile.rows``.
        """
        self.listing, self.store = listing, store
        self.rows = store.rows(listing)

    def __len__(self) -> int:
        return len(self.listing)

    def __getitem__(self, key: SampleKey) -> Sample:
        features = np.atleast_2d(self.store.array[self.rows[key.index]].astype(np.float32))
        return Sample(key.index, torch.from_numpy(features), torch.as_tensor(self.listing.targets[key.index]))


def store_of(folder: Path, listing: Listing, made: Mapping[str, Any] | None = None) -> FeatureFile:
    """The file of a split, ``<split>.npy`` in ``folder``; where there is none, another that holds its first image.

    ``made``: how the features must have been made; None takes any.

    Raises:
        DataError: there is none; ``<split>.npy`` is damaged, not finished, or was made in another way.
    """
    own = folder / f"{listing.split}.npy"
    if own.is_file():
        store = FeatureFile(own)
        if made is not None and (other := differing(store.made, made)):
            raise DataError(
                f"{own}: was made with {other[0]}, and the features that the network learned from with {other[1]}; set "
                "data.features.path to a folder of features that were made so"
            )
        return store
    for path in sorted(folder.glob("*.npy")):
        if path.with_suffix(INDEX).is_file():
            with suppress(DataError):  # a file of other images may be damaged
                store = FeatureFile(path)
                if store.has(listing.images[0]) and (made is None or differing(store.made, made) is None):
                    return store
    so = "" if made is None else ", made as those that the network learned from"
    raise DataError(
        f"data.features.path: {folder} holds no finished file with features of {listing.images[0]}{so}; "
        "`saccade data features CONFIG` computes or converts them"
    )


def differing(made: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, str] | None:
    """In words where features were ``made`` in another way than is ``wanted``, and what is; None where nothing is."""
    keys = [key for key, value in wanted.items() if made.get(key) != value]
    if not keys:
        return None
    for key, other in (("source", "network"), ("network", "source")):
        if key in keys and key not in made:  # one was converted and the other computed
            return f"{other} {made.get(other)}", f"{key} {wanted[key]}"
    found, asked = (", ".join(f"{key} {each.get(key)}" for key in keys) for each in (made, wanted))
    return found, asked


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
    kinds: Fields = {**_ARRAY, "names": (list,), "sizes": (list,), "boxes": (dict, type(None)), "made": (dict,)}
    about = load_object(index, kinds)
    if not all(isinstance(name, str) for name in about["names"]):
        raise DataError(f"{index}: 'names' holds something else than names of images")
    if about["shape"][:1] != [len(about["names"])]:
        raise DataError(f"{index}: {len(about['names'])} names, and the shape {about['shape']}; a row has one name")
    if not all(isinstance(size, int) for size in about["sizes"]) or len(about["sizes"]) != len(about["names"]):
        raise DataError(f"{index}: 'sizes' holds something else than the bytes of each image's file")
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
