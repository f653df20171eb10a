"""Captions by recurrent layers that are told at every word what is in the image."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from saccade.nn.caption_base import Captioner, Memory, PooledInput, Words
from saccade.nn.recurrent import Recurrent


class RecurrentCaptioner(Captioner):
    """Recurrent layers over [word, image], and a linear layer on the hidden states of the last.

    The word is a learned vector, the image ``PooledInput``; the initial state is 0. State (layers, B, H), of an LSTM
    (layers, B, 2 H).
    """

    def __init__(
        self,
        cell: str,
        *,
        vocabulary: int,
        feature_size: int,
        embedding: int = 300,
        mapped: int = 512,
        hidden: int = 512,
        layers: int = 1,
        fused: bool = True,
    ) -> None:
        """With the cell of that name in ``nn.cells.CELLS``.

        Args:
            cell: a name.
            vocabulary: V.
            feature_size: D.
            embedding: numbers of a word.
            mapped: numbers of an image.
            hidden: H, units of each layer.
            layers: how many.
            fused: all words at once through torch's kernels where these compute the same.
        """
        super().__init__()
        self.image = PooledInput(feature_size, mapped)
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.recurrent = Recurrent(cell, input_size=embedding + mapped, hidden=hidden, layers=layers, fused=fused)
        self.output = nn.Linear(hidden, vocabulary)

    def encode(self, features: Tensor, mask: Tensor | None = None) -> Memory:
        """(B, R, D) features to the (B, mapped) vector of each image."""
        return (self.image(features, mask),)

    def start(self, memory: Memory) -> Tensor:
        """(layers, B, state size) zeros."""
        return self.recurrent.start(len(memory[0]))

    def words(self, tokens: Tensor, memory: Memory, state: Tensor) -> Words:
        """(B, L) to (B, L, V) logits and the state; it does not look at regions one by one."""
        said, state = self.recurrent(beside(self.embedding(tokens), memory[0]), state)
        return self.output(said), state, None


def beside(words: Tensor, image: Tensor) -> Tensor:
    """(B, L, E) words and (B, M) images to (B, L, E + M): the image at every word."""
    return torch.cat([words, image[:, None].expand(-1, words.shape[1], -1)], dim=2)
