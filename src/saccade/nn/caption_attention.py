"""Captions by an LSTM whose last layer is told where the layer below it looks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from saccade.nn.caption_base import Captioner, Memory, RegionInput, Words, all_of, largest, masked_softmax
from saccade.nn.caption_recurrent import beside
from saccade.nn.recurrent import Recurrent


class AttentionCaptioner(Captioner):
    """The two-level attention LSTM.

    The regions are V, (B, R, M), through ``RegionInput``, and vmax is the largest of each number over them. The first
    layer reads [word, vmax]. With h and c, the hidden state and the memory of the second-last layer,

        a    = softmax(W2 leaky(W1 dropout([h, c])))     one weight a region, of 50 numbers in between
        vatt = sum_k a_k V_k                             (B, M)

    and the last layer reads [h, vatt]; a linear layer on its hidden state gives the logits. The weights are learned
    slot by slot, so the order of the regions matters, as with boxes sorted by score or positions of a grid, and their
    number is fixed. State (layers, B, 2 H), initially 0.
    """

    def __init__(
        self,
        vocabulary: int,
        *,
        feature_size: int,
        regions: int = 10,
        embedding: int = 300,
        mapped: int = 512,
        hidden: int = 512,
        layers: int = 2,
        fused: bool = True,
    ) -> None:
        """For V words.

        Args:
            vocabulary: V.
            feature_size: D.
            regions: R.
            embedding: numbers of a word.
            mapped: M.
            hidden: H, units of each layer.
            layers: at least 2.
            fused: all words at once through torch's kernels, where the layer is not the second-last, whose memory
                they do not tell.
        """
        super().__init__()
        self.image = RegionInput(feature_size, mapped)
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.below = Recurrent("lstm", input_size=embedding + mapped, hidden=hidden, layers=layers - 1, fused=fused)
        self.attention = nn.Sequential(
            nn.Dropout(0.25), nn.Linear(2 * hidden, 50), nn.LeakyReLU(), nn.Linear(50, regions)
        )
        self.last = Recurrent("lstm", input_size=hidden + mapped, hidden=hidden, fused=fused)
        self.output = nn.Linear(hidden, vocabulary)
        self.hidden = hidden

    def encode(self, features: Tensor, mask: Tensor | None = None) -> Memory:
        """(B, R, D) features to V, vmax and the mask."""
        regions = self.image(features, mask)
        return regions, largest(regions, mask), all_of(features) if mask is None else mask

    def start(self, memory: Memory) -> Tensor:
        """(layers, B, 2 H) zeros."""
        rows = len(memory[0])
        return torch.cat([self.below.start(rows), self.last.start(rows)])

    def words(self, tokens: Tensor, memory: Memory, state: Tensor) -> Words:
        """(B, L) to (B, L, V) logits, the state, and (B, L, R) weights."""
        regions, vmax, mask = memory
        below, lower = self.below.states(beside(self.embedding(tokens), vmax), state[:-1])  # (B, L, 2 H)
        weights = masked_softmax(self.attention(below), mask[:, None])
        attended = weights @ regions  # (B, L, M)
        said, top = self.last(torch.cat([below[..., : self.hidden], attended], dim=2), state[-1:])
        return self.output(said), torch.cat([lower, top]), weights
