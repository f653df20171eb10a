"""What moves the pixels moves the corners of the words."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from saccade.data.dataset import seeded
from saccade.data.spot_transforms import Seen, SpotAugmentation, SpotScoring, SpotTraining, place, resize
from saccade.data.words import ImageWords
from saccade.overlap import covered

MEAN, STD = (0.2, 0.2, 0.2), (0.5, 0.25, 1.0)
QUAD = np.array([[30, 20], [90, 35], [84, 60], [24, 45]], dtype=np.float32)


def words(*quads: NDArray[np.float32]) -> ImageWords:
    return ImageWords(
        np.stack(quads).astype(np.float32) if quads else np.zeros((0, 4, 2), np.float32),
        tuple(f"word{k}" for k in range(len(quads))),
        np.ones(len(quads), dtype=np.bool_),
    )


def drawn(quad: NDArray[np.float32], size: tuple[int, int]) -> Image.Image:
    """White inside the quad, black elsewhere, with edges as exact as sixteen samples a pixel make them."""
    large = Image.new("L", (4 * size[0], 4 * size[1]))
    ImageDraw.Draw(large).polygon([(float(x), float(y)) for x, y in 4 * quad - 0.5], fill=255)
    return large.resize(size, Image.Resampling.BOX).convert("RGB")


def seen_white(seen: Seen) -> NDArray[np.float64]:
    """(h, w) how white each pixel is, 0 to 1."""
    channels = seen.pixels * torch.tensor(STD)[:, None, None] + torch.tensor(MEAN)[:, None, None]
    return channels.mean(dim=0).double().numpy()


def training(side: int, **augmentation: object) -> SpotTraining:
    given = SpotAugmentation(**augmentation)  # type: ignore[arg-type]
    return SpotTraining(side, augmentation=given, longer_side=None, mean=MEAN, std=STD)


def test_scoring_resizes_the_longer_side_and_keeps_every_word() -> None:
    image = drawn(QUAD, (120, 80))
    seen = SpotScoring(60, mean=MEAN, std=STD)(image, words(QUAD))
    assert seen.pixels.shape == (3, 40, 60)
    assert seen.scale == (0.5, 0.5)
    np.testing.assert_allclose(seen.words.quads[0], QUAD / 2)
    as_it_is = SpotScoring(None, mean=MEAN, std=STD)(image, words(QUAD))
    np.testing.assert_allclose(as_it_is.words.quads[0], QUAD)
    by_hand = (np.asarray(image, dtype=np.float32) / 255 - np.array(MEAN)) / np.array(STD)
    np.testing.assert_allclose(as_it_is.pixels.permute(1, 2, 0).numpy(), by_hand, atol=1e-5)
    assert resize(image, 120) is image


def test_a_side_that_comes_out_odd_has_a_scale_of_its_own() -> None:
    seen = SpotScoring(50, mean=MEAN, std=STD)(Image.new("RGB", (150, 80)), words(QUAD))
    assert seen.pixels.shape == (3, 27, 50)
    assert seen.scale == pytest.approx((50 / 150, 27 / 80))


@pytest.mark.parametrize("seed", range(12))
def test_the_corners_go_where_the_pixels_go(seed: int) -> None:
    """Turned, stretched, resized and cut, the white pixels are those of the moved quad, to a fraction of a pixel."""
    image = drawn(QUAD, (120, 80))
    transform = training(200, longer_side=(90, 240), rotate=30.0, stretch=(0.7, 1.4))
    with seeded(seed):
        seen = transform(image, words(QUAD))
    assert seen.pixels.shape == (3, 200, 200)
    (quad,) = seen.words.quads
    expected = np.asarray(drawn(quad, (200, 200)), dtype=np.float64)[..., 0] / 255
    found = np.clip((seen_white(seen) - 0.2) / 0.8, 0, 1)  # around the image lies the mean, not black
    found[found < 0.3], expected[expected < 0.3] = 0, 0
    both, either = np.minimum(found, expected).sum(), np.maximum(found, expected).sum()
    assert both / either > 0.94
    weights = found / found.sum()
    ys, xs = np.indices(found.shape) + 0.5
    area_centre = np.array([(expected * xs).sum(), (expected * ys).sum()]) / expected.sum()
    np.testing.assert_allclose([(weights * xs).sum(), (weights * ys).sum()], area_centre, atol=0.35)


def test_no_word_is_cut_where_there_is_another_place() -> None:
    """Two words with a gap between them: squares that hold one of them whole are rare, and are found."""
    one = np.array([[10, 10], [90, 10], [90, 30], [10, 30]], dtype=np.float32)
    two = one + np.array([120, 0], dtype=np.float32)
    quads = np.stack([one, two])
    for seed in range(20):
        with seeded(seed):
            left, top = place(quads, 230, 130, 100)
        square = np.array([[[0, 0], [100, 0], [100, 100], [0, 100]]], dtype=np.float32) + np.float32([left, top])
        shares = covered(quads, square)[:, 0]
        assert ((shares < 0.01) | (shares > 0.99)).all()


@pytest.mark.parametrize(("width", "height"), [(101, 102.6), (99, 97.5), (100, 100)])
def test_the_square_lies_at_every_place_that_there_is(width: float, height: float) -> None:
    """With one spare pixel there are two places, also where the image is smaller than the square."""
    with seeded(0):
        found = {place(np.empty((0, 4, 2), np.float32), width, height, 100) for _ in range(200)}
    lefts, tops = ({int(np.sign(room)) * k for k in range(int(abs(room)) + 1)} for room in (width - 100, height - 100))
    assert found == {(left, top) for left in lefts for top in tops}


def test_what_has_to_be_cut_is_no_longer_cared_for() -> None:
    """A word longer than the square is cut wherever the square lies."""
    long = np.array([[5, 40], [195, 40], [195, 60], [5, 60]], dtype=np.float32)
    with seeded(3):
        seen = training(64)(Image.new("RGB", (200, 100)), words(long))
    assert len(seen.words) == 1, "left out, what is seen of it would be learned as background"
    assert not seen.words.cared.any()
    # the one that lies whole beside it stays cared for
    short = np.array([[5, 70], [25, 70], [25, 80], [5, 80]], dtype=np.float32)
    cared = set()
    for seed in range(40):
        with seeded(seed):
            seen = training(64)(Image.new("RGB", (200, 100)), words(long, short))
        cared |= {text for text, flag in zip(seen.words.texts, seen.words.cared, strict=True) if flag}
    assert cared == {"word1"}


@pytest.mark.parametrize("seed", range(5))
def test_the_image_is_resized_then_turned_then_stretched_then_cut(seed: int) -> None:
    """A rectangle that was turned before it was stretched is none until the stretching is undone."""
    rectangle = np.array([[20, 30], [100, 30], [100, 50], [20, 50]], dtype=np.float32)
    with seeded(seed):
        view = training(400, longer_side=(240, 240), rotate=40, stretch=(1.5, 1.5))
        seen = view(Image.new("RGB", (120, 80)), words(rectangle))
    (quad,) = seen.words.quads.astype(np.float64)
    along, down = quad[1] - quad[0], quad[3] - quad[0]
    assert abs(along @ down) > 50
    along[1] /= 1.5
    down[1] /= 1.5
    assert abs(along @ down) < 1e-2
    np.testing.assert_allclose([np.hypot(*along), np.hypot(*down)], [160, 40], atol=1e-3)


def test_a_star_is_not_learned_from_and_is_scored() -> None:
    image, starred = Image.new("RGB", (120, 80)), ImageWords(QUAD[None], ("*",), np.array([True]))
    assert training(200)(image, starred).words.cared.tolist() == [False]
    assert SpotScoring(None, mean=MEAN, std=STD)(image, starred).words.cared.tolist() == [True]


def test_words_outside_of_the_square_are_left_out() -> None:
    far = QUAD + np.array([500, 0], dtype=np.float32)
    image = Image.new("RGB", (700, 90))
    for seed in range(10):
        with seeded(seed):
            seen = training(100)(image, words(QUAD, far))
        assert len(seen.words) <= 1
        assert seen.words.cared.all()
        inside = seen.words.quads
        assert (inside >= 0).all()
        assert (inside <= 100).all()


def test_a_smaller_image_lies_whole_in_the_square() -> None:
    image = drawn(QUAD, (120, 80))
    seen = set()
    for seed in range(8):
        with seeded(seed):
            found = training(160)(image, words(QUAD))
        (moved,) = found.words.quads
        shift = moved[0] - QUAD[0]
        np.testing.assert_allclose(moved, QUAD + shift, atol=1e-4)
        assert (shift >= 0).all()
        assert (shift <= [40, 80]).all()
        seen.add(tuple(shift.tolist()))
        left, top = np.round(shift).astype(int)
        around = np.ones((160, 160), dtype=bool)
        around[top : top + 80, left : left + 120] = False
        assert np.abs(found.pixels.numpy()[:, around]).max() < 1e-6  # 0.2 * 255 is a whole number: exactly the mean
    assert len(seen) > 4


def test_an_image_without_words() -> None:
    with seeded(0):
        seen = training(32, rotate=10.0)(Image.new("RGB", (100, 50)), words())
    assert seen.words.quads.shape == (0, 4, 2)
    assert seen.pixels.shape == (3, 32, 32)


def test_the_same_seed_gives_the_same_view() -> None:
    image = drawn(QUAD, (120, 80))
    transform = training(64, longer_side=(60, 200), rotate=10.0, stretch=(0.8, 1.2), jitter=0.3)
    views = []
    for seed in (5, 5, 6):
        with seeded(seed):
            views.append(transform(image, words(QUAD)))
    assert torch.equal(views[0].pixels, views[1].pixels)
    assert np.array_equal(views[0].words.quads, views[1].words.quads)
    assert not torch.equal(views[0].pixels, views[2].pixels)
