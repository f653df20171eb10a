"""Expected numbers: gradients by hand; for integrated gradients the axiom of completeness, and the linear case."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from saccade.data.scenes import draw_scene
from saccade.explain.gradients import (
    STEPS,
    TOLERANCE,
    UnrelatedError,
    gradcam,
    integrated_gradients,
    recurrent_gradients,
    spread,
)

from .tiny import Linear, OneColour, Pooled, WithoutDoubles


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def pooled() -> Pooled:
    """Channels 2 r - g and b - r; the logits are 3 a - b and b - 1, of the means a and b of what is positive."""
    network = Pooled(classes=2)
    with torch.no_grad():
        network.conv.weight[:, :, 0, 0] = torch.tensor([[2.0, -1.0, 0.0], [-1.0, 0.0, 1.0]])
        network.conv.bias.zero_()
        network.head.weight[:] = torch.tensor([[3.0, -1.0], [0.0, 1.0]])
        network.head.bias[:] = torch.tensor([0.0, -1.0])
    return network


def test_gradcam_by_hand(pooled: Pooled) -> None:
    image = noise(1, 3, 2, 3)
    red, green, blue = image[0]
    first, second = 2 * red - green, blue - red
    # d logit / d map is the weight of the mean, an n-th at each of the n places, where the ReLU lets it through
    for layer, maps in ((pooled.relu, (first.relu(), second.relu())), (pooled.conv, (first, second))):
        passed = [torch.ones(2, 3) if layer is pooled.relu else (each > 0).float() for each in (first, second)]
        slopes = [each.mean() / 6 for each in passed]
        to_first = (3 * slopes[0] * maps[0] - slopes[1] * maps[1]).relu()
        to_second = (slopes[1] * maps[1]).relu()
        found = gradcam(pooled, image, layer, targets=2)
        assert torch.allclose(found, torch.stack([to_first, to_second]), atol=1e-6)


def test_gradcam_of_a_map_that_speaks_against_a_class_is_0(pooled: Pooled) -> None:
    with torch.no_grad():
        pooled.head.weight[0] = torch.tensor([-1.0, -1.0])
    assert (gradcam(pooled, noise(1, 3, 4, 4), pooled.relu)[0] == 0).all()


@pytest.mark.parametrize("learns", [True, False])
def test_gradcam_of_a_layer_beside_the_way_to_the_answer(learns: bool) -> None:
    """Another error of the network is none of its kind."""

    class Forked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.other, self.broken = Pooled(), nn.Conv2d(3, 2, 1), False

        def forward(self, image: Tensor) -> Tensor:
            self.other(image)
            if self.broken:
                raise RuntimeError("something else")
            logits: Tensor = self.used(image)
            return logits

    network = Forked().requires_grad_(learns)
    assert gradcam(network, noise(1, 3, 4, 4), network.used.conv).shape == (1, 4, 4)
    with pytest.raises(UnrelatedError):
        gradcam(network, noise(1, 3, 4, 4), network.other)
    network.broken = True
    with pytest.raises(RuntimeError, match="something else"):
        gradcam(network, noise(1, 3, 4, 4), network.other)


def test_nothing_is_added_up_in_float64_where_the_network_is() -> None:
    weights, image = noise(2, 3, 4, 4, seed=1) - 0.5, noise(1, 3, 4, 4)
    expected = integrated_gradients(Linear(weights), image, baseline=torch.zeros(3))
    found = integrated_gradients(Linear(weights), image.as_subclass(WithoutDoubles), baseline=torch.zeros(3))
    assert torch.equal(found.values.as_subclass(Tensor), expected.values)
    assert found.error == expected.error


def test_heat_is_stretched_over_what_the_maps_cover() -> None:
    heat = torch.tensor([[[1.0, 5.0]]])
    assert spread(heat, (2, 4), (2, 4)).tolist() == [[[1.0, 2.0, 4.0, 5.0]] * 2]
    assert spread(heat, (2, 4), (1, 3)).tolist() == [[[1.0, 2.0, 4.0]]]  # what was added to the image falls away


def test_integrated_gradients_of_a_linear_network_are_exact() -> None:
    weights, image = noise(2, 3, 4, 4, seed=1) - 0.5, noise(1, 3, 4, 4)
    baseline = torch.tensor([0.5, 0.1, 0.0])
    for k in range(2):
        found = integrated_gradients(Linear(weights), image, baseline=baseline, target=k)
        assert torch.allclose(found.values, weights[k] * (image[0] - baseline[:, None, None]), atol=1e-5)
        assert found.steps == STEPS[0]


@pytest.mark.parametrize("seed", range(4))
def test_completeness(seed: int) -> None:
    """The sum of all attributions is the difference of the two outputs, to a hundredth, or where that is next to 0."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(),
        nn.LazyLinear(3),
    ).eval()  # fmt: skip
    image, black = noise(1, 3, 12, 12, seed=seed), torch.zeros(3)
    with torch.no_grad():
        difference = (network(image) - network(torch.zeros_like(image)))[0]
    for k in range(3):
        found = integrated_gradients(network, image, baseline=black, target=k, batch=7)
        assert found.difference == pytest.approx(float(difference[k]), abs=1e-6)
        assert float(found.values.sum()) == pytest.approx(found.difference + found.error, abs=1e-4)
        assert abs(found.error) <= max(TOLERANCE * abs(found.difference), 1e-3)


def test_more_steps_are_made_where_the_sum_does_not_come_out() -> None:
    """A network that answers by a jump within a hundredth of the way."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(3, 1), nn.Sigmoid())
    with torch.no_grad():
        network[1].weight.fill_(400.0)
        network[1].bias.fill_(-400.0)
    found = integrated_gradients(network, torch.ones(1, 3, 1, 1), baseline=torch.zeros(3))
    assert found.steps > STEPS[0]
    assert found.told() == {"difference": found.difference, "sum_minus_difference": found.error, "steps": found.steps}


def test_nothing_is_attributed_to_the_baseline_itself() -> None:
    torch.manual_seed(0)
    found = integrated_gradients(Pooled(), torch.full((1, 3, 4, 4), 0.5), baseline=torch.full((3,), 0.5))
    assert (found.values == 0).all()
    assert found.difference == 0


def test_cudnn_is_left_out_where_layers_are_recurrent_and_comes_back() -> None:
    before = torch.backends.cudnn.enabled
    with recurrent_gradients(nn.Sequential(nn.LSTM(2, 2))):
        assert not torch.backends.cudnn.enabled
    assert torch.backends.cudnn.enabled == before
    with recurrent_gradients(Pooled()):
        assert torch.backends.cudnn.enabled


def test_gradcam_finds_the_object_of_a_colour_in_scenes() -> None:
    """The heat inside the object's mask against its share of the image; 1 would be chance."""
    for index in range(6):
        pixels, scene = draw_scene(3, index, size=48, max_objects=1)
        image = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
        mask = torch.from_numpy(scene.mask(0))
        red, green, blue = (float(value) for value in image[0][:, mask].median(dim=1).values)
        apart, near = OneColour((red, green, blue)).children()
        network = nn.Sequential(apart, nn.ReLU(), near, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        heat = gradcam(network, image, network[3])[0]
        factor = float(heat[mask].sum() / heat.sum() / mask.float().mean())
        assert factor > 3.0, f"scene {index}: {factor:.2f}"
