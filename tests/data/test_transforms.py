"""Transforms against torchvision written out by hand and against Pillow and NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from saccade.data.transforms import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Augmentation,
    Transform,
    denormalize,
    evaluation_transform,
    training_transform,
)

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
SIZES = [(64, 48), (48, 64), (200, 20), (20, 200), (7, 9), (1, 1), (32, 32), (33, 47), (500, 3)]
"""Width and height: wide, tall, very wide, very tall, smaller than what comes out, just as large, odd."""


def photo(size: tuple[int, int], seed: int = 0) -> Image.Image:
    """Noise on a ramp."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    ramp = np.stack([x * 255 // width, y * 255 // height, (x + y) * 127 // max(width, height)], axis=2)
    noise = np.random.default_rng(seed).integers(-40, 41, ramp.shape)
    return Image.fromarray((ramp + noise).clip(0, 255).astype(np.uint8))


def evaluation(size: int = 32, resize: str = "crop", crop_share: float = 0.875) -> Transform:
    return evaluation_transform(size, resize=resize, crop_share=crop_share, mean=MEAN, std=STD)


def training(size: int = 32, resize: str = "crop", crop_share: float = 0.875, **augmentation: object) -> Transform:
    return training_transform(
        size,
        augmentation=Augmentation(**augmentation),  # type: ignore[arg-type]
        resize=resize,
        crop_share=crop_share,
        mean=MEAN,
        std=STD,
    )


def by_torchvision(image: Image.Image, size: int, resize: str, crop_share: float) -> torch.Tensor:
    if resize == "squash":
        image = F.resize(image, [size, size], interpolation=v2.InterpolationMode.BILINEAR, antialias=True)
    else:
        image = F.resize(image, [round(size / crop_share)], interpolation=v2.InterpolationMode.BILINEAR, antialias=True)
        image = F.center_crop(image, [size, size])
    return F.normalize(F.to_dtype(F.pil_to_tensor(image), torch.float32, scale=True), list(MEAN), list(STD))


def by_pillow(image: Image.Image, size: int, resize: str, crop_share: float) -> NDArray[np.float64]:
    """Pillow's bilinear filter, which widens when it shrinks; then the arithmetic in float64."""
    if resize == "squash":
        image = image.resize((size, size), Image.Resampling.BILINEAR)
    else:
        short, (width, height) = round(size / crop_share), image.size
        scaled = (int(short * width / height), short) if width > height else (short, int(short * height / width))
        image = image.resize(scaled, Image.Resampling.BILINEAR)
        left, top = (round((side - size) / 2) for side in scaled)
        image = image.crop((left, top, left + size, top + size))
    values = np.asarray(image).astype(np.float64) / 255
    return ((values - np.array(MEAN)) / np.array(STD)).transpose(2, 0, 1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("resize", "crop_share"), [("crop", 0.875), ("crop", 1.0), ("crop", 0.9), ("squash", 0.875)])
def test_evaluation_equals_torchvision_and_pillow(size: tuple[int, int], resize: str, crop_share: float) -> None:
    found = evaluation(32, resize, crop_share)(photo(size))
    assert found.shape == (3, 32, 32)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, by_torchvision(photo(size), 32, resize, crop_share), rtol=0, atol=0)
    np.testing.assert_allclose(found, by_pillow(photo(size), 32, resize, crop_share), rtol=0, atol=1e-5)


