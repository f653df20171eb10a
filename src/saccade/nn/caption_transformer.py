"""Captions by a transformer decoder over regions (Vaswani et al. 2017, arXiv 1706.03762).

Letters beyond those of ``caption_base``: P words said before, H numbers of a word within the network.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from saccade.nn.caption_base import Captioner, Memory, Words, all_of, masked_softmax


class TransformerCaptioner(Captioner):
    """Layers of self-attention over the words so far, attention over the regions, and a network of two layers.

    Each of the three is added to its input, which is normalised before it (pre-norm: it learns without a warm-up), and
    the sum of all is normalised before the logits. Regions are mapped by a linear layer, ReLU, dropout and a norm; they
    have no order. Words have sinusoidal positions, so that a caption may be longer than any in training.

    State (2 layers, B, P, H): keys and values of the words so far, layer by layer. Those of the regions are computed
    once an image.
    """

    def __init__(
        self,
        vocabulary: int,
        *,
        feature_size: int,
        hidden: int = 512,
        layers: int = 3,
        heads: int = 8,
        inner: int = 2048,
        dropout: float = 0.0,
    ) -> None:
        """For V words.

        Args:
            vocabulary: V.
            feature_size: D.
            hidden: H, an even multiple of ``heads``.
            layers: how many.
            heads: of each attention.
            inner: units within the network of two layers.
            dropout: of the input and behind each of the three, in [0, 1).
        """
        super().__init__()
        self.image = nn.Sequential(
            nn.Linear(feature_size, hidden), nn.ReLU(), nn.Dropout(dropout), nn.LayerNorm(hidden)
        )
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.drop = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            DecoderLayer(hidden, heads=heads, inner=inner, dropout=dropout) for _ in range(layers)
        )
        self.norm = nn.LayerNorm(hidden)
        self.output = nn.Linear(hidden, vocabulary)
        self.hidden = hidden

    def encode(self, features: Tensor, mask: Tensor | None = None) -> Memory:
        """(B, R, D) features to their keys and values of each layer, (B, 2 layers, R, H), and the mask."""
        regions = self.image(features)
        seen = [part for layer in self._layers for part in layer.look_kv(regions).chunk(2, dim=2)]
        return torch.stack(seen, dim=1), all_of(features) if mask is None else mask

    def start(self, memory: Memory) -> Tensor:
        """(2 layers, B, 0, H): no words."""
        return self.output.weight.new_zeros(2 * len(self.layers), len(memory[0]), 0, self.hidden)

    def words(self, tokens: Tensor, memory: Memory, state: Tensor) -> Words:
        """(B, L) to (B, L, V) logits, the state, and (B, L, R) weights: the mean over the heads of the last layer."""
        seen, mask = memory
        before, length = state.shape[2], tokens.shape[1]
        x = self.drop(self.embedding(tokens) + positions(before, length, self.embedding.weight))
        # word i sees all said before, and the new ones up to itself
        so_far = torch.ones(length, before + length, dtype=torch.bool, device=x.device).tril(before)
        after = []
        for i, layer in enumerate(self._layers):
            at = slice(2 * i, 2 * i + 2)
            x, said, weights = layer(x, state[at], so_far, seen[:, at], mask[:, None, None])
            after.append(said)
        return self.output(self.norm(x)), torch.cat(after), weights.mean(dim=1)

    @property
    def _layers(self) -> list[DecoderLayer]:
        return cast(list[DecoderLayer], list(self.layers))


class DecoderLayer(nn.Module):
    """One layer: what was said, what is seen, and what to make of both."""

    def __init__(self, hidden: int, *, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.say_norm, self.look_norm, self.think_norm = (nn.LayerNorm(hidden) for _ in range(3))
        self.say_qkv, self.say_out = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.look_q, self.look_kv = nn.Linear(hidden, hidden), nn.Linear(hidden, 2 * hidden)
        self.look_out = nn.Linear(hidden, hidden)
        self.think = nn.Sequential(nn.Linear(hidden, inner), nn.ReLU(), nn.Dropout(dropout), nn.Linear(inner, hidden))
        self.drop = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, said: Tensor, so_far: Tensor, seen: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One layer further.

        Args:
            x: (B, L, H) words.
            said: (2, B, P, H) keys and values of the words before.
            so_far: (L, P + L) bool, which words each word may see.
            seen: (B, 2, R, H) keys and values of the regions.
            mask: (B, 1, 1, R) bool, which regions there are.

        Returns:
            (B, L, H) words, (2, B, P + L, H) keys and values, (B, heads, L, R) weights of the regions.
        """
        query, *new = self.say_qkv(self.say_norm(x)).chunk(3, dim=2)
        said = torch.cat([said, torch.stack(new)], dim=2)
        x = x + self.drop(self.say_out(attended(query, said[0], said[1], so_far, self.heads)[0]))
        looked, weights = attended(self.look_q(self.look_norm(x)), seen[:, 0], seen[:, 1], mask, self.heads)
        x = x + self.drop(self.look_out(looked))
        return x + self.drop(self.think(self.think_norm(x))), said, weights


def attended(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, heads: int) -> tuple[Tensor, Tensor]:
    """Scaled dot-product attention of several heads.

    Args:
        query: (B, L, H).
        key: (B, K, H).
        value: (B, K, H).
        mask: bool, to be broadcast to (B, heads, L, K): what may be seen.
        heads: a divisor of H; each has H / heads numbers of query, key and value.

    Returns:
        (B, L, H), and (B, heads, L, K) weights, rows of sum 1.
    """
    q, k, v = (x.reshape(*x.shape[:2], heads, -1).transpose(1, 2) for x in (query, key, value))
    weights = masked_softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[3]), mask)
    return (weights @ v).transpose(1, 2).flatten(2), weights


def positions(first: int, count: int, like: Tensor) -> Tensor:
    """(count, H) of the words number ``first`` and on, as section 3.5 of the paper has them; H as of ``like`` (V, H).

    Sine in even places, cosine in odd ones, of wavelengths from 2 pi to 10,000 times 2 pi.
    """
    hidden = like.shape[1]
    place = torch.arange(first, first + count, device=like.device, dtype=torch.float32)
    rates = 10_000.0 ** (-torch.arange(0, hidden, 2, device=like.device, dtype=torch.float32) / hidden)
    angle = place[:, None] * rates
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1).to(like.dtype)
