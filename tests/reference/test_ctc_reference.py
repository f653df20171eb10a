"""CTC against torch: the loss that words are learned by, and the likelihood by which a lexicon is read."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from saccade.decode.ctc import WordTree, lexicon_log_probs
from saccade.losses.spot import ctc


def batch() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Six words of 8 characters at most in 20 columns at most, with gradient."""
    g = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 20, 12, generator=g, dtype=torch.float64).requires_grad_()
    widths, lengths = torch.tensor([20, 13, 9, 20, 17, 4]), torch.tensor([8, 3, 1, 0, 8, 2])
    return logits, widths, torch.randint(1, 12, (int(lengths.sum()),), generator=g), lengths


@pytest.mark.parametrize("words", [[6], [1, 2, 3], [0, 4, 0, 2, 0]])
def test_the_loss_is_torch_s_with_its_mean_over_words(words: list[int]) -> None:
    """Time first and log-probabilities, which torch wants: in another order or without, the loss falls below 0."""
    logits, widths, labels, lengths = batch()
    log_p = logits.log_softmax(dim=2)
    got = ctc(log_p, widths, labels, lengths, torch.tensor(words))
    each = torch.nn.CTCLoss(blank=0, reduction="none", zero_infinity=True)(
        log_p.transpose(0, 1), labels, widths, lengths
    )
    assert bool((each > 0).all())
    torch.testing.assert_close(got.mean(), each.mean())
    assert got.weight.tolist() == words
    torch.testing.assert_close(got.total, torch.stack([part.sum() for part in each.split(words)]))
    mine, theirs = (torch.autograd.grad(x, logits, retain_graph=True)[0] for x in (got.mean(), each.mean()))
    torch.testing.assert_close(mine, theirs)


def test_the_gradient_is_that_of_finite_differences() -> None:
    logits, widths, labels, lengths = batch()

    def loss(x: Tensor) -> Tensor:
        return ctc(x.log_softmax(dim=2), widths, labels, lengths, torch.tensor([6])).mean()

    assert torch.autograd.gradcheck(loss, (logits[:, :, :],))


def test_the_likelihood_of_a_word_is_torch_s() -> None:
    logits, widths, labels, lengths = batch()
    log_p = logits.detach().log_softmax(dim=2)
    words = [part.tolist() for part in labels.split(lengths.tolist())]
    found = lexicon_log_probs(log_p, widths, WordTree.of(words))
    for column, word in enumerate(words):
        same = torch.tensor(word, dtype=torch.int64).repeat(6)
        loss = torch.nn.functional.ctc_loss(
            log_p.transpose(0, 1), same, widths, torch.full((6,), len(word)), reduction="none"
        )
        torch.testing.assert_close(-found[:, column], loss)
