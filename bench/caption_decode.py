"""How fast captions are said and learned: captions a second of each network, and against a plain loop of PyTorch.

    python bench/caption_decode.py [--batch 32] [--words 20] [--networks lstm attention] [--threads 1]

Random weights at the sizes of the presets: 10 regions of 2048 numbers, words of 300, 512 units. Such a network does not
come to an end by itself, so that each caption has exactly --words words. "plain loop" is what one would write with two
nn.LSTMCell, and has the weights of "lstm": both say the same. "cells" is the network with model.fused: false. Learning
is a forward and a backward pass with teacher forcing, without the optimiser.

Rounds go through all networks in turn. Prints the median captions a second, and in brackets the median of the ratios to
the plain loop of the same round. Features are there already: no backbone is measured.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from saccade.decode.beam import beam
from saccade.decode.captions import Rules, greedy
from saccade.losses.caption import cross_entropy
from saccade.nn.caption_base import Captioner, largest
from saccade.nn.caption_recurrent import RecurrentCaptioner
from saccade.nn.captioners import build_captioner
from saccade.nn.cells import LSTMCell
from saccade.nn.kernels import kernel_weights

PLAIN = "plain loop"
FUSED = ("rnn", "gru_torch", "lstm", "attention")
NETWORKS = ("rnn", "gru", "gru_torch", "lstm", "attention", "updown", "transformer")
SIZE, REGIONS = 2048, 10


class PlainLoop(nn.Module):
    """Two LSTM cells of torch's in a loop, with the weights of ``other``, of two layers."""

    def __init__(self, other: RecurrentCaptioner) -> None:
        super().__init__()
        self.image, self.embedding, self.output = other.image, other.embedding, other.output
        self.cells = nn.ModuleList(nn.LSTMCell(cell.input_size, 512) for cell in cells_of(other))
        with torch.no_grad():
            for mine, cell in zip(self.cells, cells_of(other), strict=True):
                for parameter, weight in zip(mine.parameters(), kernel_weights(cell), strict=True):
                    parameter.copy_(weight)

    def forward(self, features: Tensor, words: Tensor | None, length: int) -> tuple[Tensor, Tensor]:
        """Logits (B, length, V) and what was read: ``words`` (B, length), or from 1 on the likeliest word so far."""
        image = F.leaky_relu(self.image.linear(F.dropout(largest(features, None), 0.25, self.training)))
        zeros = image.new_zeros(len(image), 512)
        states = [(zeros, zeros) for _ in self.cells]
        word, read, said = torch.ones(len(image), dtype=torch.int64, device=image.device), [], []
        for t in range(length):
            word = word if words is None else words[:, t]
            read.append(word)
            x = torch.cat([self.embedding(word), image], dim=1)
            for i, cell in enumerate(self.cells):
                states[i] = cell(x, states[i])
                x = states[i][0]
            said.append(self.output(x))
            word = said[-1].argmax(dim=1)
        return torch.stack(said, dim=1), torch.stack([*read[1:], word], dim=1)


def cells_of(network: RecurrentCaptioner) -> list[LSTMCell]:
    """Its cells, layer by layer."""
    return [cell for cell in network.recurrent.cells if isinstance(cell, LSTMCell)]


def works(network: nn.Module, features: Tensor, words: Tensor, rules: Rules) -> dict[str, Callable[[], Tensor]]:
    """What is measured of a network; what is said gives (B, L) words, what is learned a loss."""
    mask = torch.ones_like(words, dtype=torch.bool)

    def learn() -> Tensor:
        network.train()
        network.zero_grad()
        if isinstance(network, Captioner):
            memory = network.encode(features)
            logits, _ = network(words, memory, network.start(memory))
        else:
            logits, _ = network(features, words, words.shape[1])
        loss = cross_entropy(logits, words, mask).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        network.eval()
        return loss.detach()

    if not isinstance(network, Captioner):
        return {"greedy": lambda: network(features, None, rules.max_length)[1], "learning": learn}
    return {
        "greedy": lambda: greedy(network, network.encode(features), rules).tokens,
        "beam 5": lambda: beam(network, network.encode(features), rules, size=5).tokens,
        "learning": learn,
    }


def seconds(work: Callable[[], Tensor]) -> float:
    """Of one run, to the end."""
    start = time.perf_counter()
    work().sum().item()
    return time.perf_counter() - start


def make(given: argparse.Namespace) -> dict[str, nn.Module]:
    """The networks, by what their row is called."""
    torch.manual_seed(0)
    sizes = {"vocabulary": given.vocabulary, "feature_size": SIZE, "regions": REGIONS}
    networks: dict[str, nn.Module] = {}
    for name in given.networks:
        networks[name] = build_captioner(name, **sizes)
        if name in FUSED:
            networks[f"{name}, cells"] = build_captioner(name, **sizes, fused=False)
            networks[f"{name}, cells"].load_state_dict(networks[name].state_dict())
    lstm = networks.get("lstm", build_captioner("lstm", **sizes))
    assert isinstance(lstm, RecurrentCaptioner)
    networks = {PLAIN: PlainLoop(lstm), **networks}
    return {name: network.eval().to(given.device) for name, network in networks.items()}


def report(given: argparse.Namespace) -> None:
    """Measure and print."""
    networks = make(given)
    features = torch.rand(given.batch, REGIONS, SIZE, device=given.device)
    words = torch.randint(4, given.vocabulary, (given.batch, given.words), device=given.device)
    rules = Rules(pad=0, unknown=None, max_length=given.words, block_repeats=False)
    todo = {name: works(network, features, words, rules) for name, network in networks.items()}
    agree(todo, given.words)
    taken: dict[tuple[str, str], list[float]] = {}
    for _ in range(given.rounds):
        for name, each in todo.items():
            for what, work in each.items():
                with torch.set_grad_enabled(what == "learning"):
                    taken.setdefault((name, what), []).append(seconds(work))
    columns = ("greedy", "beam 5", "learning")
    print("".join(f"{cell:>20}" for cell in ("", *columns)))
    for name in todo:
        print(f"{name:>20}" + "".join(f"{cell(taken, name, what, given.batch):>20}" for what in columns))


def agree(todo: dict[str, dict[str, Callable[[], Tensor]]], length: int) -> None:
    """That captions have the length, and that what should say the same does; the first run of each is not measured."""
    with torch.no_grad():
        said = {name: each["greedy"]() for name, each in todo.items()}
    for name, tokens in said.items():
        assert tokens.shape[1] == length, f"{name} came to an end"
        twin = name.removesuffix(", cells") if name != PLAIN else "lstm"
        same = (tokens == said.get(twin, tokens)).float().mean()
        assert same > 0.9, f"{name} says something else than {twin}"  # not all: the highest of 10,000 is a close call


def cell(taken: dict[tuple[str, str], list[float]], name: str, what: str, batch: int) -> str:
    """Captions a second, and how many times those of the plain loop, which has no beam: there, of its greedy ones."""
    if (name, what) not in taken:
        return "-"
    plain = taken[PLAIN, what if (PLAIN, what) in taken else "greedy"]
    mine = taken[name, what]
    ratio = statistics.median(a / b for a, b in zip(plain, mine, strict=True))
    return f"{batch / statistics.median(mine):.1f} ({ratio:.2f})"


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32, help="images at once")
    parser.add_argument("--words", type=int, default=20, help="of each caption")
    parser.add_argument("--vocabulary", type=int, default=10_000)
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, help="of torch")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    report(given)


if __name__ == "__main__":
    main()
