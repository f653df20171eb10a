"""Layers of cells over a sequence: against cells one by one, and kernels against cells."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from saccade.nn.cells import CELLS, LSTMCell, RNNCell
from saccade.nn.kernels import GATES
from saccade.nn.recurrent import Recurrent, unrolled

SIZES = {"input_size": 5, "hidden": 4}


def make(cell: str, layers: int, *, fused: bool = False) -> Recurrent:
    torch.manual_seed(0)
    network = Recurrent(cell, **SIZES, layers=layers, fused=fused).double()
    for key, parameter in network.named_parameters():
        if "bias" in key:
            torch.nn.init.normal_(parameter)
    return network


def given(network: Recurrent, length: int = 6, rows: int = 3) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(1)
    x = torch.randn(rows, length, 5, generator=g, dtype=torch.float64)
    return x, torch.randn(network.start(rows).shape, generator=g, dtype=torch.float64)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_each_layer_reads_the_hidden_states_of_the_one_below(cell: str, layers: int) -> None:
    network = make(cell, layers)
    x, state = given(network)
    now, said = list(state), []
    for t in range(6):
        below = x[:, t]
        for i, layer in enumerate(network.cells):
            now[i] = layer(below, now[i])
            below = now[i][:, :4]
        said.append(below)
    hidden, after = network(x, state)
    torch.testing.assert_close(hidden, torch.stack(said, dim=1))
    torch.testing.assert_close(after, torch.stack(now))


@pytest.mark.parametrize("cell", CELLS)
def test_it_starts_from_zero(cell: str) -> None:
    assert torch.equal(make(cell, 2).start(3), torch.zeros(2, 3, 8 if cell == "lstm" else 4, dtype=torch.float64))


@pytest.mark.parametrize("cell", ["rnn", "gru_torch", "lstm"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("length", [1, 2, 6])
def test_kernels_say_what_cells_say_and_learn_what_cells_learn(cell: str, layers: int, length: int) -> None:
    outcomes = []
    for network in (make(cell, layers), make(cell, layers, fused=True)):
        assert network.fused == (len(outcomes) == 1)
        x, state = given(network, length)
        x, state = x.requires_grad_(), state.requires_grad_()
        hidden, after = network(x, state)
        (hidden.square().sum() + (after * torch.arange(after.shape[2])).sum()).backward()
        gradients = {key: p.grad for key, p in network.named_parameters()}
        outcomes.append((hidden, after, x.grad, state.grad, gradients))
    torch.testing.assert_close(outcomes[1], outcomes[0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("cell", ["rnn", "gru_torch", "lstm"])
def test_kernels_in_single_precision(cell: str) -> None:
    """At the size of the presets, where the matrices of a CPU's kernels are laid out in blocks."""
    torch.manual_seed(0)
    network = Recurrent(cell, input_size=812, hidden=512, layers=2, fused=True)
    x, state = torch.randn(3, 5, 812), network.start(3)
    with torch.no_grad():
        fused = network(x, state)
        network.fused = False
        # sums of 1,324 products in another order: a few units in the last place
        torch.testing.assert_close(fused, network(x, state), rtol=0, atol=5e-6)


def test_only_cells_with_torch_s_equations_go_through_kernels() -> None:
    assert {name for name in CELLS if CELLS[name] in GATES} == {"rnn", "gru_torch", "lstm"}
    assert not make("gru", 2, fused=True).fused


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("cell", CELLS)
def test_a_sequence_in_pieces_with_the_state_carried_over_is_the_sequence(cell: str, fused: bool) -> None:
    network = make(cell, 2, fused=fused)
    x, state = given(network)
    whole, after = network(x, state)
    pieces = []
    for piece in x.split([3, 1, 2], dim=1):
        said, state = network(piece, state)
        pieces.append(said)
    torch.testing.assert_close(torch.cat(pieces, dim=1), whole)
    torch.testing.assert_close(state, after)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
def test_whole_states_of_the_last_layer(layers: int, fused: bool) -> None:
    network = make("lstm", layers, fused=fused)
    x, state = given(network)
    hidden, after = network(x, state)
    states, carried = network.states(x, state)
    torch.testing.assert_close(states[..., :4], hidden)
    torch.testing.assert_close(carried, after)
    for t in range(6):
        torch.testing.assert_close(states[:, t], network(x[:, : t + 1], state)[1][-1])


def test_states_are_no_views_that_a_later_step_overwrites() -> None:
    torch.manual_seed(0)
    cell = LSTMCell(4, 5)
    x = torch.randn(2, 3, 5)
    states = unrolled(cell, x, torch.zeros(2, 8))
    torch.testing.assert_close(states[:, :2], unrolled(cell, x[:, :2], torch.zeros(2, 8)))
    states.sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in cell.parameters())


def test_parameters_are_the_same_whether_fused_or_not() -> None:
    fused, plain = make("lstm", 2, fused=True), make("lstm", 2)
    plain.load_state_dict(fused.state_dict())
    assert {"cells.0.weight_f", "cells.1.bias"} <= fused.state_dict().keys()
    assert isinstance(make("rnn", 1).cells[0], RNNCell)


@pytest.mark.parametrize("cell", ["rnn", "gru_torch", "lstm"])
def test_reduced_precision(cell: str) -> None:
    """The words of a network under autocast: what goes in is wide, what comes out may be narrow and goes in again."""
    network = make(cell, 2, fused=True).float()
    x, state = given(network)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        said, after = network(x.float(), state.float())
        said, after = network(x.bfloat16(), after)
    exact = network(x.float(), network(x.float(), state.float())[1])[0]
    torch.testing.assert_close(said.float(), exact, rtol=0, atol=0.05)
