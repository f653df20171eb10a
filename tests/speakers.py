"""Small networks that say words, and what becomes of them by trying every caption."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.decode.captions import Decoded, Memory, Rules
from saccade.nn.caption_base import Captioner
from saccade.nn.captioners import Sizes, build_captioner


class Speaker:
    """Random weights, double precision: what it says depends on the image, on all words so far, and on their order."""

    def __init__(self, words: int, *, seed: int = 0, regions: int | None = None, sharpness: float = 2.0) -> None:
        g = torch.Generator().manual_seed(seed)
        self.words, self.regions = words, regions
        self.word, self.again, self.out = (
            sharpness * torch.randn(*size, generator=g, dtype=torch.float64)
            for size in ((words, 6), (6, 6), (6, words))
        )

    def start(self, memory: Memory) -> Tensor:
        return memory[0][None]

    def step(self, tokens: Tensor, memory: Memory, state: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        h = torch.tanh(state[0] @ self.again + self.word[tokens] + memory[0])
        weights = None if self.regions is None else h[:, : self.regions].softmax(dim=1)
        return h @ self.out, h[None], weights


def images(count: int, seed: int = 1) -> Memory:
    return (torch.randn(count, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64),)


def log_probs(network: Speaker, memory: Memory, caption: tuple[int, ...], rules: Rules) -> list[float]:
    """Of each word of a caption of one image, asked for one by one."""
    state, last, found = network.start(memory), rules.start, []
    for word in caption:
        logits, state, _ = network.step(torch.tensor([last]), memory, state)
        found.append(float(logits.log_softmax(dim=1)[0, word]))
        last = word
    return found


def every_caption(network: Speaker, rules: Rules) -> Iterator[tuple[int, ...]]:
    """All that the rules allow: to the end, or as long as a caption can be."""
    never = {rules.pad, rules.start, rules.unknown, rules.end}
    words = [word for word in range(network.words) if word not in never]
    for length in range(rules.max_length + 1):
        for said in itertools.product(words, repeat=length):
            if rules.block_repeats and any(a == b for a, b in itertools.pairwise(said)):
                continue
            n = rules.block_ngrams
            sequences = [said[i : i + n] for i in range(length - n + 1)] if n else []
            if len(set(sequences)) < len(sequences):
                continue
            yield said if length == rules.max_length else (*said, rules.end)


def assert_alike_in_any_batch(name: str, describe: Callable[[Captioner, Memory], Decoded]) -> None:
    """That a network of that name describes six images as it does some of them, in any order."""
    network, features = taught(name)
    whole = describe(network, network.encode(features))
    assert len(whole.length.unique()) > 2
    for rows in ([0], [1, 2], [5, 3, 4, 0]):
        some = describe(network, network.encode(features[rows]))
        width = some.tokens.shape[1]
        assert torch.equal(some.length, whole.length[rows])
        assert torch.equal(some.tokens, whole.tokens[rows, :width])
        assert not whole.tokens[rows, width:].any()
        torch.testing.assert_close(some.log_probs, whole.log_probs[rows, :width])
        assert (some.weights is None) == (whole.weights is None)
        if some.weights is not None and whole.weights is not None:
            torch.testing.assert_close(some.weights, whole.weights[rows, :width])


@cache
def taught(name: str) -> tuple[Captioner, Tensor]:
    """A small network of that name, of double precision, and six images of which it has learned some captions."""
    torch.manual_seed(0)
    sizes = Sizes(hidden=32) if name == "transformer" else Sizes(hidden=32, embedding=8)
    network = build_captioner(name, vocabulary=10, feature_size=6, regions=4, sizes=sizes).double().eval()
    features = 3 * torch.eye(6, dtype=torch.float64)[:, None] + torch.rand(6, 4, 6, dtype=torch.float64)
    captions = torch.zeros(6, 8, dtype=torch.int64)
    for i, caption in enumerate(captions):  # i + 1 words from the word 4 + i on, and the end
        caption[: i + 3] = torch.tensor([1, *(4 + (i + k) % 6 for k in range(i + 1)), 3])
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        memory = network.encode(features)
        logits, _ = network(captions[:, :-1], memory, network.start(memory))
        F.cross_entropy(logits.transpose(1, 2), captions[:, 1:], ignore_index=0).backward()
        optimizer.step()
    return network, features
