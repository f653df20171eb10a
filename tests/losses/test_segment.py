"""Losses of masks on values worked by hand, void pixels, and absent classes; others are compared in tests/reference."""

from __future__ import annotations

import math

import pytest
import torch

from saccade.losses.segment import VOID, combined, cross_entropy, dice, focal, jaccard
from saccade.samples import ImageLoss

LOG2 = math.log(2)
W = torch.tensor([1.0, 3.0, 5.0])
LOSSES = {
    "cross_entropy": (cross_entropy, {}),
    "cross_entropy, weighted and smoothed": (cross_entropy, {"class_weights": W, "label_smoothing": 0.1}),
    "focal": (focal, {"class_weights": W}),
    "focal, gamma 0.5": (focal, {"gamma": 0.5}),
    "dice": (dice, {}),
    "jaccard": (jaccard, {}),
    "dice + cross_entropy": (
        lambda x, m: combined([(2.0, dice(x, m)), (0.5, cross_entropy(x, m, class_weights=W.to(x)))]),
        {},
    ),
}
every = pytest.mark.parametrize(("loss", "settings"), LOSSES.values(), ids=LOSSES)


def image(*pixels: tuple[float, ...]) -> torch.Tensor:
    """(1, C, 1, W) logits of which these are the softmax, pixel by pixel."""
    return torch.tensor(pixels, dtype=torch.float64).log().T[None, :, None, :]


def row(*classes: int) -> torch.Tensor:
    return torch.tensor([[classes]], dtype=torch.uint8)


def batch(dtype=torch.float64):
    """Three images of 4 x 5 pixels and 3 classes, a quarter of them void; class 2 is absent from the second."""
    g = torch.Generator().manual_seed(0)
    mask = torch.randint(0, 3, (3, 4, 5), generator=g, dtype=torch.uint8)
    mask[1].clamp_(max=1)
    mask[torch.rand(3, 4, 5, generator=g) < 0.25] = VOID
    return (2 * torch.randn(3, 3, 4, 5, generator=g, dtype=torch.float64)).to(dtype), mask


# Two pixels of three classes
PIXELS = image((0.5, 0.25, 0.25), (0.25, 0.25, 0.5))
# loss, settings, mask, total, weight
TABLE = {
    "cross entropy": (cross_entropy, {}, row(0, 1), LOG2 + 2 * LOG2, 2),
    "cross entropy, void": (cross_entropy, {}, row(0, VOID), LOG2, 1),
    "cross entropy, weighted": (cross_entropy, {"class_weights": W}, row(0, 1), LOG2 + 3 * 2 * LOG2, 4),
    "cross entropy, weighted, void": (cross_entropy, {"class_weights": W}, row(VOID, 2), 5 * LOG2, 5),
    # 0.7 of the class's own, 0.1 of each of the three: log 2 + 2 log 2 + 2 log 2
    "cross entropy, smoothed": (cross_entropy, {"label_smoothing": 0.3}, row(0, VOID), 0.7 * LOG2 + 0.5 * LOG2, 1),
    # (1 - p)^2 is 1/4 and 9/16
    "focal": (focal, {}, row(0, 1), LOG2 / 4 + 9 / 16 * 2 * LOG2, 2),
    "focal, gamma 1": (focal, {"gamma": 1.0}, row(0, 1), LOG2 / 2 + 3 / 4 * 2 * LOG2, 2),
    "focal, weighted, void": (focal, {"class_weights": W}, row(VOID, 1), 3 * 9 / 16 * 2 * LOG2, 3),
    # class 0: p 3/4 in all, 1/2 of it right, one pixel: 2 (1/2) / (3/4 + 1) = 4/7; class 2 the same
    "dice": (dice, {}, row(0, 2), 2 * (1 - 4 / 7), 2),
    # class 0: 4/7; class 1: p 1/2 in all, 1/4 right: 2 (1/4) / (1/2 + 1) = 1/3
    "dice, another": (dice, {}, row(0, 1), 2 * (1 - (4 / 7 + 1 / 3) / 2), 2),
    # one pixel: 2 (1/2) / (1/2 + 1) = 2/3, and the other classes, which are absent, have no term
    "dice, void": (dice, {}, row(0, VOID), 1 - 2 / 3, 1),
    "dice, one class": (dice, {}, row(0, 0), 2 * (1 - 2 * 0.75 / 2.75), 2),
    # (1/2) / (3/4 + 1 - 1/2) = 2/5
    "jaccard": (jaccard, {}, row(0, 2), 2 * (1 - 2 / 5), 2),
    # 2/5 and (1/4) / (1/2 + 1 - 1/4) = 1/5
    "jaccard, another": (jaccard, {}, row(0, 1), 2 * (1 - (2 / 5 + 1 / 5) / 2), 2),
    "jaccard, void": (jaccard, {}, row(0, VOID), 1 - 1 / 2, 1),
    "jaccard, one class": (jaccard, {}, row(0, 0), 2 * (1 - 0.75 / 2), 2),
}


