"""Captions word by word: greedy and drawn, rules, and their end."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.decode.beam import beam
from saccade.decode.captions import Memory, Rules, drawn, forbidden, greedy
from saccade.errors import SaccadeError
from saccade.nn.captioners import CAPTIONERS, Sizes, build_captioner
from speakers import Speaker, assert_alike_in_any_batch, every_caption, images, log_probs

PAD, START, UNKNOWN, END = range(4)
ANYTHING = Rules(block_repeats=False, max_length=6)


class Script:
    """Says, row by row, what it is told to; second best is the word of the next number, and the others are alike."""

    def __init__(self, *captions: list[int], words: int = 9) -> None:
        self.captions, self.words = captions, words
        self.asked: list[list[int]] = []

    def memory(self) -> Memory:
        return (torch.arange(len(self.captions)),)

    def start(self, memory: Memory) -> Tensor:
        return torch.zeros(1, len(memory[0]), dtype=torch.int64)

    def step(self, tokens: Tensor, memory: Memory, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        self.asked.append(tokens.tolist())
        lines = [self.captions[i] for i in memory[0].tolist()]
        words = torch.tensor([line[min(t, len(line) - 1)] for line, t in zip(lines, state[0].tolist(), strict=True)])
        logits = 20.0 * F.one_hot(words, self.words) + 10.0 * F.one_hot((words + 1) % self.words, self.words)
        return logits, state + 1, torch.tensor([[1.0, 0.0]]).expand(len(tokens), 2)


def said(*captions: list[int], rules: Rules = ANYTHING) -> list[list[int]]:
    script = Script(*captions)
    return greedy(script, script.memory(), rules).tokens.tolist()


def test_it_says_the_likeliest_word_and_hears_it() -> None:
    script = Script([4, 5, END], [7, 7, END])
    found = greedy(script, script.memory(), ANYTHING)
    assert found.tokens.tolist() == [[4, 5, END], [7, 7, END]]
    assert found.length.tolist() == [3, 3]
    assert script.asked == [[START, START], [4, 7], [5, 7]]


def test_after_the_end_there_is_padding_and_after_the_last_end_nothing_is_asked() -> None:
    script = Script([4, END], [END], [4, 5, 6, END])
    found = greedy(script, script.memory(), ANYTHING)
    assert found.tokens.tolist() == [[4, END, PAD, PAD], [END, PAD, PAD, PAD], [4, 5, 6, END]]
    assert found.length.tolist() == [2, 1, 4]
    assert len(script.asked) == 4
    there = found.tokens != PAD
    assert found.weights is not None
    assert torch.equal(found.weights.sum(dim=2) == 1, there)
    assert not found.log_probs[~there].any()
    assert bool((found.log_probs[there] < 0).all())


def test_at_the_longest_a_caption_is_cut() -> None:
    assert said([4, 5, 6, 7, END], [4, 5, 6, END], rules=Rules(max_length=4)) == [[4, 5, 6, 7], [4, 5, 6, END]]
    assert said([4, 5, 6], [END], rules=Rules(max_length=1)) == [[4], [END]]


def test_marks_are_never_said() -> None:
    # of the unknown word the second best is the end; of the others it is a mark, and the end is the first of the rest
    assert said([UNKNOWN], [START], [PAD]) == [[END]] * 3
    assert said([UNKNOWN, END], rules=Rules(unknown=None)) == [[UNKNOWN, END]]
    tokens = greedy(Speaker(9, seed=2), images(200), Rules(max_length=8)).tokens
    assert not torch.isin(tokens, torch.tensor([START, UNKNOWN])).any()


def test_log_probabilities_are_the_network_s_also_where_something_is_forbidden() -> None:
    network, memory, rules = Speaker(7, regions=3), images(5), Rules(max_length=5)
    found = greedy(network, memory, rules)
    for i, length in enumerate(found.length.tolist()):
        caption = tuple(found.tokens[i, :length].tolist())
        expected = log_probs(network, (memory[0][[i]],), caption, rules)
        assert found.log_probs[i, :length].tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("score", [math.nan, math.inf])
@pytest.mark.parametrize("search", [greedy, partial(beam, size=3), drawn])
def test_a_network_that_has_diverged_is_told(search: Callable[..., object], score: float) -> None:
    class Diverged(Speaker):
        def step(self, tokens: Tensor, memory: Memory, state: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
            logits, state, weights = super().step(tokens, memory, state)
            logits[-1, 5] = score  # one word of one image is enough
            return logits, state, weights

    with pytest.raises(SaccadeError, match="diverged"):
        search(Diverged(7), images(2), Rules())


def test_a_word_that_the_network_excludes_is_not_said() -> None:
    class Excluding(Speaker):
        def step(self, tokens: Tensor, memory: Memory, state: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
            logits, state, weights = super().step(tokens, memory, state)
            logits[:, 4:6] = -torch.inf
            return logits, state, weights

    found = greedy(Excluding(7), images(20), Rules(max_length=5))
    assert set(found.tokens[found.tokens != PAD].tolist()) <= {END, 6}


# What is forbidden.


def test_no_word_twice_in_a_row() -> None:
    assert said([4, 4, 5, 4, END]) == [[4, 4, 5, 4, END]]
    assert said([4, 4, 5, 4, END], rules=Rules(max_length=6, block_repeats=True)) == [[4, 5, 6, 4, END]]
    mask = forbidden(torch.tensor([[4, 5], [6, 6]]), Rules(block_repeats=True), words=8)
    assert mask.nonzero().tolist() == [[0, 0], [0, 1], [0, 2], [0, 5], [1, 0], [1, 1], [1, 2], [1, 6]]


@pytest.mark.parametrize(
    ("history", "size", "blocked"),
    [
        ([], 1, set()),
        ([4, 5], 1, {4, 5}),
        ([4], 2, set()),
        ([4, 5, 4], 2, {5}),
        ([4, 5, 4, 6, 4], 2, {5, 6}),
        ([4, 4], 2, {4}),
        ([4, 5, 6, 4, 5], 3, {6}),
        ([4, 5, 6, 5, 5], 3, set()),
        ([4, 5, 6, 4, 5], 0, set()),
        ([4, 5], 3, set()),
    ],
)
def test_no_sequence_of_words_twice(history: list[int], size: int, blocked: set[int]) -> None:
    rules = Rules(block_repeats=False, block_ngrams=size)
    mask = forbidden(torch.tensor([history], dtype=torch.int64), rules, words=8)
    assert set(mask[0].nonzero().flatten().tolist()) == {PAD, START, UNKNOWN, *blocked}


def test_the_end_may_always_be_said() -> None:
    rules = Rules(block_repeats=True, block_ngrams=1)
    assert not forbidden(torch.tensor([[4, END], [END, END]]), rules, words=6)[:, END].any()
    # a vocabulary of one word
    found = greedy(Script([4, 4, 4], words=5), (torch.arange(1),), Rules(block_repeats=True))
    assert found.tokens.tolist() == [[4, END]]


# Independence of the batch.


@pytest.mark.parametrize("name", CAPTIONERS)
def test_an_image_is_described_alike_in_any_batch(name: str) -> None:
    assert_alike_in_any_batch(name, lambda network, memory: greedy(network, memory, Rules(max_length=7)))


# Drawn captions.


def test_captions_are_drawn_by_their_probability() -> None:
    """Of all that may be said, with what is forbidden spread over the rest word by word."""
    network, rules = Speaker(6, seed=3, sharpness=0.7), Rules(max_length=3)
    memory, count = images(1), 20_000
    torch.manual_seed(0)
    found = drawn(network, (memory[0].expand(count, -1),), rules)
    counts = Counter(tuple(row[row != PAD].tolist()) for row in found.tokens)
    assert set(counts) <= set(every_caption(network, rules))
    said_with = found.log_probs.sum(dim=1).exp().tolist()
    probabilities = {tuple(row[row != PAD].tolist()): p for row, p in zip(found.tokens, said_with, strict=True)}
    assert sum(probabilities.values()) == pytest.approx(1.0, abs=1e-3)
    for caption, p in probabilities.items():
        assert counts[caption] / count == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / count) + 1e-4)


def test_gradients_go_through_the_log_probabilities_of_what_is_drawn() -> None:
    torch.manual_seed(0)
    network = build_captioner("lstm", vocabulary=9, feature_size=4, sizes=Sizes(embedding=5, hidden=6))
    memory = network.encode(torch.rand(3, 2, 4))
    found = drawn(network, memory, Rules(max_length=5))
    assert bool(found.log_probs.isfinite().all())
    found.log_probs.sum().backward()
    assert all(
        p.grad is not None and bool(p.grad.isfinite().all()) and bool(p.grad.any()) for p in network.parameters()
    )
    assert not greedy(network, memory, Rules()).log_probs.requires_grad


def test_a_row_that_has_ended_can_go_on_where_every_word_is_forbidden() -> None:
    script = Script([END], [4, END], words=5)
    found = drawn(script, script.memory(), Rules(block_ngrams=1))
    assert found.tokens.tolist() == [[END, PAD], [4, END]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_log_probabilities_are_wide_whatever_the_network_computes_in(dtype: torch.dtype) -> None:
    class Narrow(Speaker):
        def step(self, tokens: Tensor, memory: Memory, state: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
            logits, state, weights = super().step(tokens, memory, state)
            return logits.to(dtype), state, weights

    found = greedy(Narrow(7), images(4), Rules(max_length=5))
    assert found.log_probs.dtype == torch.float32
