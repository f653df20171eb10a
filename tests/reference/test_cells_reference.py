"""Recurrent cells against torch's, to 1e-6, with weights carried over both ways."""

from __future__ import annotations

import pytest
import torch

from saccade.nn.cells import CELLS
from saccade.nn.kernels import kernel_weights, load_kernel_weights
from saccade.nn.recurrent import Recurrent

TORCHS = {
    "rnn": (torch.nn.RNNCell, torch.nn.RNN),
    "gru_torch": (torch.nn.GRUCell, torch.nn.GRU),
    "lstm": (torch.nn.LSTMCell, torch.nn.LSTM),
}
NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
every = pytest.mark.parametrize("name", TORCHS)


def state_of(state):
    """Torch's state of ours, which of an LSTM is two halves."""
    return tuple(part.contiguous() for part in state.chunk(2, dim=-1))


@every
def test_a_cell_with_torch_s_weights_says_what_torch_s_says(name):
    torch.manual_seed(0)
    # in float32 the order in which a processor adds 812 products makes more than 1e-6
    torchs = TORCHS[name][0](812, 512).double()
    ours = CELLS[name](512, 812).double()
    load_kernel_weights(ours, [getattr(torchs, each) for each in NAMES])
    x, state = torch.randn(4, 812, dtype=torch.float64), torch.randn(4, ours.state_size, dtype=torch.float64)
    for _ in range(5):
        expected = torch.cat(torchs(x, state_of(state)), dim=1) if name == "lstm" else torchs(x, state)
        state = ours(x, state)
        torch.testing.assert_close(state, expected, rtol=0, atol=1e-12)


@every
def test_torch_s_cell_with_our_weights_says_what_ours_says(name):
    torch.manual_seed(0)
    torchs = TORCHS[name][0](5, 7)
    ours = CELLS[name](7, 5)
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter)
    with torch.no_grad():
        for each, weight in zip(NAMES, kernel_weights(ours), strict=True):
            getattr(torchs, each).copy_(weight)
    x, state = torch.randn(4, 5), torch.randn(4, ours.state_size)
    expected = torch.cat(torchs(x, state_of(state)), dim=1) if name == "lstm" else torchs(x, state)
    torch.testing.assert_close(ours(x, state), expected, rtol=0, atol=1e-6)


@every
def test_weights_there_and_back_are_the_same(name):
    torch.manual_seed(0)
    ours, other = CELLS[name](7, 5), CELLS[name](7, 5)
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter)
    load_kernel_weights(other, kernel_weights(ours))
    for key, value in ours.state_dict().items():
        assert torch.equal(other.state_dict()[key], value)


@every
@pytest.mark.parametrize("fused", [False, True])
def test_layers_over_a_sequence_say_what_torch_s_module_says(name, fused):
    torch.manual_seed(0)
    torchs = TORCHS[name][1](5, 7, num_layers=3, batch_first=True)
    ours = Recurrent(name, input_size=5, hidden=7, layers=3, fused=fused)
    for i, cell in enumerate(ours.cells):
        load_kernel_weights(cell, [getattr(torchs, f"{each}_l{i}") for each in NAMES])
    x, state = torch.randn(4, 6, 5), torch.randn_like(ours.start(4))
    expected, after = torchs(x, state_of(state) if name == "lstm" else state)
    said, carried = ours(x, state)
    torch.testing.assert_close(said, expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(carried, torch.cat(after, dim=2) if name == "lstm" else after, rtol=0, atol=1e-6)


def test_torch_s_gru_is_not_the_course_s():
    """The same numbers in both forms say something else: weights do not carry over."""
    torch.manual_seed(0)
    course, torchs = CELLS["gru"](7, 5), CELLS["gru_torch"](7, 5)
    torchs.load_state_dict(course.state_dict(), strict=False)
    x, h = torch.randn(4, 5), torch.randn(4, 7)
    assert float((course(x, h) - torchs(x, h)).detach().abs().max()) > 0.01
