"""Which caption is learned is a function of seed, epoch and index; batches and chunks lose and invent no word."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset

from saccade.data.caption_dataset import CaptionDataset, collate_captions, input_chunks
from saccade.data.captions import Captions
from saccade.data.dataset import EpochSampler, FeatureDataset, ImageDataset
from saccade.data.listing import Listing
from saccade.data.paths import PathList
from saccade.data.transforms import Augmentation, training_transform
from saccade.data.vocabulary import END, PAD, START, build
from saccade.samples import Batch, Sample, SampleKey

N, PER_IMAGE = 6, 5
CAPTIONS = Captions.gathered(
    list(range(N)), [[f"image{i} " + "word " * k + f"caption{k}" for k in range(PER_IMAGE)] for i in range(N)]
)
VOCABULARY = build(CAPTIONS, str.split)


@pytest.fixture
def listing(tmp_path: Path, jpeg: Callable[..., Path]) -> Listing:
    for i in range(N):
        jpeg(tmp_path / f"{i}.jpg", seed=i, size=(20, 20))
    names = PathList(f"{i}.jpg" for i in range(N))
    return Listing(tmp_path, names, np.zeros((N, 0), np.int8), (), captions=CAPTIONS)


def of_features(*, seed: int = 7, same_each_epoch: bool = False) -> CaptionDataset:
    listing = Listing(Path(), PathList(map(str, range(N))), np.zeros((N, 0), np.int8), (), captions=CAPTIONS)
    images = FeatureDataset(listing, torch.arange(N * 4.0).view(N, 4))
    return captioned(images, seed=seed, same_each_epoch=same_each_epoch)


def captioned(images: Dataset[Sample], *, seed: int = 7, same_each_epoch: bool = False) -> CaptionDataset:
    return CaptionDataset(
        images, CAPTIONS, vocabulary=VOCABULARY, tokenize=str.split, seed=seed, same_each_epoch=same_each_epoch
    )


def said(sample: Sample) -> str:
    return " ".join(VOCABULARY.decode(sample.target.tolist()))


def test_a_sample_is_what_the_images_show_and_one_of_their_captions() -> None:
    data = of_features()
    assert len(data) == N
    for i in range(N):
        sample = data[SampleKey(0, i)]
        assert sample.index == i
        assert sample.image.tolist() == [4 * i, 4 * i + 1, 4 * i + 2, 4 * i + 3]
        assert sample.target.dtype == torch.int64
        assert sample.target[0] == START
        assert sample.target[-1] == END
        assert said(sample) in CAPTIONS.of(i)


def test_every_caption_is_as_likely() -> None:
    """Over 1000 epochs each of 5 captions is drawn 200 times; 4 standard deviations of a share of 1/5 are 51."""
    data = of_features()
    for index in (0, 3):
        found = [said(data[SampleKey(epoch, index)]) for epoch in range(1000)]
        counts = [found.count(caption) for caption in CAPTIONS.of(index)]
        assert max(abs(count - 200) for count in counts) < 51


def test_the_choice_is_a_function_of_seed_epoch_index_and_draw() -> None:
    keys = [SampleKey(e, i, d) for e in range(8) for i in range(N) for d in range(2)]

    def choices(data: CaptionDataset) -> list[int]:
        return [CAPTIONS.of(key.index).index(said(data[key])) for key in keys]

    first = choices(of_features())
    torch.manual_seed(99)
    assert choices(pickle.loads(pickle.dumps(of_features()))) == first
    assert choices(of_features(seed=8)) != first
    by_key = np.array(first).reshape(8, N, 2)
    assert (by_key != by_key[:1]).any(axis=(1, 2))[1:].all()
    assert (by_key != by_key[:, :1]).any(axis=(0, 2))[1:].all()
    assert (by_key[..., 0] != by_key[..., 1]).any()


def test_scoring_takes_the_same_captions_in_each_epoch_and_not_just_the_first() -> None:
    data = of_features(same_each_epoch=True)
    found = [[said(data[SampleKey(epoch, i)]) for i in range(N)] for epoch in range(5)]
    assert all(row == found[0] for row in found)
    assert any(caption != CAPTIONS.of(i)[0] for i, caption in enumerate(found[0]))


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")
def test_samples_do_not_depend_on_the_number_of_workers_and_pixels_not_on_captions(listing: Listing) -> None:
    transform = training_transform(
        16,
        augmentation=Augmentation(crop=(0.2, 1.0), flip=0.5),
        resize="crop",
        crop_share=0.875,
        mean=(0.5, 0.5, 0.5),
        std=(0.2, 0.2, 0.2),
    )
    images = ImageDataset(listing, transform, seed=7)

    def epoch_of(workers: int) -> list[Batch]:
        sampler = EpochSampler(N, seed=7, shuffle=True)
        sampler.set_epoch(2)
        batches = BatchSampler(sampler, 4, drop_last=False)
        loader = DataLoader(captioned(images), batch_sampler=batches, collate_fn=collate_captions, num_workers=workers)
        return list(loader)

    for one, other in zip(epoch_of(0), epoch_of(2), strict=True):
        assert torch.equal(one.image, other.image)
        assert torch.equal(one.target, other.target)
        for row, index in enumerate(one.index.tolist()):
            assert torch.equal(one.image[row], images[SampleKey(2, index)].image)


def sample(*numbers: int) -> Sample:
    return Sample(3, torch.zeros(2, 4), torch.tensor(numbers))


def test_a_batch_is_padded_at_the_end() -> None:
    batch = collate_captions([sample(1, 5, 6, 7, 3), sample(1, 3), sample(1, 9, 3)])
    assert batch.target.tolist() == [[1, 5, 6, 7, 3], [1, 3, 0, 0, 0], [1, 9, 3, 0, 0]]
    assert batch.image.shape == (3, 2, 4)
    assert batch.index.tolist() == [3, 3, 3]
    assert batch.target.dtype == torch.int64


def test_chunks_by_hand() -> None:
    captions = torch.tensor([[START, 5, 6, 7, END], [START, 8, END, PAD, PAD]])
    first, second = input_chunks(captions, 3)
    assert first.tolist() == [[1, 5, 6], [1, 8, 3]]
    assert second.tolist() == [[7, 3, 0], [0, 0, 0]]


@pytest.mark.parametrize("length", [2, 3, 25, 26, 27, 51, 52])
def test_chunks_of_25_are_those_of_the_padded_captions(length: int) -> None:
    """The course's form: pad to 25 * ceil((L - 1) / 25) + 1; inputs have no last word."""
    captions = torch.randint(4, 100, (3, length), generator=torch.Generator().manual_seed(length))
    captions[:, 0], captions[:, -1] = START, END
    padded = torch.zeros(3, 25 * -(-(length - 1) // 25) + 1, dtype=torch.int64)
    padded[:, :length] = captions
    found = list(input_chunks(captions, 25))
    assert len(found) == -(-(length - 1) // 25)
    assert all(part.shape == (3, 25) for part in found)
    assert torch.equal(torch.cat(found, dim=1), padded[:, :-1])


def test_one_chunk_where_all_fits() -> None:
    (only,) = input_chunks(torch.tensor([[START, END]]), 25)
    assert only.tolist() == [[START, END] + [PAD] * 23]
