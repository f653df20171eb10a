"""Image and mask move together: ids are painted into the image, and read from it again after the change."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from saccade.data.masks import VOID
from saccade.data.paired import PairedAugmentation, ScoringTransform, TrainingTransform, image_transform
from saccade.data.transforms import denormalize, evaluation_transform

MEAN, STD = (0.5, 0.25, 0.75), (0.2, 0.25, 0.3)
IDS = (10, 60, 110, 160, 210)


def blocks(height: int = 48, width: int = 64, side: int = 8) -> NDArray[np.uint8]:
    """(H, W) squares of random ids, so that every place looks different."""
    rng = np.random.default_rng(0)
    return rng.choice(np.array(IDS, dtype=np.uint8), (height // side, width // side)).repeat(side, 0).repeat(side, 1)


def painted(mask: NDArray[np.uint8]) -> Image.Image:
    """The image whose three channels are the ids."""
    return Image.fromarray(np.stack([mask] * 3, axis=2))


def changed(
    mask: NDArray[np.uint8], size: tuple[int, int], seed: int = 0, **augmentation: object
) -> tuple[Tensor, Tensor]:
    """(3, h, w) values of 0 to 255 of the image, and the mask."""
    augment = PairedAugmentation(**augmentation)  # type: ignore[arg-type]
    torch.manual_seed(seed)
    image, ids = TrainingTransform(size, augmentation=augment, mean=MEAN, std=STD)(painted(mask), mask)
    assert (image.dtype, ids.dtype) == (torch.float32, torch.uint8)
    assert type(image) is type(ids) is Tensor
    assert (image.shape, ids.shape) == ((3, *size), size)
    return denormalize(image, mean=MEAN, std=STD) * 255, ids


CHANGES = {
    "nothing": {},
    "flip": {"flip": 1.0},
    "vertical flip": {"vertical_flip": 1.0},
    "rotate": {"rotate": 30.0},
    "scale": {"scale": (0.5, 2.0)},
    "shrink": {"scale": (0.6, 0.8)},
    "crop": {"crop": (0.3, 0.8)},
    "all": {"scale": (0.6, 2.0), "flip": 0.5, "vertical_flip": 0.5, "rotate": 20.0},
    "all with crop": {"crop": (0.3, 1.0), "flip": 0.5, "vertical_flip": 0.5, "rotate": 20.0},
}


@pytest.mark.parametrize("size", [(120, 160), (180, 240), (100, 100), (77, 143)])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_image_and_mask_move_together(size: tuple[int, int], change: dict[str, object]) -> None:
    """Away from the edges of squares, where the image is blended, its pixels are the ids of the mask."""
    for seed in range(6):
        image, ids = changed(blocks(120, 160, 20), size, seed, **change)
        inside = torch.ones_like(ids, dtype=torch.bool)
        for dy in range(-3, 4):  # a pixel counts where all around it have its id
            for dx in range(-3, 4):
                inside &= torch.roll(ids, (dy, dx), (0, 1)) == ids
        inside[:3] = inside[-3:] = inside[:, :3] = inside[:, -3:] = False
        kept = inside & (ids != VOID)
        assert kept.sum() > 40
        assert (image[0][kept] - ids[kept].float()).abs().max() <= 1.0
        uncovered = image[:, inside & (ids == VOID)]
        expected = 255 * torch.tensor(MEAN)[:, None].expand_as(uncovered)
        torch.testing.assert_close(uncovered, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_no_id_comes_into_being(change: dict[str, object]) -> None:
    for seed in range(6):
        assert set(changed(blocks(), (37, 53), seed, **change)[1].unique().tolist()) <= {*IDS, VOID}


def test_void_appears_only_where_something_is_uncovered() -> None:
    def void(**change: object) -> list[bool]:
        return [bool((changed(blocks(), (48, 64), seed, **change)[1] == VOID).any()) for seed in range(6)]

    assert sum(void(rotate=45.0)) >= 5
    assert all(void(scale=(0.5, 0.6)))
    assert not any(void(scale=(1.2, 2.0)))
    assert not any(void(crop=(0.2, 1.0), flip=0.5, vertical_flip=0.5, jitter=0.5))


def test_flips_are_numpys() -> None:
    mask = blocks()
    image, ids = changed(mask, (48, 64), flip=1.0)
    assert np.array_equal(ids, mask[:, ::-1])
    np.testing.assert_allclose(image[0], mask[:, ::-1], atol=0.01)
    assert np.array_equal(changed(mask, (48, 64), vertical_flip=1.0)[1], mask[::-1])


def test_a_quarter_turn_is_numpys() -> None:
    """Turned by 90 degrees to the left, which is what the generator is made to draw."""
    mask = blocks(64, 64)
    transform = TrainingTransform((64, 64), augmentation=PairedAugmentation(rotate=90.0), mean=MEAN, std=STD)
    transform.rotate.degrees = [90.0, 90.0]
    image, ids = transform(painted(mask), mask)
    assert np.array_equal(ids, np.rot90(mask))
    np.testing.assert_allclose(denormalize(image, mean=MEAN, std=STD)[0] * 255, np.rot90(mask), atol=0.01)


@pytest.mark.parametrize("factor", [2, 3, 4, 5])
def test_of_pixels_that_fall_together_the_middle_one_is_taken(factor: int) -> None:
    mask = np.arange(60 * 60, dtype=np.int64).reshape(60, 60).astype(np.uint8)
    ids = changed(mask, (60 // factor, 60 // factor))[1]
    assert np.array_equal(ids, mask[factor // 2 :: factor, factor // 2 :: factor])


def test_jitter_leaves_the_mean_in_what_is_uncovered() -> None:
    image, ids = changed(blocks(), (48, 64), scale=(0.5, 0.6), rotate=10.0, jitter=0.8)
    edge = image[:, :, 0][:, (ids[:, 0] == VOID) & (ids[:, 1] == VOID) & (ids[:, 2] == VOID)]
    assert edge.shape[1] > 10
    torch.testing.assert_close(edge, 255 * torch.tensor(MEAN)[:, None].expand_as(edge), rtol=0, atol=1e-3)


def test_jitter_changes_the_image_alone() -> None:
    plain, mask = changed(blocks(), (48, 64))
    image, ids = changed(blocks(), (48, 64), jitter=0.4)
    assert torch.equal(mask, ids)
    assert (image - plain).abs().max() > 3


def test_a_crop_keeps_its_share_and_about_the_proportions() -> None:
    """A ramp along each axis tells which part was cut out: the share of the area, and a stretch within 3/4 to 4/3."""
    ramps = np.mgrid[0:240, 0:240].astype(np.uint8)
    for seed in range(20):
        parts = [changed(ramp, (240, 240), seed, crop=(0.25, 0.5))[1] for ramp in ramps]
        height, width = (int(part.max()) - int(part.min()) + 1 for part in parts)
        assert 0.24 < height * width / 240**2 < 0.51
        assert 0.74 < width / height < 1.35


def test_a_crop_of_everything_is_everything() -> None:
    assert np.array_equal(changed(blocks(), (48, 64), crop=(1.0, 1.0))[1], blocks())


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (200, 1), (3, 2)])
def test_tiny_and_thin_images(shape: tuple[int, int]) -> None:
    mask = np.full(shape, 10, dtype=np.uint8)
    for change in CHANGES.values():
        ids = changed(mask, (16, 24), **change)[1]
        assert set(ids.unique().tolist()) <= {10, VOID}


def test_chance_comes_from_torchs_generator_alone() -> None:
    everything = {**CHANGES["all"], "jitter": 0.3}
    found = []
    for seed in (1, 2):
        np.random.seed(seed)
        random.seed(seed)
        found.append(changed(blocks(), (48, 64), 7, **everything))
    torch.testing.assert_close(*found, rtol=0, atol=0)
    assert not torch.equal(changed(blocks(), (48, 64), 8, **everything)[1], found[0][1])


def test_the_inputs_are_not_changed() -> None:
    mask, image = blocks(), painted(blocks())
    for change in CHANGES.values():
        TrainingTransform((48, 64), augmentation=PairedAugmentation(**change), mean=MEAN, std=STD)(image, mask)  # type: ignore[arg-type]
    assert np.array_equal(mask, blocks())
    assert np.array_equal(np.asarray(image)[:, :, 0], blocks())


def test_scoring_leaves_the_mask_at_its_own_size() -> None:
    mask = blocks(40, 56)
    image, ids = ScoringTransform((48, 64), mean=MEAN, std=STD)(painted(mask), mask)
    assert np.array_equal(ids, mask)
    assert image.shape == (3, 48, 64)
    assert torch.equal(image, image_transform((48, 64), mean=MEAN, std=STD)(painted(mask)))


def test_scoring_at_the_size_of_the_input_or_of_the_image() -> None:
    mask = blocks(40, 56)
    image, ids = ScoringTransform((20, 28), mean=MEAN, std=STD, resize_mask=True)(painted(mask), mask)
    assert image.shape[1:] == ids.shape == (20, 28)
    assert np.array_equal(ids, mask[1::2, 1::2])
    image, ids = ScoringTransform(None, mean=MEAN, std=STD)(painted(mask), mask)
    assert image.shape[1:] == ids.shape == (40, 56)


def test_a_square_image_is_squashed_as_in_the_other_tasks() -> None:
    expected = evaluation_transform(32, resize="squash", crop_share=0.5, mean=MEAN, std=STD)(painted(blocks()))
    assert torch.equal(image_transform((32, 32), mean=MEAN, std=STD)(painted(blocks())), expected)


def test_a_smaller_training_image_is_cut_from_one_of_the_size_of_scoring() -> None:
    mask = blocks(48, 64)
    transform = TrainingTransform((24, 32), augmentation=PairedAugmentation(), mean=MEAN, std=STD, whole=(48, 64))
    seen = set()
    for seed in range(8):
        torch.manual_seed(seed)
        image, ids = transform(painted(mask), mask)
        assert (image.shape, ids.shape) == ((3, 24, 32), (24, 32))
        places = [
            (y, x) for y in range(25) for x in range(33) if (mask[y : y + 24, x : x + 32] == ids.numpy()).all()
        ]  # fmt: skip
        assert places
        seen.update(places)
    assert len(seen) > 3  # at random, and at full resolution


def test_with_a_random_crop_the_part_is_resized_whatever_the_size_of_scoring() -> None:
    mask = blocks(48, 64)
    augmentation = PairedAugmentation(crop=(1.0, 1.0))
    found = []
    for whole in (None, (96, 128)):
        torch.manual_seed(0)
        transform = TrainingTransform((24, 32), augmentation=augmentation, mean=MEAN, std=STD, whole=whole)
        found.append(transform(painted(mask), mask))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
