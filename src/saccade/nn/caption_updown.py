"""Captions by top-down attention over regions (Anderson et al. 2018, arXiv 1707.07998)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from saccade.nn.caption_base import Captioner, Memory, Words, all_of, masked_softmax, mean
from saccade.nn.cells import LSTMCell


class UpDownCaptioner(Captioner):
    """Two LSTMs: one decides where to look, by what is there, and one says the word.

    With vectors v_k of the regions, their mean v, and hidden states h1 and h2 of the two,

        attention LSTM reads [h2 of the word before, v, word]
        a_k = softmax over k of w . tanh(Wv v_k + Wh h1)
        language LSTM reads [sum_k a_k v_k, h1]

    and a linear layer on h2 gives the logits. Unlike in the paper, which takes the features as they are, the v_k are
    H numbers: a linear layer and a ReLU. Dropout stands behind them, behind the words and before the logits. State
    (2, B, 2 H), initially 0.
    """

    def __init__(
        self,
        vocabulary: int,
        *,
        feature_size: int,
        embedding: int = 1000,
        hidden: int = 1000,
        attention: int = 512,
        dropout: float = 0.5,
    ) -> None:
        """For V words.

        Args:
            vocabulary: V.
            feature_size: D.
            embedding: numbers of a word.
            hidden: H, units of both LSTMs, and numbers of a region.
            attention: A, rows of Wv and Wh.
            dropout: in [0, 1).
        """
        super().__init__()
        self.image = nn.Sequential(nn.Linear(feature_size, hidden), nn.ReLU(), nn.Dropout(dropout))
        self.word = nn.Sequential(nn.Embedding(vocabulary, embedding), nn.Dropout(dropout))
        self.attention_lstm = LSTMCell(hidden, hidden + hidden + embedding)
        self.keys, self.query = nn.Linear(hidden, attention, bias=False), nn.Linear(hidden, attention, bias=False)
        self.score = nn.Linear(attention, 1, bias=False)
        self.language_lstm = LSTMCell(hidden, hidden + hidden)
        self.output = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, vocabulary))
        self.hidden = hidden

    def encode(self, features: Tensor, mask: Tensor | None = None) -> Memory:
        """(B, R, D) features to the v_k, their mean, Wv v_k, and the mask."""
        regions = self.image(features)
        return regions, mean(regions, mask), self.keys(regions), all_of(features) if mask is None else mask

    def start(self, memory: Memory) -> Tensor:
        """(2, B, 2 H) zeros: attention LSTM, language LSTM."""
        return self.score.weight.new_zeros(2, len(memory[0]), 2 * self.hidden)

    def words(self, tokens: Tensor, memory: Memory, state: Tensor) -> Words:
        """(B, L) to (B, L, V) logits, the state, and (B, L, R) weights."""
        regions, whole, keys, mask = memory
        looking, saying = state
        said, looked = [], []
        for word in self.word(tokens).unbind(dim=1):
            looking = self.attention_lstm(torch.cat([saying[:, : self.hidden], whole, word], dim=1), looking)
            h1 = looking[:, : self.hidden]
            scores = self.score(torch.tanh(keys + self.query(h1)[:, None])).squeeze(2)  # (B, R)
            weights = masked_softmax(scores, mask)
            attended = (weights[:, None] @ regions).squeeze(1)  # (B, H)
            saying = self.language_lstm(torch.cat([attended, h1], dim=1), saying)
            said.append(saying[:, : self.hidden])
            looked.append(weights)
        logits: Tensor = self.output(torch.stack(said, dim=1))
        return logits, torch.stack([looking, saying]), torch.stack(looked, dim=1)
