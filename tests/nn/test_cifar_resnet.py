"""The ResNets for 32x32 images: the numbers of the paper, the shortcut without weights, the initial weights."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from saccade.nn.cifar_resnet import CIFAR_RESNETS, PaddedBlock

MILLIONS = {"cifar_resnet20": 0.27, "cifar_resnet32": 0.46, "cifar_resnet44": 0.66, "cifar_resnet56": 0.85}
"""Parameters as Table 6 of arXiv 1512.03385 has them."""


@pytest.mark.parametrize("name", CIFAR_RESNETS)
def test_parameters_are_those_of_the_paper_and_of_a_count_by_hand(name: str) -> None:
    network = CIFAR_RESNETS[name](10)
    n = (int(name.removeprefix("cifar_resnet")) - 2) // 6
    counted = 9 * 3 * 16 + 2 * 16
    for channels, width in ((16, 16), (16, 32), (32, 64)):
        counted += 9 * channels * width + 9 * (2 * n - 1) * width * width + 2 * n * 2 * width
    counted += 65 * 10
    assert sum(p.numel() for p in network.parameters()) == counted
    assert round(counted / 1e6, 2) == MILLIONS[name]


@pytest.mark.parametrize("name", CIFAR_RESNETS)
def test_the_name_counts_the_layers(name: str) -> None:
    layers = [m for m in CIFAR_RESNETS[name](10).modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == int(name.removeprefix("cifar_resnet"))


def test_the_map_halves_twice_while_the_filters_double() -> None:
    network, found = CIFAR_RESNETS["cifar_resnet20"](10), []
    for stage in (network.layer1, network.layer2, network.layer3):
        stage.register_forward_hook(lambda _, __, out: found.append(tuple(out.shape[1:])))
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 10)
    assert found == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]


def silent(block: PaddedBlock) -> PaddedBlock:
    """The block with a branch that gives 0."""
    nn.init.zeros_(block.bn2.weight)
    return block.eval()


@pytest.mark.parametrize("size", [(32, 32), (9, 7)])
def test_the_shortcut_takes_every_second_pixel_and_pads_both_sides_of_the_channels(size: tuple[int, int]) -> None:
    """Option A of the paper."""
    x = torch.rand(2, 16, *size)
    out = silent(PaddedBlock(16, 32, stride=2))(x)
    assert torch.equal(out[:, 8:24], x[:, :, ::2, ::2])
    assert not out[:, :8].any()
    assert not out[:, 24:].any()


def test_the_shortcut_of_the_same_shape_is_the_input() -> None:
    x = torch.rand(2, 16, 8, 8)
    assert torch.equal(silent(PaddedBlock(16, 16))(x), x)


def test_a_block_is_its_arithmetic() -> None:
    torch.manual_seed(0)
    block, x = PaddedBlock(16, 32, stride=2).eval(), torch.randn(2, 16, 8, 8)
    scale = 1 / math.sqrt(1 + 1e-5)  # a fresh BatchNorm: running mean 0 and variance 1
    inner = (F.conv2d(x, block.conv1.weight, stride=2, padding=1) * scale).clamp_min(0)
    expected = F.conv2d(inner, block.conv2.weight, padding=1) * scale
    expected[:, 8:24] += x[:, :, ::2, ::2]
    torch.testing.assert_close(block(x), expected.clamp_min(0), rtol=1e-4, atol=1e-5)


def test_initial_variance_is_2_by_fan_in() -> None:
    """He et al. 2015 (arXiv 1502.01852), equation 10; 5 standard errors of the variance of n normal numbers."""
    torch.manual_seed(0)
    for name, parameter in CIFAR_RESNETS["cifar_resnet20"](10).named_parameters():
        if parameter.dim() > 1:
            weight = parameter.detach().double()
            assert float(weight.var()) == pytest.approx(2 / weight[0].numel(), rel=5 * math.sqrt(2 / weight.numel()))
        else:
            assert (parameter == float(".bn" in f".{name}" and name.endswith("weight"))).all()
