"""Losses against torch, torchvision (focal) and timm (asymmetric), gradients too; weights against sklearn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight
from timm.loss import AsymmetricLossMultiLabel
from torchvision.ops import sigmoid_focal_loss

from saccade.losses.classify import cross_entropy
from saccade.losses.classify import focal as softmax_focal
from saccade.losses.multilabel import asymmetric, bce, focal
from saccade.losses.weights import balanced_class_weights, effective_class_weights


def multilabel(dtype=torch.float64):
    g = torch.Generator().manual_seed(0)
    logits = (3 * torch.randn(16, 5, dtype=dtype, generator=g)).requires_grad_()
    return logits, torch.randint(0, 2, (16, 5), generator=g, dtype=torch.int8)


def assert_same(mine, reference, logits, tolerance=1e-10):
    """Same value, and same gradient in the logits."""
    torch.testing.assert_close(mine, reference, rtol=tolerance, atol=tolerance)
    a, b = (torch.autograd.grad(x, logits)[0] for x in (mine, reference))
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("class_weights", [None, torch.tensor([1.0, 2.0, 0.5, 3.0, 0.1], dtype=torch.float64)])
@pytest.mark.parametrize("positive_weights", [None, torch.tensor([1.0, 5.0, 2.0, 0.5, 9.0], dtype=torch.float64)])
def test_bce_equals_torch(class_weights, positive_weights):
    logits, targets = multilabel()
    got = bce(logits, targets, class_weights=class_weights, positive_weights=positive_weights)
    reference = F.binary_cross_entropy_with_logits(
        logits, targets.double(), weight=class_weights, pos_weight=positive_weights
    )
    assert_same(got.mean(), reference, logits)


def test_bce_with_ignored_targets_equals_torch_on_the_valid_entries():
    logits, targets = multilabel()
    targets[::3, ::2] = -1
    valid = targets >= 0
    reference = F.binary_cross_entropy_with_logits(logits[valid], targets[valid].double())
    assert_same(bce(logits, targets).mean(), reference, logits)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("alpha", [None, 0.0, 0.25, 1.0])
def test_focal_equals_torchvision(gamma, alpha):
    logits, targets = multilabel()
    reference = sigmoid_focal_loss(
        logits, targets.double(), alpha=-1 if alpha is None else alpha, gamma=gamma, reduction="mean"
    )
    assert_same(focal(logits, targets, gamma=gamma, alpha=alpha).mean(), reference, logits)


@pytest.mark.parametrize(("negative", "positive", "clip"), [(4.0, 0.0, 0.05), (2.0, 1.0, 0.2), (3.0, 2.0, 0.0)])
def test_asymmetric_equals_timm(negative, positive, clip):
    logits, targets = (x.reshape(1, -1) for x in multilabel(torch.float32))  # one image: timm's mean is its sum
    reference = AsymmetricLossMultiLabel(negative, positive, clip)(logits, targets)
    got = asymmetric(logits, targets, gamma_negative=negative, gamma_positive=positive, clip=clip)
    assert_same(got.total.sum(), reference, logits, tolerance=1e-5)


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 2.0, 0.5, 3.0, 0.1])])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_cross_entropy_equals_torch(weights, smoothing):
    logits, _ = multilabel(torch.float32)
    target = torch.arange(16) % 5
    got = cross_entropy(logits, target, class_weights=weights, label_smoothing=smoothing)
    reference = F.cross_entropy(logits, target, weight=weights, label_smoothing=smoothing)
    assert_same(got.total.sum() / got.weight.sum(), reference, logits, tolerance=1e-6)


def test_image_weights_equal_scikit_learn():
    y = np.repeat([0, 1, 2], [50, 7, 13])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=y)
    np.testing.assert_allclose(balanced_class_weights([50, 7, 13], mean_over="images"), expected, rtol=1e-6)


@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 2.0, 0.5, 3.0, 0.1], dtype=torch.float64)])
def test_softmax_focal_with_gamma_0_equals_torch_s_cross_entropy(weights):
    logits, _ = multilabel()
    target = torch.arange(16) % 5
    got = softmax_focal(logits, target, gamma=0.0, class_weights=weights)
    assert_same(got.total.sum() / got.weight.sum(), F.cross_entropy(logits, target, weight=weights), logits)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
def test_softmax_focal_of_two_classes_equals_torchvision(gamma):
    # the softmax of logits (0, x) is the sigmoid of x
    x = torch.randn(16, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).mul(3).requires_grad_()
    target = torch.arange(16) % 2
    got = softmax_focal(torch.stack([torch.zeros_like(x), x], dim=1), target, gamma=gamma)
    assert_same(got.mean(), sigmoid_focal_loss(x, target.double(), alpha=-1, gamma=gamma, reduction="mean"), x)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_softmax_focal_equals_its_formula_in_float64(gamma):
    logits, _ = multilabel()
    target = torch.arange(16) % 5
    p = torch.softmax(logits, 1)[torch.arange(16), target]
    assert_same(softmax_focal(logits, target, gamma=gamma).mean(), (-((1 - p) ** gamma) * p.log()).mean(), logits)


@pytest.mark.parametrize("beta", [0.9, 0.99, 0.999, 0.9999])
def test_effective_weights_equal_the_formula_of_the_paper(beta):
    """Cui et al. 2019, eq. 2 and section 4; there scaled to mean 1 over classes, here over images."""
    counts = np.array([5000, 700, 31, 1])
    weights = (1 - beta) / (1 - np.power(beta, counts))
    expected = weights / np.average(weights, weights=counts)
    np.testing.assert_allclose(effective_class_weights(counts.tolist(), beta=beta), expected, rtol=1e-6)
