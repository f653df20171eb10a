"""Losses of captions on values worked by hand, against torch where it has them, and with padding of every kind."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from saccade.losses.caption import cross_entropy, over_the_others, self_critical, up_to_end

LOG2, LOG4 = math.log(2), math.log(4)
SMOOTHINGS = [0.0, 0.1, 0.2]


def batch(dtype=torch.float64):
    """Three captions of 5, 2 and 0 words out of 7, in five places."""
    g = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(3, 5, 7, generator=g, dtype=torch.float64).to(dtype)
    target = torch.randint(0, 7, (3, 5), generator=g)
    return logits, target, torch.arange(5) < torch.tensor([[5], [2], [0]])


# Two words out of three, with these probabilities.
LOGITS = torch.tensor([[[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]], dtype=torch.float64).log()
BOTH, FIRST = torch.tensor([[True, True]]), torch.tensor([[True, False]])


@pytest.mark.parametrize(
    ("target", "mask", "smoothing", "total", "words"),
    [
        ((0, 1), BOTH, 0.0, LOG2 + LOG4, 2),
        ((0, 1), FIRST, 0.0, LOG2, 1),
        # 0.8 of the right word and 0.1 of each other, less what that distribution itself cannot do without
        ((0, 1), FIRST, 0.2, 0.8 * LOG2 + 0.2 * LOG4 + 0.8 * math.log(0.8) + 0.2 * math.log(0.1), 1),
        # half of the right word and a quarter of each other: said so of the first; 1/2 and 1/4 the wrong way round
        ((0, 0), BOTH, 0.5, 0.5 * LOG2 - 0.25 * LOG2, 2),
    ],
)
def test_cross_entropy_by_hand(target, mask, smoothing, total, words):
    got = cross_entropy(LOGITS, torch.tensor([target]), mask, label_smoothing=smoothing)
    assert got.total.tolist() == [pytest.approx(total, rel=1e-12)]
    assert got.weight.tolist() == [words]


def test_the_mean_is_that_of_the_course():
    """sum(CE * w) / (sum w + 1e-7)."""
    logits, target, mask = batch()
    each = F.cross_entropy(logits.flatten(0, 1), target.flatten(), reduction="none").view(3, 5)
    expected = (each * mask).sum() / (mask.sum() + 1e-7)
    assert float(cross_entropy(logits, target, mask).mean()) == pytest.approx(float(expected), rel=1e-7)
    whole = torch.ones_like(mask)
    torch.testing.assert_close(
        cross_entropy(logits, target, whole).mean(), F.cross_entropy(logits.transpose(1, 2), target)
    )


@pytest.mark.parametrize("smoothing", [0.1, 0.5])
def test_smoothing_is_the_divergence_from_a_smoothed_word(smoothing):
    """1 - e at the word, e / (V - 1) at each other, by torch's Kullback-Leibler divergence."""
    logits, target, mask = batch()
    wanted = torch.full_like(logits, smoothing / 6).scatter(2, target[:, :, None], 1 - smoothing)
    each = F.kl_div(logits.log_softmax(dim=2), wanted, reduction="none").sum(dim=2)
    got = cross_entropy(logits, target, mask, label_smoothing=smoothing)
    torch.testing.assert_close(got.total, (each * mask).sum(dim=1))
    best = cross_entropy(wanted.log(), target, mask, label_smoothing=smoothing)
    torch.testing.assert_close(best.total, torch.zeros_like(best.total), rtol=0, atol=1e-12)


def test_torch_s_smoothing_is_another():
    """It has e / V at every word, the right one too: ours with e (V - 1) / V, but for a constant."""
    logits, target, mask = batch()
    mask = torch.ones_like(mask)
    torchs = F.cross_entropy(logits.transpose(1, 2), target, label_smoothing=0.7, reduction="none")
    ours = cross_entropy(logits, target, mask, label_smoothing=0.6)
    difference = (torchs.sum(dim=1) - ours.total) / 5
    torch.testing.assert_close(difference, difference[:1].expand(3))


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_gradients_are_those_of_finite_differences(smoothing):
    logits, target, mask = batch()
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: cross_entropy(x, target, mask, label_smoothing=smoothing)[0], (logits,))


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("value", [0.0, 1e30, math.inf, math.nan])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_padding_has_no_say_and_exactly_no_gradient(smoothing, value, dtype):
    logits, target, mask = batch(dtype)
    other = logits.masked_fill(~mask[:, :, None], value).requires_grad_()
    got = cross_entropy(other, target.masked_fill(~mask, 6), mask, label_smoothing=smoothing)
    torch.testing.assert_close(got, cross_entropy(logits, target, mask, label_smoothing=smoothing), rtol=0, atol=0)
    assert got.total.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    (gradient,) = torch.autograd.grad(got.mean(), other)
    assert not gradient[~mask].any()
    assert bool(gradient[mask].isfinite().all())
    assert bool((gradient[mask] != 0).all())


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_captions_do_not_depend_on_each_other(smoothing):
    logits, target, mask = batch()
    whole = cross_entropy(logits, target, mask, label_smoothing=smoothing)
    order = torch.tensor([2, 0, 1])
    turned = cross_entropy(logits[order], target[order], mask[order], label_smoothing=smoothing)
    torch.testing.assert_close(turned, type(whole)(whole.total[order], whole.weight[order]))
    cut = cross_entropy(logits[1:, :2], target[1:, :2], mask[1:, :2], label_smoothing=smoothing)
    torch.testing.assert_close(cut, type(whole)(whole.total[1:], whole.weight[1:]))


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_nothing_but_padding(smoothing):
    logits, target, mask = batch()
    logits.requires_grad_()
    got = cross_entropy(logits, target, mask & False, label_smoothing=smoothing)
    assert got.total.tolist() == got.weight.tolist() == [0, 0, 0]
    (gradient,) = torch.autograd.grad(got.mean(), logits)
    assert not gradient.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_extreme_logits(dtype):
    logits = torch.tensor([[[6e4, -6e4, 0.0]]], dtype=dtype, requires_grad=True)
    for smoothing in SMOOTHINGS:
        got = cross_entropy(logits, torch.tensor([[1]]), torch.tensor([[True]]), label_smoothing=smoothing)
        assert bool(got.total.isfinite().all())
        assert bool(torch.autograd.grad(got.mean(), logits)[0].isfinite().all())


