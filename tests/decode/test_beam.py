"""Beam search against trying every caption, against the definition for one image, and against greedy search."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from saccade.decode.beam import LengthPenalty, beam, penalty
from saccade.decode.captions import Decoded, Memory, Rules, greedy
from saccade.nn.captioners import CAPTIONERS
from speakers import Speaker, assert_alike_in_any_batch, every_caption, images, log_probs

PENALTIES: list[tuple[LengthPenalty, float]] = [("none", 0.0), ("avg", 0.0), ("wu", 0.5), ("wu", 2.0)]
SHORT = Rules(max_length=4)


def words(found: Decoded, i: int) -> tuple[int, ...]:
    return tuple(found.tokens[i, : int(found.length[i])].tolist())


def one(memory: Memory, i: int) -> Memory:
    return tuple(part[[i]] for part in memory)


def by_definition(
    network: Speaker, memory: Memory, rules: Rules, size: int, kind: LengthPenalty, alpha: float
) -> tuple[tuple[int, ...], float]:
    """Best caption of one image and its score: beams one by one, to the longest, without stopping early.

    A beam that ends is kept, and the sum with which it goes on is lowered by 1000.
    """
    live: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    finished: list[tuple[float, tuple[int, ...]]] = []
    for length in range(1, rules.max_length + 1):
        grown = []
        for total, caption in live:
            state, last = network.start(memory), rules.start
            for word in (*caption, None):
                logits, state, _ = network.step(torch.tensor([last]), memory, state)
                last = word
            log_p = logits.log_softmax(dim=1)[0].tolist()
            for word, p in enumerate(log_p):
                again = rules.block_repeats and caption[-1:] == (word,) and word != rules.end
                if word not in (rules.pad, rules.start, rules.unknown) and not again:
                    grown.append((total + p, (*caption, word)))
        live = sorted(grown, reverse=True)[:size]
        for i, (total, caption) in enumerate(live):
            if caption[-1] == rules.end or length == rules.max_length:
                if total > -500:
                    finished.append((total / penalty(length, kind, alpha), caption))
                live[i] = (total - 1000, caption)
    score, caption = max(finished)
    return caption, score


@pytest.mark.parametrize(("kind", "alpha"), PENALTIES)
@pytest.mark.parametrize("rules", [SHORT, Rules(max_length=4, block_repeats=True), Rules(max_length=5, block_ngrams=1)])
def test_a_beam_wide_enough_finds_the_best_of_all_captions(rules: Rules, kind: LengthPenalty, alpha: float) -> None:
    for seed in range(4):
        network, memory = Speaker(7, seed=seed, regions=2), images(3, seed)
        found = beam(network, memory, rules, size=400, length_penalty=kind, alpha=alpha)
        for i in range(3):
            each = {c: log_probs(network, one(memory, i), c, rules) for c in every_caption(network, rules)}
            best = max(each, key=lambda c: sum(each[c]) / penalty(len(c), kind, alpha))
            assert words(found, i) == best
            assert found.log_probs[i, : len(best)].tolist() == pytest.approx(each[best], rel=1e-12)


@pytest.mark.parametrize(("kind", "alpha"), PENALTIES)
@pytest.mark.parametrize(("size", "block_repeats"), [(1, False), (2, False), (3, False), (3, True), (5, False)])
def test_a_narrow_beam_finds_what_the_definition_finds(
    size: int, block_repeats: bool, kind: LengthPenalty, alpha: float
) -> None:
    rules, different, repeated = Rules(max_length=7, block_repeats=block_repeats), 0, 0
    for seed in range(6):
        network, memory = Speaker(9, seed=seed, sharpness=1.2), images(4, seed)
        found = beam(network, memory, rules, size=size, length_penalty=kind, alpha=alpha)
        for i in range(4):
            caption, score = by_definition(network, one(memory, i), rules, size, kind, alpha)
            assert words(found, i) == caption
            total = float(found.log_probs[i].sum())
            assert total / penalty(len(caption), kind, alpha) == pytest.approx(score, rel=1e-12)
            different += caption != words(greedy(network, memory, rules), i)
            repeated += any(a == b for a, b in itertools.pairwise(caption))
    assert (different == 0) == (size == 1)
    assert (repeated == 0) == block_repeats


@pytest.mark.parametrize(("kind", "alpha"), PENALTIES)
def test_a_beam_of_one_is_greedy(kind: LengthPenalty, alpha: float) -> None:
    for rules in (SHORT, Rules(max_length=9, block_ngrams=2)):
        network, memory = Speaker(8, seed=5, regions=3), images(50)
        narrow, plain = (
            beam(network, memory, rules, size=1, length_penalty=kind, alpha=alpha),
            greedy(network, memory, rules),
        )
        assert torch.equal(narrow.tokens, plain.tokens)
        assert torch.equal(narrow.length, plain.length)
        torch.testing.assert_close(narrow.log_probs, plain.log_probs)
        torch.testing.assert_close(narrow.weights, plain.weights)


class Table:
    """Probabilities of the next word by the last one alone; ``asked`` counts the questions."""

    def __init__(self, table: dict[int, dict[int, float]], words: int = 9) -> None:
        self.table = torch.full((words, words), 1e-9)
        for last, row in table.items():
            for word, p in row.items():
                self.table[last, word] = p
        self.asked = 0

    def start(self, memory: Memory) -> Tensor:
        return torch.zeros(1, len(memory[0]), 1)

    def step(self, tokens: Tensor, memory: Memory, state: Tensor) -> tuple[Tensor, Tensor, None]:
        self.asked += 1
        return self.table[tokens].log(), state, None


def test_what_starts_well_need_not_end_well() -> None:
    """The likelier first word, after which anything may follow: 0.6 / 4 against 0.4."""
    network = Table({1: {4: 0.6, 5: 0.4}, 4: {3: 0.25, 5: 0.25, 6: 0.25, 7: 0.25}, 5: {3: 1.0}})
    memory, rules = (torch.zeros(1, 1),), Rules(max_length=2)
    assert words(greedy(network, memory, rules), 0)[0] == 4
    found = beam(network, memory, rules, size=2)
    assert words(found, 0) == (5, 3)
    assert float(found.log_probs.sum().exp()) == pytest.approx(0.4, rel=1e-5)


def test_the_length_penalty_decides_between_short_and_long() -> None:
    """A word of probability 0.3, or three of 0.7, 0.4 and 1; after both the end is certain. 2 is never said."""
    network = Table({1: {4: 0.3, 5: 0.7}, 4: {3: 1.0}, 5: {6: 0.4, 2: 0.6}, 6: {7: 1.0}, 7: {3: 1.0}})
    found = {
        kind: words(beam(network, (torch.zeros(1, 1),), Rules(), size=3, length_penalty=kind, alpha=alpha), 0)
        for kind, alpha in PENALTIES[:2]
    }
    # log 0.3 = -1.20 against log 0.28 = -1.27; by word -0.60 against -0.32
    assert found == {"none": (4, 3), "avg": (5, 6, 7, 3)}


def test_attention_and_log_probabilities_are_those_along_the_caption() -> None:
    """As the network says them when it is given the caption word by word."""
    network, memory = Speaker(9, seed=4, regions=3), images(8)
    found = beam(network, memory, Rules(max_length=8), size=4, length_penalty="avg")
    assert found.weights is not None
    assert len(set(found.length.tolist())) > 1
    for i in range(8):
        state, last = network.start(one(memory, i)), 1
        for t, word in enumerate(words(found, i)):
            logits, state, weights = network.step(torch.tensor([last]), one(memory, i), state)
            assert float(found.log_probs[i, t]) == pytest.approx(float(logits.log_softmax(dim=1)[0, word]), rel=1e-9)
            torch.testing.assert_close(found.weights[i, t], weights[0])
            last = word
        rest = slice(int(found.length[i]), None)
        assert not found.tokens[i, rest].any()
        assert not found.log_probs[i, rest].any()
        assert not found.weights[i, rest].any()


@pytest.mark.parametrize("name", CAPTIONERS)
@pytest.mark.parametrize("size", [1, 3])
def test_an_image_is_described_alike_in_any_batch(name: str, size: int) -> None:
    assert_alike_in_any_batch(name, lambda network, memory: beam(network, memory, Rules(max_length=7), size=size))


def test_it_stops_when_nothing_can_become_better() -> None:
    """A network that is sure of the end: one word is asked for, and not twenty."""
    for kind, alpha in PENALTIES:
        network = Table({1: {3: 0.99, 4: 0.01}})
        found = beam(network, (torch.zeros(4, 1),), Rules(), size=3, length_penalty=kind, alpha=alpha)
        assert found.tokens.tolist() == [[3]] * 4
        assert network.asked == 1


def test_a_beam_wider_than_what_can_be_said() -> None:
    network, memory = Speaker(5), images(2)  # one word and the end
    found = beam(network, memory, Rules(), size=30)
    for i in range(2):
        assert words(found, i) in {(3,), (4, 3)}
        assert bool(found.log_probs[i].isfinite().all())


def test_penalties() -> None:
    """wu: ((5 + L) / 6) ** alpha; 1 for a caption of one word."""
    assert [penalty(n, "none") for n in (1, 7)] == [1, 1]
    assert [penalty(n, "avg") for n in (1, 7)] == [1, 7]
    assert [penalty(n, "wu", 0.5) for n in (1, 7, 19)] == pytest.approx([1, 2**0.5, 2])
    assert penalty(7, "wu", 0.0) == 1
