"""Recurrent cells, to be read beside their equations.

Letters: B rows, I inputs, H hidden units. ``[x, h]`` is x beside h, (B, I + H); * multiplies number by number, and s is
the logistic function. A matrix ``weight...`` is (I + H, H) and stands to the right of its input, a bias ``bias...`` is
(1, H). Weights are drawn from N(0, 1 / (I + H)), biases are 0.

A cell maps (B, I) inputs and its old state to its new state. The first H numbers of a state are what others see of it,
the hidden state; only the LSTM has more, its memory.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn


class Cell(nn.Module, ABC):
    """What is common to all cells; ``state_size`` is how many numbers the state of a row has."""

    parts: ClassVar[int] = 1
    """States of H numbers that lie beside each other in the state."""

    def __init__(self, hidden_state_size: int, input_size: int) -> None:
        super().__init__()
        self.hidden_state_size, self.input_size = hidden_state_size, input_size
        self.state_size = self.parts * hidden_state_size

    @abstractmethod
    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """(B, I) inputs and (B, state_size) states to the next states."""

    def _affine(self) -> tuple[nn.Parameter, nn.Parameter]:
        """A weight and a bias."""
        rows = self.input_size + self.hidden_state_size
        weight = torch.randn(rows, self.hidden_state_size) / math.sqrt(rows)
        return nn.Parameter(weight), nn.Parameter(torch.zeros(1, self.hidden_state_size))


class RNNCell(Cell):
    """h' = tanh([x, h] W + b) (Elman 1990)."""

    def __init__(self, hidden_state_size: int, input_size: int) -> None:
        super().__init__(hidden_state_size, input_size)
        self.weight, self.bias = self._affine()

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """(B, I) inputs and (B, H) states to the next states."""
        return torch.tanh(torch.cat([x, h], dim=1) @ self.weight + self.bias)


class GRUCell(Cell):
    """The gated recurrent unit (Cho et al. 2014, arXiv 1406.1078).

    u = s([x, h] Wu + bu) updates, r = s([x, h] Wr + br) resets, c = tanh([x, r * h] W + b) is the candidate, and
    h' = u * h + (1 - u) * c: an open update gate keeps the old state.
    """

    def __init__(self, hidden_state_size: int, input_size: int) -> None:
        super().__init__(hidden_state_size, input_size)
        self.weight_u, self.bias_u = self._affine()
        self.weight_r, self.bias_r = self._affine()
        self.weight, self.bias = self._affine()

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """(B, I) inputs and (B, H) states to the next states."""
        xh = torch.cat([x, h], dim=1)
        u = torch.sigmoid(xh @ self.weight_u + self.bias_u)
        r = torch.sigmoid(xh @ self.weight_r + self.bias_r)
        c = torch.tanh(torch.cat([x, r * h], dim=1) @ self.weight + self.bias)
        return u * h + (1 - u) * c


class TorchGRUCell(Cell):
    """The gated recurrent unit as ``torch.nn.GRUCell`` has it: the reset gate comes after the matrix.

    As ``GRUCell``, but for c = tanh(x Wx + b + r * (h Wh + bh)), where Wx are the first I rows of W and Wh the last H.
    One is as good as the other, but the weights of one are of no use to the other.
    """

    def __init__(self, hidden_state_size: int, input_size: int) -> None:
        super().__init__(hidden_state_size, input_size)
        self.weight_u, self.bias_u = self._affine()
        self.weight_r, self.bias_r = self._affine()
        self.weight, self.bias = self._affine()
        self.bias_h = nn.Parameter(torch.zeros_like(self.bias))

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """(B, I) inputs and (B, H) states to the next states."""
        xh = torch.cat([x, h], dim=1)
        u = torch.sigmoid(xh @ self.weight_u + self.bias_u)
        r = torch.sigmoid(xh @ self.weight_r + self.bias_r)
        weight_x, weight_h = self.weight[: self.input_size], self.weight[self.input_size :]
        c = torch.tanh(x @ weight_x + self.bias + r * (h @ weight_h + self.bias_h))
        return u * h + (1 - u) * c


class LSTMCell(Cell):
    """Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers et al. 2000).

    f, i, o = s([x, h] W + b), each with a weight and a bias of its own, forget, let in and let out;
    g = tanh([x, h] W + b) is what may be let in; c' = f * c + i * g is the memory, and h' = o * tanh(c').
    The state is (B, 2 H): the first half is h, the second c.
    """

    parts: ClassVar[int] = 2

    def __init__(self, hidden_state_size: int, input_size: int) -> None:
        super().__init__(hidden_state_size, input_size)
        self.weight_f, self.bias_f = self._affine()
        self.weight_i, self.bias_i = self._affine()
        self.weight_o, self.bias_o = self._affine()
        self.weight, self.bias = self._affine()

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """(B, I) inputs and (B, 2 H) states to the next states."""
        h, c = state.chunk(2, dim=1)
        xh = torch.cat([x, h], dim=1)
        f = torch.sigmoid(xh @ self.weight_f + self.bias_f)
        i = torch.sigmoid(xh @ self.weight_i + self.bias_i)
        o = torch.sigmoid(xh @ self.weight_o + self.bias_o)
        g = torch.tanh(xh @ self.weight + self.bias)
        c = f * c + i * g
        return torch.cat([o * torch.tanh(c), c], dim=1)


CELLS: dict[str, type[Cell]] = {"rnn": RNNCell, "gru": GRUCell, "gru_torch": TorchGRUCell, "lstm": LSTMCell}
"""By name."""
