"""The recogniser of FOTS (Liu et al. 2018, arXiv 1801.01671, table 3): from crops of words to characters by column.

Letters: R words, C channels, H rows, N columns of all words, W of the widest, S characters of the alphabet.

Words lie side by side in one strip: padded to the widest, most columns of a batch would be padding. An empty column
between two words is to a 3x3 convolution what the zeros around a word of its own are.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ALIKE = 0.5
"""Words are run through an LSTM together if the narrowest has at least this share of the columns of the widest."""


ROUND = 128
"""A strip has a multiple of so many columns, the last ones empty: on a CPU a new length makes convolutions anew."""


class WordReader(nn.Module):
    """Six 3x3 convolutions, an LSTM in both directions, and a linear layer.

    With 256 units two convolutions each have 64, 128 and 256 filters. BatchNorm and ReLU follow each; after every
    second one the rows are halved by max pooling, the columns never: 8 rows become one, and a column of the crop is a
    step of the LSTM.

    What a word is read as does not depend on the others, but for the statistics of BatchNorm in training, which are
    those of all columns of all words.
    """

    def __init__(self, channels: int, alphabet: int, *, hidden: int = 256, drop_rate: float = 0.0) -> None:
        """For S = ``alphabet`` characters.

        Args:
            channels: C of the crops.
            alphabet: S; output 0 is the blank of CTC, and the characters are 1 to S.
            hidden: units of the LSTM in each direction, by which the filters go: a quarter, half, and as many.
            drop_rate: dropout before the linear layer.
        """
        super().__init__()
        filters = (hidden // 4, hidden // 2, hidden)
        self.pairs = nn.ModuleList(
            nn.ModuleList([_Layer(given, out), _Layer(out, out)])
            for given, out in zip([channels, *filters], filters, strict=False)
        )
        self.rightwards = nn.LSTM(hidden, hidden, batch_first=True)
        self.leftwards = nn.LSTM(hidden, hidden, batch_first=True)
        self.drop_rate = drop_rate
        self.output = nn.Linear(2 * hidden, alphabet + 1)

    def forward(self, strip: Tensor, widths: Tensor) -> Tensor:
        """(8, N, C) columns of R words, R at least 0, to (R, W, S + 1) float32 log-probabilities.

        Right of a word the blank has probability 1.

        Args:
            strip: what ``roi_rotate`` gives.
            widths: (R,) int64 on the CPU, the columns of each word, at least 1, of sum N.
        """
        if not len(widths):
            return self._nothing()
        x, places = strip, (torch.arange(strip.shape[1]) + _word_of(widths)).to(strip.device)
        parted = strip.shape[1] + len(widths) - 1
        for pair in self.pairs:
            for layer in pair:  # type: ignore[attr-defined]  # a list of layers
                x = layer(x, places, length=-(-parted // ROUND) * ROUND)
            x = torch.maximum(x[0::2], x[1::2])
        said = self._both_ways(x.squeeze(0), widths)
        logits = self.output(F.dropout(said, self.drop_rate, self.training))
        log_p = (logits if logits.dtype == torch.float64 else logits.float()).log_softmax(dim=1)
        wide = int(widths.max())
        padded = torch.full((len(widths) * wide, log_p.shape[1]), -torch.inf, dtype=log_p.dtype, device=log_p.device)
        padded[:, 0] = 0.0
        rows = (torch.arange(wide) < widths[:, None]).flatten().nonzero().squeeze(1)
        return padded.index_copy(0, rows.to(log_p.device), log_p).view(len(widths), wide, -1)

    def _both_ways(self, columns: Tensor, widths: Tensor) -> Tensor:
        """(N, hidden) to (N, 2 hidden), what the LSTM says of each column from the left and from the right."""
        start = widths.cumsum(0) - widths
        mirrored = ((2 * start + widths - 1)[_word_of(widths)] - torch.arange(len(columns))).to(columns.device)
        groups = _groups(widths, columns.device)
        from_left = _along(self.rightwards, columns, groups)
        from_right = _along(self.leftwards, columns.index_select(0, mirrored), groups).index_select(0, mirrored)
        return torch.cat([from_left, from_right], dim=1)

    def _nothing(self) -> Tensor:
        """(0, 1, S + 1), with a gradient of 0 for all weights.

        Where several processes train together, each must have gradients for the same weights.
        """
        return torch.stack([p.sum() for p in self.parameters()]).sum().expand(0, 1, self.output.out_features)


class _Layer(nn.Module):
    """A 3x3 convolution, BatchNorm and ReLU."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, padding=1)
        self.norm = nn.BatchNorm1d(out)

    def forward(self, words: Tensor, places: Tensor, *, length: int) -> Tensor:
        """(H, N, C) to (H, N, out); ``places`` (N,) are those of the columns among ``length``, others are empty."""
        height, n, channels = words.shape
        apart = words.new_zeros(height, length, channels).index_copy(1, places, words)
        told = self.conv(apart.permute(2, 0, 1)[None])[0].permute(1, 2, 0).index_select(1, places)
        return F.relu(self.norm(told.flatten(0, 1))).view(height, n, -1)


class _Group(NamedTuple):
    """Words of similar width."""

    columns: Tensor  # (r, w) the columns of each of its words, and beyond a narrower one any others
    inside: Tensor  # which of these, row by row, are of the word
    own: Tensor  # the columns that these are


def _groups(widths: Tensor, device: torch.device) -> list[_Group]:
    """All words by width, none much narrower than another of its group."""
    start, n = widths.cumsum(0) - widths, int(widths.sum())
    words: list[list[int]] = []
    for k in widths.argsort(descending=True, stable=True).tolist():
        if not words or widths[k] < ALIKE * widths[words[-1][0]]:
            words.append([])
        words[-1].append(k)
    groups = []
    for alike in map(torch.tensor, words):
        steps = torch.arange(int(widths[alike].max()))
        columns = (start[alike, None] + steps).clamp(max=n - 1)
        inside = (steps < widths[alike, None]).flatten().nonzero().squeeze(1)
        groups.append(_Group(*(each.to(device) for each in (columns, inside, columns.flatten()[inside]))))
    return groups


def _along(lstm: nn.LSTM, columns: Tensor, groups: list[_Group]) -> Tensor:
    """(N, C) to (N, hidden): each word by itself, from its first column to its last.

    Groups are padded with other words' columns, not packed: these come after a word's own, which know nothing of them,
    and without packing, the LSTM is one operation on a CPU instead of one a step.
    """
    said = torch.cat([lstm(columns[group.columns])[0].flatten(0, 1).index_select(0, group.inside) for group in groups])
    return said.index_select(0, torch.cat([group.own for group in groups]).argsort())


def _word_of(widths: Tensor) -> Tensor:
    """(N,) the number of the word that each column is of."""
    return torch.repeat_interleave(torch.arange(len(widths)), widths)
