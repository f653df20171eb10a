"""Scheduled sampling (Bengio et al. 2015, arXiv 1506.03099): some of the words that a network reads are its own."""

from __future__ import annotations

import torch
from torch import Tensor

from saccade.nn.caption_base import Captioner, Memory


def own_word_probability(
    epoch: int, *, start: int = 0, every: int = 5, increase: float = 0.05, most: float = 0.25
) -> float:
    """How often a word is the network's own in an epoch: ``increase`` more each ``every`` epochs, up to ``most``.

    Epochs count from 0; up to and with ``start`` it is 0. The defaults are those of self-critical.pytorch.
    """
    return 0.0 if epoch <= start else min(increase * ((epoch - start) // every), most)


def read_own_words(
    network: Captioner,
    tokens: Tensor,
    memory: Memory,
    state: Tensor,
    *,
    probability: float,
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """As ``network(tokens, memory, state)``, but words are replaced by draws from what the network said there.

    Args:
        network: goes word by word.
        tokens: (B, L) int64; the first of each row is always read as it stands.
        memory: as the network encoded it.
        state: before the first word.
        probability: in [0, 1], of each other word.
        generator: of the draws, on the device of ``tokens``.

    Returns:
        (B, L, V) logits of what follows each word, and the state after them. No gradient goes through the draws.
    """
    said: list[Tensor] = []
    for token in tokens.unbind(dim=1):
        if said:
            own = torch.multinomial(said[-1].detach().float().softmax(dim=1), 1, generator=generator).squeeze(1)
            chance = torch.rand(len(token), device=token.device, generator=generator)
            token = torch.where(chance < probability, own, token)
        logits, state, _ = network.step(token, memory, state)
        said.append(logits)
    return torch.stack(said, dim=1), state