# Rewards.


def test_self_critical_by_hand():
    """Two captions, of three words and of one with its end in between; rewards 2 and -1."""
    log_probs = torch.tensor([[-1.0, -2.0, -0.5], [-0.25, -4.0, -8.0]], dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    got = self_critical(log_probs, torch.tensor([2.0, -1.0], dtype=torch.float64), mask)
    assert got.total.tolist() == [2 * 3.5, -4.25]
    assert got.weight.tolist() == [3, 2]
    assert got.mean().item() == pytest.approx((7 - 4.25) / 5)
    (gradient,) = torch.autograd.grad(got.mean(), log_probs)
    assert gradient.tolist() == [pytest.approx([-0.4] * 3), pytest.approx([0.2, 0.2, 0])]


def test_self_critical_gradients_are_those_of_finite_differences():
    g = torch.Generator().manual_seed(0)
    log_probs = -torch.rand(3, 4, generator=g, dtype=torch.float64)
    reward, mask = torch.randn(3, generator=g, dtype=torch.float64), torch.rand(3, 4, generator=g) < 0.7
    assert torch.autograd.gradcheck(lambda x: self_critical(x, reward, mask).mean(), (log_probs.requires_grad_(),))


def test_no_gradient_goes_into_the_reward_and_padding_may_hold_anything():
    log_probs = torch.tensor([[-1.0, -torch.inf]], requires_grad=True)
    reward = torch.ones(1, requires_grad=True)
    loss = self_critical(log_probs, reward, torch.tensor([[True, False]])).mean()
    loss.backward()
    assert (float(loss.detach()), reward.grad) == (1.0, None)
    assert log_probs.grad is not None
    assert log_probs.grad.tolist() == [[-1.0, 0.0]]


def test_what_is_rewarded_is_said_more_often():
    """A step against the gradient raises the probability of the caption with the higher reward."""
    logits = torch.zeros(1, 2, 3, dtype=torch.float64, requires_grad=True)
    drawn = torch.tensor([[0, 1], [2, 1]])
    log_probs = logits.log_softmax(dim=2).expand(2, -1, -1).gather(2, drawn[:, :, None]).squeeze(2)
    reward = over_the_others(torch.tensor([[1.5, 0.5]], dtype=torch.float64)).flatten()
    (gradient,) = torch.autograd.grad(self_critical(log_probs, reward, drawn >= 0).mean(), logits)
    after = (logits - gradient).softmax(dim=2)[0]
    assert after[0, 0] > after[0, 1] > after[0, 2]
    torch.testing.assert_close(after[1], torch.full((3,), 1 / 3, dtype=torch.float64))  # both said it


@pytest.mark.parametrize(
    ("tokens", "counted"),
    [
        ([4, 5, 3, 0, 0], 3),
        ([3, 0, 0, 0, 0], 1),
        ([4, 5, 6, 7, 8], 5),
        ([4, 3, 5, 3, 0], 2),
        ([3, 3, 3, 3, 3], 1),
        ([0, 0, 0, 0, 3], 5),
    ],
)
def test_words_up_to_and_with_the_first_end(tokens, counted):
    assert up_to_end(torch.tensor([tokens]), 3).tolist() == [[i < counted for i in range(5)]]


def test_scores_against_the_mean_of_the_others():
    found = over_the_others(torch.tensor([[1.0, 2.0, 6.0], [3.0, 3.0, 3.0]], dtype=torch.float64))
    assert found.tolist() == [[1 - 4, 2 - 3.5, 6 - 1.5], [0, 0, 0]]
