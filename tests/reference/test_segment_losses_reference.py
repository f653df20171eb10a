"""Losses of masks against torch and segmentation_models_pytorch (smp), gradients too.

What smp says is what ours say in these cases, and not beyond them:

- Dice and Jaccard, ``mode="multiclass"``, ``ignore_index=255``: one image, and ``classes=`` those that occur in it. smp
  pools the images of a batch into one region a class, and divides by the number of all classes, absent or not.
- Focal: two classes. smp's is one sigmoid a class, ours one softmax; of two classes with scores 0 and x the softmax is
  the sigmoid of x, and ours is smp's ``mode="binary"``, ``ignore_index=255``.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pytest
import torch
from segmentation_models_pytorch.losses import DiceLoss, FocalLoss, JaccardLoss
from torchvision.ops import sigmoid_focal_loss

from saccade.losses.segment import VOID, combined, cross_entropy, dice, focal, jaccard
from saccade.losses.weights import inverse_frequency, median_frequency

pytestmark = pytest.mark.skipif(
    version("segmentation-models-pytorch").startswith("0.5"), reason="smp's losses took no ignore_index before 0.6"
)
W = torch.tensor([1.0, 2.0, 0.5, 3.0, 0.1], dtype=torch.float64)


def batch(void=0.2, classes=5, images=3):
    g = torch.Generator().manual_seed(0)
    logits = (3 * torch.randn(images, classes, 6, 7, dtype=torch.float64, generator=g)).requires_grad_()
    mask = torch.randint(0, classes, (images, 6, 7), generator=g, dtype=torch.uint8)
    mask[torch.rand(images, 6, 7, generator=g) < void] = VOID
    return logits, mask


def assert_same(mine, reference, logits, tolerance=1e-10):
    """Same value, and same gradient in the logits."""
    torch.testing.assert_close(mine, reference, rtol=tolerance, atol=tolerance)
    a, b = (torch.autograd.grad(x, logits)[0] for x in (mine, reference))
    torch.testing.assert_close(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("weights", [None, W])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("void", [0.0, 0.2, 0.9])
def test_cross_entropy_equals_torch(weights, smoothing, void):
    logits, mask = batch(void)
    reference = torch.nn.CrossEntropyLoss(weights, ignore_index=255, label_smoothing=smoothing)
    got = cross_entropy(logits, mask, class_weights=weights, label_smoothing=smoothing)
    assert_same(got.mean(), reference(logits, mask.long()), logits)
    for i in range(3):
        alone = reference(logits[[i]], mask[[i]].long())
        assert got.per_image()[i].item() == pytest.approx(alone.item(), rel=1e-12)


@pytest.mark.parametrize("weights", [None, W])
def test_focal_with_gamma_0_equals_torch_s_cross_entropy(weights):
    logits, mask = batch()
    reference = torch.nn.CrossEntropyLoss(weights, ignore_index=255)(logits, mask.long())
    assert_same(focal(logits, mask, gamma=0.0, class_weights=weights).mean(), reference, logits)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_equals_its_formula_on_the_valid_pixels(gamma):
    logits, mask = batch()
    valid = mask != VOID
    p = logits.softmax(1).movedim(1, -1)[valid].gather(1, mask[valid].long()[:, None])
    assert_same(focal(logits, mask, gamma=gamma).mean(), (-((1 - p) ** gamma) * p.log()).mean(), logits)


@pytest.mark.parametrize("gamma", [1.0, 2.0, 5.0])
def test_focal_of_two_classes_equals_smp_and_torchvision(gamma):
    logits, mask = batch(classes=2)
    x = logits[:, 1:]
    got = focal(torch.cat([torch.zeros_like(x), x], dim=1), mask, gamma=gamma).mean()
    assert_same(got, FocalLoss("binary", gamma=gamma, ignore_index=255)(x, mask.long()[:, None]), logits)
    valid = mask != VOID
    got = focal(torch.cat([torch.zeros_like(x), x], dim=1), mask, gamma=gamma).mean()
    ours = x[:, 0][valid]
    assert_same(got, sigmoid_focal_loss(ours, mask[valid].double(), -1, gamma, "mean"), logits)


@pytest.mark.parametrize(("loss", "reference"), [(dice, DiceLoss), (jaccard, JaccardLoss)], ids=["dice", "jaccard"])
@pytest.mark.parametrize("void", [0.0, 0.2])
@pytest.mark.parametrize("absent", [None, 1])
def test_overlap_of_one_image_equals_smp_over_the_classes_that_occur(loss, reference, void, absent):
    logits, mask = batch(void, images=1)
    if absent is not None:
        mask = mask.masked_fill(mask == absent, 0)
    there = [c for c in range(5) if (mask == c).any()]
    smp = reference("multiclass", classes=there, ignore_index=255 if void else None)
    assert_same(loss(logits, mask).mean(), smp(logits, mask.long()), logits, tolerance=1e-6)  # smp's eps is 1e-7


@pytest.mark.parametrize(("loss", "power"), [(dice, 1), (jaccard, 2)], ids=["dice", "jaccard"])
def test_overlap_of_a_batch_equals_its_formula_image_by_image(loss, power):
    """2 I / (P + G) or I / (P + G - I), by one-hot arrays."""
    logits, mask = batch()
    means, pixels = [], []
    for x, m in zip(logits, mask, strict=True):
        valid = m != VOID
        p, g = x.softmax(0)[:, valid], torch.nn.functional.one_hot(m[valid].long(), 5).T.double()
        shared, both = (p * g).sum(1), p.sum(1) + g.sum(1)
        score = 2 * shared / both if power == 1 else shared / (both - shared)
        means.append(1 - score[g.sum(1) > 0].mean())
        pixels.append(int(valid.sum()))
    reference = sum(m * n for m, n in zip(means, pixels, strict=True)) / sum(pixels)
    assert_same(loss(logits, mask).mean(), reference, logits)


def test_a_sum_equals_the_sum_of_torch_s_and_smp_s():
    logits, mask = batch(images=1)
    reference = torch.nn.CrossEntropyLoss(ignore_index=255)(logits, mask.long())
    reference = reference + 0.5 * DiceLoss("multiclass", ignore_index=255)(logits, mask.long())
    got = combined([(1.0, cross_entropy(logits, mask)), (0.5, dice(logits, mask))])
    assert_same(got.mean(), reference, logits, tolerance=1e-6)


def test_median_frequency_equals_its_definition_counted_in_numpy():
    """Eigen and Fergus 2015: pixels of c over the pixels of images where c is present; the median over each."""
    pixels = np.random.default_rng(0).integers(0, 50, (20, 6)) * (np.random.default_rng(1).random((20, 6)) < 0.5)
    frequency = np.array([pixels[:, c].sum() / pixels[pixels[:, c] > 0].sum() for c in range(6)])
    np.testing.assert_allclose(median_frequency(pixels), np.median(frequency) / frequency, rtol=1e-6)


def test_inverse_frequency_weighs_every_class_alike_and_the_pixels_by_one_in_the_mean():
    pixels = np.random.default_rng(0).integers(1, 50, (20, 6))
    mass = inverse_frequency(pixels).numpy() * pixels.sum(axis=0)
    np.testing.assert_allclose(mass, pixels.sum() / 6, rtol=1e-6)
