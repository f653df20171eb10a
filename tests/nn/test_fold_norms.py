"""BatchNorm folded into the convolution: by hand, and exact for every kind of both."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
from timm.layers import BatchNormAct2d
from torch import nn

from nn.test_standardize import CHAIN, KINDS, by_hand, double, pair
from saccade.nn.fold_norms import fold_norms
from saccade.nn.standardize import standardize


def folded(network: nn.Sequential) -> nn.Sequential:
    made = deepcopy(network)
    fold_norms(made, [CHAIN])
    assert type(made[0]) is nn.Conv2d
    assert not any(isinstance(module, nn.BatchNorm2d) for module in made.modules())
    return made


def test_by_hand() -> None:
    # 2 (0 a + 4 b + 8 - 6) / sqrt(15 + 1) + 1 is 2 b + 2
    made = folded(by_hand())
    torch.testing.assert_close(made[0].weight.detach(), double(0, 2).view(1, 1, 1, 2))
    assert made[0].bias.item() == pytest.approx(2.0)
    assert made(double(0, 5).view(1, 1, 1, 2)).item() == pytest.approx(12.0)


@pytest.mark.parametrize("kind", [*KINDS, "no scale and shift"])
def test_the_output_is_the_same_in_float64(kind: str) -> None:
    network = pair(*KINDS.get(kind, ({}, {"affine": False})))
    image = torch.randn(3, 4, 9, 9, dtype=torch.float64)
    torch.testing.assert_close(folded(network)(image), network(image), rtol=1e-12, atol=1e-12)
    assert isinstance(folded(network)[1], nn.Identity)


@pytest.mark.parametrize(
    ("settings", "left"),
    [
        ({}, [nn.ReLU]),
        ({"act_layer": nn.SiLU}, [nn.SiLU]),
        ({"apply_act": False}, None),
        ({"drop_layer": nn.Dropout}, [nn.Dropout, nn.ReLU]),
    ],
)
def test_what_stands_in_a_norm_of_timm_stays(
    settings: dict[str, Any], left: list[Callable[..., nn.Module]] | None
) -> None:
    network = pair()
    network[1] = BatchNormAct2d(8, **settings).double().eval()
    nn.init.normal_(network[1].running_mean)
    image, made = torch.randn(2, 4, 6, 6, dtype=torch.float64), folded(network)
    torch.testing.assert_close(made(image), network(image), rtol=1e-12, atol=1e-12)
    assert left is None or [type(module) for module in made[1]] == left
    assert left is not None or isinstance(made[1], nn.Identity)


@pytest.mark.parametrize("compensate", ["statistics", "affine"])
def test_a_standardised_convolution_becomes_the_plain_one_that_it_was(compensate: Any) -> None:
    network = pair()
    standardized = deepcopy(network)
    standardize(standardized, [CHAIN], compensate)
    image = torch.randn(2, 4, 6, 6, dtype=torch.float64)
    torch.testing.assert_close(folded(standardized)(image), network(image), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(folded(standardized).state_dict(), folded(network).state_dict(), rtol=1e-10, atol=1e-10)


def test_types_and_what_is_learned_stay() -> None:
    network = pair({"bias": False}).float()
    network[0].weight.requires_grad_(False)
    found = folded(network)[0]
    assert (found.weight.dtype, found.bias.dtype) == (torch.float32, torch.float32)
    assert not found.weight.requires_grad
    assert not found.bias.requires_grad
