"""The torch data set over images with masks, and how samples of unlike sizes become a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.utils.data import Dataset

from saccade.data.dataset import seeded, stacked
from saccade.data.images import read_rgb
from saccade.data.listing import Listing
from saccade.data.mask_scan import size_fault
from saccade.data.masks import VOID, read_mask
from saccade.data.paired import PairedTransform
from saccade.errors import DataError
from saccade.samples import Batch, Sample, SampleKey


class MaskDataset(Dataset[Sample]):
    """Images and masks of one split; asked by ``SampleKey``, like ``ImageDataset``.

    Raises:
        DataError: from ``__getitem__``, an image or a mask that cannot be read, named with its path, or that changed
            since the split was scanned.
    """

    def __init__(self, listing: Listing, transform: PairedTransform, *, seed: int) -> None:
        assert listing.masks is not None
        self.listing, self.masks = listing, listing.masks
        self.transform = transform
        self.seed = seed

    def __len__(self) -> int:
        return len(self.listing)

    def __getitem__(self, key: SampleKey) -> Sample:
        name, path = self.listing.images[key.index], self.listing.root / self.masks.paths[key.index]
        image = read_rgb(self.listing.root / name)
        mask = read_mask(path, self.masks.coding)
        fault = size_fault(name, image.size, mask.shape)
        if fault is not None:
            raise DataError(f"{path}: {fault}")
        again = (key.draw,) if key.draw else ()
        with seeded(self.seed, key.epoch, key.index, *again):
            pixels, ids = self.transform(image, mask)
        return Sample(key.index, pixels, ids)


def collate_masks(samples: Sequence[Sample]) -> Batch:
    """Stack samples into a batch; where sizes differ, images are padded with the mean colour and targets with void.

    ``Batch.size`` keeps each target's own height and width.
    """
    return Batch(
        index=torch.tensor([sample.index for sample in samples], dtype=torch.int64),
        image=stacked([sample.image for sample in samples], fill=0),  # normalised: 0 is the mean
        target=stacked([sample.target for sample in samples], fill=VOID),
        size=torch.tensor([sample.target.shape for sample in samples], dtype=torch.int64),
    )
