"""Our recurrent cells through the kernels of ``torch.nn.RNN``, ``GRU`` and ``LSTM``, with the same weights.

A kernel takes all steps of all layers in one call. It wants four tensors a layer, those of ``torch.nn.RNN`` and the
like: ``weight_ih`` (G H, I), ``weight_hh`` (G H, H), ``bias_ih`` and ``bias_hh`` (G H), with G gates one below the
other. Ours are their transposes, gate by gate, and where both biases are only added up, ours is the sum.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from saccade.nn.cells import Cell, LSTMCell, RNNCell, TorchGRUCell

GATES: dict[type[Cell], tuple[str, ...]] = {
    RNNCell: ("",),
    TorchGRUCell: ("_r", "_u", ""),
    LSTMCell: ("_i", "_f", "", "_o"),
}
"""The cells whose equations are torch's, and what follows ``weight`` and ``bias`` in our names, in torch's order."""


def kernel_weights(cell: Cell) -> list[Tensor]:
    """``weight_ih``, ``weight_hh``, ``bias_ih`` and ``bias_hh`` of a cell of ``GATES``; gradients reach its own."""
    gates = GATES[type(cell)]
    weight = torch.cat([cell.get_parameter(f"weight{gate}") for gate in gates], dim=1).T
    bias = torch.cat([cell.get_parameter(f"bias{gate}") for gate in gates], dim=1).squeeze(0)
    inputs, hidden = weight[:, : cell.input_size], weight[:, cell.input_size :]
    other = torch.zeros_like(bias)
    if isinstance(cell, TorchGRUCell):
        other = torch.cat([other[: -cell.hidden_state_size], cell.bias_h.squeeze(0)])
    # transposed only in name they would slow the kernel down on a CPU: half as fast at 512 units
    return [inputs.contiguous(), hidden.contiguous(), bias, other]


@torch.no_grad()
def load_kernel_weights(cell: Cell, weights: Sequence[Tensor]) -> None:
    """Copy ``weight_ih``, ``weight_hh``, ``bias_ih`` and ``bias_hh`` of a layer of torch's into a cell of ``GATES``."""
    gates = GATES[type(cell)]
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    matrices = torch.cat([weight_ih, weight_hh], dim=1).T.chunk(len(gates), dim=1)
    inner, other = (bias.chunk(len(gates)) for bias in (bias_ih, bias_hh))
    for i, gate in enumerate(gates):
        apart = isinstance(cell, TorchGRUCell) and gate == ""
        cell.get_parameter(f"weight{gate}").copy_(matrices[i])
        cell.get_parameter(f"bias{gate}").copy_(inner[i] if apart else inner[i] + other[i])
        if apart:
            cell.get_parameter("bias_h").copy_(other[i])


def run_kernel(cells: Sequence[Cell], x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """A sequence through layers of cells of one kind of ``GATES`` and one hidden size.

    Args:
        cells: one a layer; the inputs of all but the first are hidden states.
        x: (B, L, I), L at least 1.
        state: (layers, B, state size of the cells).

    Returns:
        (B, L, H) hidden states of the last layer, and the state after the last step.
    """
    weights = [weight for cell in cells for weight in kernel_weights(cell)]
    # there is no dropout, so that "training" only says whether cuDNN keeps what a gradient needs
    settings = (weights, True, len(cells), 0.0, torch.is_grad_enabled(), False, True)
    state = state.to(x.dtype)
    if isinstance(cells[0], LSTMCell):
        h, c = (half.contiguous() for half in state.chunk(2, dim=2))
        said, h, c = torch.lstm(x, (h, c), *settings)
        return said, torch.cat([h, c], dim=2)
    kernel = torch.gru if isinstance(cells[0], TorchGRUCell) else torch.rnn_tanh
    said, state = kernel(x, state, *settings)
    return said, state