@pytest.mark.parametrize(("loss", "settings", "mask", "total", "weight"), TABLE.values(), ids=TABLE)
def test_values_worked_by_hand(loss, settings, mask, total, weight):
    got = loss(PIXELS, mask, **settings)
    assert got.total.tolist() == [pytest.approx(total, rel=1e-12)]
    assert got.weight.tolist() == [weight]


@pytest.mark.parametrize("loss", [cross_entropy, focal, dice, jaccard])
def test_a_certain_network_costs_nothing_where_right_and_is_finite_where_wrong(loss):
    mask = torch.tensor([[[0, 1], [2, 0]]])
    right = 200.0 * torch.nn.functional.one_hot(mask, 3).movedim(3, 1).float()
    assert loss(right, mask).total.tolist() == [0.0]
    wrong = loss(right, (mask + 1) % 3)
    assert wrong.per_image().tolist() == [{cross_entropy: 200.0, focal: 200.0, dice: 1.0, jaccard: 1.0}[loss]]


@every
def test_gradients_are_those_of_finite_differences(loss, settings):
    logits, mask = batch()
    settings = {k: v.double() if isinstance(v, torch.Tensor) else v for k, v in settings.items()}
    assert torch.autograd.gradcheck(lambda x: loss(x, mask, **settings).total, (logits.requires_grad_(),))


