"""Samples and their order are functions of seed, epoch and index, whoever reads them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader

from saccade.data.dataset import EpochSampler, ImageDataset, collate, derived_seed, seeded
from saccade.data.listing import Listing
from saccade.data.paths import PathList
from saccade.data.transforms import Augmentation, evaluation_transform, training_transform
from saccade.errors import DataError
from saccade.samples import Batch, Sample, SampleKey

N = 12
EVERYTHING = Augmentation(crop=(0.2, 1.0), flip=0.5, vertical_flip=0.5, jitter=0.4, randaugment=2)
RECIPE = {"resize": "crop", "crop_share": 0.875, "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.2)}


@pytest.fixture
def listing(tmp_path: Path, jpeg: Callable[..., Path]) -> Listing:
    """Twelve JPEGs of noise, no two of the same size, of three classes."""
    for i in range(N):
        jpeg(tmp_path / "images" / f"{i}.jpg", seed=i, size=(20 + i, 30 - i))
    names = PathList(f"images/{i}.jpg" for i in range(N))
    return Listing(tmp_path, names, np.arange(N, dtype=np.int64) % 3, ("a", "b", "c"))


def dataset(listing: Listing, seed: int = 7) -> ImageDataset:
    return ImageDataset(listing, training_transform(16, augmentation=EVERYTHING, **RECIPE), seed=seed)


def epoch_of(listing: Listing, workers: int, epoch: int, *, seed: int = 7) -> Batch:
    """A shuffled epoch through real worker processes, in batches of five, put into the order of the listing."""
    sampler = EpochSampler(N, seed=seed, shuffle=True)
    sampler.set_epoch(epoch)
    batches = BatchSampler(sampler, 5, drop_last=False)
    loader = DataLoader(dataset(listing, seed), batch_sampler=batches, collate_fn=collate, num_workers=workers)
    parts = list(loader)
    index = torch.cat([part.index for part in parts])
    order = index.argsort()
    image, target = (torch.cat([getattr(part, key) for part in parts])[order] for key in ("image", "target"))
    return Batch(index, image, target)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes")
def test_pixels_do_not_depend_on_the_number_of_workers_nor_on_the_global_state(listing: Listing) -> None:
    torch.manual_seed(1)
    alone = {epoch: epoch_of(listing, 0, epoch) for epoch in (0, 1)}
    for workers in (1, 4):
        torch.manual_seed(100 + workers)
        for epoch in (0, 1):
            found = epoch_of(listing, workers, epoch)
            assert torch.equal(found.image, alone[epoch].image)
            assert torch.equal(found.index, alone[epoch].index)
            assert torch.equal(found.target, torch.arange(N) % 3)


def test_every_image_changes_from_epoch_to_epoch_and_seed_to_seed(listing: Listing) -> None:
    first = epoch_of(listing, 0, 0)
    for other in (epoch_of(listing, 0, 1), epoch_of(listing, 0, 0, seed=8)):
        assert all(not torch.equal(a, b) for a, b in zip(first.image, other.image, strict=True))
        assert first.index.tolist() != other.index.tolist()


def test_equal_images_at_two_positions_are_changed_in_two_ways(listing: Listing) -> None:
    twice = listing.take(np.array([4, 4]))
    a, b = (dataset(twice)[SampleKey(0, i)].image for i in (0, 1))
    assert not torch.equal(a, b)


def test_a_sample_does_not_depend_on_what_was_read_before(listing: Listing) -> None:
    data = dataset(listing)
    wanted = data[SampleKey(3, 5)].image
    for key in (SampleKey(0, 0), SampleKey(3, 4), SampleKey(9, 5)):
        data[key]
    assert torch.equal(data[SampleKey(3, 5)].image, wanted)
    assert torch.equal(pickle.loads(pickle.dumps(data))[SampleKey(3, 5)].image, wanted)


def test_a_sample_is_its_file_transformed_within_seeded(listing: Listing) -> None:
    from PIL import Image

    transform = training_transform(16, augmentation=EVERYTHING, **RECIPE)
    torch.manual_seed(derived_seed(7, 2, 5))
    expected = transform(Image.open(listing.root / "images" / "5.jpg").convert("RGB"))
    sample = dataset(listing)[SampleKey(2, 5)]
    assert torch.equal(sample.image, expected)
    assert (sample.index, int(sample.target), sample.target.dtype) == (5, 2, torch.int64)


def test_reading_leaves_the_global_generator_alone(listing: Listing) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    dataset(listing)[SampleKey(0, 0)]
    assert torch.equal(torch.rand(4), expected)


def test_targets_of_many_classes_keep_ignored_ones(listing: Listing) -> None:
    targets = np.array([[1, -1, 0]] * N, dtype=np.int8)
    many = Listing(listing.root, listing.images, targets, listing.classes)
    data = ImageDataset(many, evaluation_transform(16, **RECIPE), seed=0)
    batch = collate([data[SampleKey(0, 1)], data[SampleKey(0, 0)]])
    assert batch.target.tolist() == [[1, -1, 0]] * 2
    assert batch.target.dtype == torch.int8
    assert batch.index.tolist() == [1, 0]
    assert batch.index.dtype == torch.int64
    assert batch.image.shape == (2, 3, 16, 16)


def test_a_batch_is_a_copy(listing: Listing) -> None:
    """A target that shares its memory with the listing must not carry a change back."""
    data = ImageDataset(listing, evaluation_transform(16, **RECIPE), seed=0)
    collate([data[SampleKey(0, 1)]]).target.fill_(9)
    assert listing.targets.tolist() == [i % 3 for i in range(N)]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_image_is_named_and_never_replaced(listing: Listing, workers: int) -> None:
    (listing.root / "images" / "5.jpg").write_bytes(b"no image")
    data = ImageDataset(listing, evaluation_transform(16, **RECIPE), seed=0)
    assert len(data) == N
    sampler = EpochSampler(N, seed=0, shuffle=False)
    loader = DataLoader(data, sampler=sampler, batch_size=4, collate_fn=collate, num_workers=workers)
    with pytest.raises(DataError, match=r"images/5\.jpg: cannot be read as an image"):
        list(loader)


# Seeds.


def test_seeds_are_numpys_seed_sequence() -> None:
    expected = int(np.random.SeedSequence([3, 7, 2, 5]).generate_state(1, np.uint64)[0]) >> 1
    assert derived_seed(7, 2, 5) == expected
    assert 0 <= expected < 2**63
    assert len({derived_seed(5), derived_seed(5, 0), derived_seed(5, 0, 0)}) == 3  # their number counts, too


def test_no_two_of_many_seeds_are_equal() -> None:
    seeds = {derived_seed(s, e, i) for s in range(4) for e in range(20) for i in range(100)}
    assert len(seeds) == 8000
    assert derived_seed(1, 2, 3) != derived_seed(3, 2, 1)


def test_seeded_restores_the_state_even_after_an_error() -> None:
    def fail() -> None:
        with seeded(1, 2):
            torch.rand(3)
            raise ValueError("ours")

    torch.manual_seed(0)
    torch.rand(5)
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="ours"):
        fail()
    assert torch.equal(torch.get_rng_state(), before)


def test_seeded_is_nested_without_harm() -> None:
    with seeded(1):
        expected = torch.rand(2), torch.rand(2)
    with seeded(1):
        first = torch.rand(2)
        with seeded(2):
            torch.rand(9)
        second = torch.rand(2)
    assert torch.equal(first, expected[0])
    assert torch.equal(second, expected[1])


# The order.


def shares(n: int, world: int, *, shuffle: bool, epoch: int = 0, seed: int = 0) -> list[list[int]]:
    """The indices that each process gets."""
    found = []
    for rank in range(world):
        sampler = EpochSampler(n, seed=seed, shuffle=shuffle, rank=rank, world=world)
        sampler.set_epoch(epoch)
        keys = list(sampler)
        assert len(sampler) == len(keys)
        assert all(isinstance(key, SampleKey) and key.epoch == epoch and type(key.index) is int for key in keys)
        found.append([key.index for key in keys])
    return found


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 12, 100])
def test_in_order_nothing_is_left_out_or_doubled(n: int, world: int) -> None:
    found = shares(n, world, shuffle=False)
    assert sorted(chain(*found)) == list(range(n))
    assert all(share == sorted(share) for share in found)
    assert max(map(len, found)) - min(map(len, found)) <= 1


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("n", [0, 1, 2, 7, 12, 100])
def test_shuffled_the_shares_are_equally_long_and_disjoint(n: int, world: int) -> None:
    found = shares(n, world, shuffle=True)
    everyone = list(chain(*found))
    assert {len(share) for share in found} == {n // world}
    assert len(set(everyone)) == len(everyone)
    assert set(everyone) <= set(range(n))


def test_one_process_alone_gets_everything_shuffled() -> None:
    [share] = shares(100, 1, shuffle=True)
    assert sorted(share) == list(range(100))
    assert share != list(range(100))


@pytest.mark.parametrize("world", [2, 3])
def test_the_permutation_does_not_depend_on_the_number_of_processes(world: int) -> None:
    [alone] = shares(100, 1, shuffle=True, epoch=4)
    together = [index for step in zip(*shares(100, world, shuffle=True, epoch=4), strict=True) for index in step]
    assert together == alone[: len(together)]


def test_the_order_changes_with_epoch_and_seed_only() -> None:
    orders = {(s, e): tuple(shares(50, 1, shuffle=True, epoch=e, seed=s)[0]) for s in range(3) for e in range(3)}
    assert len(set(orders.values())) == 9
    torch.manual_seed(99)
    np.random.seed(99)
    assert tuple(shares(50, 1, shuffle=True, epoch=2, seed=1)[0]) == orders[1, 2]


def test_what_is_left_out_changes_from_epoch_to_epoch() -> None:
    """With 7 images for 3 processes one is left out of each epoch, and within 30 epochs every image is used."""
    left = [set(range(7)) - set(chain(*shares(7, 3, shuffle=True, epoch=e))) for e in range(30)]
    assert {len(out) for out in left} == {1}
    assert set().union(*left) == set(range(7))


def test_every_position_is_as_likely() -> None:
    """Over 3000 epochs of 4 images each place sees each image 750 times; 4 standard deviations are 95."""
    orders = np.array([shares(4, 1, shuffle=True, epoch=e)[0] for e in range(3000)])
    counts = np.array([np.bincount(column, minlength=4) for column in orders.T])
    assert np.abs(counts - 750).max() < 95


def test_a_sample_stacks_with_others_of_its_shape_only() -> None:
    samples = [Sample(i, torch.zeros(3, 4, 4 + i), torch.tensor(0)) for i in range(2)]
    with pytest.raises(RuntimeError, match="equal size"):
        collate(samples)


def test_earlier_transforms_serve_the_first_epochs(listing: Listing) -> None:
    """Progressive resizing: which epoch is asked for decides, and nothing else."""
    sizes = {size: training_transform(size, augmentation=EVERYTHING, **RECIPE) for size in (16, 24, 32)}
    growing = ImageDataset(listing, sizes[32], seed=7, earlier=[(2, sizes[16]), (3, sizes[24])])
    assert [growing[SampleKey(epoch, 0)].image.shape[-1] for epoch in (4, 0, 1, 2, 3)] == [32, 16, 16, 24, 32]


# Balanced draws.

RARE = np.array([0] * 40 + [2] * 4 + [1] * 16)  # 40, 16 and 4 images of three classes, and none of a fourth


def drawn(
    epoch: int = 0, *, seed: int = 0, rank: int = 0, world: int = 1, classes: np.ndarray = RARE
) -> list[SampleKey]:
    sampler = EpochSampler(len(classes), seed=seed, shuffle=True, rank=rank, world=world, balance=classes)
    sampler.set_epoch(epoch)
    keys = list(sampler)
    assert len(keys) == len(sampler)
    return keys


def test_balanced_each_class_is_drawn_equally_often_and_each_image_of_a_class() -> None:
    epochs = 400
    index = np.array([key.index for epoch in range(epochs) for key in drawn(epoch)])
    n = epochs * len(RARE)
    of_class = np.bincount(RARE[index], minlength=3)
    # three standard deviations of a binomial share of 1/3
    assert np.abs(of_class - n / 3).max() < 3 * np.sqrt(n * (1 / 3) * (2 / 3))
    of_image = np.bincount(index, minlength=len(RARE))
    expected = (n / 3) / np.bincount(RARE)[RARE]
    assert np.abs(of_image - expected).max() < 4.5 * np.sqrt(expected.max())


def test_balanced_draws_are_a_function_of_seed_and_epoch() -> None:
    assert drawn(3) == drawn(3)
    assert drawn(3) != drawn(4)
    assert drawn(3) != drawn(3, seed=1)
    assert len(drawn()) == len(RARE)


@pytest.mark.parametrize("world", [2, 3, 7])
def test_balanced_processes_share_the_draws_of_one(world: int) -> None:
    parts = [drawn(2, rank=rank, world=world) for rank in range(world)]
    assert {len(part) for part in parts} == {len(RARE) // world}
    together = [key for step in zip(*parts, strict=True) for key in step]
    assert together == drawn(2)[: len(together)]


def test_an_image_that_is_drawn_again_is_changed_in_another_way(listing: Listing) -> None:
    keys = drawn(1, classes=np.array([0] * 11 + [1]))
    again = [key for key in keys if key.index == 11]
    assert [key.draw for key in again] == list(range(len(again)))
    assert len(again) > 2
    images = [dataset(listing)[key].image for key in again]
    assert all(not torch.equal(images[0], other) for other in images[1:])
    assert torch.equal(images[0], dataset(listing)[SampleKey(1, 11)].image)
    assert torch.equal(images[1], dataset(listing)[again[1]].image)


def test_balanced_with_classes_of_one_size_or_one_image() -> None:
    assert {key.index for key in drawn(classes=np.array([5]))} == {0}
    assert drawn(classes=np.zeros(0, np.int64)) == []
