"""Writing a file of features row by row, so that what is stopped goes on where it was."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from saccade.data.feature_files import BOXES, INDEX, PART, sha256
from saccade.data.json_records import load_object
from saccade.errors import DataError
from saccade.files import write_json

_NOTED_AFTER = 10.0
"""Seconds after which it is noted how many rows there are: getting them onto the disk for good takes time."""
_OTHERWISE = {"names": "of other images", "shapes": "of another shape", "made": "made in another way"}


class FeatureWriter:
    """A context in which rows are appended in the order of ``names``; with the last one the store is finished.

    Left before that, by an error or without one, it notes how many rows are ``done``, and the next writer of the same
    store goes on after them. A finished store has ``done`` N. One process writes a store at a time.
    """

    def __init__(
        self,
        path: Path,
        names: Sequence[str],
        shape: tuple[int, ...],
        *,
        made: Mapping[str, Any],
        boxes: bool = False,
        sizes: Sequence[int] | None = None,
    ) -> None:
        """``path``: ends in ``.npy``. ``shape``: of a row, (D,) or (R, D). ``made``: all that the numbers depend on, in
        JSON's types. ``boxes``: whether each row comes with (R, 4) boxes. ``sizes``: N, bytes of the images' files, -1
        where that is not known, as it is of none without ``sizes``.

        Raises:
            DataError: there is a store of this name that was made in another way, or a file that is none.
        """
        assert path.suffix == ".npy"
        assert len(set(names)) == len(names)
        assert not boxes or len(shape) == 2
        self.path, self.names = path, names
        self._sizes = [-1] * len(names) if sizes is None else list(sizes)
        self._made = json.loads(json.dumps(made))  # as it is read again
        self._arrays = [_Array(path, (len(names), *shape), np.dtype("<f2"))]
        if boxes:
            self._arrays.append(_Array(path.with_suffix(BOXES), (len(names), shape[0], 4), np.dtype("<f4")))
        self._files: list[BinaryIO] = []
        self.done = self._noted = self._done_before()
        self._noted_at = monotonic()

    def __enter__(self) -> Self:
        if not self.path.with_suffix(INDEX).is_file():
            with self._writing():
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._files = [array.opened(self.done) for array in self._arrays]
                self._note()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with self._writing():
                if self._files:
                    self._close()
        except DataError:
            if kind is None:  # else it says again what the first error said
                raise

    def write(self, features: ArrayLike, boxes: ArrayLike | None = None) -> None:
        """Append B rows: features (B, D) or (B, R, D), boxes (B, R, 4) x0, y0, x1, y1 as shares of width and height.

        Raises:
            DataError: a number that float16 does not hold, or a full disk.
        """
        with np.errstate(over="ignore"):  # it becomes infinite, and is refused
            parts = zip([features] if boxes is None else [features, boxes], self._arrays, strict=True)
            rows = [np.asarray(part).astype(array.dtype) for part, array in parts]
        assert all(part.shape[1:] == array.shape[1:] for part, array in zip(rows, self._arrays, strict=True))
        finite = np.isfinite(rows[0]).reshape(len(rows[0]), -1).all(axis=1)
        if not finite.all():
            name = self.names[self.done + int(finite.argmin())]
            raise DataError(f"{self.path}: a feature of {name} is beyond 65504 or no number; float16 cannot hold it")
        with self._writing():
            for file, part in zip(self._files, rows, strict=True):
                file.write(np.ascontiguousarray(part).data)
            self.done += len(rows[0])
            if monotonic() - self._noted_at >= _NOTED_AFTER:
                self._note()

    def _plan(self) -> dict[str, Any]:
        """What must be the same for a writer to go on."""
        names = hashlib.blake2b(json.dumps(list(self.names)).encode(), digest_size=16).hexdigest()
        return {"names": names, "shapes": [list(array.shape) for array in self._arrays], "made": self._made}

    def _done_before(self) -> int:
        """How many rows earlier writers of the same store left."""
        index, part = self.path.with_suffix(INDEX), self.path.with_suffix(PART)
        record = next((path for path in (index, part) if path.is_file()), None)
        if record is None:
            if self.path.exists():
                raise DataError(f"{self.path}: is there already, without {index.name}; move it away, or name another")
            return 0
        about = load_object(record, {"plan": (dict,), "done": (int,), "sizes": (list,)})
        other = [_OTHERWISE[key] for key, value in self._plan().items() if about["plan"].get(key) != value]
        if other:
            raise DataError(
                f"{self.path}: holds features {' and '.join(other)}; remove it and {record.name} to make it anew, or "
                "name another file"
            )
        whole = all(array.holds(about["done"]) for array in self._arrays)
        if record == index and not whole:
            raise DataError(f"{self.path}: is shorter than {record.name} says; remove both to make it anew")
        if not whole:
            return 0
        done = int(about["done"])
        self._sizes[:done] = about["sizes"][:done]  # rows that are there are of the files as they were
        return done

    def _note(self) -> None:
        """Get what is written onto the disk, then note how many rows that is."""
        for file in self._files:
            file.flush()
            os.fsync(file.fileno())
        plan = {"plan": self._plan(), "done": self.done}
        write_json(self.path.with_suffix(PART), {**plan, "sizes": self._sizes[: self.done]})
        self._noted, self._noted_at = self.done, monotonic()

    def _close(self) -> None:
        """Note what is done; with all rows the index takes the place of the note."""
        self._note()
        for file in self._files:
            file.close()
        if self.done < len(self.names):
            return
        features, *boxes = [array.about() for array in self._arrays]
        about = {**features, "boxes": boxes[0] if boxes else None, "made": self._made}
        plan = {"plan": self._plan(), "done": self.done}
        write_json(self.path.with_suffix(INDEX), {**about, **plan, "sizes": self._sizes, "names": list(self.names)})
        self.path.with_suffix(PART).unlink()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Say of a disk that is full how to go on."""
        try:
            yield
        except OSError as error:
            raise DataError(
                f"{self.path}: could not be written ({error.strerror or error}); free some space, or name another "
                f"file; the same command goes on after {self._noted} of {len(self.names)} images"
            ) from error


class _Array(NamedTuple):
    """An ``.npy`` file to which rows are appended; before the last of them no reader takes it."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def header(self) -> bytes:
        """What stands before the rows."""
        buffer = io.BytesIO()
        about = {"descr": self.dtype.str, "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(buffer, about)
        return buffer.getvalue()

    def size(self, rows: int) -> int:
        """Bytes of the file with so many rows."""
        return len(self.header()) + rows * math.prod(self.shape[1:]) * self.dtype.itemsize

    def holds(self, rows: int) -> bool:
        """Whether there are at least so many rows."""
        return self.path.is_file() and self.path.stat().st_size >= self.size(rows)

    def opened(self, rows: int) -> BinaryIO:
        """The file, to go on after so many rows; what stands after them is cut off."""
        file: BinaryIO = self.path.open("r+b" if rows else "wb")
        if rows:
            file.truncate(self.size(rows))
            file.seek(0, os.SEEK_END)
        else:
            file.write(self.header())
        return file

    def about(self) -> dict[str, Any]:
        """Shape, type and checksum of the whole file."""
        return {"shape": list(self.shape), "dtype": self.dtype.name, "sha256": sha256(self.path)}
