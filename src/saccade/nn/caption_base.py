"""What the captioning networks have in common: how they are asked, and how they take in an image.

Letters: B images or rows, R regions of an image, D numbers a region, L words, V words of the vocabulary, A attention.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

Memory = tuple[Tensor, ...]
"""What a network keeps of B images, along the first dimension of each tensor. Only the network knows which is which."""

Words = tuple[Tensor, Tensor, Tensor | None]
"""(B, L, V) logits of the word that follows each word; the state after them; (B, L, R) where each of the logits looked,
rows of sum 1, or None where a network does not look at regions one by one."""


class Captioner(nn.Module, ABC):
    """A network that says the next word, of the words so far and an image.

        memory = network.encode(features)                                 # once an image
        logits, state = network(tokens, memory, network.start(memory))    # all words are known: teacher forcing
        logits, state, weights = network.step(words, memory, state)       # one word a row: decoding

    What was said before is all in the state, one tensor whose second dimension counts the rows. So
    ``state.index_select(1, rows)`` goes on with other rows, and ``state.detach()`` with the next piece of a long
    caption, through which no gradient goes back (truncated back-propagation). After a step of the optimiser, encode
    anew: the memory is part of the graph that it used up.
    """

    @abstractmethod
    def encode(self, features: Tensor, mask: Tensor | None = None) -> Memory:
        """(B, R, D) features to what is needed of them.

        Args:
            features: those of one vector an image have R = 1.
            mask: (B, R) bool, False for regions that only fill up; at least one of each image is True. None: all.
        """

    @abstractmethod
    def start(self, memory: Memory) -> Tensor:
        """The state before the first word, (any, B, ...)."""

    @abstractmethod
    def words(self, tokens: Tensor, memory: Memory, state: Tensor) -> Words:
        """(B, L) int64 words that are known to what follows each."""

    def forward(self, tokens: Tensor, memory: Memory, state: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L) int64 words that are known to (B, L, V) logits of what follows each, and the state after them."""
        logits, state, _ = self.words(tokens, memory, state)
        return logits, state

    def step(self, tokens: Tensor, memory: Memory, state: Tensor) -> Words:
        """(B,) int64 words to (B, V) logits of the next, the state, and (B, R) where they looked, or None."""
        logits, state, weights = self.words(tokens[:, None], memory, state)
        return logits[:, 0], state, None if weights is None else weights[:, 0]


class PooledInput(nn.Module):
    """The largest of each number over the regions, dropout (0.25), a linear layer, leaky ReLU: one vector an image."""

    def __init__(self, feature_size: int, out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(feature_size, out)
        self.drop, self.relu = nn.Dropout(0.25), nn.LeakyReLU()

    def forward(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """(B, R, D) and (B, R) to (B, out)."""
        mapped: Tensor = self.relu(self.linear(self.drop(largest(features, mask))))
        return mapped


class RegionInput(nn.Module):
    """Dropout (0.25), a 1x1 convolution, BatchNorm, leaky ReLU: one vector a region."""

    def __init__(self, feature_size: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(feature_size, out, 1)
        self.norm = nn.BatchNorm1d(out)
        self.drop, self.relu = nn.Dropout(0.25), nn.LeakyReLU()

    def forward(self, features: Tensor, mask: Tensor | None) -> Tensor:
        """(B, R, D) and (B, R) to (B, R, out), 0 in regions that only fill up; the norm does not count them either."""
        mapped = self.conv(self.drop(features.transpose(1, 2)))  # (B, out, R)
        if mask is None:
            normed: Tensor = self.relu(self.norm(mapped)).transpose(1, 2)
            return normed
        rows: Tensor = self.relu(self.norm(mapped.transpose(1, 2)[mask]))
        return rows.new_zeros(*mask.shape, rows.shape[1]).masked_scatter(mask[:, :, None], rows)


def largest(features: Tensor, mask: Tensor | None) -> Tensor:
    """(B, R, D) to (B, D): the maximum over the regions of ``mask``."""
    return (features if mask is None else features.masked_fill(~mask[:, :, None], -torch.inf)).amax(dim=1)


def mean(features: Tensor, mask: Tensor | None) -> Tensor:
    """(B, R, D) to (B, D): the mean over the regions of ``mask``."""
    if mask is None:
        return features.mean(dim=1)
    return features.masked_fill(~mask[:, :, None], 0.0).sum(dim=1) / mask.sum(dim=1, keepdim=True)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax along the last dimension, 0 where the mask, which may be broadcast, is False."""
    return scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)


def all_of(features: Tensor) -> Tensor:
    """(B, R) bool, True: the mask of (B, R, D) features without one."""
    return features.new_ones(features.shape[:2], dtype=torch.bool)
