"""Many file names in little memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

_CHUNK = 65536  # names gathered at a time: the index of every byte takes 8 bytes while it lasts


class PathList(Sequence[str]):
    """A read-only list of strings kept as one UTF-8 buffer and an array of offsets.

    A Python list of a million names holds a million objects, whose reference counts every worker process
    touches and so copies. Two arrays are shared by all of them and pickle in one go.
    """

    def __init__(self, names: Iterable[str]) -> None:
        encoded = [name.encode("utf-8", "surrogateescape") for name in names]
        lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
        self._ends: NDArray[np.int64] = np.cumsum(lengths)
        self._bytes: NDArray[np.uint8] = np.frombuffer(b"".join(encoded), dtype=np.uint8)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        i = index % len(self)
        start = int(self._ends[i - 1]) if i else 0
        return self._bytes[start : int(self._ends[i])].tobytes().decode("utf-8", "surrogateescape")

    def __iter__(self) -> Iterator[str]:
        start = 0
        for first in range(0, len(self), _CHUNK):
            ends = self._ends[first : first + _CHUNK]
            text, base = self._bytes[start : int(ends[-1])].tobytes(), start
            for end in ends.tolist():
                yield text[start - base : end - base].decode("utf-8", "surrogateescape")
                start = end

    def take(self, indices: NDArray[np.int64]) -> PathList:
        """The names at ``indices`` (0 to N - 1), in that order, as a list of the same kind."""
        starts = np.concatenate([np.zeros(1, np.int64), self._ends])[indices]
        lengths = self._ends[indices] - starts
        taken = PathList(())
        taken._ends = np.cumsum(lengths)
        taken._bytes = np.empty(int(lengths.sum()), dtype=np.uint8)
        for i in range(0, len(indices), _CHUNK):
            part = slice(i, i + _CHUNK)
            first = int(taken._ends[i] - lengths[i])
            ends = taken._ends[part] - first
            source = np.arange(ends[-1]) + np.repeat(starts[part] - ends + lengths[part], lengths[part])
            taken._bytes[first : first + int(ends[-1])] = self._bytes[source]
        return taken

    def arrays(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """All names as one UTF-8 buffer, and where in it each of them ends; not to be written to."""
        return self._bytes, self._ends
