"""Features that others computed: one ``.npy``, one an image, HDF5, and the bottom-up TSV; read, and converted to ours.

Letters: k regions of an image, of which R are kept, D features of a region.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from saccade.data.feature_files import Pool, pooled
from saccade.data.feature_writer import FeatureWriter
from saccade.data.listing import Listing, file_sizes
from saccade.data.parallel import Progress
from saccade.data.wording import counted, named
from saccade.errors import DataError

_NUMBERS = "iuf"
"""The kinds of NumPy's types that are real numbers."""


class Found(NamedTuple):
    """What a source has of one image."""

    features: NDArray[Any]  # (k, D) or (D,)
    boxes: NDArray[np.float32] | None = None  # (k, 4) x0, y0, x1, y1 as shares of width and height


class Source(Protocol):
    """Features by the key of an image: its name, its name without folder or suffix, or its id."""

    def __contains__(self, key: object) -> bool: ...

    def __getitem__(self, key: str) -> Found: ...


class ArrayRows:
    """One array with a row an image, (N, D) or (N, k, D): of an ``.npy`` or an HDF5 file; ``keys`` are N."""

    def __init__(self, path: Path, array: Any, keys: Sequence[str]) -> None:
        if array.ndim not in (2, 3) or array.dtype.kind not in _NUMBERS:
            raise DataError(f"{path}: {_told(array)}; one array for all images takes numbers, (N, D) or (N, R, D)")
        if len(array) != len(keys):
            raise DataError(f"{path}: has {len(array)} rows for {counted(len(keys), 'image')}; it takes one an image")
        self._array = array
        self._row = {key: i for i, key in enumerate(keys)}

    def __contains__(self, key: object) -> bool:
        return key in self._row

    def __getitem__(self, key: str) -> Found:
        return Found(np.asarray(self._array[self._row[key]]))


class NpyFolder:
    """A folder with one ``.npy`` an image, (D,) or (k, D), under the image's name or id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, key: object) -> bool:
        return (self._folder / f"{key}.npy").is_file()

    def __getitem__(self, key: str) -> Found:
        return Found(_loaded(self._folder / f"{key}.npy"))


class Hdf5Images:
    """An HDF5 file with one dataset an image, (D,) or (k, D), named ``<key>`` or ``<key>_features``."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def __contains__(self, key: object) -> bool:
        return self._of(key) is not None

    def __getitem__(self, key: str) -> Found:
        array = self._of(key)
        assert array is not None
        return Found(np.asarray(array[()]))

    def _of(self, key: object) -> Any:
        """The dataset of an image, or None; a group of that name is none."""
        found = (self._file.get(name) for name in (str(key), f"{key}_features"))
        return next((item for item in found if _is_dataset(item)), None)


