"""Recurrent cells on values worked by hand; those that torch has, too, are compared in tests/reference."""

from __future__ import annotations

import math

import pytest
import torch

from saccade.nn.cells import CELLS, Cell, GRUCell, LSTMCell, RNNCell, TorchGRUCell

HIDDEN, INPUTS = 7, 3


def filled(cell: Cell, **values: float) -> Cell:
    """The cell with each parameter filled with one number: weights by ``w``, biases by ``b``, or by its own name."""
    for name, parameter in cell.double().named_parameters():
        torch.nn.init.constant_(parameter, values.get(name, values[name[0]]))
    return cell


def said(cell: Cell, x: float, *state: float) -> list[float]:
    """The new state of one row of equal inputs, and of equal hidden units; one number a part of the state."""
    old = torch.tensor([state], dtype=torch.float64).repeat_interleave(HIDDEN, dim=1)
    new = cell(torch.full((1, INPUTS), x, dtype=torch.float64), old)
    assert new.shape == old.shape
    parts = new.view(len(state), HIDDEN)
    assert torch.allclose(parts, parts[:, :1])
    return parts[:, 0].tolist()


# The values of the LSTM and of the first GRU are those of the course's own tests.
@pytest.mark.parametrize(
    ("w", "b", "x", "h", "c", "expected"),
    [
        (0.0, 0.5, 2.0, 8.0, 0.1, (0.20932, 0.34990)),
        (0.0, 1.0, 3.0, 9.0, 0.5, (0.5315, 0.9223)),
        (1.0, 0.0, 2.0, 8.0, 0.1, (0.8005, 1.1)),  # all gates open: c + 1 and its tanh
    ],
)
def test_lstm_by_hand(w: float, b: float, x: float, h: float, c: float, expected: tuple[float, float]) -> None:
    assert said(filled(LSTMCell(HIDDEN, INPUTS), w=w, b=b), x, h, c) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("bias", "expected"),
    [
        ("bias_f", (math.tanh(0.25), 0.25)),  # forgets nothing, lets nothing in: tanh(0) = 0
        ("bias_o", (math.tanh(0.125), 0.125)),  # tells all of what it half forgot
        ("bias", (0.5 * math.tanh(0.625), 0.625)),  # 0.25 / 2 + 1 / 2
    ],
)
def test_what_each_gate_of_the_lstm_does(bias: str, expected: tuple[float, float]) -> None:
    """Other gates half open; this one, or the candidate, wide open."""
    h = expected[0] if bias == "bias" else expected[0] * (1.0 if bias == "bias_o" else 0.5)
    cell = filled(LSTMCell(HIDDEN, INPUTS), w=0.0, b=0.0, **{bias: 50.0})
    assert said(cell, 1.0, 0.3, 0.25) == pytest.approx((h, expected[1]), rel=1e-12)


@pytest.mark.parametrize("kind", [GRUCell, TorchGRUCell])
def test_gru_by_hand(kind: type[Cell]) -> None:
    # with all weights 1 the two forms differ by r (7 * 0.42) + 1.26 against 7 (r * 0.42) + 1.26: not at all
    assert said(filled(kind(HIDDEN, INPUTS), w=1.0, b=0.0), 0.42, 0.42) == [pytest.approx(0.42856, abs=5e-6)]


@pytest.mark.parametrize("kind", [GRUCell, TorchGRUCell])
@pytest.mark.parametrize(("update", "share"), [(0.0, 0.5), (50.0, 1.0), (-50.0, 0.0)])
def test_an_open_update_gate_keeps_the_old_state(kind: type[Cell], update: float, share: float) -> None:
    cell = filled(kind(HIDDEN, INPUTS), w=1.0, b=0.0, weight_u=0.0, bias_u=update, weight_r=0.0, bias_r=50.0)
    x, h = 0.1, 0.02
    candidate = math.tanh(INPUTS * x + HIDDEN * h)
    assert said(cell, x, h) == [pytest.approx(share * h + (1 - share) * candidate, rel=1e-12)]


def test_the_two_forms_of_the_gru_reset_before_and_behind_the_matrix() -> None:
    """Behind it, its bias is reset too."""
    settings = {"w": 0.0, "b": 0.0, "bias_u": -50.0, "weight": 0.5}
    r, x, h = 0.5, 0.2, 0.6
    course = filled(GRUCell(HIDDEN, INPUTS), **settings)
    torchs = filled(TorchGRUCell(HIDDEN, INPUTS), **settings, bias_h=0.4)
    assert said(course, x, h) == [pytest.approx(math.tanh(0.5 * (INPUTS * x + HIDDEN * r * h)), rel=1e-12)]
    expected = math.tanh(0.5 * INPUTS * x + r * (0.5 * HIDDEN * h + 0.4))
    assert said(torchs, x, h) == [pytest.approx(expected, rel=1e-12)]


