"""The standardised convolution: by hand, against NumPy's standard deviation, and its gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from saccade.nn.standardized_conv import StandardizedConv2d

SETTINGS = {
    "plain": {"in_channels": 3, "out_channels": 4, "kernel_size": 3},
    "no bias": {"in_channels": 3, "out_channels": 4, "kernel_size": 3, "bias": False},
    "1x1": {"in_channels": 6, "out_channels": 2, "kernel_size": 1},
    "groups": {"in_channels": 6, "out_channels": 4, "kernel_size": (3, 2), "groups": 2, "padding": (1, 0)},
    "depthwise": {"in_channels": 4, "out_channels": 8, "kernel_size": 3, "groups": 4, "stride": 2},
    "dilated, same": {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "dilation": 2, "padding": "same"},
    "reflected": {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "padding": 1, "padding_mode": "reflect"},
}


def made(key: str, seed: int = 0) -> StandardizedConv2d:
    torch.manual_seed(seed)
    return StandardizedConv2d.of(nn.Conv2d(**SETTINGS[key], dtype=torch.float64))  # type: ignore[arg-type]


def test_by_hand() -> None:
    conv = nn.Conv2d(1, 2, (1, 2), dtype=torch.float64)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([[[[0.0, 4.0]]], [[[1.0, 7.0]]]]))  # means 2 and 4, deviations 2 and 3
        assert conv.bias is not None
        conv.bias.copy_(torch.tensor([10.0, 20.0]))
    found = StandardizedConv2d.of(conv)
    torch.testing.assert_close(found.divisors(), torch.tensor([2.0, 3.0], dtype=torch.float64))
    torch.testing.assert_close(
        found(torch.tensor([[[[5.0, 6.0, 1.0]]]], dtype=torch.float64)),
        # 0 * 5 + 2 * 6 + 10 and 0 * 6 + 2 * 1 + 10; (1 * 5 + 7 * 6) / 3 + 20 and (1 * 6 + 7 * 1) / 3 + 20
        torch.tensor([[[[22.0, 12.0]], [[47 / 3 + 20, 13 / 3 + 20]]]], dtype=torch.float64),
    )


@pytest.mark.parametrize("key", SETTINGS)
def test_it_is_a_convolution_with_weights_that_numpy_has_divided(key: str) -> None:
    conv, image = made(key), torch.randn(2, int(SETTINGS[key]["in_channels"]), 7, 8, dtype=torch.float64)  # type: ignore[call-overload]
    weights = conv.weight.detach().numpy()
    divided = np.stack([each / np.sqrt(np.std(each) ** 2 + 1e-12) for each in weights])  # ddof=0
    plain = nn.Conv2d(**SETTINGS[key], dtype=torch.float64)  # type: ignore[arg-type]
    plain.load_state_dict({**conv.state_dict(), "weight": torch.from_numpy(divided)})
    torch.testing.assert_close(conv(image), plain(image), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("key", ["plain", "groups", "depthwise"])
def test_the_gradient_runs_through_the_division(key: str) -> None:
    conv = made(key)
    image = torch.randn(1, conv.in_channels, 5, 5, dtype=torch.float64, requires_grad=True)

    def out(image: Tensor, weight: Tensor) -> Tensor:
        found: Tensor = torch.func.functional_call(conv, {"weight": weight}, image)
        return found

    assert torch.autograd.gradcheck(out, (image, conv.weight))


def test_the_gradient_does_not_change_the_size_of_a_filter() -> None:
    # W / n is the same for 2 W, so that the gradient stands upright on W; a plain convolution's does not
    conv, image = made("plain"), torch.randn(2, 3, 6, 6, dtype=torch.float64)
    along = []
    for layer in (conv, nn.Conv2d(3, 4, 3, dtype=torch.float64)):
        (gradient,) = torch.autograd.grad(layer(image).square().sum(), layer.weight)
        cosine = F.cosine_similarity(gradient.flatten(1), layer.weight.flatten(1))
        along.append(cosine.abs().max())
    assert along[0] < 1e-8
    assert along[1] > 0.01
    with torch.no_grad():
        before = conv(image)
        conv.weight *= 2
        torch.testing.assert_close(conv(image), before, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_a_filter_without_deviation_is_divided_by_a_millionth_and_has_a_gradient(value: float) -> None:
    conv = made("plain")
    with torch.no_grad():
        conv.weight[1] = value
    torch.testing.assert_close(conv.divisors()[1], torch.tensor(1e-6, dtype=torch.float64), rtol=1e-9, atol=0)
    (gradient,) = torch.autograd.grad(conv(torch.randn(1, 3, 4, 4, dtype=torch.float64)).sum(), conv.weight)
    assert gradient.isfinite().all()


def test_it_has_the_parameters_of_the_convolution_that_it_is_made_of() -> None:
    conv = nn.Conv2d(4, 6, 3, groups=2).eval()
    conv.weight.requires_grad_(False)
    state = torch.get_rng_state()
    found = StandardizedConv2d.of(conv)
    assert torch.equal(torch.get_rng_state(), state)  # nothing was drawn
    assert found.weight is conv.weight
    assert found.bias is conv.bias
    assert not found.training
    assert found.state_dict().keys() == conv.state_dict().keys()
    assert repr(found) == repr(conv).replace("Conv2d", "StandardizedConv2d")
