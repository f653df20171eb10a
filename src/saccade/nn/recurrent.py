"""Layers of a recurrent cell over a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from saccade.nn.cells import CELLS, Cell
from saccade.nn.kernels import GATES, run_kernel


class Recurrent(nn.Module):
    """Any number of layers, each reading the hidden states of the one below.

    Its state is (layers, B, S), where S is H, and 2 H for an LSTM, whose first half is the hidden state.
    """

    def __init__(self, cell: str, *, input_size: int, hidden: int, layers: int = 1, fused: bool = True) -> None:
        """``layers`` times the cell of that name in ``CELLS``.

        Args:
            cell: a name.
            input_size: I of the first layer.
            hidden: H of all layers.
            layers: how many.
            fused: run through torch's kernels where they compute the same, which for ``gru`` they do not; parameters
                and results are the same either way.
        """
        super().__init__()
        sizes = [input_size, *[hidden] * (layers - 1)]
        self.cells = nn.ModuleList(CELLS[cell](hidden, size) for size in sizes)
        self.fused = fused and CELLS[cell] in GATES

    def start(self, rows: int) -> Tensor:
        """(layers, rows, S) zeros."""
        first = self._cells[0]
        return next(first.parameters()).new_zeros(len(self.cells), rows, first.state_size)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, I) inputs and (layers, B, S) to (B, L, H) hidden states of the last layer and the state after them."""
        return self._through(self._cells, x, state)

    def states(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """As ``forward``, with (B, L, S) whole states of the last layer; kernels keep its memory to themselves."""
        *below, last = self._cells
        if below:
            x, lower = self._through(below, x, state[:-1])
        states = unrolled(last, x, state[-1])
        top = states[None, :, -1]
        return states, torch.cat([lower, top]) if below else top

    @property
    def _cells(self) -> list[Cell]:
        return cast(list[Cell], list(self.cells))

    def _through(self, cells: Sequence[Cell], x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        # a single step is no faster in a kernel, for which the weights would have to be laid out anew
        if self.fused and x.shape[1] > 1:
            return run_kernel(cells, x, state)
        after = []
        for cell, before in zip(cells, state, strict=True):
            states = unrolled(cell, x, before)
            x = states[..., : cell.hidden_state_size]
            after.append(states[:, -1])
        return x, torch.stack(after)


def unrolled(cell: Cell, x: Tensor, state: Tensor) -> Tensor:
    """(B, L, I) inputs, L at least 1, and a (B, S) state to the (B, L, S) states after each step."""
    states = []
    for step in x.unbind(dim=1):
        state = cell(step, state)
        states.append(state)
    return torch.stack(states, dim=1)
