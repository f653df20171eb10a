"""Losses of the caption task: a word at a time.

Letters: B captions, L words, V words of the vocabulary. ``mask`` (B, L) bool says which words count: those of the
caption and its end, but no padding. Each cross-entropy and reward is returned as ``ImageLoss``, one row a caption,
whose mean is over words: ``total.sum() / weight.sum()``. What does not count adds nothing, and its gradient is exactly
0 even where its logits are not finite; a caption without words has total 0 and weight 0.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.samples import ImageLoss


def cross_entropy(logits: Tensor, target: Tensor, mask: Tensor, *, label_smoothing: float = 0.0) -> ImageLoss:
    """Softmax cross-entropy of the words that count.

    With smoothing e it is the Kullback-Leibler divergence from a distribution that has 1 - e at the right word and
    e / (V - 1) at each other (not e / V everywhere, as in ``torch.nn.CrossEntropyLoss``), which is 0 at best.

    Args:
        logits: (B, L, V) of any float type.
        target: (B, L) int64; any number where the mask is False.
        mask: (B, L) bool.
        label_smoothing: e, in [0, 1).
    """
    # picked out, and not only multiplied by 0: padding costs no memory and its gradient is 0 whatever it holds
    log_p = _wide(logits[mask]).log_softmax(dim=1)
    right = target[mask]
    loss = F.nll_loss(log_p, right, reduction="none")
    if label_smoothing:
        others = log_p.shape[1] - 1
        entropy = _entropy(1 - label_smoothing, 1) + _entropy(label_smoothing / others, others)
        rest = -log_p.sum(dim=1) - loss
        loss = (1 - label_smoothing) * loss + label_smoothing / others * rest - entropy
    words = torch.zeros(mask.shape, dtype=loss.dtype, device=loss.device).masked_scatter(mask, loss)
    return ImageLoss(words.sum(dim=1), mask.sum(dim=1).to(loss))


def concepts(logits: Tensor, present: Tensor, *, weights: Tensor | None = None) -> Tensor:
    """(B,) binary cross-entropy of which words are true of an image, mean over the words.

    Args:
        logits: (B, V) of any float type.
        present: (B, V) bool.
        weights: (V,) factor on the loss of each word; None: 1.
    """
    logits = _wide(logits)
    return F.binary_cross_entropy_with_logits(logits, present.to(logits), weights, reduction="none").mean(dim=1)


def self_critical(log_probs: Tensor, reward: Tensor, mask: Tensor) -> ImageLoss:
    """Minus reward times log-probability (Rennie et al. 2017, arXiv 1612.00563): what scored well is said more often.

    Args:
        log_probs: (B, L) of the words that were drawn, with gradient.
        reward: (B,) how much better each caption scored than its baseline; no gradient goes there.
        mask: (B, L) bool, ``up_to_end`` of the words: the end must be among them, or the network never learns to stop.
    """
    each = -reward.detach()[:, None] * log_probs.masked_fill(~mask, 0.0)
    return ImageLoss(each.sum(dim=1), mask.sum(dim=1).to(log_probs))


def up_to_end(tokens: Tensor, end: int) -> Tensor:
    """(B, L) bool: words up to and with the first ``end``; all of a row without one."""
    return (tokens == end).cumsum(dim=1) - (tokens == end).long() == 0


def over_the_others(scores: Tensor) -> Tensor:
    """(B, n) scores of n captions drawn for each image, n at least 2: how far each is above the mean of the others.

    As a reward it needs no greedy caption for a baseline (Luo 2020, arXiv 2003.09971).
    """
    others = scores.shape[1] - 1
    return scores - (scores.sum(dim=1, keepdim=True) - scores) / others


def _entropy(p: float, times: int) -> float:
    return -times * p * math.log(p) if p else 0.0


def _wide(logits: Tensor) -> Tensor:
    return logits if logits.dtype == torch.float64 else logits.float()
