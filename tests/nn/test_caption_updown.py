"""Top-down attention by its equations, and a look at what it compares."""

from __future__ import annotations

import torch

from saccade.nn.caption_updown import UpDownCaptioner


def make() -> UpDownCaptioner:
    torch.manual_seed(0)
    return UpDownCaptioner(9, feature_size=7, embedding=4, hidden=6, attention=3).double().eval()


def test_it_is_the_arithmetic_of_the_equations() -> None:
    network = make()
    state = network.state_dict()
    features, tokens = torch.rand(2, 5, 7, dtype=torch.float64), torch.tensor([[1, 4, 2], [1, 7, 8]])
    mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool)
    v = (features @ state["image.0.weight"].T + state["image.0.bias"]).clamp_min(0)
    mean = torch.stack([v[0, :3].mean(dim=0), v[1].mean(dim=0)])
    looking = saying = torch.zeros(2, 12, dtype=torch.float64)
    expected = []
    for t in range(3):
        word = state["word.0.weight"][tokens[:, t]]
        looking = network.attention_lstm(torch.cat([saying[:, :6], mean, word], dim=1), looking)
        h1 = looking[:, :6]
        both = v @ state["keys.weight"].T + (h1 @ state["query.weight"].T)[:, None]
        a = (torch.tanh(both) @ state["score.weight"].T).squeeze(2).exp() * mask
        a = a / a.sum(dim=1, keepdim=True)  # masked, then renormalised
        seen = (a[:, :, None] * v).sum(dim=1)
        saying = network.language_lstm(torch.cat([seen, h1], dim=1), saying)
        expected.append(saying[:, :6] @ state["output.1.weight"].T + state["output.1.bias"])
    memory = network.encode(features, mask)
    logits, after, weights = network.words(tokens, memory, network.start(memory))
    torch.testing.assert_close(logits, torch.stack(expected, dim=1))
    torch.testing.assert_close(after, torch.stack([looking, saying]))
    assert weights is not None
    torch.testing.assert_close(weights[:, -1], a)


def test_sizes_of_the_paper() -> None:
    with torch.device("meta"):
        sizes = {key: tuple(p.shape) for key, p in UpDownCaptioner(10_000, feature_size=2048).named_parameters()}
    assert sizes["word.0.weight"] == (10_000, 1000)
    assert sizes["attention_lstm.weight_f"] == (4 * 1000, 1000)  # h2, mean, word, and its own
    assert sizes["language_lstm.weight_f"] == (3 * 1000, 1000)
    assert (sizes["keys.weight"], sizes["score.weight"]) == ((512, 1000), (1, 512))


def test_where_it_looks_does_not_depend_on_the_order_of_the_regions() -> None:
    network, features = make(), torch.rand(2, 5, 7, dtype=torch.float64)
    order = torch.tensor([3, 0, 4, 1, 2])
    outcomes = []
    for each in (features, features[:, order]):
        memory = network.encode(each)
        outcomes.append(network.step(torch.tensor([1, 1]), memory, network.start(memory)))
    torch.testing.assert_close(outcomes[1][0], outcomes[0][0])
    torch.testing.assert_close(outcomes[1][2], outcomes[0][2][:, order])
