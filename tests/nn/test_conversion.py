"""Whole networks: the outputs before and after, and what of each cannot be converted."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from saccade.errors import ConfigError
from saccade.nn.backbones import build
from saccade.nn.conversion import Converted, convert
from saccade.nn.segmenters import build_segmenter
from saccade.nn.standardized_conv import StandardizedConv2d

WAYS: dict[str, dict[str, Any]] = {
    "statistics": {"to": "weight-standardized", "compensate": "statistics"},
    "affine": {"to": "weight-standardized", "compensate": "affine"},
    "folded": {"to": "folded"},
}

NETWORKS = {
    # those converted, those refused
    "cifar_resnet20": (19, 0),
    "resnet18": (20, 0),
    "mobilenetv2_100": (52, 0),  # depthwise
    "resnet34": (36, 0),
    "resnet50": (53, 0),
    "efficientnet_b0": (49, 32),  # two in each of 16 blocks of squeeze and excitation
    "densenet121": (59, 61),  # of a layer the second, and of a transition the only one, goes to what is laid together
    "tf_efficientnet_b0": (44, 37),  # strided ones are of timm's own class, too
    "repvgg_a0": (44, 0),
}
SIDE = 64
FAST = ("cifar_resnet20", "resnet18", "mobilenetv2_100")
each = pytest.mark.parametrize(
    "name", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS]
)


def trained(name: str, seed: int = 0) -> nn.Module:
    """Random weights, and BatchNorms that fit them about as well as those of a trained network do."""
    torch.manual_seed(seed)
    network = build(name, classes=10, image_size=64)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            nn.init.uniform_(norm.weight, 0.5, 1.0)
            nn.init.normal_(norm.bias, 0.0, 0.2)
            norm.momentum = None  # the mean of all batches
        for _ in range(2):
            network.train()(torch.randn(8, 3, SIDE, SIDE))
        for norm in norms:
            mean, variance = norm.running_mean, norm.running_var
            assert mean is not None
            assert variance is not None
            mean += 0.1 * variance.sqrt() * torch.randn_like(mean)
            variance *= torch.empty_like(variance).uniform_(0.75, 1.75)
    return network.eval()


def converted(network: nn.Module, way: str, name: str) -> Converted:
    dtype = next(network.parameters()).dtype
    return convert(network, torch.zeros(1, 3, SIDE, SIDE, dtype=dtype), name=name, **WAYS[way])


def relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@each
@torch.no_grad()
def test_the_outputs_stay_the_same(name: str) -> None:
    network, images = trained(name), torch.randn(2, 3, SIDE, SIDE)
    exact = deepcopy(network).double()
    before, wide = network(images), exact(images.double())
    assert before.std() > 0.01
    for way in WAYS:
        found = converted(network, way, name)
        assert (len(found.converted), len(found.refused)) == NETWORKS[name], way
        assert relative(found.network(images), before) < 1e-5, way
        assert relative(converted(exact, way, name).network(images.double()), wide) < 1e-12, way


@each
def test_every_convolution_is_converted_or_refused_with_a_reason(name: str) -> None:
    network = build(name, classes=10, image_size=64).eval()
    all_of_them = {key for key, module in network.named_modules() if isinstance(module, _ConvNd)}
    for way, kind in (("statistics", StandardizedConv2d), ("folded", nn.Conv2d)):
        found = converted(network, way, name)
        assert {*found.converted, *found.refused} == all_of_them
        assert not set(found.converted) & set(found.refused)
        assert all(found.refused.values())
        assert {type(found.network.get_submodule(key)) for key in found.converted} == {kind}
        assert all(type(found.network.get_submodule(k)) is type(network.get_submodule(k)) for k in found.refused)
        norms = sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())
        left = sum(isinstance(module, nn.BatchNorm2d) for module in found.network.modules())
        assert left == norms - (len(found.converted) if way == "folded" else 0)


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("efficientnet_b0", {"is followed by blocks.0.0.se.act1 (SiLU) and not by a BatchNorm2d"}),
        ("densenet121", {"is followed by features.transition1.pool (AvgPool2d) and not by a BatchNorm2d"}),
        ("tf_efficientnet_b0", {"is a Conv2dSame, which computes in a way of its own"}),
    ],
)
@pytest.mark.slow
def test_reasons(name: str, reasons: set[str]) -> None:
    found = converted(build(name, classes=10, image_size=64), "statistics", name)
    assert reasons <= set(found.refused.values())
    kinds = Counter(reason.split("(")[0].rstrip() for reason in found.refused.values())
    if name == "densenet121":
        assert sum(n for kind, n in kinds.items() if kind.startswith("has an output that goes to")) == 54
        assert kinds["is followed by cat and not by a BatchNorm2d"] == 4


def test_a_network_of_which_nothing_can_be_converted_is_refused() -> None:
    network = build("convnext_atto", classes=3, image_size=64)
    with pytest.raises(ConfigError) as raised:
        converted(network, "statistics", "convnext_atto")
    first, *lines = str(raised.value).splitlines()
    assert first == "none of the 40 convolutions of convnext_atto can be weight-standardized:"
    assert lines[0] == "  stem.0 is followed by permute and not by a BatchNorm2d"
    assert lines[-1] == "  and 35 more"
    assert len(lines) == 6
    with pytest.raises(ConfigError, match=r"^vit has no convolution that could be folded$"):
        converted(nn.Linear(64, 2), "folded", "vit")


@pytest.mark.slow
def test_convnext_tiny_is_refused() -> None:
    network = build("convnext_tiny", classes=3, image_size=64)
    with pytest.raises(ConfigError, match="none of the 22 convolutions of convnext_tiny"):
        converted(network, "folded", "convnext_tiny")


@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_the_original_changes(way: str) -> None:
    network = trained("cifar_resnet20").train()
    network.get_submodule("layer1").eval()
    before, modes = deepcopy(network.state_dict()), [module.training for module in network.modules()]
    kinds, generator = [type(module) for module in network.modules()], torch.get_rng_state()
    found = converted(network, way, "cifar_resnet20")
    with torch.no_grad():
        for parameter in found.network.parameters():
            parameter += 1
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes
    assert [type(module) for module in network.modules()] == kinds
    assert torch.equal(torch.get_rng_state(), generator)
    left = {"layer1.0.conv1": False, "layer2.0.conv1": True}
    assert {key: found.network.get_submodule(key).training for key in left} == left


@pytest.mark.parametrize("way", WAYS)
@torch.no_grad()
def test_the_weights_of_one_load_into_another_that_is_converted_so(way: str) -> None:
    # from random weights a network of the same build is made for a checkpoint
    source = converted(trained("cifar_resnet20"), way, "cifar_resnet20")
    other = build("cifar_resnet20", classes=10, image_size=32).eval()
    image = torch.randn(2, 3, 32, 32)
    target = convert(other, image[:1], compensated=True, name="cifar_resnet20", **WAYS[way])
    assert target.converted == source.converted
    target.network.load_state_dict(source.network.state_dict())
    assert torch.equal(target.network(image), source.network(image))


def test_convolutions_of_other_kinds_are_refused_by_name() -> None:
    network = build_segmenter("unet", classes=3, depth=2, width=4).eval()
    for way in WAYS:
        found = convert(network, torch.zeros(1, 3, 32, 32), name="unet", **WAYS[way])
        others = {"inner.up.0", "inner.up.1"}
        assert {found.refused[key] for key in others} == {"is a ConvTranspose2d, of which nothing is changed"}
        every = [key for key, module in network.named_modules() if isinstance(module, _ConvNd)]
        assert sorted([*found.converted, *found.refused]) == sorted(every)
    with pytest.raises(ConfigError) as raised:
        convert(nn.Conv1d(2, 4, 3), torch.zeros(1, 2, 8), to="folded", name="waves")
    assert str(raised.value) == (
        "the one convolution of waves cannot be folded:\n   is a Conv1d, of which nothing is changed"
    )


@torch.no_grad()
def test_networks_that_ask_for_the_size_of_the_image() -> None:
    torch.manual_seed(0)
    network = build_segmenter("unet", classes=3, depth=2, width=4).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0.0, 0.1)  # type: ignore[arg-type]
    images = torch.randn(2, 3, 33, 50)
    for way in WAYS:
        found = convert(network, torch.zeros(1, 3, 32, 32), name="unet", **WAYS[way])
        assert relative(found.network(images), network(images)) < 1e-6


def test_without_memory_for_values() -> None:
    with torch.device("meta"):
        network, image = build("resnet18", classes=10), torch.zeros(1, 3, 64, 64)
        for way in WAYS:
            made = convert(network, image, name="resnet18", **WAYS[way]).network
            assert {value.device.type for value in made.state_dict().values()} == {"meta"}
            assert made(image).shape == (1, 10)
