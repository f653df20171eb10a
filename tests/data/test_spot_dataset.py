"""Images with their words, asked for one by one: each comes back as itself, whatever its words and its pixels are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from saccade.data.listing import Listing
from saccade.data.paths import PathList
from saccade.data.spot_dataset import SpotDataset, collate_words
from saccade.data.spot_targets import CARE, SCORE, targets
from saccade.data.spot_transforms import SpotAugmentation, SpotScoring, SpotTraining
from saccade.data.words import ImageWords, Words
from saccade.errors import DataError
from saccade.samples import SampleKey

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.2, 0.2)
QUAD = np.array([[8, 6], [56, 6], [56, 26], [8, 26]], dtype=np.float32)


def words(*texts: str) -> ImageWords:
    quads = np.stack([QUAD] * len(texts)) if texts else np.zeros((0, 4, 2), np.float32)
    return ImageWords(quads, texts, np.ones(len(texts), dtype=np.bool_))


def dataset(root: Path, images: dict[str, ImageWords], *, side: int | None = None) -> SpotDataset:
    """``side``: of the squares of training; None scores."""
    targetless = np.zeros((len(images), 0), dtype=np.int8)
    listing = Listing(root, PathList(images), targetless, (), words=Words.gathered(list(images.values())))
    seen = SpotScoring(None, mean=MEAN, std=STD)
    cut = partial(SpotTraining, augmentation=SpotAugmentation(), longer_side=None, mean=MEAN, std=STD)
    return SpotDataset(listing, seen if side is None else cut(side), targets, seed=0)


@pytest.mark.parametrize("side", [None, 96])
def test_each_image_comes_with_all_its_words_whatever_they_say(
    tmp_path: Path, jpeg: Callable[..., Path], side: int | None
) -> None:
    """Blanks, commas and letters of other alphabets neither split a word nor cost an image its place."""
    texts = [("TAN WOON  YANN", "a, b"), (), ("é☕",), (" ",), ("one", "two", "one")]
    for i in range(len(texts)):
        jpeg(tmp_path / f"{i}.jpg", seed=i, size=(64 + i, 32))
    data = dataset(tmp_path, {f"{i}.jpg": words(*of) for i, of in enumerate(texts)}, side=side)
    assert len(data) == 5
    for i, of in enumerate(texts):
        sample = data[SampleKey(0, i)]
        assert sample.words is not None
        assert (sample.index, sample.words.texts) == (i, of)
        assert sample.words.cared.tolist() == [True] * len(of)
        assert bool(sample.target[SCORE].any()) == bool(of)
        if side is None:
            assert sample.image.shape == (3, 32, 64 + i)


def test_an_image_that_cannot_be_read_is_named_and_never_replaced(tmp_path: Path, jpeg: Callable[..., Path]) -> None:
    jpeg(tmp_path / "0.jpg")
    (tmp_path / "1.jpg").write_bytes(b"no image")
    data = dataset(tmp_path, {name: words("A") for name in ("0.jpg", "1.jpg", "2.jpg")})
    for i, said in ((1, "cannot be read as an image"), (2, "image not found")):
        with pytest.raises(DataError, match=rf"{i}\.jpg: {said}"):
            data[SampleKey(0, i)]


@pytest.mark.parametrize("side", [None, 64])
@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "LA", "P", "RGBA"])
def test_grey_and_cmyk_images_are_seen_in_three_colours(tmp_path: Path, mode: str, side: int | None) -> None:
    name = "a.tif" if mode == "CMYK" else "a.png"
    Image.new("RGB", (64, 64), (255, 255, 255)).convert(mode).save(tmp_path / name)
    sample = dataset(tmp_path, {name: words("A")}, side=side)[SampleKey(0, 0)]
    white = (1 - torch.tensor(MEAN)) / torch.tensor(STD)
    torch.testing.assert_close(sample.image, white[:, None, None].expand(3, 64, 64), atol=1e-5, rtol=0)


def test_smaller_images_are_padded_with_what_nobody_cares_for(tmp_path: Path, jpeg: Callable[..., Path]) -> None:
    sizes = {"a.jpg": (64, 40), "b.jpg": (80, 32), "c.jpg": (61, 29)}
    for name, size in sizes.items():
        jpeg(tmp_path / name, size=size)
    data = dataset(tmp_path, {"a.jpg": words("A"), "b.jpg": words(), "c.jpg": words("B", "C")})
    samples = [data[SampleKey(0, i)] for i in range(3)]
    batch = collate_words(samples)
    assert batch.size is not None
    assert batch.image.shape == (3, 3, 40, 80)
    assert batch.target.shape == (3, 7, 10, 20)
    assert batch.size.tolist() == [[40, 64], [32, 80], [29, 61]]
    assert [of.texts for of in batch.words] == [("A",), (), ("B", "C")]
    for i, sample in enumerate(samples):
        (height, width), (rows, columns) = sample.image.shape[1:], sample.target.shape[1:]
        assert torch.equal(batch.image[i, :, :height, :width], sample.image)
        assert torch.equal(batch.target[i, :, :rows, :columns], sample.target)
        assert not batch.image[i, :, height:].any()
        assert not batch.image[i, :, :, width:].any()
        assert not batch.target[i, CARE, rows:].any()
        assert not batch.target[i, CARE, :, columns:].any()


def test_images_without_words_make_a_batch_of_background(tmp_path: Path, jpeg: Callable[..., Path]) -> None:
    for name in ("a.jpg", "b.jpg"):
        jpeg(tmp_path / name, size=(40, 40))
    data = dataset(tmp_path, {name: words() for name in ("a.jpg", "b.jpg")}, side=32)
    batch = collate_words([data[SampleKey(0, i)] for i in range(2)])
    assert [of.quads.shape for of in batch.words] == [(0, 4, 2)] * 2
    assert not batch.target[:, SCORE].any()
    assert batch.target[:, CARE].all()