class BottomUpTsv:
    """The TSV files of bottom-up attention (Anderson et al. 2018): features and boxes as base64 of float32.

    Columns, without a header: image_id, image_w, image_h, num_boxes, boxes (k, 4) in pixels, features (k, D).
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        """Look up where in which file each image stands; everything is read for that."""
        self._place: dict[str, tuple[Path, int]] = {}
        for path in paths:
            with path.open("rb") as file:
                start = 0
                for line in file:
                    if line.strip():
                        self._place.setdefault(line[: line.find(b"\t")].decode("ascii", "replace"), (path, start))
                    start += len(line)

    def __contains__(self, key: object) -> bool:
        return key in self._place

    def __getitem__(self, key: str) -> Found:
        path, start = self._place[key]
        with path.open("rb") as file:
            file.seek(start)
            columns = file.readline().rstrip(b"\r\n").split(b"\t")
        try:
            _, width, height, k, *coded = columns
            width_of = (4, -1) if int(k) else (4, 0)  # of no region, NumPy cannot tell how wide the rows are
            boxes, features = (
                np.frombuffer(base64.b64decode(text), "<f4").reshape(int(k), wide)
                for text, wide in zip(coded, width_of, strict=True)
            )
            size = np.array([float(width), float(height)] * 2)
            return Found(features, (boxes.reshape(-1, 4) / size).astype(np.float32))
        except (ValueError, binascii.Error) as error:
            expected = "image_id, image_w, image_h, num_boxes, boxes and features"
            raise DataError(f"{path}: the line of image {key} is not {expected} ({error})") from None


def open_source(path: Path, images: Sequence[str]) -> Source:
    """The features at ``path``: a folder of .npy or .tsv files, an .npy, .h5, .hdf5 or .tsv file.

    Where one array holds them all its rows are those of ``images``, in their order.

    Raises:
        DataError: there is nothing, or nothing of these kinds; h5py is not installed.
    """
    if path.is_dir():
        tables = sorted(p for p in path.iterdir() if ".tsv" in p.suffixes)
        return BottomUpTsv(tables) if tables else NpyFolder(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file or folder of features")
    if path.suffix == ".npy":
        return ArrayRows(path, _loaded(path), images)
    if path.suffix in (".h5", ".hdf5"):
        file = _hdf5(path)
        items = [file.get(name) for name in file]
        one_for_all = len(items) == 1 and len(images) > 1 and _is_dataset(items[0])
        return ArrayRows(path, items[0], images) if one_for_all else Hdf5Images(file)
    if ".tsv" in path.suffixes:
        return BottomUpTsv([path])
    raise DataError(f"{path}: features are read from .npy, .h5, .hdf5 or .tsv, or from a folder of .npy or .tsv files")


def convert(
    source: Source,
    path: Path,
    listing: Listing,
    *,
    origin: str,
    made: Mapping[str, Any],
    regions: int | None = None,
    pool: Pool = "none",
    progress: Progress | None = None,
) -> None:
    """Write the features of a listing's images to ``path``, going on where an earlier call stopped.

    ``origin``: what the source is called in messages. ``made``: what the index says of how they were made.
    ``regions``: R, how many are kept of each image, the first ones; an image with fewer gets rows of zeros. None keeps
    all, where all images have equally many.

    Raises:
        DataError: images without features, or with features of another shape than the first, or no numbers; one row for
            several images, or an image with two.
    """
    images, keys, sizes = list(listing.images), _keys(source, listing, origin), file_sizes(listing).tolist()
    first = _row(_read(source, keys[0], origin), regions, pool)
    boxes = first.boxes is not None
    with FeatureWriter(path, images, first.features.shape, made=made, boxes=boxes, sizes=sizes) as writer:
        if progress is not None:
            progress(writer.done)
        for image, key in zip(images[writer.done :], keys[writer.done :], strict=True):
            found = _row(_read(source, key, origin), regions, pool)
            if found.features.shape != first.features.shape or (found.boxes is not None) != boxes:
                shapes = f"{found.features.shape}, and {images[0]} of {first.features.shape}"
                raise DataError(f"{origin}: {image} has features of shape {shapes}; say how many regions to keep")
            writer.write(found.features[None], None if found.boxes is None else found.boxes[None])
            if progress is not None:
                progress(1)


def _read(source: Source, key: str, origin: str) -> Found:
    """The features of an image: numbers, with at least one region."""
    found = source[key]
    if found.features.ndim not in (1, 2) or found.features.dtype.kind not in _NUMBERS:
        raise DataError(f"{origin}: {_told(found.features)} for {key}; an image takes numbers, (D,) or (R, D)")
    if found.features.ndim == 2 and not len(found.features):
        raise DataError(f"{origin}: {key} has no region; every image takes at least one")
    return found


def _row(found: Found, regions: int | None, pool: Pool) -> Found:
    """What is kept of an image: its first ``regions``, filled up with zeros, or one vector made of them."""
    features = found.features.astype(np.float32)
    if features.ndim != 2:
        return Found(features)
    if pool != "none":
        return Found(pooled(features[:regions], pool))
    count = regions or len(features)
    return Found(_fitted(features, count), None if found.boxes is None else _fitted(found.boxes, count))


def _fitted(rows: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """(k, D) to (``count``, D): the first rows, and zeros where there are fewer."""
    result = np.zeros((count, rows.shape[1]), dtype=np.float32)
    result[: len(rows)] = rows[:count]
    return result


def _keys(source: Source, listing: Listing, origin: str) -> list[str]:
    """The key under which the source has each image, and no other image."""
    assert listing.captions is not None
    images, ids = list(listing.images), listing.captions.ids.tolist()
    found = [_key(source, image, str(image_id), origin) for image, image_id in zip(images, ids, strict=True)]
    missing = [image for image, key in zip(images, found, strict=True) if key is None]
    if missing:
        some = f"{counted(len(missing), 'image')} of {len(images)}, among them {named(missing, limit=3)}"
        raise DataError(
            f"{origin}: no features of {some}; they are looked for by name, with and without folder and suffix, and by "
            "id"
        )
    keys = [key for key in found if key is not None]
    (key, uses), *_ = Counter(keys).most_common(1)
    if uses > 1:
        several = named([image for image, other in zip(images, keys, strict=True) if other == key], limit=3)
        raise DataError(
            f"{origin}: what is called {key} would be the features of {uses} images, {several}; name the features of "
            "each image by its folder too"
        )
    return keys


def _key(source: Source, image: str, image_id: str, origin: str) -> str | None:
    """The key of an image; None where the source has nothing of it."""
    path = PurePosixPath(image)
    names = (image, str(path.with_suffix("")), path.name, path.stem)
    key = next((name for name in names if name in source), None)
    if key == path.stem != image_id and image_id in source:
        raise DataError(
            f"{origin}: features of {image} are there under its name, {key}, and under its id, {image_id}, and those "
            f"may be of another image; name features by whole file names, such as {path.name}"
        )
    return key if key is not None or image_id not in source else image_id


def _told(array: Any) -> str:
    """What an array of NumPy or HDF5 holds."""
    return f"has {array.dtype} of shape {list(array.shape)}"


def _loaded(path: Path) -> NDArray[Any]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: cannot be read as an array ({error})") from None
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: is an archive of arrays; save the one with the features by numpy.save")
    return array


def _is_dataset(item: Any) -> bool:
    """Whether something in an HDF5 file is an array, and not a group of others."""
    return isinstance(item, import_module("h5py").Dataset)


def _hdf5(path: Path) -> Any:
    """An opened HDF5 file."""
    try:
        h5py = import_module("h5py")
    except ImportError:
        raise DataError(f"{path}: to read HDF5 takes the package h5py; install it with: pip install h5py") from None
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path}: cannot be read as HDF5 ({error})") from None
