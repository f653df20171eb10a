"""Our own network: its gate, its two answers, counts by hand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from saccade.nn.anatomy import anatomy
from saccade.nn.glance import GRIDS, Glance, Scene, averaged, uncertainty


def small(classes: int = 3) -> Glance:
    torch.manual_seed(0)
    return Glance(classes, width=8)


def conv(given: int, out: int, kernel: int = 3) -> int:
    """A convolution without biases and its norm."""
    return kernel**2 * given * out + 2 * out


def stage(given: int, out: int) -> int:
    """Two residual blocks, the first with a projection."""
    return conv(given, out) + conv(given, out, 1) + 3 * conv(out, out)


def by_hand(classes: int, stem: int, fine: int, c8: int, c16: int, c32: int) -> int:
    detail = conv(3, stem) + conv(stem, fine)
    context = stage(fine, c8) + stage(c8, c16) + stage(c16, c32)
    scene = 3 * c32 * (c32 // 4) + conv(c32 + 3 * (c32 // 4), c8)
    back = conv(c16, c8, 1) + conv(c8, c8, 1) + conv(c8, c8)
    look = conv(fine, fine, 1) + conv(c8, fine, 1) + conv(fine, fine) + conv(fine, stem)
    return detail + context + scene + back + look + (c8 + 1) * classes + (stem + 1) * classes


def test_parameters_by_hand() -> None:
    expected = by_hand(11, 32, 64, 96, 160, 192)
    assert sum(p.numel() for p in Glance(11).parameters()) == expected == 2_975_222


@pytest.mark.parametrize(
    ("width", "channels"), [(16, (16, 32, 48, 80, 96)), (8, (8, 16, 24, 40, 48)), (64, (64, 128, 192, 320, 384))]
)
def test_width_scales_the_channels(width: int, channels: tuple[int, ...]) -> None:
    with torch.device("meta"):
        network = Glance(5, width=width)
    assert sum(p.numel() for p in network.parameters()) == by_hand(5, *channels)


def test_what_it_costs() -> None:
    """3 G multiply-adds at 480x384: 3x3 convolutions by hand at the scales where most of it happens."""
    with torch.device("meta"):
        network = Glance(11)
    found = anatomy(network, torch.zeros(1, 3, 384, 480, device="meta"), name="glance")
    inside = {
        name: sum(each.multiply_adds for each in found.layers if f"{each.name}.".startswith(f"{name}."))
        for name in ("detail", "context8", "look")
    }
    at2, at4, at8 = (384 * 480 // n**2 for n in (2, 4, 8))
    assert inside["detail"] == at2 * 9 * 3 * 32 + at4 * 9 * 32 * 64
    assert inside["context8"] == at8 * (9 * 64 * 96 + 64 * 96 + 3 * 9 * 96 * 96)
    assert inside["look"] == at4 * 9 * (64 * 64 + 64 * 32)
    assert found.multiply_adds == pytest.approx(3.03e9, rel=0.01)
    assert found.layers[0].receptive_field == ("whole image", "whole image")


@pytest.mark.parametrize("classes", [2, 3, 11, 21])
def test_both_answers_have_the_size_of_the_image(classes: int) -> None:
    network, image = small(classes).eval(), torch.rand(2, 3, 64, 96)
    logits, glance = network.both(image)
    assert logits.shape == glance.shape == (2, classes, 64, 96)
    assert torch.equal(network(image), logits)
    assert torch.equal(network(image), network(image))


# The gate.


@pytest.mark.parametrize("classes", [2, 5, 30])
def test_the_gate_is_open_where_all_classes_are_as_likely(classes: int) -> None:
    gate = uncertainty(torch.full((1, classes, 2, 3), -4.0))
    torch.testing.assert_close(gate, torch.ones(1, 1, 2, 3))


def test_the_gate_is_closed_where_one_class_has_all() -> None:
    logits = torch.zeros(1, 4, 1, 2)
    logits[0, 2] = 200.0
    assert torch.equal(uncertainty(logits), torch.zeros(1, 1, 1, 2))


def test_the_gate_between_two_classes_of_four_is_half_open() -> None:
    """log 2 / log 4."""
    gate = uncertainty(torch.tensor([100.0, 100.0, 0.0, 0.0])[None, :, None, None])
    torch.testing.assert_close(gate, torch.full((1, 1, 1, 1), 0.5))


@pytest.mark.parametrize("spread", [1e-6, 0.1, 3.0, 100.0, 1e30])
def test_the_gate_is_the_entropy_and_stays_between_0_and_1(spread: float) -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 7, 5, 5) * spread
    gate = uncertainty(logits)
    assert gate.shape == (2, 1, 5, 5)
    assert float(gate.min()) >= 0.0
    assert float(gate.max()) <= 1.0
    by_torch = torch.distributions.Categorical(logits=logits.double().permute(0, 2, 3, 1)).entropy() / math.log(7)
    torch.testing.assert_close(gate[:, 0].double(), by_torch, rtol=1e-4, atol=1e-5)


def certain(network: Glance, class_: int) -> None:
    """Make the glance certain of one class everywhere."""
    nn.init.zeros_(network.glance_head.weight)
    assert network.glance_head.bias is not None
    nn.init.zeros_(network.glance_head.bias)
    network.glance_head.bias.data[class_] = 500.0


def test_where_the_glance_is_certain_the_look_changes_nothing_and_learns_nothing() -> None:
    network = small()
    certain(network, 1)
    logits, glance = network.both(torch.rand(2, 3, 64, 64))
    assert torch.equal(logits, glance)
    F.cross_entropy(logits, torch.zeros(2, 64, 64, dtype=torch.long)).backward()
    for module in (network.look, network.look_head, network.fine, network.coarse):
        assert not any(bool(p.grad.any()) for p in module.parameters() if p.grad is not None)


def test_where_the_glance_knows_nothing_the_look_is_added_whole() -> None:
    network = small().eval()
    nn.init.zeros_(network.glance_head.weight)
    assert network.look_head.bias is not None
    nn.init.zeros_(network.look_head.weight)
    network.look_head.bias.data = torch.tensor([1.0, -2.0, 3.0])
    logits, glance = network.both(torch.rand(1, 3, 32, 32))
    torch.testing.assert_close(logits - glance, torch.tensor([1.0, -2.0, 3.0])[:, None, None].expand(1, 3, 32, 32))


def test_the_gate_gives_the_glance_no_gradient() -> None:
    """A glance of no weights: what reaches its biases is the gradient of the logits, as if the gate were a constant."""
    network = small().eval()
    nn.init.zeros_(network.glance_head.weight)
    assert network.glance_head.bias is not None
    network.glance_head.bias.data = torch.tensor([0.3, 0.0, -0.5])
    network(torch.rand(1, 3, 32, 32))[:, 0].sum().backward()
    assert network.glance_head.bias.grad is not None
    torch.testing.assert_close(network.glance_head.bias.grad, torch.tensor([32.0 * 32.0, 0.0, 0.0]), rtol=1e-4, atol=0)


def test_gradients_reach_every_weight_from_the_final_logits_alone() -> None:
    network = small()
    F.cross_entropy(network(torch.rand(2, 3, 64, 64)), torch.randint(0, 3, (2, 64, 64))).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_one_image_of_one_position_of_the_deepest_map_can_be_evaluated_and_two_positions_learned_from() -> None:
    """No norm sees the pooled maps, of which there is one position an image."""
    network = small()
    assert network.eval()(torch.rand(1, 3, 32, 32)).shape == (1, 3, 32, 32)
    network.train()(torch.rand(1, 3, 32, 64)).sum().backward()


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (6, 12), (12, 15), (7, 40)])
def test_means_over_a_grid_are_those_of_adaptive_pooling(size: tuple[int, int], grid: int) -> None:
    """Which has windows of 1 to 3 positions of a map smaller than the grid, and overlapping ones of others."""
    torch.manual_seed(0)
    x = torch.randn(2, 3, *size, dtype=torch.float64, requires_grad=True)
    given = torch.randn(2, 3, grid, grid, dtype=torch.float64)
    found, expected = averaged(x, grid), F.adaptive_avg_pool2d(x, grid)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    gradients = [torch.autograd.grad((each * given).sum(), x)[0] for each in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_network_runs_in_mixed_precision(precision: torch.dtype) -> None:
    network, image = small().train(), torch.rand(2, 3, 64, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == torch.bfloat16):
        logits = network(image)
    assert bool(logits.isfinite().all())
    logits.float().sum().backward()


def test_grids_of_the_scene_are_means_of_the_map() -> None:
    """A constant map has the same mean over every grid, so that only the 1x1 convolutions change it."""
    torch.manual_seed(0)
    scene, seen = Scene(8, 6).eval(), []
    scene.together.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    x = torch.rand(1, 8, 1, 1)
    scene(x.expand(1, 8, 5, 7))
    parts: list[Tensor] = [x] + [F.relu(F.conv2d(x, p.weight)) for p in scene.parts]  # type: ignore[arg-type]
    torch.testing.assert_close(seen[0], torch.cat(parts, dim=1).expand(1, 14, 5, 7))


def test_it_learns_a_scene_and_its_borders() -> None:
    """A square on a ground; the border between them lies off the grid of 1/8."""
    torch.manual_seed(0)
    network = Glance(2, width=8)
    target = torch.zeros(4, 64, 64, dtype=torch.long)
    for i, (y, x) in enumerate([(3, 5), (13, 22), (30, 9), (27, 31)]):
        target[i, y : y + 26, x : x + 21] = 1
    image = target[:, None].float().expand(-1, 3, -1, -1) + 0.3 * torch.randn(4, 3, 64, 64)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(40):
        optimizer.zero_grad()
        logits, glance = network.both(image)
        (F.cross_entropy(logits, target) + 0.4 * F.cross_entropy(glance, target)).backward()
        optimizer.step()
    logits, glance = network.both(image)
    right = [float((each.argmax(dim=1) == target).float().mean()) for each in (logits, glance)]
    assert right[0] > 0.97
    assert right[0] > right[1]
