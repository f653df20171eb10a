"""Several captions an image, for many images, in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.data.paths import PathList


@dataclass(frozen=True)
class Captions:
    """The captions of N images, at least one each, M in all.

    ``ids``: (N,) the number of each image in the data set's own file. ``texts``: M captions as people wrote them, those
    of an image one after another. ``ends``: (N,) where in ``texts`` those of each image end.
    """

    ids: NDArray[np.int64]
    texts: PathList
    ends: NDArray[np.int64]

    def __post_init__(self) -> None:
        assert len(self.ids) == len(self.ends)
        assert (self.counts > 0).all()
        assert len(self.texts) == (self.ends[-1] if len(self.ends) else 0)

    @classmethod
    def gathered(cls, ids: Sequence[int], captions: Sequence[Sequence[str]]) -> Captions:
        """The captions of each image, in the order of the images; ``ids`` and ``captions`` have N entries."""
        ends = np.cumsum([len(of_image) for of_image in captions], dtype=np.int64)
        texts = PathList(text for of_image in captions for text in of_image)
        return cls(np.array(ids, dtype=np.int64), texts, ends)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def counts(self) -> NDArray[np.int64]:
        """(N,) how many captions each image has."""
        return np.diff(self.ends, prepend=np.int64(0))

    def of(self, i: int) -> tuple[str, ...]:
        """All captions of image ``i``, 0 to N - 1, in the order of the file."""
        start = int(self.ends[i - 1]) if i else 0
        return tuple(self.texts[start : int(self.ends[i])])

    def take(self, indices: NDArray[np.int64]) -> Captions:
        """The captions of the images at ``indices``, in that order."""
        counts = self.counts[indices]
        ends = np.cumsum(counts)
        texts = np.arange(int(counts.sum())) + np.repeat(self.ends[indices] - ends, counts)
        return Captions(self.ids[indices], self.texts.take(texts), ends)
