"""Softmax cross-entropy and focal loss on values worked by hand; torch is compared with in tests/reference."""

from __future__ import annotations

import math

import pytest
import torch

from saccade.losses.classify import cross_entropy, focal

# Logits whose softmax is 1/2, 1/4, 1/4.
LOGITS = torch.tensor([[math.log(2), 0.0, 0.0]], dtype=torch.float64)
LOG2 = math.log(2)

TABLE = [
    (0, {}, LOG2, 1.0),
    (1, {}, 2 * LOG2, 1.0),
    (0, {"label_smoothing": 0.3}, 0.7 * LOG2 + 0.1 * 5 * LOG2, 1.0),
    (1, {"class_weights": torch.tensor([1.0, 3.0, 5.0])}, 3 * 2 * LOG2, 3.0),
    # smoothing weighs each class's share by that class: 0.1 * (1 * 1 + 3 * 2 + 5 * 2) log 2
    (
        1,
        {"class_weights": torch.tensor([1.0, 3.0, 5.0]), "label_smoothing": 0.3},
        (0.7 * 6 + 0.1 * 17) * LOG2,
        3.0,
    ),
]


@pytest.mark.parametrize(("target", "settings", "total", "weight"), TABLE)
def test_values_worked_by_hand(target, settings, total, weight):
    got = cross_entropy(LOGITS, torch.tensor([target]), **settings)
    assert got.total.item() == pytest.approx(total, rel=1e-7)
    assert got.weight.tolist() == [weight]
    assert got.per_image().item() == pytest.approx(total / weight, rel=1e-7)


def test_a_certain_and_right_network_costs_nothing():
    got = cross_entropy(torch.tensor([[100.0, -100.0]]), torch.tensor([0]))
    assert got.total.tolist() == [0.0]
    assert cross_entropy(torch.tensor([[100.0, -100.0]]), torch.tensor([1])).total.tolist() == [200.0]


# probabilities 1/2, 1/4, 1/4: (1 - p)^gamma is 1/2^gamma for the first class and (3/4)^gamma for the others
FOCAL = [
    (0, {"gamma": 0.0}, LOG2, 1.0),
    (0, {"gamma": 1.0}, LOG2 / 2, 1.0),
    (0, {}, LOG2 / 4, 1.0),
    (1, {}, 9 / 16 * 2 * LOG2, 1.0),
    (2, {"gamma": 0.5}, math.sqrt(3 / 4) * 2 * LOG2, 1.0),
    (1, {"class_weights": torch.tensor([1.0, 3.0, 5.0])}, 3 * 9 / 16 * 2 * LOG2, 3.0),
]


@pytest.mark.parametrize(("target", "settings", "total", "weight"), FOCAL)
def test_focal_values_worked_by_hand(target, settings, total, weight):
    got = focal(LOGITS, torch.tensor([target]), **settings)
    assert got.total.item() == pytest.approx(total, rel=1e-7)
    assert got.weight.tolist() == [weight]


def test_focal_of_a_certain_network():
    logits = torch.tensor([[100.0, -100.0]])
    assert focal(logits, torch.tensor([0])).total.tolist() == [0.0]
    assert focal(logits, torch.tensor([1])).total.tolist() == [200.0]
