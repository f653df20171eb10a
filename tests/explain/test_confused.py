"""Expected numbers: the gradient of a softmax by hand, and what a change must reach."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from saccade.explain.confused import (
    MOST,
    STEP,
    SURE,
    ClearError,
    drawn,
    require_confused,
    told,
    towards,
    two_highest,
    values,
)
from saccade.explain.heat import stretched
from saccade.explain.pictures import Scale
from saccade.explain.subject import as_picture

from .tiny import Linear


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def network() -> Linear:
    return Linear(noise(3, 3, 4, 4, seed=1) - 0.5)


def test_the_gradient_is_that_of_the_log_probability(network: Linear) -> None:
    image = noise(1, 3, 4, 4)
    probabilities = network(image).softmax(dim=1)[0]
    weights = network.weights.detach()
    for number in range(3):
        found = towards(lambda x: network(x).log_softmax(dim=1), image, number)
        expected = weights[number] - torch.einsum("k,kchw->chw", probabilities, weights)
        assert torch.allclose(found.gradient, expected, atol=1e-6)


def test_the_image_changes_until_the_class_is_sure(network: Linear) -> None:
    image = noise(1, 3, 4, 4)
    for number in range(3):
        found = towards(lambda x: network(x).log_softmax(dim=1), image, number)
        again = network(found.image[None]).softmax(dim=1)[0].detach()
        assert torch.allclose(found.probabilities, again, atol=1e-6)
        assert float(again[number]) >= SURE
        assert 0 < found.steps < MOST
        assert found.image.min() >= 0
        assert found.image.max() <= 1
        assert found.size == pytest.approx(float((found.image - image[0]).square().mean().sqrt()), abs=1e-6)
        assert found.size <= found.steps * STEP + 1e-6


def test_no_more_steps_are_made_than_it_takes(network: Linear) -> None:
    """Worked out by the gradient's formula: a step less, and the class is not sure."""
    weights, image = network.weights.detach(), noise(1, 3, 4, 4)
    found = towards(lambda x: network(x).log_softmax(dim=1), image, 0)
    for _ in range(found.steps - 1):
        probabilities = network(image).softmax(dim=1)[0].detach()
        gradient = weights[0] - torch.einsum("k,kchw->chw", probabilities, weights)
        image = (image + STEP * gradient / gradient.square().mean().sqrt()).clamp(0, 1)
    assert float(network(image).softmax(dim=1)[0, 0].detach()) < SURE
    assert torch.allclose(image[0], found.image, atol=2.5 * STEP)


def test_a_network_that_does_not_look_is_given_up() -> None:
    blind = Linear(torch.zeros(3, 3, 4, 4))
    found = towards(lambda x: blind(x).log_softmax(dim=1), noise(1, 3, 4, 4), 1)
    assert found.steps == 0
    assert found.size == 0
    assert found.probabilities.tolist() == pytest.approx([1 / 3] * 3)


def test_who_is_confused() -> None:
    assert two_highest(torch.tensor([0.2, 0.35, 0.45])) == (2, 1)
    require_confused(("owl", "dog"), [0.45, 0.35], margin=None)
    require_confused(("owl", "dog"), [0.9, 0.1], margin=1.0)
    with pytest.raises(ClearError, match=r"owl 0.600, dog 0.350 are 0.250 apart, and --margin is 0.1") as error:
        require_confused(("owl", "dog"), [0.6, 0.35], margin=None)
    assert error.value.apart == pytest.approx(0.25)


def test_what_is_written_of_it(network: Linear) -> None:
    image = noise(1, 3, 4, 4)
    before = network(image).softmax(dim=1)[0].detach()
    changes = [towards(lambda x: network(x).log_softmax(dim=1), image, number) for number in (2, 0)]
    found = values(changes)
    assert found.shape == (4, 3, 4, 4)
    assert torch.equal(torch.from_numpy(found[0]), changes[0].gradient)
    assert torch.equal(torch.from_numpy(found[3]), changes[1].image)
    about = told(("owl", "cat"), before, changes)
    assert about["targets"] == [
        {"name": "owl", "probability": float(before[2])},
        {"name": "cat", "probability": float(before[0])},
    ]
    assert [change["to"] for change in about["changes"]] == ["owl", "cat"]
    assert about["changes"][1]["probabilities"] == [
        float(changes[1].probabilities[2]), float(changes[1].probabilities[0])
    ]  # fmt: skip


def test_the_picture_shows_input_gradients_and_changed_inputs_in_this_order(network: Linear) -> None:
    image = noise(1, 3, 4, 4)
    before = network(image).softmax(dim=1)[0].detach()
    changes = [towards(lambda x: network(x).log_softmax(dim=1), image, number) for number in (2, 0)]
    seen = as_picture(image[0])
    picture = drawn(seen, ("owl", "cat"), before, changes)
    gradients = np.stack([change.gradient.sum(dim=0).numpy() for change in changes])
    scale = Scale.around_zero(gradients, share=0.995)
    expected = [
        seen.repeat(60, axis=0).repeat(60, axis=1),
        *(scale.paint(stretched(gradient, (240, 240))) for gradient in gradients),
        *(as_picture(change.image).repeat(60, axis=0).repeat(60, axis=1) for change in changes),
    ]
    windows = np.lib.stride_tricks.sliding_window_view(picture, (240, 240, 3))[:, :, 0]
    right = 0
    for k, panel in enumerate(expected):
        # where the corners are right, the whole is looked at
        there = (windows[:, :, 0, 0] == panel[0, 0]).all(axis=2) & (windows[:, :, -1, -1] == panel[-1, -1]).all(axis=2)
        places = [x for y, x in np.argwhere(there) if (windows[y, x] == panel).all()]
        assert len(places) == 1, k
        assert places[0] >= right, "it is right of those before it"
        right = places[0] + 240
