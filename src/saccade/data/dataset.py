"""The torch data set over a listing, and the sampler whose every choice is a function of seed, epoch and index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from saccade.data.images import read_rgb
from saccade.data.listing import Listing
from saccade.data.transforms import Transform
from saccade.samples import Batch, Sample, SampleKey


def derived_seed(*numbers: int) -> int:
    """A 63-bit seed that depends on every one of ``numbers`` (each non-negative) and on nothing else."""
    return int(np.random.SeedSequence((len(numbers), *numbers)).generate_state(1, np.uint64)[0] >> np.uint64(1))


@contextmanager
def seeded(*numbers: int) -> Iterator[None]:
    """Within the block torch's CPU generator is a function of ``numbers``; afterwards it is as it was before."""
    before = torch.get_rng_state()
    torch.default_generator.manual_seed(derived_seed(*numbers))
    try:
        yield
    finally:
        torch.set_rng_state(before)


class ImageDataset(Dataset[Sample]):
    """Images and targets of one split; asked by ``SampleKey``, so that workers need to know no epoch.

    Raises:
        DataError: from ``__getitem__``, an image that cannot be read, named with its path.
    """

    def __init__(self, listing: Listing, transform: Transform, *, seed: int) -> None:
        self.listing = listing
        self.transform = transform
        self.seed = seed

    def __len__(self) -> int:
        return len(self.listing)

    def __getitem__(self, key: SampleKey) -> Sample:
        image = read_rgb(self.listing.root / self.listing.images[key.index])
        with seeded(self.seed, key.epoch, key.index):
            pixels = self.transform(image)
        return Sample(key.index, pixels, torch.as_tensor(self.listing.targets[key.index]))


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples into a batch."""
    return Batch(
        index=torch.tensor([sample.index for sample in samples], dtype=torch.int64),
        image=torch.stack([sample.image for sample in samples]),
        target=torch.stack([sample.target for sample in samples]),
    )


class EpochSampler(Sampler[SampleKey]):
    """Gives each process its share of an epoch, shuffled or in order.

    All processes draw the same permutation and take every ``world``-th index of it. Shuffled, the last few indices are
    left out where they do not divide evenly, because the processes must step together; in order, nothing is left out
    or doubled: one process may simply get one sample more.
    """

    def __init__(self, n: int, *, seed: int, shuffle: bool, rank: int = 0, world: int = 1) -> None:
        assert 0 <= rank < world
        self.n, self.seed, self.shuffle, self.rank, self.world = n, seed, shuffle, rank, world
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called before each epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.n // self.world if self.shuffle else len(range(self.rank, self.n, self.world))

    def __iter__(self) -> Iterator[SampleKey]:
        if not self.shuffle:
            for index in range(self.rank, self.n, self.world):
                yield SampleKey(self.epoch, index)
            return
        # the order of random numbers, and not permutation(), whose result NumPy does not promise to keep
        order = np.argsort(np.random.default_rng((self.seed, self.epoch)).random(self.n), kind="stable")
        for index in order[self.rank : len(self) * self.world : self.world]:
            yield SampleKey(self.epoch, int(index))
