"""The torch data set over a listing, and the sampler whose every choice is a function of seed, epoch and index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import pad
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

    def __init__(
        self, listing: Listing, transform: Transform, *, seed: int, earlier: Sequence[tuple[int, Transform]] = ()
    ) -> None:
        """``earlier``: transforms of the first epochs, each with the number of epochs until which it is used."""
        self.listing = listing
        self.transform = transform
        self.seed = seed
        self.earlier = earlier

    def __len__(self) -> int:
        return len(self.listing)

    def __getitem__(self, key: SampleKey) -> Sample:
        image = read_rgb(self.listing.root / self.listing.images[key.index])
        # another draw of the same image in an epoch is changed in another way
        again = (key.draw,) if key.draw else ()
        with seeded(self.seed, key.epoch, key.index, *again):
            transform = next((early for until, early in self.earlier if key.epoch < until), self.transform)
            pixels = transform(image)
        return Sample(key.index, pixels, torch.as_tensor(self.listing.targets[key.index]))


class FeatureDataset(Dataset[Sample]):
    """Samples whose ``image`` is what reaches the head for it, computed before: (D,) float of ``features`` (N, D)."""

    def __init__(self, listing: Listing, features: torch.Tensor) -> None:
        self.listing = listing
        self.features = features

    def __len__(self) -> int:
        return len(self.listing)

    def __getitem__(self, key: SampleKey) -> Sample:
        return Sample(key.index, self.features[key.index], torch.as_tensor(self.listing.targets[key.index]))


def collate(samples: Sequence[Sample]) -> Batch:
    """Stack samples into a batch."""
    return Batch(
        index=torch.tensor([sample.index for sample in samples], dtype=torch.int64),
        image=torch.stack([sample.image for sample in samples]),
        target=torch.stack([sample.target for sample in samples]),
    )


def stacked(items: Sequence[torch.Tensor], *, fill: int) -> torch.Tensor:
    """(B, ..., H, W) of items (..., h, w), each at the upper left of the largest height and width."""
    height, width = (max(item.shape[axis] for item in items) for axis in (-2, -1))
    if all(item.shape[-2:] == (height, width) for item in items):
        return torch.stack(list(items))
    return torch.stack(
        [pad(item, (0, width - item.shape[-1], 0, height - item.shape[-2]), value=fill) for item in items]
    )


class EpochSampler(Sampler[SampleKey]):
    """Gives each process its share of an epoch, shuffled or in order.

    All processes draw the same permutation and take every ``world``-th index of it. Shuffled, the last few indices are
    left out where they do not divide evenly, because the processes must step together; in order, nothing is left out
    or doubled: one process may simply get one sample more.
    """

    def __init__(
        self,
        n: int,
        *,
        seed: int,
        shuffle: bool,
        rank: int = 0,
        world: int = 1,
        balance: NDArray[np.int64] | NDArray[np.int8] | None = None,
    ) -> None:
        """``balance``: (n,) classes. Shuffled, n images are then drawn with replacement, a class with each equally
        likely, and of it an image with each equally likely."""
        assert 0 <= rank < world
        self.n, self.seed, self.shuffle, self.rank, self.world = n, seed, shuffle, rank, world
        self.classes = [] if balance is None else [np.flatnonzero(balance == c) for c in np.unique(balance)]
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
        # numbers from random(), and not from permutation() or choice(), whose results NumPy does not promise to keep
        generator = np.random.default_rng((self.seed, self.epoch))
        mine = slice(self.rank, len(self) * self.world, self.world)
        if self.classes:
            order = self._drawn(generator.random((2, self.n)))
            for index, draw in zip(order[mine], _earlier(order)[mine], strict=True):
                yield SampleKey(self.epoch, int(index), int(draw))
            return
        for index in np.argsort(generator.random(self.n), kind="stable")[mine]:
            yield SampleKey(self.epoch, int(index))

    def _drawn(self, lots: NDArray[np.float64]) -> NDArray[np.int64]:
        """(n,) indices of images from (2, n) numbers in [0, 1): the first draws a class, the second an image of it."""
        sizes = np.array([len(images) for images in self.classes])
        drawn = (lots[0] * len(sizes)).astype(np.int64)
        within = (lots[1] * sizes[drawn]).astype(np.int64)
        images = np.concatenate(self.classes)
        return np.asarray(images[(np.cumsum(sizes) - sizes)[drawn] + within], dtype=np.int64)


def _earlier(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) how often each entry of ``order`` (N,) stands before its place."""
    by_value = np.argsort(order, kind="stable")
    values = order[by_value]
    result = np.empty_like(order)
    result[by_value] = np.arange(len(order)) - np.searchsorted(values, values)
    return result
