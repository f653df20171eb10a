"""The multilabel losses on values worked by hand; for torch, torchvision and timm see tests/reference."""

from __future__ import annotations

import math

import pytest
import torch

from saccade.losses.multilabel import asymmetric, bce, focal

LOG2 = math.log(2)


def one(loss, logit, target, **settings):
    """The loss of a single entry."""
    total, weight = loss(torch.tensor([[logit]], dtype=torch.float64), torch.tensor([[target]]), **settings)
    assert weight.tolist() == [float(target >= 0)]
    return total.item()


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


# Entries at p = 0.5 and p = sigmoid(+-2), by the formulas in the docstrings.
TABLE = [
    (bce, 0.0, 1, {}, LOG2),
    (bce, 0.0, 0, {}, LOG2),
    (bce, 2.0, 0, {}, -math.log(1 - sigmoid(2))),
    (bce, 0.0, 1, {"positive_weights": torch.tensor([3.0])}, 3 * LOG2),
    (bce, 0.0, 0, {"positive_weights": torch.tensor([3.0])}, LOG2),
    (bce, 0.0, 0, {"class_weights": torch.tensor([0.5])}, LOG2 / 2),
    (focal, 0.0, 1, {"gamma": 2.0, "alpha": 0.25}, 0.25 * 0.25 * LOG2),
    (focal, 0.0, 0, {"gamma": 2.0, "alpha": 0.25}, 0.75 * 0.25 * LOG2),
    (focal, 0.0, 0, {"gamma": 2.0, "alpha": None}, 0.25 * LOG2),
    (focal, 2.0, 1, {"gamma": 0.5, "alpha": None}, -((1 - sigmoid(2)) ** 0.5) * math.log(sigmoid(2))),
    (focal, 0.0, 1, {"class_weights": torch.tensor([2.0])}, 2 * 0.25 * 0.25 * LOG2),
    (asymmetric, 0.0, 1, {"gamma_positive": 1.0}, 0.5 * LOG2),
    (asymmetric, 0.0, 0, {"gamma_negative": 4.0, "clip": 0.05}, -(0.45**4) * math.log(0.55)),
    (asymmetric, 0.0, 0, {"gamma_negative": 4.0, "clip": 0.0}, 0.5**4 * LOG2),
    (
        asymmetric,
        2.0,
        0,
        {"gamma_negative": 2.0, "clip": 0.2},
        -((sigmoid(2) - 0.2) ** 2) * math.log(1.2 - sigmoid(2)),
    ),
    (asymmetric, -4.0, 0, {"clip": 0.05}, 0.0),  # p = 0.018 lies below the margin
    (asymmetric, 0.0, 1, {"class_weights": torch.tensor([2.0])}, 2 * LOG2),
]


@pytest.mark.parametrize(("loss", "logit", "target", "settings", "expected"), TABLE)
def test_values_worked_by_hand(loss, logit, target, settings, expected):
    assert one(loss, logit, target, **settings) == pytest.approx(expected, rel=1e-12)


def test_without_focusing_focal_and_asymmetric_are_cross_entropy():
    logits = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([[1, 0, -1], [0, 0, 1], [1, 1, 1], [-1, -1, -1]])
    expected = bce(logits, targets)
    for other in (
        focal(logits, targets, gamma=0.0, alpha=None),
        asymmetric(logits, targets, gamma_negative=0.0, gamma_positive=0.0, clip=0.0),
    ):
        torch.testing.assert_close(other, expected, rtol=1e-12, atol=1e-12)


def test_weight_is_the_number_of_valid_entries_whatever_the_class_weights():
    targets = torch.tensor([[1, 0, -1], [-1, -1, -1]])
    total, weight = bce(torch.zeros(2, 3), targets, class_weights=torch.tensor([1.0, 4.0, 9.0]))
    assert weight.tolist() == [2.0, 0.0]
    assert total.tolist() == pytest.approx([5 * LOG2, 0.0])


def test_negatives_below_the_margin_pull_at_nothing():
    logits = torch.tensor([[-4.0, -100.0, 0.0]], requires_grad=True)
    for gamma in (0.0, 0.5, 4.0):
        loss = asymmetric(logits, torch.zeros(1, 3, dtype=torch.int8), gamma_negative=gamma, clip=0.05).total.sum()
        (gradient,) = torch.autograd.grad(loss, logits)
        assert gradient[0, :2].tolist() == [0.0, 0.0]
        assert gradient[0, 2] > 0


def test_the_gradient_of_the_asymmetric_loss_goes_through_the_focusing_factor():
    # d/dx of -p^2 log(1 - p) at p = 0.5: 2 p log 2 p(1-p) + p^2 p = 0.25 log 2 + 0.125; detached: 0.125.
    x = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    asymmetric(x, torch.zeros(1, 1), gamma_negative=2.0, clip=0.0).total.sum().backward()
    assert x.grad.item() == pytest.approx(0.25 * LOG2 + 0.125, rel=1e-12)


def test_the_loss_does_not_touch_what_it_is_given():
    logits, targets = torch.tensor([[1.0, math.inf]]), torch.tensor([[1, -1]], dtype=torch.int8)
    for loss in (bce, focal, asymmetric):
        loss(logits, targets)
    assert (logits.tolist(), targets.tolist()) == ([[1.0, math.inf]], [[1, -1]])
