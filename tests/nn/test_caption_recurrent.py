"""The captioning networks that are told of the image at every word, by their equations."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from saccade.nn.caption_recurrent import RecurrentCaptioner


def test_the_image_is_beside_every_word() -> None:
    torch.manual_seed(0)
    network = RecurrentCaptioner("rnn", vocabulary=9, feature_size=5, embedding=4, mapped=3, hidden=6).eval()
    state = network.state_dict()
    features, tokens = torch.rand(2, 3, 5), torch.tensor([[1, 4], [1, 7]])
    memory = network.encode(features)
    seen = F.leaky_relu(features.amax(dim=1) @ state["image.linear.weight"].T + state["image.linear.bias"])
    h, expected = torch.zeros(2, 6), []
    for t in range(2):
        x = torch.cat([state["embedding.weight"][tokens[:, t]], seen], dim=1)
        h = torch.tanh(torch.cat([x, h], dim=1) @ state["recurrent.cells.0.weight"])  # biases start at 0
        expected.append(h @ state["output.weight"].T + state["output.bias"])
    logits, after = network(tokens, memory, network.start(memory))
    torch.testing.assert_close(logits, torch.stack(expected, dim=1))
    torch.testing.assert_close(after[0], h)


@pytest.mark.parametrize(("cell", "layers", "gates"), [("rnn", 1, 1), ("gru", 2, 3), ("lstm", 2, 4)])
def test_parameters_of_the_course_s_sizes(cell: str, layers: int, gates: int) -> None:
    """2048 to 512, words of 300, 812 into the first layer and 512 into the others, 512 units, 10,000 words."""
    with torch.device("meta"):
        network = RecurrentCaptioner(cell, vocabulary=10_000, feature_size=2048, layers=layers)
    layer = [gates * ((512 + inputs) * 512 + 512) for inputs in (812, 512)]
    expected = 2048 * 512 + 512 + 10_000 * 300 + sum(layer[:layers]) + 512 * 10_000 + 10_000
    assert sum(p.numel() for p in network.parameters()) == expected
