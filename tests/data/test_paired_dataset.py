"""Samples with masks are functions of seed, epoch and index; batches of unlike sizes are padded with void."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import BatchSampler, DataLoader

from saccade.data.dataset import EpochSampler
from saccade.data.listing import Listing
from saccade.data.mask_layout import MaskLayout, listing_of
from saccade.data.masks import VOID, palette_png
from saccade.data.paired import PairedAugmentation, ScoringTransform, TrainingTransform
from saccade.data.paired_dataset import MaskDataset, collate_masks
from saccade.errors import DataError
from saccade.samples import Batch, Sample, SampleKey

N = 8
STATISTICS = {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.2, 0.2)}
EVERYTHING = PairedAugmentation(scale=(0.5, 2.0), flip=0.5, vertical_flip=0.5, rotate=20.0, jitter=0.4)


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    """Eight images of noise with masks of noise, no two of the same size."""
    rng = np.random.default_rng(0)
    for i in range(N):
        shape = (20 + i, 30 - i)
        Image.fromarray(rng.integers(0, 256, (*shape, 3), dtype=np.uint8)).save(tmp_path / f"{i}.jpg")
        mask = rng.choice(np.array([0, 1, 2, 255], dtype=np.uint8), shape)
        (tmp_path / f"{i}.png").write_bytes(palette_png(mask, np.zeros((256, 3), dtype=np.uint8)))
    images, masks = ([f"{i}.{suffix}" for i in range(N)] for suffix in ("jpg", "png"))
    return listing_of(tmp_path, images, masks, MaskLayout(classes=("a", "b", "c")))


def training(listing: Listing, seed: int = 7) -> MaskDataset:
    return MaskDataset(listing, TrainingTransform((16, 24), augmentation=EVERYTHING, **STATISTICS), seed=seed)


def epoch_of(listing: Listing, workers: int) -> Batch:
    """A shuffled epoch through real worker processes, in the order of the listing."""
    sampler = EpochSampler(N, seed=7, shuffle=True)
    sampler.set_epoch(2)
    batches = BatchSampler(sampler, 3, drop_last=False)
    parts = list(
        DataLoader(training(listing), batch_sampler=batches, collate_fn=collate_masks, num_workers=workers)  # type: ignore[arg-type]
    )
    order = torch.cat([part.index for part in parts]).argsort()
    image, target = (torch.cat([getattr(part, key) for part in parts])[order] for key in ("image", "target"))
    return Batch(order, image, target)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")
def test_samples_do_not_depend_on_the_number_of_workers(listing: Listing) -> None:
    torch.manual_seed(1)
    alone = epoch_of(listing, 0)
    torch.manual_seed(2)
    found = epoch_of(listing, 2)
    assert torch.equal(found.image, alone.image)
    assert torch.equal(found.target, alone.target)


def test_the_same_key_gives_the_same_sample_and_another_another(listing: Listing) -> None:
    data = training(listing)
    wanted = data[SampleKey(3, 5)]
    for key in (SampleKey(0, 0), SampleKey(4, 5), SampleKey(3, 5, 1)):
        assert not torch.equal(data[key].image, wanted.image)
    again = pickle.loads(pickle.dumps(data))[SampleKey(3, 5)]
    assert torch.equal(again.image, wanted.image)
    assert torch.equal(again.target, wanted.target)
    assert not torch.equal(training(listing, seed=8)[SampleKey(3, 5)].target, wanted.target)


def test_reading_leaves_the_global_generator_alone(listing: Listing) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    training(listing)[SampleKey(0, 0)]
    assert torch.equal(torch.rand(4), expected)


def test_scoring_batches_keep_every_mask_whole(listing: Listing) -> None:
    data = MaskDataset(listing, ScoringTransform((16, 24), **STATISTICS), seed=0)
    batch = collate_masks([data[SampleKey(0, i)] for i in (0, 7, 3)])
    assert batch.image.shape == (3, 3, 16, 24)
    assert batch.target.shape == (3, 27, 30)
    assert batch.target.dtype == torch.uint8
    assert batch.index.tolist() == [0, 7, 3]
    assert batch.size is not None
    assert batch.size.dtype == torch.int64
    assert batch.size.tolist() == [[20, 30], [27, 23], [23, 27]]
    for row, i in enumerate((0, 7, 3)):
        height, width = batch.size[row].tolist()
        with Image.open(listing.root / f"{i}.png") as stored:
            assert np.array_equal(batch.target[row, :height, :width], np.asarray(stored))
        assert (batch.target[row, height:] == VOID).all()
        assert (batch.target[row, :, width:] == VOID).all()


def test_images_of_unlike_sizes_are_padded_with_the_mean() -> None:
    samples = [
        Sample(0, torch.ones(3, 2, 4), torch.zeros(2, 4, dtype=torch.uint8)),
        Sample(1, torch.ones(3, 3, 1), torch.zeros(3, 1, dtype=torch.uint8)),
    ]
    batch = collate_masks(samples)
    assert batch.image.shape == (2, 3, 3, 4)
    assert batch.image[0, 0].tolist() == [[1, 1, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]]
    assert batch.image[1, 2].tolist() == [[1, 0, 0, 0]] * 3
    assert batch.target[1].tolist() == [[0, VOID, VOID, VOID]] * 3


def test_a_batch_keeps_its_sizes_where_it_goes() -> None:
    samples = [Sample(4, torch.zeros(3, 2, 2), torch.zeros(5, 6, dtype=torch.uint8))]
    batch = collate_masks(samples).to(torch.device("cpu"))
    assert batch.size is not None
    assert batch.size.tolist() == [[5, 6]]
    plain = Batch(batch.index, batch.image, batch.target)
    assert plain.size is None
    assert plain.to(torch.device("cpu")).size is None


@pytest.mark.parametrize(("values", "said"), [([[9]], "id 9 in 1 pixel"), ([[0, 1]], r"the mask has 2 x 1 pixels")])
def test_a_mask_that_changed_after_the_scan_never_reaches_the_loss(
    listing: Listing, values: list[list[int]], said: str
) -> None:
    Image.fromarray(np.array(values, dtype=np.uint8)).save(listing.root / "2.png")
    with pytest.raises(DataError, match=rf"2\.png: .*{said}"):
        training(listing)[SampleKey(0, 2)]
