"""Layers by name, which of them give maps, and which are taken where none is named."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from saccade.errors import ConfigError
from saccade.explain.layers import (
    Map,
    canvas,
    evenly,
    is_map,
    last_map,
    listening,
    maps,
    named_layers,
    shaped,
    stages,
)
from saccade.nn.padded import Padded
from saccade.nn.resnet import RESNETS
from saccade.nn.small import SmallCNN
from saccade.nn.spot_network import SpotNetwork
from saccade.nn.unet import UNet

from .tiny import Pooled

IMAGE = torch.zeros(1, 3, 64, 64)


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"--layer: no layer is called 'layr4'; did you mean layer4"):
        named_layers(RESNETS["resnet18"](3), ["layer1", "layr4"])
    with pytest.raises(ConfigError, match=r"no layer is called 'zzzzzzzz'; there is conv, norm, relu, head, for ex"):
        named_layers(Pooled(), ["zzzzzzzz"])


def test_of_some_kinds_alone() -> None:
    assert list(named_layers(Pooled(), ["conv"], (nn.Conv2d,))) == ["conv"]
    with pytest.raises(ConfigError, match="--layer: no convolution is called 'head'"):
        named_layers(Pooled(), ["head"], (nn.Conv2d,))


def test_what_a_relu_writes_over_is_kept_as_it_was() -> None:
    network = Pooled()
    image = 4 * torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0)) - 2
    with listening({"conv": network.conv, "relu": network.relu}) as found:
        network(image)
    expected = nn.functional.conv2d(image, network.conv.weight, network.conv.bias)
    assert (expected < 0).any()
    assert torch.equal(found["conv"], expected)
    assert torch.equal(found["relu"], expected.relu())
    assert not found["conv"].requires_grad


def test_maps_in_the_order_in_which_they_are_made() -> None:
    network = Pooled(channels=5)
    assert maps(network, network, torch.zeros(1, 3, 6, 8)) == {
        "conv": Map(5, 6, 8),
        "norm": Map(5, 6, 8),
        "relu": Map(5, 6, 8),
    }


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((1, 9, 4, 4), (64, 64), True),
        ((1, 9, 2, 3), (64, 96), True),
        ((1, 9, 2, 2), (37, 45), True),  # padded to whole cells
        ((1, 9, 13, 40), (400, 1280), True),  # 12.5 rounded up, which is 1.6 cells of the longer side
        ((1, 9, 40, 13), (1280, 400), True),
        ((1, 9, 101, 320), (401, 1280), True),  # 100.25 rounded up
        ((1, 9, 23, 30), (368, 480), True),
        ((1, 9, 13, 46), (400, 1280), False),  # more than a cell beyond that
        ((1, 9, 15, 40), (400, 1280), False),
        ((1, 9, 1, 1), (64, 64), False),  # pooled
        ((1, 7, 7, 768), (224, 224), False),  # channels last
        ((1, 12, 40, 96), (384, 1280), False),
        ((1, 8, 480, 480), (384, 1280), False),  # of attention over 12 x 40 places
        ((1, 4, 64), (64, 64), False),  # words
        ((1, 8, 49, 49), (224, 224), True),  # of attention, and by its shape not to be told from a map
    ],
)
def test_is_map(shape: tuple[int, ...], size: tuple[int, int], expected: bool) -> None:
    assert is_map(shape, size) is expected


def test_other_answers_are_no_maps() -> None:
    assert shaped(torch.zeros(1, 3, 4, 4)) == (1, 3, 4, 4)
    assert not is_map(shaped((torch.zeros(1, 3, 4, 4),)), (64, 64))


def test_of_looking_for_maps_only_their_shapes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Pooled()
    with listening({"conv": network.conv}, shaped) as found:
        network(torch.zeros(1, 3, 6, 8))
    assert found == {"conv": (1, 2, 6, 8)}

    def copy(self: Tensor) -> Tensor:
        raise AssertionError("a map was copied")

    monkeypatch.setattr(Tensor, "clone", copy)
    assert maps(network, network, torch.zeros(1, 3, 6, 8))["conv"] == Map(2, 6, 8)


@pytest.mark.parametrize("size", [(401, 1280), (957, 1280), (20, 100), (33, 34)])
def test_a_spot_network_s_maps_of_an_image_that_it_pads(size: tuple[int, int]) -> None:
    """All that have the stride of a map; on the meta device, where only shapes are worked out."""
    network = SpotNetwork("small_spot", reach=64.0, widths=(8, 8, 8)).to("meta").eval()
    found = maps(network, network, torch.zeros(1, 3, *size, device="meta"))
    height, width = canvas(network, size)
    assert found["last"] == Map(8, height // 4, width // 4)
    assert {"encoder.stages.0", "encoder.stages.1", "encoder.stages.2", "merges.2"} <= set(found)


def test_a_padded_unet_s_maps_of_an_image_that_it_pads() -> None:
    """The size of CamVid's images: 360 is no multiple of 16."""
    network = Padded(UNet(3, depth=4, width=4), 16).to("meta").eval()
    found = maps(network, network, torch.zeros(1, 3, 360, 480, device="meta"))
    sizes = {each.size for each in found.values()}
    assert sizes == {(368 // cell, 480 // cell) for cell in (1, 2, 4, 8, 16)}


def last(network: nn.Module, image: Tensor = IMAGE, *, dense: bool = False) -> str:
    return last_map(network, maps(network.eval(), network, image), dense=dense)


def test_gradcam_is_of_the_last_map_before_the_pooling() -> None:
    assert last(SmallCNN(3)) == "features"
    assert last(RESNETS["resnet18"](3)) == "layer4"
    assert last(Pooled()) == "relu"


def test_of_a_network_that_answers_with_a_map_it_is_of_the_deepest() -> None:
    network = Padded(UNet(3, depth=2, width=4), 4)
    found = maps(network.eval(), network, IMAGE)
    name = last_map(network, found, dense=True)
    assert found[name] == Map(16, 16, 16)
    assert name != list(found)[-1]


def test_a_network_without_maps_is_refused() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    with pytest.raises(
        ConfigError, match=r"--method: gradcam weighs .* gives a map of the image; use occlusion or int"
    ):
        last(network, torch.zeros(1, 3, 2, 2))


def test_a_vision_transformer_is_refused() -> None:
    import timm

    network = timm.create_model("test_vit", num_classes=3)
    image = torch.zeros(1, 3, *network.default_cfg["input_size"][1:])
    with pytest.raises(ConfigError, match="gives a map of the image but that of its patches; use occlusion"):
        last(network, image)


def test_features_are_of_the_ends_of_the_stages() -> None:
    network = SmallCNN(3).eval()
    assert stages(maps(network, network, IMAGE)) == ["features.0", "features.3", "features.6", "features"]


def test_evenly() -> None:
    assert evenly("abc", 4) == ["a", "b", "c"]
    assert evenly("abcdefg", 4) == ["a", "c", "e", "g"]
    assert evenly("abcdefgh", 3) == ["a", "e", "h"]


def test_maps_cover_what_a_network_adds_to_the_image() -> None:
    assert canvas(Padded(nn.Identity(), 16), (37, 48)) == (48, 48)
    assert canvas(Padded(nn.Identity(), 8, at_least=32), (5, 40)) == (32, 40)
    assert canvas(nn.Identity(), (37, 45)) == (37, 45)
    spot = SpotNetwork("small_spot", reach=64.0, widths=(8, 8, 8))
    assert canvas(spot, (401, 1280)) == (404, 1280)
    assert canvas(spot, (20, 33)) == (32, 36)
