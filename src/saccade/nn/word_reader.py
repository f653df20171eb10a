"""The recogniser of FOTS (Liu et al. 2018, arXiv 1801.01671, table 3): from crops of words to characters by column.

Letters: R words, C channels, H rows, W columns of the widest word, S characters of the alphabet.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class WordReader(nn.Module):
    """Six 3x3 convolutions, an LSTM in both directions, and a linear layer.

    With 256 units two convolutions each have 64, 128 and 256 filters. BatchNorm and ReLU follow each; after every
    second one the rows are halved by max pooling, the columns never: 8 rows become one, and a column of the crop is a
    step of the LSTM.

    What a word is read as does not depend on how wide the others are: columns right of it are 0 after every layer, and
    count neither in the statistics of BatchNorm, nor in training, nor for the LSTM.
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
        self.lstm = nn.LSTM(hidden, hidden, bidirectional=True, batch_first=True)
        self.drop_rate = drop_rate
        self.output = nn.Linear(2 * hidden, alphabet + 1)

    def forward(self, crops: Tensor, widths: Tensor) -> Tensor:
        """(R, C, 8, W) crops, R at least 0, to (R, W, S + 1) float32 log-probabilities.

        Right of a word the blank has probability 1.

        Args:
            crops: what ``roi_rotate`` gives.
            widths: (R,) int64 on the CPU, the columns of each word, at least 1.
        """
        if not len(crops):
            return self._nothing()
        x, there = crops, torch.arange(crops.shape[3]) < widths[:, None]
        for pair in self.pairs:
            inside = there[:, None].expand(-1, x.shape[2], -1).flatten().nonzero().squeeze(1).to(x.device)
            for layer in pair:  # type: ignore[attr-defined]  # a list of layers
                x = layer(x, inside)
            x = F.max_pool2d(x, (2, 1))
        packed = pack_padded_sequence(x.squeeze(2).transpose(1, 2), widths, batch_first=True, enforce_sorted=False)
        said, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=crops.shape[3])
        logits = self.output(F.dropout(said, self.drop_rate, self.training))
        log_p = (logits if logits.dtype == torch.float64 else logits.float()).log_softmax(dim=2)
        blank = torch.full_like(log_p[0, 0], -torch.inf)
        blank[0] = 0.0
        return torch.where(there[:, :, None].to(log_p.device), log_p, blank)

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

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        """(R, C, H, W) to (R, out, H, W).

        ``inside`` says where words are: numbers of places in R x H x W. The norm sees these, the others become 0.
        """
        told = self.conv(x).permute(0, 2, 3, 1)
        places = told.flatten(0, 2)
        words = F.relu(self.norm(places.index_select(0, inside)))
        return words.new_zeros(places.shape).index_copy(0, inside, words).view(told.shape).permute(0, 3, 1, 2)