def test_the_forms_of_the_gru_differ_where_units_are_reset_unlike() -> None:
    """Two units, of which one is reset, and a matrix that swaps them."""
    both = GRUCell(2, 1).double(), TorchGRUCell(2, 1).double()
    for cell in both:
        with torch.no_grad():
            for parameter in cell.parameters():
                parameter.zero_()
            cell.get_parameter("bias_u").fill_(-50.0)
            cell.get_parameter("bias_r").copy_(torch.tensor([[-50.0, 50.0]]))
            cell.get_parameter("weight")[1:] = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
    x, h = torch.zeros(1, 1, dtype=torch.float64), torch.tensor([[0.3, 0.7]], dtype=torch.float64)
    before, behind = (cell(x, h).squeeze(0).tolist() for cell in both)
    assert before == pytest.approx([math.tanh(0.7), 0.0], abs=1e-15)
    assert behind == pytest.approx([0.0, math.tanh(0.3)], abs=1e-15)


def test_rnn_by_hand() -> None:
    cell = filled(RNNCell(HIDDEN, INPUTS), w=0.1, b=-0.2)
    assert said(cell, 0.5, 0.3) == [pytest.approx(math.tanh(0.1 * (INPUTS * 0.5 + HIDDEN * 0.3) - 0.2), rel=1e-12)]


@pytest.mark.parametrize("name", CELLS)
def test_inputs_come_first_in_the_rows_of_a_weight(name: str) -> None:
    """With the first I rows 0 the input has no say, and with the others 0 neither has the old hidden state."""
    torch.manual_seed(0)
    cell = CELLS[name](HIDDEN, INPUTS)
    (x, other), state = torch.randn(2, 1, INPUTS), torch.randn(1, cell.state_size)
    changed = torch.cat([torch.randn(1, HIDDEN), state[:, HIDDEN:]], dim=1)
    weights = [p for key, p in cell.named_parameters() if key.startswith("weight")]
    kept = [w.detach().clone() for w in weights]
    with torch.no_grad():
        for weight in weights:
            weight[:INPUTS] = 0
        assert torch.equal(cell(x, state), cell(other, state))
        for weight, whole in zip(weights, kept, strict=True):
            weight.copy_(whole)[INPUTS:] = 0
        if isinstance(cell, RNNCell | LSTMCell):
            assert torch.equal(cell(x, state), cell(x, changed))
        assert not torch.equal(cell(x, state), cell(other, state))


@pytest.mark.parametrize(
    ("name", "suffixes"),
    [("rnn", [""]), ("gru", ["_u", "_r", ""]), ("gru_torch", ["_u", "_r", ""]), ("lstm", ["_f", "_i", "_o", ""])],
)
def test_names_and_shapes_of_parameters(name: str, suffixes: list[str]) -> None:
    shapes = {key: tuple(p.shape) for key, p in CELLS[name](HIDDEN, INPUTS).named_parameters()}
    expected = {f"weight{each}": (HIDDEN + INPUTS, HIDDEN) for each in suffixes}
    expected |= {f"bias{each}": (1, HIDDEN) for each in suffixes}
    assert shapes == expected | ({"bias_h": (1, HIDDEN)} if name == "gru_torch" else {})


@pytest.mark.parametrize("name", CELLS)
def test_weights_start_normal_of_variance_one_by_rows_and_biases_at_0(name: str) -> None:
    torch.manual_seed(0)
    for key, parameter in CELLS[name](150, 50).named_parameters():
        if key.startswith("bias"):
            assert not parameter.any()
            continue
        values = parameter.detach().double()
        count = values.numel()
        assert float(values.var()) == pytest.approx(1 / 200, rel=5 * math.sqrt(2 / count))
        assert abs(float(values.mean())) < 5 / math.sqrt(200 * count)
        assert float(values.abs().max()) > 3.5 / math.sqrt(200)


@pytest.mark.parametrize("name", CELLS)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    torch.manual_seed(0)
    cell = CELLS[name](3, 2).double()
    x = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    state = torch.randn(2, cell.state_size, dtype=torch.float64, requires_grad=True)
    given = tuple(cell.parameters())

    def run(x: torch.Tensor, state: torch.Tensor, *_: torch.Tensor) -> torch.Tensor:
        return cell(x, cell(x, state))

    assert torch.autograd.gradcheck(run, (x, state, *given))
