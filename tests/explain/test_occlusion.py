"""Expected numbers: sums of weights by hand, and Captum's Occlusion where it takes the same places."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from saccade.data.scenes import draw_scene
from saccade.errors import ConfigError
from saccade.explain.occlusion import Patch, occlusion, patch_for

from .tiny import Linear, OneColour, Pooled, WithoutDoubles

GREY = torch.full((3,), 0.5)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def weights() -> Tensor:
    return noise(2, 3, 4, 4, seed=1) - 0.5


def test_of_a_linear_network_the_fall_is_what_the_patch_takes_away(weights: Tensor) -> None:
    image = noise(1, 3, 4, 4)
    found = occlusion(Linear(weights), image, Patch(2, 2), fill=GREY)
    assert found.shape == (2, 4, 4)
    share = weights * (image - GREY[:, None, None])  # (2, 3, 4, 4)
    for y in (0, 2):
        for x in (0, 2):
            expected = share[:, :, y : y + 2, x : x + 2].sum(dim=(1, 2, 3))
            for each in found[:, y : y + 2, x : x + 2].flatten(1).T:
                assert torch.allclose(each, expected, atol=1e-6)


def test_where_places_overlap_a_pixel_gets_their_mean(weights: Tensor) -> None:
    image = noise(1, 3, 4, 4)
    found = occlusion(Linear(weights), image, Patch(3, 1), fill=GREY)
    share = (weights * (image - GREY[:, None, None])).sum(dim=1)
    falls = {(y, x): share[:, y : y + 3, x : x + 3].sum(dim=(1, 2)) for y in (0, 1) for x in (0, 1)}
    corner = falls[0, 0]  # one place covers it
    edge = (falls[0, 0] + falls[0, 1]) / 2
    middle = sum(falls.values(), torch.zeros(2)) / 4
    for (y, x), expected in {(0, 0): corner, (0, 1): edge, (1, 2): middle, (3, 3): falls[1, 1]}.items():
        assert torch.allclose(found[:, y, x], expected, atol=1e-6)


@pytest.mark.parametrize(("side", "stride"), [(2, 2), (2, 1), (4, 2)])
def test_equals_captums(side: int, stride: int) -> None:
    from captum.attr import Occlusion

    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    image = noise(1, 3, 8, 8)
    baseline = GREY[None, :, None, None].expand_as(image)
    found = occlusion(network, image, Patch(side, stride), fill=GREY)
    for k in range(2):
        window, strides = (3, side, side), (3, stride, stride)
        with torch.no_grad():
            expected = Occlusion(network).attribute(image, window, strides=strides, baselines=baseline, target=k)
        assert torch.allclose(found[k], expected[0, 0].float(), atol=1e-6)


def test_in_batches_as_one_by_one() -> None:
    torch.manual_seed(0)
    network, image = Pooled(norm=True).eval(), noise(1, 3, 9, 7)
    one_by_one = occlusion(network, image, Patch(3, 2), fill=GREY, batch=1)
    for batch in (5, 1000):
        assert torch.allclose(occlusion(network, image, Patch(3, 2), fill=GREY, batch=batch), one_by_one, atol=1e-7)


def test_nothing_is_added_up_in_float64_where_the_network_is(weights: Tensor) -> None:
    image = noise(1, 3, 4, 4)
    expected = occlusion(Linear(weights), image, Patch(2, 1), fill=GREY)
    found = occlusion(Linear(weights), image.as_subclass(WithoutDoubles), Patch(2, 1), fill=GREY)
    assert type(found) is Tensor
    assert torch.equal(found, expected)


def test_the_last_places_end_where_the_image_does() -> None:
    assert Patch(2, 2).places(5, 4) == [(0, 0), (0, 2), (2, 0), (2, 2), (3, 0), (3, 2)]
    assert Patch(3, 2).places(3, 3) == [(0, 0)]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 9), (13, 6)])
@pytest.mark.parametrize(("side", "stride"), [(1, 1), (3, 3), (5, 2)])
def test_every_pixel_is_covered(height: int, width: int, side: int, stride: int) -> None:
    side = min(side, height, width)
    covered = torch.zeros(height, width)
    for y, x in Patch(side, min(stride, side)).places(height, width):
        assert y + side <= height
        assert x + side <= width
        covered[y : y + side, x : x + side] = 1
    assert covered.all()


def test_progress_counts_the_covered_images() -> None:
    told: list[int] = []
    occlusion(Pooled(), noise(1, 3, 8, 8), Patch(2, 2), fill=GREY, batch=6, progress=told.append)
    assert told == [6, 6, 4]


def test_an_image_of_the_patchs_colour_does_not_change() -> None:
    image = GREY[None, :, None, None].expand(1, 3, 6, 6).contiguous()
    assert (occlusion(Pooled(), image, Patch(2, 1), fill=GREY) == 0).all()


def test_the_image_is_left_alone() -> None:
    image = noise(1, 3, 6, 6)
    before = image.clone()
    occlusion(Pooled(), image, Patch(2, 1), fill=GREY)
    assert torch.equal(image, before)


def test_the_patch_is_a_sixth_of_the_image_unless_said_otherwise() -> None:
    assert patch_for(224, 300, side=None, stride=None) == Patch(37, 12)
    assert patch_for(4, 4, side=None, stride=None) == Patch(1, 1)
    assert patch_for(64, 64, side=20, stride=None) == Patch(20, 6)
    assert patch_for(64, 64, side=20, stride=20) == Patch(20, 20)


def test_an_image_smaller_than_the_patch_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"--patch or explain.patch: is 40, and the network sees .* 64x32 pixels; set it to 32 or le"
    ):
        patch_for(32, 64, side=40, stride=None)


def test_a_stride_that_leaves_pixels_out_is_refused() -> None:
    with pytest.raises(
        ConfigError,
        match=r"--stride or explain.stride: is 9, and a patch of 8 pixels would leave .* set it to 8 or less",
    ):
        patch_for(64, 64, side=8, stride=9)


def test_finds_the_object_of_a_colour_in_scenes() -> None:
    """The heat inside the object's mask against its share of the image: three times as much, and 1 would be chance."""
    for index in range(6):
        pixels, scene = draw_scene(3, index, size=48, max_objects=1)
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
        mask = torch.from_numpy(scene.mask(0))
        red, green, blue = (float(value) for value in image[0][:, mask].median(dim=1).values)
        heat = occlusion(OneColour((red, green, blue)), image, Patch(6, 2), fill=GREY)[1].clamp_min(0)
        factor = float(heat[mask].sum() / heat.sum() / mask.float().mean())
        assert factor > 3.0, f"scene {index}: {factor:.2f}"
