"""Scheduled sampling (Bengio et al. 2015, arXiv 1506.03099): some of the words that a network reads are its own."""

from __future__ import annotations

import torch
from torch import Tensor

from saccade.nn.caption_base import Captioner, Memory

EVERY, INCREASE = 5, 0.05
"""After how many epochs the probability rises, and by how much: those of self-critical.pytorch."""


def own_word_probability(epoch: int, *, most: float) -> float:
    """How often a word is the network's own in an epoch, counted from 0: not in the first ones, at last ``most``."""
    return min(INCREASE * (epoch // EVERY), most)


def read_own_words(
    network: Captioner,
    tokens: Tensor,
    memory: Memory,
    state: Tensor,
    *,
    probability: float,
) -> tuple[Tensor, Tensor]:
    """As ``network(tokens, memory, state)``, but words are replaced by draws from what the network said there.

    Args:
        network: goes word by word.
        tokens: (B, L) int64; the first of each row is always read as it stands.
        memory: as the network encoded it.
        state: before the first word.
        probability: in [0, 1], of each other word.

    Returns:
        (B, L, V) logits of what follows each word, and the state after them. No gradient goes through the draws.
    """
    said: list[Tensor] = []
    for token in tokens.unbind(dim=1):
        if said:
            own = torch.multinomial(said[-1].detach().float().softmax(dim=1), 1).squeeze(1)
            chance = torch.rand(len(token), device=token.device)
            token = torch.where(chance < probability, own, token)
        logits, state, _ = network.step(token, memory, state)
        said.append(logits)
    return torch.stack(said, dim=1), state
