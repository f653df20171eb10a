"""How the captioning networks take in an image, worked by hand."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from saccade.nn.caption_base import PooledInput, RegionInput, largest, masked_softmax, mean

FEATURES = torch.tensor([[[1.0, -4.0], [3.0, -2.0], [9.0, 9.0]], [[0.0, 1.0], [2.0, 5.0], [-1.0, 3.0]]])
MASK = torch.tensor([[True, True, False], [True, True, True]])


def test_largest_and_mean_of_the_regions_that_are_there() -> None:
    assert largest(FEATURES, MASK).tolist() == [[3.0, -2.0], [2.0, 5.0]]
    assert largest(FEATURES, None).tolist() == [[9.0, 9.0], [2.0, 5.0]]
    torch.testing.assert_close(mean(FEATURES, MASK), torch.tensor([[2.0, -3.0], [1 / 3, 3.0]]))
    torch.testing.assert_close(mean(FEATURES, None), FEATURES.mean(dim=1))


def test_softmax_over_what_is_there() -> None:
    weights = masked_softmax(torch.tensor([[0.0, 0.0, 50.0], [0.0, 0.0, 0.0]]), MASK)
    torch.testing.assert_close(weights, torch.tensor([[0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3]]))


def test_pooled_input() -> None:
    """The maximum of the features, not of what the linear layer makes of them; a leak of 0.01 below 0."""
    image = PooledInput(2, 2).eval()
    with torch.no_grad():
        image.linear.weight.copy_(torch.tensor([[1.0, 1.0], [1.0, -1.0]]))
        image.linear.bias.zero_()
    torch.testing.assert_close(image(FEATURES, MASK), torch.tensor([[1.0, 5.0], [7.0, -0.03]]))


@pytest.mark.parametrize("masked", [False, True])
def test_region_input_in_training_is_a_convolution_and_a_norm_over_all_regions_of_the_batch(masked: bool) -> None:
    torch.manual_seed(0)
    image = RegionInput(2, 4)
    image.drop.p = 0.0
    mask = MASK if masked else torch.ones_like(MASK)
    rows = FEATURES[mask] @ image.conv.weight.squeeze(2).T + image.conv.bias
    normed = (rows - rows.mean(dim=0)) / torch.sqrt(rows.var(dim=0, unbiased=False) + 1e-5)
    expected = torch.zeros(2, 3, 4)
    expected[mask] = F.leaky_relu(normed, 0.01)
    torch.testing.assert_close(image(FEATURES, MASK if masked else None), expected)
    torch.testing.assert_close(image.norm.running_mean, 0.1 * rows.mean(dim=0))


@pytest.mark.parametrize("kind", [PooledInput, RegionInput])
def test_a_quarter_is_dropped_in_training(kind: type[PooledInput] | type[RegionInput]) -> None:
    """Numbers of the input, one by one: of the largest of the features, and of each region."""
    torch.manual_seed(0)
    image, seen = kind(200, 1), []
    image.drop.register_forward_hook(lambda _, __, out: seen.append(out))
    image(torch.ones(4, 50, 200), None)
    assert seen[0].unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert float((seen[0] == 0).float().mean()) == pytest.approx(0.25, abs=0.05)
    assert seen[0].shape == ((4, 200) if kind is PooledInput else (4, 200, 50))