def test_imagenet_constants_are_torchvisions() -> None:
    from torchvision.models import ResNet18_Weights

    preset = ResNet18_Weights.IMAGENET1K_V1.transforms()
    assert list(preset.mean) == list(IMAGENET_MEAN)
    assert list(preset.std) == list(IMAGENET_STD)
    transform = evaluation_transform(224, resize="crop", crop_share=0.875, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    torch.testing.assert_close(transform(photo((300, 260))), preset(photo((300, 260))), rtol=0, atol=1e-6)


def test_the_crop_share_is_what_the_crop_keeps_of_the_short_side() -> None:
    """A 64 x 64 image of 8-pixel stripes cut to half of its side shows the middle four of eight stripes."""
    stripes = np.repeat(np.arange(8, dtype=np.uint8) * 30, 8)
    image = Image.fromarray(np.broadcast_to(stripes[None, :, None], (64, 64, 3)).copy())
    found = denormalize(evaluation(32, crop_share=0.5)(image), mean=MEAN, std=STD)
    np.testing.assert_allclose(found[0, 0] * 255, np.repeat([60, 90, 120, 150], 8), atol=1e-3)


def test_squash_keeps_both_ends_and_crop_does_not() -> None:
    """Pixel 0 is a triangle of half-width 10 around x = 5: 7.5 of its weight of 8.75 lies on the white end."""
    image = Image.new("RGB", (200, 20))
    for x in (0, 190):
        image.paste((255, 255, 255), (x, 0, x + 10, 20))
    squashed = denormalize(evaluation(20, "squash")(image), mean=MEAN, std=STD)
    np.testing.assert_allclose(squashed[0, :, [0, -1]], 7.5 / 8.75, atol=1 / 255)
    assert denormalize(evaluation(20, "crop", 1.0)(image), mean=MEAN, std=STD).max() == 0.0


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resize", ["crop", "squash"])
def test_training_without_augmentation_is_evaluation(size: tuple[int, int], resize: str) -> None:
    found, expected = training(resize=resize)(photo(size)), evaluation(resize=resize)(photo(size))
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


ALL = {"crop": (0.3, 1.0), "flip": 0.5, "vertical_flip": 0.5, "jitter": 0.4, "randaugment": 2}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("augmentation", [{}, ALL, *({key: value} for key, value in ALL.items())])
def test_training_gives_the_same_shape_of_everything(size: tuple[int, int], augmentation: dict[str, object]) -> None:
    found = training(**augmentation)(photo(size))
    assert found.shape == (3, 32, 32)
    assert found.dtype == torch.float32
    lowest, highest = ([(end - m) / s for m, s in zip(MEAN, STD, strict=True)] for end in (0, 1))
    assert (found >= torch.tensor(lowest).view(3, 1, 1) - 1e-5).all()
    assert (found <= torch.tensor(highest).view(3, 1, 1) + 1e-5).all()


@pytest.mark.parametrize(("key", "dims"), [("flip", [2]), ("vertical_flip", [1])])
def test_certain_flips_flip_the_image_of_evaluation(key: str, dims: list[int]) -> None:
    expected = evaluation()(photo((40, 40))).flip(dims)
    torch.testing.assert_close(training(**{key: 1.0})(photo((40, 40))), expected, rtol=0, atol=0)


def test_flips_happen_as_often_as_they_are_likely() -> None:
    """Of 400 draws at p = 0.25 the number lies within 4 standard deviations (35) of 100."""
    transform, plain = training(8, flip=0.25), evaluation(8)(photo((8, 8)))
    torch.manual_seed(0)
    flipped = sum(not torch.equal(transform(photo((8, 8))), plain) for _ in range(400))
    assert 65 < flipped < 135


def test_a_random_crop_keeps_the_share_it_was_given() -> None:
    """On a ramp from 0 to 1 the spread of values along x is the share of the width; the area is asked for: 0.25."""
    ramp = np.broadcast_to(np.linspace(0, 255, 256).astype(np.uint8)[None, :, None], (256, 256, 3)).copy()
    upright = np.ascontiguousarray(ramp.swapaxes(0, 1))
    transform = training(64, crop=(0.25, 0.25))
    areas = []
    for seed in range(20):
        spread = []
        for image in (ramp, upright):
            torch.manual_seed(seed)
            values = denormalize(transform(Image.fromarray(image)), mean=MEAN, std=STD)[0]
            spread.append(float(values.max() - values.min()))
        areas.append(spread[0] * spread[1])
    np.testing.assert_allclose(areas, 0.25, atol=0.02)


@pytest.mark.parametrize("pad", [1, 4])
def test_a_padded_crop_is_a_window_into_the_black_border(pad: int) -> None:
    """All (2 pad + 1)^2 windows of a bordered image of 8 x 8 turn up: 3 x 3 of them in 200 draws, of 9 x 9 most."""
    image = photo((8, 8), seed=3)
    bordered = np.pad(np.asarray(image), ((pad, pad), (pad, pad), (0, 0)))
    side = 2 * pad + 1
    windows = {bordered[y : y + 8, x : x + 8].tobytes() for y in range(side) for x in range(side)}
    transform, found = training(8, crop_share=1.0, pad=pad), set()
    torch.manual_seed(0)
    for _ in range(200):
        values = denormalize(transform(image), mean=MEAN, std=STD).mul(255).round().byte()
        found.add(values.permute(1, 2, 0).numpy().tobytes())
    assert found <= windows
    assert len(found) == side**2 if pad == 1 else len(found) > 0.8 * side**2


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("resize", ["crop", "squash"])
def test_padding_comes_after_the_resize_of_evaluation_and_before_the_flip(size: tuple[int, int], resize: str) -> None:
    torch.manual_seed(2)
    found = training(resize=resize, pad=4, flip=0.5)(photo(size))
    torch.manual_seed(2)
    upright = denormalize(evaluation(resize=resize)(photo(size)), mean=MEAN, std=STD)
    expected = v2.RandomHorizontalFlip(0.5)(v2.RandomCrop(32, padding=4)(upright))
    torch.testing.assert_close(denormalize(found, mean=MEAN, std=STD), expected, rtol=0, atol=1e-6)


def test_jitter_is_torchvisions_with_a_quarter_of_the_strength_for_hue() -> None:
    image = evaluation_input = photo((32, 32))
    reference = v2.ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
    torch.manual_seed(3)
    found = training(crop_share=1.0, jitter=0.4)(image)
    torch.manual_seed(3)
    expected = by_torchvision(reference(evaluation_input), 32, "crop", 1.0)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_strong_jitter_stays_within_what_hue_allows() -> None:
    assert training(jitter=3.0)(photo((32, 32))).shape == (3, 32, 32)


def test_randaugment_is_torchvisions() -> None:
    torch.manual_seed(5)
    found = training(crop_share=1.0, randaugment=3, randaugment_magnitude=15)(photo((32, 32)))
    torch.manual_seed(5)
    expected = by_torchvision(v2.RandAugment(3, 15)(photo((32, 32))), 32, "crop", 1.0)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_all_together_are_torchvisions_in_this_order() -> None:
    """Another order would draw other numbers, and change every recorded training."""
    steps = [
        v2.RandomResizedCrop(32, scale=(0.3, 1.0), antialias=True),
        v2.RandomHorizontalFlip(0.5),
        v2.RandomVerticalFlip(0.5),
        v2.RandAugment(2, 9),
        v2.ColorJitter(0.4, 0.4, 0.4, 0.1),
    ]
    for seed in range(5):
        torch.manual_seed(seed)
        found = training(**ALL)(photo((50, 40)))
        torch.manual_seed(seed)
        image = photo((50, 40))
        for step in steps:
            image = step(image)
        torch.testing.assert_close(found, by_torchvision(image, 32, "crop", 1.0), rtol=0, atol=0)


def test_chance_comes_from_torchs_generator_alone() -> None:
    """NumPy's and Python's generators may stand anywhere."""
    import random

    transform, found = training(**ALL), []
    for seed in (1, 2):
        np.random.seed(seed)
        random.seed(seed)
        torch.manual_seed(0)
        found.append(transform(photo((40, 30))))
    torch.testing.assert_close(*found, rtol=0, atol=0)


def test_the_image_itself_is_not_changed() -> None:
    image = photo((32, 32))
    before = np.asarray(image).copy()
    training(crop_share=1.0, **{**ALL, "crop": None})(image)
    np.testing.assert_array_equal(np.asarray(image), before)


def test_denormalize_inverts() -> None:
    image = photo((32, 32))
    values = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1) / 255
    normalised = evaluation(crop_share=1.0)(image)
    kept = normalised.clone()
    torch.testing.assert_close(denormalize(normalised, mean=MEAN, std=STD), values, rtol=0, atol=1e-6)
    torch.testing.assert_close(normalised, kept, rtol=0, atol=0)
    batch = torch.stack([normalised, normalised.flip(2)])
    torch.testing.assert_close(denormalize(batch, mean=MEAN, std=STD)[1], values.flip(2), rtol=0, atol=1e-6)


def test_denormalize_stays_within_an_image() -> None:
    wild = torch.tensor([-100.0, 0.0, 100.0]).view(3, 1, 1).expand(3, 2, 2)
    found = denormalize(wild, mean=MEAN, std=STD)
    torch.testing.assert_close(found[:, 0, 0], torch.tensor([0.0, 0.4, 1.0]), rtol=0, atol=1e-6)
    assert denormalize(torch.empty(0, 3, 4, 4), mean=MEAN, std=STD).shape == (0, 3, 4, 4)
