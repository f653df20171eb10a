"""The U-Net: parameters by the paper's figure, what lies beside what, and what it learns."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from saccade.nn.anatomy import anatomy
from saccade.nn.unet import UNet


def by_hand(channels: int, classes: int, *, depth: int, width: int) -> int:
    """Without norm: two 3x3 convolutions a level, 2x2 up-convolutions, two 3x3 on the way up, and the 1x1."""
    total = 0
    for level in range(depth + 1):
        wide = width * 2**level
        given = channels if level == 0 else wide // 2
        total += 9 * given * wide + wide + 9 * wide * wide + wide
        if level < depth:  # from twice the channels up to here, and, with as many from beside, through two more
            total += 4 * 2 * wide * wide + wide
            total += 9 * 2 * wide * wide + wide + 9 * wide * wide + wide
    return total + width * classes + classes


def test_the_papers_network_has_31_million_parameters() -> None:
    """31 030 658 for one channel and two classes; here images have three channels, which is 2 * 9 * 64 weights more."""
    assert by_hand(1, 2, depth=4, width=64) == 31_030_658
    with torch.device("meta"):
        network = UNet(2, norm=False)
    assert sum(p.numel() for p in network.parameters()) == 31_030_658 + 2 * 9 * 64


@pytest.mark.parametrize(("depth", "width", "classes"), [(1, 4, 2), (2, 8, 5), (3, 5, 21)])
def test_parameters_by_hand(depth: int, width: int, classes: int) -> None:
    plain = UNet(classes, depth=depth, width=width, norm=False)
    expected = by_hand(3, classes, depth=depth, width=width)
    assert sum(p.numel() for p in plain.parameters()) == expected
    # a norm has a scale where the convolution had a bias, and a shift: one number a channel more
    channels = 2 * sum(width * 2**level for level in range(depth + 1)) + 2 * sum(width * 2**i for i in range(depth))
    normed = UNet(classes, depth=depth, width=width)
    assert sum(p.numel() for p in normed.parameters()) == expected + channels


@pytest.mark.parametrize("norm", [True, False])
def test_maps_of_every_level(norm: bool) -> None:
    network, sizes = UNet(3, depth=3, width=4, norm=norm).eval(), []
    for layer in (*network.down, *network.up, *network.merge):
        layer.register_forward_hook(lambda _, __, out: sizes.append(tuple(out.shape[1:])))
    assert network(torch.rand(2, 3, 16, 24)).shape == (2, 3, 16, 24)
    down = [(4, 16, 24), (8, 8, 12), (16, 4, 6), (32, 2, 3)]
    assert sizes == [*down, *(size for size in down[2::-1] for _ in range(2))]


def test_it_is_the_arithmetic_of_the_figure() -> None:
    torch.manual_seed(0)
    network, image = UNet(3, depth=2, width=4, norm=False), torch.rand(1, 3, 8, 12)
    state = network.state_dict()

    def twice(name: str, x: torch.Tensor) -> torch.Tensor:
        for i in (0, 2):
            x = F.conv2d(x, state[f"{name}.{i}.weight"], state[f"{name}.{i}.bias"], padding=1).clamp_min(0)
        return x

    def up(i: int, x: torch.Tensor) -> torch.Tensor:
        return F.conv_transpose2d(x, state[f"up.{i}.weight"], state[f"up.{i}.bias"], stride=2)

    first = twice("down.0", image)
    second = twice("down.1", F.max_pool2d(first, 2))
    third = twice("down.2", F.max_pool2d(second, 2))
    x = twice("merge.0", torch.cat([second, up(0, third)], dim=1))
    x = twice("merge.1", torch.cat([first, up(1, x)], dim=1))
    expected = F.conv2d(x, state["classifier.weight"], state["classifier.bias"])
    torch.testing.assert_close(network(image), expected, rtol=1e-5, atol=1e-6)


def test_weights_are_drawn_as_the_paper_says() -> None:
    """Section 3: normal, of standard deviation sqrt(2 / N), N the incoming nodes of a neuron: 9 * 64 in its example."""
    torch.manual_seed(0)
    conv = UNet(2, depth=1, width=64).down[0][3]  # type: ignore[index]
    assert isinstance(conv, nn.Conv2d)
    weight = conv.weight.detach().double()
    assert float(weight.var()) == pytest.approx(2 / (9 * 64), rel=5 * math.sqrt(2 / weight.numel()))
    assert float(weight.abs().max()) > 3 * math.sqrt(2 / (9 * 64))


@pytest.mark.parametrize("norm", [True, False])
def test_gradients_reach_every_weight_and_evaluation_is_repeatable(norm: bool) -> None:
    torch.manual_seed(0)
    network = UNet(3, depth=2, width=8, norm=norm)
    F.cross_entropy(network(torch.rand(2, 3, 16, 16)), torch.randint(0, 3, (2, 16, 16))).backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters())
    network.eval()
    image = torch.rand(1, 3, 16, 16)
    assert torch.equal(network(image), network(image))


def test_it_learns_a_border_to_the_pixel() -> None:
    """Which side of a line a pixel is on, of which its own colour tells nothing."""
    torch.manual_seed(0)
    network = UNet(2, depth=2, width=8)
    place = torch.arange(4, 28, 3)
    image = torch.zeros(len(place), 3, 8, 32)
    image[torch.arange(len(place)), :, :, place] = 1
    target = (torch.arange(32) >= place[:, None]).long()[:, None, :].expand(-1, 8, -1)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(network(image), target).backward()
        optimizer.step()
    assert float((network(image).argmax(dim=1) == target).float().mean()) > 0.99


def test_the_receptive_field_is_followed() -> None:
    """Depth 4 with 3x3 convolutions: 140 down; the way up widens it to 204 where the deepest pixels meet."""
    with torch.device("meta"):
        network = UNet(2, width=8)
    found = anatomy(network, torch.zeros(1, 3, 64, 64, device="meta"), name="unet")
    assert found.lost is None
    deepest = next(layer for layer in found.layers if layer.name == "down.4")
    assert deepest.receptive_field == (140, 140)
    assert found.layers[0].receptive_field == (204, 204)
