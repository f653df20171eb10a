"""Compensation in BatchNorm: by hand, exact for every kind of convolution, and what training makes of it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from saccade.nn.conv_chains import Chain
from saccade.nn.standardize import Compensation, standardize
from saccade.nn.standardized_conv import StandardizedConv2d

BOTH: tuple[Compensation, ...] = ("statistics", "affine")
CHAIN = Chain("0", "1")


def double(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def pair(conv: dict[str, Any] | None = None, norm: dict[str, Any] | None = None, seed: int = 0) -> nn.Sequential:
    """A convolution and a BatchNorm as after a training, in float64 and evaluation mode."""
    torch.manual_seed(seed)
    first = nn.Conv2d(**{"in_channels": 4, "out_channels": 8, "kernel_size": 3, **(conv or {})})  # type: ignore[arg-type]
    second = nn.BatchNorm2d(first.out_channels, **(norm or {}))
    for values in (second.running_mean, second.weight, second.bias):
        if values is not None:
            nn.init.normal_(values)
    nn.init.uniform_(second.running_var, 0.1, 2.0)  # type: ignore[arg-type]
    return nn.Sequential(first, second).double().eval()


def converted(network: nn.Sequential, compensate: Compensation) -> nn.Sequential:
    made = deepcopy(network)
    assert standardize(made, [CHAIN], compensate) == {}
    assert isinstance(made[0], StandardizedConv2d)
    return made


def by_hand() -> nn.Sequential:
    """One filter 0, 4 of deviation 2 with bias 8; mean 6, variance 15, eps 1, scale 2, shift 1."""
    network = nn.Sequential(nn.Conv2d(1, 1, (1, 2)), nn.BatchNorm2d(1, eps=1.0)).double().eval()
    with torch.no_grad():
        network[0].weight.copy_(double(0, 4).view(1, 1, 1, 2))
        network[0].bias.fill_(8.0)
        for values, value in zip(
            (network[1].running_mean, network[1].running_var, network[1].weight, network[1].bias),
            (6.0, 15.0, 2.0, 1.0),
            strict=True,
        ):
            values.fill_(value)
    return network


def test_statistics_by_hand() -> None:
    made = converted(by_hand(), "statistics")
    assert made[0].bias.item() == pytest.approx(4.0)
    assert made[1].running_mean.item() == pytest.approx(3.0)
    assert made[1].running_var.item() == pytest.approx(3.0)  # 16 / 4 - 1
    assert (made[1].weight.item(), made[1].bias.item()) == (2.0, 1.0)
    # the convolution gives 2 x + 4, of which (2 x + 1) / sqrt(4) is taken twice, and 1 added: 2 x + 2
    image = double(0, 5).view(1, 1, 1, 2)
    assert made(image).item() == pytest.approx(12.0)
    assert by_hand()(image).item() == pytest.approx(12.0)  # 2 (20 + 8 - 6) / 4 + 1


def test_affine_by_hand() -> None:
    made = converted(by_hand(), "affine")
    assert made[0].bias.item() == pytest.approx(4.0)
    assert (made[1].running_mean.item(), made[1].running_var.item()) == (6.0, 15.0)
    assert made[1].weight.item() == pytest.approx(4.0)
    assert made[1].bias.item() == pytest.approx(4.0)  # 1 + 2 * 6 * (2 - 1) / 4
    assert made(double(0, 5).view(1, 1, 1, 2)).item() == pytest.approx(12.0)  # 4 (10 + 4 - 6) / 4 + 4


KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "no bias": ({"bias": False}, {}),
    "groups": ({"groups": 2}, {}),
    "depthwise": ({"groups": 4}, {}),
    "1x1": ({"kernel_size": 1}, {}),
    "strided, padded, dilated": ({"stride": 2, "padding": 2, "dilation": 2, "padding_mode": "circular"}, {}),
    "large eps": ({}, {"eps": 0.1}),
    "cumulative mean": ({}, {"momentum": None}),
}


@pytest.mark.parametrize("compensate", BOTH)
@pytest.mark.parametrize("kind", KINDS)
def test_the_output_is_the_same_in_float64(kind: str, compensate: Compensation) -> None:
    network = pair(*KINDS[kind])
    image = torch.randn(3, 4, 9, 9, dtype=torch.float64)
    torch.testing.assert_close(converted(network, compensate)(image), network(image), rtol=1e-12, atol=1e-12)


def test_statistics_need_no_scale_and_shift_and_affine_is_refused_without() -> None:
    network = pair({}, {"affine": False})
    image = torch.randn(2, 4, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(converted(network, "statistics")(image), network(image), rtol=1e-12, atol=1e-12)
    refused = standardize(network, [CHAIN], "affine")
    assert refused == {"0": "is followed by 1, which has no scale and shift to compensate in"}
    assert type(network[0]) is nn.Conv2d


@pytest.mark.parametrize("compensate", BOTH)
@pytest.mark.parametrize("value", [0.0, 0.5])
def test_a_filter_without_deviation(compensate: Compensation, value: float) -> None:
    network = pair()
    with torch.no_grad():
        network[0].weight[2] = value
    image = torch.randn(2, 4, 5, 5, dtype=torch.float64)
    torch.testing.assert_close(converted(network, compensate)(image), network(image), rtol=1e-9, atol=1e-9)
    small = network.float()
    assert relative(converted(small, compensate)(image.float()), small(image.float())) < 1e-6


@pytest.mark.parametrize("compensate", BOTH)
def test_a_channel_of_almost_no_variance(compensate: Compensation) -> None:
    # of a filter of deviation above 1: what is taken for its variance is below 0, and the root is still one
    network = pair()
    with torch.no_grad():
        network[0].weight *= 20
        network[1].running_var.zero_()
    image = 1e-3 * torch.randn(2, 4, 5, 5, dtype=torch.float64)
    made = converted(network, compensate)
    torch.testing.assert_close(made(image), network(image), rtol=1e-11, atol=1e-11)
    if compensate == "statistics":
        assert (made[1].running_var < 0).all()
        assert (made[1].running_var > -made[1].eps).all()
    small = network.float()
    assert relative(converted(small, compensate)(image.float()), small(image.float())) < 1e-5


def relative(found: Tensor, expected: Tensor) -> float:
    return float(((found - expected).norm() / expected.norm()).detach())


def test_what_cannot_be_standardised_stays_as_it_is() -> None:
    single = nn.Sequential(nn.Conv2d(4, 4, 1, groups=4), nn.BatchNorm2d(4))
    assert standardize(single, [CHAIN], "statistics") == {"0": "has filters of a single weight, which has no deviation"}
    again = converted(pair(), "statistics")
    assert standardize(again, [CHAIN], "statistics") == {"0": "is weight-standardized already"}


def test_weights_that_are_compensated_already_are_left_alone() -> None:
    made = converted(pair(), "affine")
    other = pair(seed=1)
    before = deepcopy(other.state_dict())
    assert standardize(other, [CHAIN], "affine", compensated=True) == {}
    assert all(torch.equal(value, before[key]) for key, value in other.state_dict().items())
    other.load_state_dict(made.state_dict())
    image = torch.randn(2, 4, 5, 5, dtype=torch.float64)
    assert torch.equal(other(image), made(image))


# In training the batch's own statistics replace the running ones. With eps next to nothing BatchNorm then takes any
# scale of its input off again: what is compensated in the running statistics needs no compensation, and what is
# compensated in scale and shift is wrong by just that.


def trained_on(network: nn.Sequential, image: Tensor) -> tuple[Tensor, Tensor]:
    """What it gives in training mode, and the gradient of a loss to its filters."""
    network.train()
    out = network(image)
    (gradient,) = torch.autograd.grad((out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum(), network[0].weight)
    return out.detach(), gradient


def in_training() -> tuple[nn.Sequential, Tensor]:
    network = pair(norm={"eps": 1e-20})
    with torch.no_grad():
        network[0].weight *= torch.logspace(-2, 1, 8, dtype=torch.float64).view(-1, 1, 1, 1)
    return network, torch.randn(4, 4, 7, 7, dtype=torch.float64)


def test_with_statistics_a_training_goes_on_as_that_of_the_old_network() -> None:
    network, image = in_training()
    made = converted(network, "statistics")
    (old, old_gradient), (new, new_gradient) = trained_on(network, image), trained_on(made, image)
    torch.testing.assert_close(new, old, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(new_gradient, old_gradient, rtol=1e-8, atol=1e-8)
    # and what has been learned of the statistics is the same, too
    other = torch.randn_like(image)
    torch.testing.assert_close(made.eval()(other), network.eval()(other), rtol=1e-9, atol=1e-9)


def test_with_scale_and_shift_the_first_batch_is_another_function() -> None:
    network, image = in_training()
    made = converted(network, "affine")
    n = made[0].divisors().detach()[:, None, None]
    scale, shift = (values.detach()[:, None, None] for values in (network[1].weight, network[1].bias))
    mean, variance = (values[:, None, None].clone() for values in (network[1].running_mean, network[1].running_var))
    (old, _), (new, _) = trained_on(network, image), trained_on(made, image)
    # each channel n times as strong as it was, about another place
    torch.testing.assert_close(new, n * (old - shift) + shift + scale * mean * (n - 1) / variance.sqrt())
    assert relative(new, old) > 0.5
    other = torch.randn_like(image)
    assert relative(made.eval()(other), network.eval()(other)) > 0.05


@pytest.mark.parametrize("compensate", BOTH)
def test_where_batchnorm_keeps_its_statistics_both_can_be_trained(compensate: Compensation) -> None:
    network, image = in_training()
    made = converted(network, compensate)
    for each in (network, made):
        each.train()
        each[1].eval()  # as under model.freeze
    torch.testing.assert_close(made(image), network(image), rtol=1e-9, atol=1e-9)


def test_eps_brings_a_dead_channel_to_life_in_training() -> None:
    # var_B / n^2 + eps is n^-2 times var_B + n^2 eps: the eps that counts is smaller by n^2
    network = pair(norm={"eps": 1e-5})
    with torch.no_grad():
        network[0].weight *= 1e-5
    made, image = converted(network, "statistics"), torch.randn(4, 4, 7, 7, dtype=torch.float64)
    batch = (network[0](image)).var(dim=(0, 2, 3), correction=0).detach()
    n = made[0].divisors().detach()
    (old, _), (new, _) = trained_on(network, image), trained_on(made, image)
    shift = network[1].bias.detach()[:, None, None]
    factor = ((batch + 1e-5) / (batch + n**2 * 1e-5)).sqrt()[:, None, None]
    assert factor.min() > 100
    torch.testing.assert_close(new - shift, factor * (old - shift))


@pytest.mark.parametrize("make", [lambda: pair(), lambda: pair({"bias": False})])
def test_parameters_stay_parameters(make: Callable[[], nn.Sequential]) -> None:
    network = make()
    network[0].weight.requires_grad_(False)
    made = converted(network, "statistics")
    for (key, old), (other, new) in zip(network.named_parameters(), made.named_parameters(), strict=True):
        assert (key, old.requires_grad, old.shape, old.dtype) == (other, new.requires_grad, new.shape, new.dtype)
        assert new.is_leaf
