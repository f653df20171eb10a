"""Words of the network's own among those that it reads: how often, which, and what they lead to."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from saccade.nn.caption_base import Captioner, Memory, Words
from saccade.nn.captioners import Sizes, build_captioner
from saccade.nn.scheduled_sampling import own_word_probability, read_own_words


class Counting(Captioner):
    """Says the word after the one that it read, in a circle of five; ``read`` are all that it read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[Tensor] = []

    def encode(self, features: Tensor, mask: Tensor | None = None) -> Memory:
        return (features,)

    def start(self, memory: Memory) -> Tensor:
        return torch.zeros(1, len(memory[0]), 1)

    def words(self, tokens: Tensor, memory: Memory, state: Tensor) -> Words:
        self.read.append(tokens.squeeze(1))
        return 50.0 * torch.nn.functional.one_hot((tokens + 1) % 5, 5), state + 1, None


def test_how_often_by_the_schedule() -> None:
    """min(0.05 floor(epoch / 5), most), with epochs from 0."""
    found = [own_word_probability(epoch, most=0.25) for epoch in (0, 4, 5, 9, 10, 24, 25, 100)]
    assert found == pytest.approx([0, 0, 0.05, 0.05, 0.1, 0.2, 0.25, 0.25])
    assert own_word_probability(40, most=0.12) == 0.12
    assert own_word_probability(40, most=0.0) == 0.0


def test_never_is_teacher_forcing() -> None:
    torch.manual_seed(0)
    network = build_captioner("lstm", vocabulary=9, feature_size=4, sizes=Sizes(embedding=5, hidden=6)).double().eval()
    tokens, memory = torch.randint(0, 9, (3, 5)), network.encode(torch.rand(3, 2, 4, dtype=torch.float64))
    found = read_own_words(network, tokens, memory, network.start(memory), probability=0.0)
    torch.testing.assert_close(found, network(tokens, memory, network.start(memory)))


def test_always_is_the_network_s_own_caption_after_the_first_word() -> None:
    network = Counting()
    memory = network.encode(torch.zeros(2, 1, 1))
    tokens = torch.tensor([[1, 0, 0, 0], [4, 0, 0, 0]])
    logits, state = read_own_words(network, tokens, memory, network.start(memory), probability=1.0)
    assert torch.stack(network.read, dim=1).tolist() == [[1, 2, 3, 4], [4, 0, 1, 2]]
    assert logits.argmax(dim=2).tolist() == [[2, 3, 4, 0], [0, 1, 2, 3]]
    assert state.flatten().tolist() == [4, 4]


def test_as_often_as_said_word_by_word_and_row_by_row() -> None:
    network = Counting()
    memory = network.encode(torch.zeros(2000, 1, 1))
    tokens = torch.zeros(2000, 4, dtype=torch.int64)
    torch.manual_seed(0)
    read_own_words(network, tokens, memory, network.start(memory), probability=0.25)
    own = torch.stack(network.read[1:], dim=1) != 0  # what follows 0 is 1, and so on: never 0 in four words
    assert own.float().mean(dim=0).tolist() == pytest.approx([0.25] * 3, abs=0.04)
    assert len(own.unique(dim=0)) == 8


def test_words_are_drawn_by_their_probability() -> None:
    class Undecided(Counting):
        def words(self, tokens: Tensor, memory: Memory, state: Tensor) -> Words:
            self.read.append(tokens.squeeze(1))
            return torch.tensor([0.1, 0.2, 0.7]).log().expand(len(tokens), 1, 3), state, None

    network = Undecided()
    memory = network.encode(torch.zeros(4000, 1, 1))
    torch.manual_seed(0)
    read_own_words(network, torch.zeros(4000, 2, dtype=torch.int64), memory, torch.zeros(1), probability=1.0)
    shares = torch.bincount(network.read[1]) / 4000
    assert shares.tolist() == pytest.approx([0.1, 0.2, 0.7], abs=0.03)


def test_a_seed_repeats_the_draws_and_gradients_reach_every_weight() -> None:
    torch.manual_seed(0)
    network = build_captioner("gru", vocabulary=9, feature_size=4, sizes=Sizes(embedding=5, hidden=6)).eval()
    tokens, features = torch.randint(0, 9, (3, 5)), torch.rand(3, 2, 4)
    found = []
    for _ in range(2):
        memory = network.encode(features)
        torch.manual_seed(3)
        found.append(read_own_words(network, tokens, memory, network.start(memory), probability=0.5)[0])
    assert torch.equal(*found)
    found[0].logsumexp(dim=2).sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters())
