"""The small networks: shapes, counts, the arithmetic of their layers, initial weights, and that they learn."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from saccade.nn.small import FiveLayerCNN, SmallCNN


@pytest.fixture
def network() -> SmallCNN:
    torch.manual_seed(0)
    network = SmallCNN(5)
    for module in network.modules():  # statistics and scales of a network that has been trained
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_var, module.weight):
                assert isinstance(tensor, Tensor)
                nn.init.uniform_(tensor, 0.5, 1.5)
            nn.init.uniform_(module.running_mean, -0.2, 0.2)  # type: ignore[arg-type]
    return network.eval()


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (96, 64), (65, 33)])
@pytest.mark.parametrize("n", [1, 3])
def test_any_size_from_8_pixels_gives_logits(network: SmallCNN, n: int, size: tuple[int, int]) -> None:
    assert network(torch.rand(n, 3, *size)).shape == (n, 5)


def test_seven_pixels_are_too_few(network: SmallCNN) -> None:
    with pytest.raises(RuntimeError, match="too small"):
        network(torch.rand(1, 3, 7, 7))


def test_the_output_is_the_arithmetic_that_the_docstring_tells(network: SmallCNN) -> None:
    """Convolution, BatchNorm from its definition, ReLU; max pooling; the maximum over the map; the head."""
    x = image = torch.rand(2, 3, 24, 32)
    layers = iter(network.state_dict().items())
    state = dict(layers)
    for name, stage in network.features.named_children():
        if isinstance(stage, nn.MaxPool2d):
            x = F.max_pool2d(x, 2)
            continue
        conv, norm = (f"features.{name}.{i}" for i in (0, 1))
        x = F.conv2d(x, state[f"{conv}.weight"], padding=1)
        mean, var, scale, shift = (
            state[f"{norm}.{key}"].view(-1, 1, 1) for key in ("running_mean", "running_var", "weight", "bias")
        )
        x = ((x - mean) / (var + 1e-5).sqrt() * scale + shift).clamp_min(0)
    expected = x.flatten(2).max(dim=2).values @ state["head.weight"].T + state["head.bias"]
    torch.testing.assert_close(network(image), expected, rtol=1e-4, atol=1e-5)


def test_an_object_counts_in_full_wherever_it_is(network: SmallCNN) -> None:
    """Moved by the 8 pixels of one cell of the map, away from the border, it gives the same logits."""
    patch = torch.randn(3, 8, 8) * 20
    images = torch.zeros(2, 3, 96, 96)
    images[0, :, 40:48, 40:48] = patch
    images[1, :, 40:48, 48:56] = patch
    here, there = network(images)
    torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(here, network(torch.zeros(1, 3, 96, 96))[0], atol=1e-3)


def test_images_of_a_batch_do_not_touch_each_other_in_evaluation(network: SmallCNN) -> None:
    batch = torch.rand(3, 3, 32, 32)
    torch.testing.assert_close(network(batch)[1:2], network(batch[1:2]), rtol=1e-5, atol=1e-6)


def test_dropout_works_in_training_only() -> None:
    torch.manual_seed(0)
    network, image = SmallCNN(3, drop_rate=0.5), torch.rand(2, 3, 32, 32)
    assert not torch.equal(network(image), network(image))
    network.eval()
    torch.testing.assert_close(network(image), network(image), rtol=0, atol=0)


def test_the_same_seed_gives_the_same_weights() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(4)
        states.append(SmallCNN(3).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@pytest.mark.parametrize(("make", "size"), [(SmallCNN, 16), (FiveLayerCNN, 32)])
def test_it_learns_eight_images_by_heart(make: Callable[[int], nn.Module], size: int) -> None:
    torch.manual_seed(0)
    network, images, targets = make(4), torch.randn(8, 3, size, size), torch.arange(8) % 4
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01 if make is SmallCNN else 0.001)
    for _ in range(40):
        optimizer.zero_grad()
        F.cross_entropy(network(images), targets).backward()
        optimizer.step()
    assert (network(images).argmax(dim=1) == targets).all()
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters())


# The five-layer network.

ROWS = {
    "conv1": ((16, 16, 16), 16 * (5 * 5 * 3) + 16, 2 / (5 * 5 * 3)),
    "conv2": ((32, 8, 8), 32 * (5 * 5 * 16) + 32, 2 / (5 * 5 * 16)),
    "conv3": ((64, 4, 4), 64 * (5 * 5 * 32) + 64, 2 / (5 * 5 * 32)),
    "conv4": ((128, 2, 2), 128 * (5 * 5 * 64) + 128, 2 / (5 * 5 * 64)),
    "linear1": ((64,), 64 * 512 + 64, 1 / 256),
    "linear2": ((5,), 5 * 64 + 5, 1 / 32),
}
"""For 5 classes, by hand: the output for a 3x32x32 image, weights and biases, variance of the initial weights."""


def test_five_layers_shapes_and_counts_are_those_of_the_table() -> None:
    network, found = FiveLayerCNN(5), {}
    for name, layer in network.named_children():
        layer.register_forward_hook(lambda _, __, out, name=name: found.update({name: tuple(out.shape[1:])}))
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 5)
    counts = {name: sum(p.numel() for p in layer.parameters()) for name, layer in network.named_children()}
    assert {name: (found[name], counts[name]) for name in found} == {name: row[:2] for name, row in ROWS.items()}
    assert sum(counts.values()) == 1_216 + 12_832 + 51_264 + 204_928 + 32_832 + 325 == 303_397


@pytest.mark.parametrize("name", ROWS)
def test_five_layers_initial_weights(name: str) -> None:
    """Mean 0 and the variance of the table, within 5 standard errors of that of n normal numbers; biases 0."""
    torch.manual_seed(0)
    draws = [FiveLayerCNN(5).get_submodule(name) for _ in range(1 if name.startswith("conv") else 20)]
    weight = torch.stack([layer.get_parameter("weight").detach().double() for layer in draws])
    variance, n = ROWS[name][2], weight.numel()
    assert float(weight.var()) == pytest.approx(variance, rel=5 * math.sqrt(2 / n))
    assert abs(float(weight.mean())) < 5 * math.sqrt(variance / n)
    assert float(weight.abs().max()) > 2.5 * math.sqrt(variance)  # normal: a uniform one ends at 1.73
    assert not any(layer.get_parameter("bias").any() for layer in draws)


def test_five_layers_are_their_arithmetic() -> None:
    torch.manual_seed(0)
    network, image = FiveLayerCNN(3), torch.randn(2, 3, 32, 32)
    for parameter in network.parameters():
        parameter.data += 0.02 * torch.randn(parameter.shape)
    state, x = network.state_dict(), image
    for i in (1, 2, 3, 4):
        x = F.conv2d(x, state[f"conv{i}.weight"], state[f"conv{i}.bias"], stride=2, padding=2).clamp_min(0)
    x = (x.flatten(1) @ state["linear1.weight"].T + state["linear1.bias"]).clamp_min(0)
    expected = x @ state["linear2.weight"].T + state["linear2.bias"]
    torch.testing.assert_close(network(image), expected, rtol=1e-4, atol=1e-5)
