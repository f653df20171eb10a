"""The two-level attention LSTM by its equations, at its sizes."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.nn.caption_attention import AttentionCaptioner


def lstm(state: dict[str, Tensor], name: str, x: Tensor, before: Tensor) -> Tensor:
    """One step of the LSTM of those weights; (B, 2 H), hidden state and memory."""
    h, c = before.chunk(2, dim=1)
    f, i, o, g = (torch.cat([x, h], dim=1) @ state[f"{name}.weight{k}"] + state[f"{name}.bias{k}"] for k in GATES)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return torch.cat([o.sigmoid() * c.tanh(), c], dim=1)


GATES = ("_f", "_i", "_o", "")


def test_it_has_the_course_s_number_of_parameters() -> None:
    """15,093,248, with 10 regions of 2048 numbers and 10,000 words."""
    with torch.device("meta"):
        network = AttentionCaptioner(10_000, feature_size=2048)
    sizes = {key: tuple(p.shape) for key, p in network.named_parameters()}
    assert sum(p.numel() for p in network.parameters()) == 15_093_248
    assert sizes["image.conv.weight"] == (512, 2048, 1)
    assert sizes["embedding.weight"] == (10_000, 300)
    assert sizes["below.cells.0.weight_f"] == (512 + 812, 512)
    assert sizes["last.cells.0.weight_f"] == (512 + 1024, 512)
    assert (sizes["attention.1.weight"], sizes["attention.3.weight"]) == ((50, 1024), (10, 50))
    assert sizes["output.weight"] == (10_000, 512)


def test_more_layers_stand_in_the_middle() -> None:
    with torch.device("meta"):
        network = AttentionCaptioner(10_000, feature_size=2048, layers=4)
    middle = 4 * ((512 + 512) * 512 + 512)
    assert sum(p.numel() for p in network.parameters()) == 15_093_248 + 2 * middle


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("layers", [2, 3])
def test_it_is_the_arithmetic_of_the_equations(layers: int, fused: bool) -> None:
    torch.manual_seed(0)
    network = AttentionCaptioner(
        9, feature_size=7, regions=5, embedding=4, mapped=3, hidden=6, layers=layers, fused=fused
    ).double()
    features, tokens = torch.rand(2, 5, 7, dtype=torch.float64), torch.tensor([[1, 4, 2], [1, 7, 8]])
    network(tokens, network.train().encode(features), torch.zeros(layers, 2, 12, dtype=torch.float64))  # fills the norm
    state, network = network.state_dict(), network.eval()

    mapped = F.conv1d(features.transpose(1, 2), state["image.conv.weight"], state["image.conv.bias"])
    norm = [state[f"image.norm.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
    v = F.leaky_relu(F.batch_norm(mapped, *norm))  # (B, 3, R)
    vmax = v.amax(dim=2)
    states = [torch.zeros(2, 12, dtype=torch.float64) for _ in range(layers)]
    expected, looked = [], []
    for t in range(3):
        x = torch.cat([state["embedding.weight"][tokens[:, t]], vmax], dim=1)
        for i in range(layers - 1):
            states[i] = lstm(state, f"below.cells.{i}", x, states[i])
            x = states[i][:, :6]
        both = states[-2]  # hidden state and memory of the second-last layer
        inner = F.leaky_relu(both @ state["attention.1.weight"].T + state["attention.1.bias"])
        a = torch.softmax(inner @ state["attention.3.weight"].T + state["attention.3.bias"], dim=1)
        vatt = sum(a[:, k, None] * v[:, :, k] for k in range(5))
        states[-1] = lstm(state, "last.cells.0", torch.cat([both[:, :6], vatt], dim=1), states[-1])
        expected.append(states[-1][:, :6] @ state["output.weight"].T + state["output.bias"])
        looked.append(a)

    memory = network.encode(features)
    logits, after, weights = network.words(tokens, memory, network.start(memory))
    torch.testing.assert_close(logits, torch.stack(expected, dim=1))
    torch.testing.assert_close(after, torch.stack(states))
    torch.testing.assert_close(weights, torch.stack(looked, dim=1))


def test_what_is_dropped_in_training() -> None:
    """A quarter of the features and a quarter of [h, c], and nothing else."""
    network = AttentionCaptioner(9, feature_size=7)
    drops = {key: part.p for key, part in network.named_modules() if isinstance(part, torch.nn.Dropout)}
    assert drops == {"image.drop": 0.25, "attention.0": 0.25}
