"""What every loss keeps, whatever it computes. A new loss is one more row of LOSSES."""

from __future__ import annotations

import pytest
import torch

from saccade.losses import caption, segment
from saccade.losses.classify import cross_entropy
from saccade.losses.classify import focal as softmax_focal
from saccade.losses.multilabel import asymmetric, bce, focal

W = torch.tensor([0.5, 1.0, 2.0, 4.0])


def on_pixels(loss):
    """The loss of masks as one of (B, 4) logits and (B,) classes: three pixels an image, the last of them void."""

    def loss_of_images(logits, target, **settings):
        pixels = torch.stack([logits, logits / 2, logits], dim=2)[:, :, None, :]
        mask = torch.stack([target, target, torch.full_like(target, segment.VOID)], dim=1)[:, None, :]
        return loss(pixels, mask, **settings)

    return loss_of_images


def on_words(logits, target, **settings):
    """The loss of captions as one of (B, 4) logits and (B,) classes: three words an image, the last of them padding."""
    words = torch.stack([logits, logits / 2, logits], dim=1)
    mask = torch.tensor([True, True, False]).expand(len(logits), 3)
    return caption.cross_entropy(words, target[:, None].expand(-1, 3), mask, **settings)


def region_and_pixels(logits, mask, **settings):
    return segment.combined([(0.5, segment.dice(logits, mask)), (1.0, segment.cross_entropy(logits, mask, **settings))])


# name: (loss, multilabel or not, settings that change nothing with the order of classes, settings by class)
LOSSES = {
    "bce": (bce, True, {}, {"class_weights": W, "positive_weights": W.flip(0)}),
    "focal": (focal, True, {}, {"class_weights": W}),
    "focal, gamma 0.5, no alpha": (focal, True, {"gamma": 0.5, "alpha": None}, {}),
    "asymmetric": (asymmetric, True, {}, {"class_weights": W}),
    "asymmetric, no clip": (asymmetric, True, {"clip": 0.0, "gamma_positive": 1.0}, {}),
    "asymmetric, gammas 0.5": (asymmetric, True, {"gamma_negative": 0.5, "gamma_positive": 0.5}, {}),
    "cross_entropy": (cross_entropy, False, {}, {"class_weights": W}),
    "softmax focal": (softmax_focal, False, {}, {"class_weights": W}),
    "softmax focal, gamma 0.5": (softmax_focal, False, {"gamma": 0.5}, {"class_weights": W}),
    "cross_entropy, smoothed": (cross_entropy, False, {"label_smoothing": 0.1}, {"class_weights": W}),
    "segment cross_entropy": (on_pixels(segment.cross_entropy), False, {}, {"class_weights": W}),
    "segment cross_entropy, smoothed": (
        on_pixels(segment.cross_entropy),
        False,
        {"label_smoothing": 0.1},
        {"class_weights": W},
    ),
    "segment focal": (on_pixels(segment.focal), False, {}, {"class_weights": W}),
    "segment dice": (on_pixels(segment.dice), False, {}, {}),
    "segment jaccard": (on_pixels(segment.jaccard), False, {}, {}),
    "caption cross_entropy": (on_words, False, {}, {}),
    "caption cross_entropy, smoothed": (on_words, False, {"label_smoothing": 0.1}, {}),
    "segment dice + cross_entropy": (on_pixels(region_and_pixels), False, {}, {"class_weights": W}),
}
every = pytest.mark.parametrize(("loss", "multilabel", "settings", "by_class"), LOSSES.values(), ids=LOSSES)
every_multilabel = pytest.mark.parametrize(
    ("loss", "settings", "by_class"),
    [(v[0], *v[2:]) for v in LOSSES.values() if v[1]],
    ids=[k for k, v in LOSSES.items() if v[1]],
)


def batch(multilabel, n=6, dtype=torch.float32, scale=2.0):
    g = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(n, 4, generator=g, dtype=torch.float64).to(dtype)
    if multilabel:
        return logits, torch.randint(-1, 2, (n, 4), generator=g, dtype=torch.int8)
    return logits, torch.randint(0, 4, (n,), generator=g)


@every
def test_images_are_independent_of_order_and_batching(loss, multilabel, settings, by_class):
    logits, targets = batch(multilabel)
    whole = loss(logits, targets, **settings, **by_class)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(1))
    turned = loss(logits[order], targets[order], **settings, **by_class)
    parts = [loss(logits[i : i + 4], targets[i : i + 4], **settings, **by_class) for i in (0, 4)]
    for mine, other, split in zip(whole, turned, zip(*parts, strict=True), strict=True):
        assert mine.shape == (6,)
        torch.testing.assert_close(mine[order], other)
        torch.testing.assert_close(mine, torch.cat(split))


@every
def test_relabelled_classes_cost_the_same(loss, multilabel, settings, by_class):
    logits, targets = batch(multilabel)
    order = torch.tensor([2, 0, 3, 1])
    relabelled = targets[:, order] if multilabel else order.argsort()[targets]
    turned = {k: v[order] for k, v in by_class.items()}
    torch.testing.assert_close(
        loss(logits[:, order], relabelled, **settings, **turned),
        loss(logits, targets, **settings, **by_class),
    )


