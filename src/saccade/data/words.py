"""The words that stand in images, for many images, in little memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.data.paths import PathList

DONT_CARE = "###"
"""What data sets write for text that is there and that nobody could read: neither learned nor scored."""


UNREAD = "*"
"""What others write for it. It is not learned; ICDAR's evaluation scores it as any other text, and so is it here."""


@dataclass(frozen=True)
class ImageWords:
    """The K words of one image, K >= 0.

    ``quads``: (K, 4, 2) float32, x and y of each corner in pixels of the file turned upright, clockwise on screen from
    the corner where reading begins. They may reach some pixels beyond the image. ``texts``: K transcripts as people
    wrote them. ``cared``: (K,) bool, False where the text is neither learned nor scored.
    """

    quads: NDArray[np.float32]
    texts: tuple[str, ...]
    cared: NDArray[np.bool_]

    def __post_init__(self) -> None:
        assert self.quads.shape == (len(self.texts), 4, 2)
        assert self.cared.shape == (len(self.texts),)

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Words:
    """The words of N images, M in all; an image may have none.

    ``ends``: (N,) int64, where among the M those of each image end. ``quads`` (M, 4, 2), ``texts`` (M of them) and
    ``cared`` (M,) are as in ``ImageWords``, those of an image one after another in the order of its file.
    """

    ends: NDArray[np.int64]
    quads: NDArray[np.float32]
    texts: PathList
    cared: NDArray[np.bool_]

    def __post_init__(self) -> None:
        m = int(self.ends[-1]) if len(self.ends) else 0
        assert self.quads.shape == (m, 4, 2)
        assert self.cared.shape == (m,)
        assert len(self.texts) == m

    @classmethod
    def gathered(cls, images: Sequence[ImageWords]) -> Words:
        """The words of N images, in that order."""
        return cls(
            ends=np.cumsum([len(image) for image in images], dtype=np.int64),
            quads=np.concatenate([np.zeros((0, 4, 2), np.float32), *(image.quads for image in images)]),
            texts=PathList(text for image in images for text in image.texts),
            cared=np.concatenate([np.zeros(0, np.bool_), *(image.cared for image in images)]),
        )

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def counts(self) -> NDArray[np.int64]:
        """(N,) how many words each image has."""
        return np.diff(self.ends, prepend=np.int64(0))

    def of(self, i: int) -> ImageWords:
        """The words of image ``i``, 0 to N - 1."""
        inside = slice(int(self.ends[i - 1]) if i else 0, int(self.ends[i]))
        return ImageWords(self.quads[inside], tuple(self.texts[inside]), self.cared[inside])

    def take(self, indices: NDArray[np.int64]) -> Words:
        """The words of the images at ``indices``, in that order."""
        counts = self.counts[indices]
        ends = np.cumsum(counts)
        words = np.arange(int(counts.sum())) + np.repeat(self.ends[indices] - ends, counts)
        return Words(ends, self.quads[words], self.texts.take(words), self.cared[words])
