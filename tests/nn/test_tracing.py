"""The graph of a network: what is in it, networks that ask for shapes, and those that cannot be followed."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from saccade.errors import ConfigError
from saccade.nn.backbones import build
from saccade.nn.segmenters import build_segmenter
from saccade.nn.spot_network import SpotNetwork
from saccade.nn.tracing import traced

IMAGE = torch.zeros(1, 3, 8, 8)


class Asks(nn.Module):
    """Decides by shapes and values, takes an argument more, and gives several tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.drop = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)

    def forward(self, image: Tensor, more: Tensor | None = None) -> dict[str, Any]:
        assert more is None
        batch, channels, *_ = image.shape
        if image.size(-1) % 2 or len(image) != batch or channels == 4:
            raise AssertionError
        a, b = self.norm(self.conv(F.pad(image, (0, image.shape[3] // 4)))).chunk(2, dim=1)
        if a.amax() > 1e6:
            return {}
        values, _ = b.flatten(2).max(dim=2)
        return {"a": [self.drop(x) for x in a], "b": values.mT.mean(), "n": int(batch)}


def modules(network: nn.Module, *inputs: Tensor) -> list[str]:
    return [str(node.target) for node in traced(network, *inputs).nodes if node.op == "call_module"]


def test_the_graph_names_modules_in_the_order_of_calls() -> None:
    network = nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()), nn.BatchNorm2d(4))
    assert modules(network, IMAGE) == ["0.0", "0.1", "1"]


def test_a_network_may_ask_for_shapes_and_values() -> None:
    assert modules(Asks(), IMAGE) == ["conv", "norm", "drop"]
    functions = [node.name for node in traced(Asks(), IMAGE).nodes if node.op == "call_function"]
    assert functions[0].startswith("getitem")  # the image
    assert "pad" in functions


@pytest.mark.parametrize(
    "network",
    [
        build("cifar_resnet20", classes=2, image_size=32),
        build_segmenter("unet", classes=2, depth=2, width=4),
        build_segmenter("smp_unet", classes=2, encoder="resnet18"),
        SpotNetwork("small_spot", reach=32, alphabet=5),
    ],
)
def test_networks_for_images_of_any_size(network: nn.Module) -> None:
    convolutions = [name for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    found = [name for name in modules(network, torch.zeros(1, 3, 33, 50)) if name in convolutions]
    # words are read by another method, once it is known where they are
    assert sorted(found) == sorted(name for name in convolutions if not name.startswith("reader."))


def test_nothing_of_the_network_changes() -> None:
    network = Asks()
    network.norm.eval()
    network.drop.weight = network.conv.weight  # as a module of somebody may have it
    image, before = torch.rand(1, 3, 8, 8), deepcopy(network.state_dict())
    modes, state = [module.training for module in network.modules()], torch.get_rng_state()
    traced(network, image)
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)


class Fails(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        raise ValueError("images of 224 pixels are needed\nand more")


def test_what_cannot_be_followed_is_told() -> None:
    network = Fails()
    with pytest.raises(ConfigError) as raised:
        traced(network, IMAGE)
    assert str(raised.value) == (
        "torch.fx cannot follow what Fails computes (images of 224 pixels are needed), so that nothing is known of "
        "what comes after its convolutions"
    )
    assert network.training


def test_without_values_a_network_may_be_asked_again() -> None:
    assert modules(nn.Sequential(nn.Conv2d(3, 4, 1, device="meta"), nn.ReLU()), IMAGE.to("meta")) == ["0", "1"]
    with pytest.raises(RuntimeError):
        traced(Asks(), IMAGE.to("meta"))
