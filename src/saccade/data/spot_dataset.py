"""The torch data set of images and their words, and how samples become a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset

from saccade.data.dataset import seeded, stacked
from saccade.data.images import read_rgb
from saccade.data.listing import Listing
from saccade.data.spot_transforms import Seen
from saccade.data.words import ImageWords
from saccade.samples import Batch, Sample, SampleKey, SeenWords

Targets = Callable[[NDArray[np.float32], NDArray[np.bool_], int, int], NDArray[np.float32]]
"""Quads (K, 4, 2), which are cared for (K,), height and width of the image, to maps (7, h, w)."""


class SpotDataset(Dataset[Sample]):
    """Images and words of one split; asked by ``SampleKey``, like ``ImageDataset``.

    Raises:
        DataError: from ``__getitem__``, an image that cannot be read, named with its path.
    """

    def __init__(
        self,
        listing: Listing,
        transform: Callable[[Image.Image, ImageWords], Seen],
        targets: Targets,
        *,
        seed: int,
    ) -> None:
        assert listing.words is not None
        self.listing, self.words = listing, listing.words
        self.transform, self.targets = transform, targets
        self.seed = seed

    def __len__(self) -> int:
        return len(self.listing)

    def __getitem__(self, key: SampleKey) -> Sample:
        image = read_rgb(self.listing.root / self.listing.images[key.index])
        again = (key.draw,) if key.draw else ()
        with seeded(self.seed, key.epoch, key.index, *again):
            pixels, words, scale = self.transform(image, self.words.of(key.index))
        maps = self.targets(words.quads, words.cared, *pixels.shape[1:])
        seen = SeenWords(torch.from_numpy(words.quads), words.texts, torch.from_numpy(words.cared), scale)
        return Sample(key.index, pixels, torch.from_numpy(maps), words=seen)


def collate_words(samples: Sequence[Sample]) -> Batch:
    """Stack samples into a batch; smaller images are padded with the mean colour, and maps with what nobody cares for.

    ``Batch.size`` keeps each image's own height and width.
    """
    return Batch(
        index=torch.tensor([sample.index for sample in samples], dtype=torch.int64),
        image=stacked([sample.image for sample in samples], fill=0),  # normalised: 0 is the mean
        target=stacked([sample.target for sample in samples], fill=0),
        size=torch.tensor([sample.image.shape[1:] for sample in samples], dtype=torch.int64),
        words=tuple(sample.words for sample in samples if sample.words is not None),
    )