@every
def test_equal_weights_of_one_change_nothing(loss, multilabel, settings, by_class):
    logits, targets = batch(multilabel)
    ones = {k: torch.ones(4) for k in by_class}
    torch.testing.assert_close(loss(logits, targets, **settings, **ones), loss(logits, targets, **settings))


@every
@pytest.mark.parametrize("size", [100.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_extreme_logits_give_finite_losses_and_gradients(loss, multilabel, settings, by_class, dtype, size):
    signs = torch.tensor([[1, -1, 1, -1], [-1, 1, -1, 1], [0, 0, 0, 0], [1, 1, 1, 1]])
    logits = (size * signs).to(dtype).requires_grad_()
    targets = torch.tensor([[1, 0, 0, 1]] * 4, dtype=torch.int8) if multilabel else torch.tensor([0, 0, 1, 2])
    got = loss(logits, targets, **settings, **by_class)
    (gradient,) = torch.autograd.grad(got.mean(), logits)
    assert got.total.dtype == got.weight.dtype == torch.float32
    assert torch.isfinite(got.total).all()
    assert (got.total >= 0).all()
    assert torch.isfinite(gradient).all()


@every
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_mixed_precision_computes_in_float32(loss, multilabel, settings, by_class, dtype):
    logits, targets = batch(multilabel, dtype=dtype)
    expected = loss(logits.float(), targets, **settings, **by_class)
    with torch.autocast("cpu", dtype=dtype):
        got = loss(logits, targets, **settings, **by_class)
    torch.testing.assert_close(got, expected, rtol=0, atol=0)


@every
def test_float32_agrees_with_float64_at_large_logits(loss, multilabel, settings, by_class):
    logits, targets = batch(multilabel, n=64, scale=30.0)
    wide = loss(logits.double(), targets, **settings, **by_class)
    got = loss(logits, targets, **settings, **by_class)
    torch.testing.assert_close(got.total.double(), wide.total, rtol=1e-4, atol=1e-5)


@every
def test_gradients_are_those_of_finite_differences(loss, multilabel, settings, by_class):
    logits, targets = batch(multilabel, n=3, dtype=torch.float64)
    doubled = {k: v.double() for k, v in by_class.items()}
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, targets, **settings, **doubled).total, (logits,))


@every
def test_the_gradient_raises_what_is_there_and_lowers_what_is_not(loss, multilabel, settings, by_class):
    logits = torch.zeros(1, 4, requires_grad=True)
    targets = torch.tensor([[1, 0, 0, 0]], dtype=torch.int8) if multilabel else torch.tensor([0])
    (gradient,) = torch.autograd.grad(loss(logits, targets, **settings, **by_class).mean(), logits)
    assert torch.sign(gradient).tolist() == [[-1.0, 1.0, 1.0, 1.0]]


@every
def test_no_image_costs_nothing(loss, multilabel, settings, by_class):
    logits = torch.zeros(0, 4, requires_grad=True)
    targets = torch.zeros((0, 4), dtype=torch.int8) if multilabel else torch.zeros(0, dtype=torch.int64)
    got = loss(logits, targets, **settings, **by_class)
    assert got.total.shape == got.weight.shape == (0,)
    assert got.mean().item() == 0.0


@every_multilabel
def test_ignored_entries_have_no_say(loss, settings, by_class):
    logits, targets = batch(multilabel=True)
    other = logits.masked_fill(targets < 0, 50.0)
    torch.testing.assert_close(
        loss(other, targets, **settings, **by_class),
        loss(logits, targets, **settings, **by_class),
        rtol=0,
        atol=0,
    )
    assert loss(logits, targets, **settings).weight.tolist() == (targets >= 0).sum(1).tolist()


@every_multilabel
@pytest.mark.parametrize("value", [3.0, 1e30, float("inf"), float("nan")])
def test_ignored_entries_get_exactly_no_gradient(loss, settings, by_class, value):
    logits = torch.tensor([[value, 1.0, 1.0, 1.0]], requires_grad=True)
    targets = torch.tensor([[-1, 0, 1, -1]], dtype=torch.int8)
    (gradient,) = torch.autograd.grad(loss(logits, targets, **settings, **by_class).mean(), logits)
    assert gradient[0, [0, 3]].tolist() == [0.0, 0.0]
    assert (gradient[0, 1:3] != 0).all()


@every_multilabel
def test_a_wholly_ignored_batch_costs_nothing_and_an_ignored_image_has_no_loss(loss, settings, by_class):
    logits = torch.randn(2, 4, requires_grad=True)
    got = loss(logits, torch.full((2, 4), -1, dtype=torch.int8), **settings, **by_class)
    assert got.mean().item() == 0.0
    assert got.per_image().isnan().all()
    (gradient,) = torch.autograd.grad(got.mean(), logits)
    assert (gradient == 0).all()


@every_multilabel
@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.float32])
def test_the_type_of_the_targets_does_not_matter(loss, settings, by_class, dtype):
    logits, targets = batch(multilabel=True)
    assert torch.equal(loss(logits, targets.to(dtype), **settings).total, loss(logits, targets, **settings).total)