@every
@pytest.mark.parametrize("value", [3.0, 1e30, math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_void_pixels_have_no_say_and_exactly_no_gradient(loss, settings, value, dtype):
    logits, mask = batch(dtype)
    void = (mask == VOID)[:, None].expand_as(logits)
    other = logits.masked_fill(void, value).requires_grad_()
    got = loss(other, mask, **settings)
    torch.testing.assert_close(got, loss(logits, mask, **settings), rtol=0, atol=0)
    (gradient,) = torch.autograd.grad(got.mean(), other)
    assert (gradient[void] == 0).all()
    assert torch.isfinite(gradient).all()
    assert (gradient[~void] != 0).all()


@every
@pytest.mark.parametrize("value", [0.0, math.nan])
def test_an_image_of_nothing_but_void_counts_for_nothing(loss, settings, value):
    logits, mask = batch(torch.float32)
    alone = loss(logits[:2], mask[:2], **settings)
    logits[2], mask[2] = value, VOID
    logits.requires_grad_()
    got = loss(logits, mask, **settings)
    assert (got.total[2].item(), got.weight[2].item()) == (0.0, 0.0)
    assert got.per_image()[2].isnan()
    torch.testing.assert_close(got.mean(), alone.mean())
    (gradient,) = torch.autograd.grad(got.mean(), logits)
    assert (gradient[2] == 0).all()
    assert torch.isfinite(gradient).all()


@every
@pytest.mark.parametrize("value", [0.0, math.nan])
def test_a_batch_of_nothing_but_void_costs_nothing(loss, settings, value):
    logits = torch.full((2, 3, 4, 5), value, requires_grad=True)
    got = loss(logits, torch.full((2, 4, 5), VOID, dtype=torch.uint8), **settings)
    assert got.mean().item() == 0.0
    (gradient,) = torch.autograd.grad(got.mean(), logits)
    assert (gradient == 0).all()


@every
def test_padding_with_void_changes_nothing(loss, settings):
    logits, mask = batch()
    padded = torch.nn.functional.pad(logits, (0, 3, 2, 0), value=7.0)
    wide = torch.nn.functional.pad(mask, (0, 3, 2, 0), value=VOID)
    torch.testing.assert_close(loss(padded, wide, **settings), loss(logits, mask, **settings))


@every
@pytest.mark.parametrize("dtype", [torch.int16, torch.int32, torch.int64])
def test_the_type_of_the_mask_does_not_matter(loss, settings, dtype):
    logits, mask = batch()
    torch.testing.assert_close(loss(logits, mask.to(dtype), **settings), loss(logits, mask, **settings), rtol=0, atol=0)


@every
def test_a_class_that_no_image_has_keeps_everything_finite(loss, settings):
    logits, mask = batch()
    logits[:, 2] += 100.0  # and it is what the network says of every pixel
    logits.requires_grad_()
    got = loss(logits, mask.masked_fill(mask == 2, 1), **settings)
    (gradient,) = torch.autograd.grad(got.mean(), logits)
    assert torch.isfinite(got.total).all()
    assert torch.isfinite(gradient).all()


def test_an_absent_class_has_no_region_to_overlap_with():
    # of a wholly missed image dice and jaccard are 1, whatever the number of classes that are absent
    mask = torch.zeros(1, 4, 5, dtype=torch.uint8)
    for classes in (2, 5):
        logits = torch.zeros(1, classes, 4, 5)
        logits[:, 1] = 200.0
        assert dice(logits, mask).per_image().tolist() == jaccard(logits, mask).per_image().tolist() == [1.0]


@pytest.mark.parametrize("loss", [cross_entropy, focal])
def test_many_pixels_in_float32_agree_with_float64(loss):
    g = torch.Generator().manual_seed(0)
    logits = 10 * torch.randn(1, 12, 360, 480, generator=g)
    mask = torch.randint(0, 12, (1, 360, 480), generator=g, dtype=torch.uint8)
    torch.testing.assert_close(
        loss(logits, mask).mean().double(), loss(logits.double(), mask).mean(), rtol=1e-5, atol=0
    )


def test_dice_and_jaccard_of_one_class_are_one_number():
    """J for a class is D = J / (2 - J), as 1 - J and 1 - D are IoU and Dice coefficient."""
    logits, _ = batch()
    mask = torch.zeros(3, 4, 5, dtype=torch.uint8)
    j, d = jaccard(logits, mask).per_image(), dice(logits, mask).per_image()
    torch.testing.assert_close(d, j / (2 - j))


def loss_of(total, weight):
    return ImageLoss(torch.tensor(total), torch.tensor(weight))


def test_a_sum_of_losses_that_weigh_alike_has_the_sum_of_their_means():
    logits, mask = batch()
    a, b, c = cross_entropy(logits, mask), dice(logits, mask), focal(logits, mask)
    got = combined([(1.0, a), (0.5, b), (3.0, c)])
    assert got.mean().item() == pytest.approx((a.mean() + 0.5 * b.mean() + 3 * c.mean()).item(), rel=1e-14)
    torch.testing.assert_close(got.weight, a.weight)
    assert combined([(1.0, a)]).total.tolist() == a.total.tolist()


# first and second loss as (totals, weights), with factors 2 and 3; total, weight
SUMS = {
    "alike": (([6.0, 1.0], [3.0, 1.0]), ([3.0, 2.0], [3.0, 1.0]), [2 * 6 + 3 * 3, 2 + 3 * 2], [3.0, 1.0]),
    # the second has 3/6 and 2/1 an image, which count 3 and 1 as in the first
    "not alike": (
        ([6.0, 1.0], [3.0, 1.0]),
        ([3.0, 2.0], [6.0, 1.0]),
        [2 * 6 + 3 * 3 * 0.5, 2 + 3 * 2],
        [3.0, 1.0],
    ),
    "an image of void": (([6.0, 0.0], [3.0, 0.0]), ([3.0, 0.0], [3.0, 0.0]), [2 * 6 + 3 * 3, 0.0], [3.0, 0.0]),
}


@pytest.mark.parametrize(("first", "second", "total", "weight"), SUMS.values(), ids=SUMS)
def test_sums_worked_by_hand(first, second, total, weight):
    got = combined([(2.0, loss_of(*first)), (3.0, loss_of(*second))])
    assert got.total.tolist() == total
    assert got.weight.tolist() == weight
