"""From a captioning network to captions, a word at a time.

Letters: N rows, V words of the vocabulary, T words so far, L of the longest caption, R regions.

Of a network it is asked that it says the next word, and that the first dimension of its memory and the second of its
state count rows. An image's caption does not depend on the other images that are decoded with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from saccade.errors import SaccadeError

Memory = tuple[Tensor, ...]
"""What a network keeps of images, at least one: a row of each tensor is an image."""


class StepNetwork(Protocol):
    """What says the next word."""

    def start(self, memory: Memory) -> Tensor:
        """The state before the first word, (any, N, ...)."""

    def step(self, tokens: Tensor, memory: Memory, state: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """(N,) int64 words to (N, V) logits of the next, the state, and (N, R) where they looked, or None."""


@dataclass(frozen=True)
class Rules:
    """What a caption may be. Padding, start and the unknown word are never said; the end always may be."""

    pad: int = 0
    start: int = 1
    unknown: int | None = 2  # None: there is none
    end: int = 3
    max_length: int = 20  # at least 1, the end counted; a caption that is not at its end by then is cut
    block_repeats: bool = False  # no word twice in a row
    block_ngrams: int = 0  # no sequence of so many words twice; 0: no such rule


@dataclass(frozen=True)
class Decoded:
    """A caption a row."""

    tokens: Tensor  # (N, L) int64: words, the end where it was said, padding
    log_probs: Tensor  # (N, L) of words and end, 0 in padding; float32, or float64 where logits are
    weights: (
        Tensor | None
    )  # (N, L, R) where each was said from: sums of 1, 0 in padding; None: the network does not say
    length: Tensor  # (N,) int64 words, the end counted


@torch.no_grad()
def greedy(network: StepNetwork, memory: Memory, rules: Rules) -> Decoded:
    """The likeliest word at each step. Log-probabilities are the network's: what is forbidden is not spread out."""
    return _one_by_one(network, memory, rules, lambda log_p: (log_p.argmax(dim=1), log_p))


def drawn(network: StepNetwork, memory: Memory, rules: Rules) -> Decoded:
    """Each word drawn from what the network says, of which what is forbidden is spread over the rest.

    For several captions of an image, repeat the rows of the memory.

    Args:
        network: says the next word.
        memory: what it keeps of the images.
        rules: what a caption may be.

    Returns:
        captions with the log-probabilities by which they were drawn, through which gradients go.
    """

    def draw(log_p: Tensor) -> tuple[Tensor, Tensor]:
        log_p = log_p.log_softmax(dim=1)
        return torch.multinomial(log_p.detach().exp(), 1).squeeze(1), log_p

    return _one_by_one(network, memory, rules, draw)


class Step(NamedTuple):
    """A word of each row."""

    token: Tensor  # (N,) int64
    log_prob: Tensor  # (N,)
    weights: Tensor | None  # (N, R)

    def at(self, rows: Tensor) -> Step:
        """The rows of those numbers."""
        return Step(self.token[rows], self.log_prob[rows], None if self.weights is None else self.weights[rows])

    def where(self, there: Tensor, rules: Rules) -> Step:
        """The same in the rows of the mask (N,), padding in the others."""
        weights = None if self.weights is None else self.weights.masked_fill(~there[:, None], 0.0)
        return Step(self.token.masked_fill(~there, rules.pad), self.log_prob.masked_fill(~there, 0.0), weights)


def captions_of(steps: Sequence[Step], rules: Rules) -> Decoded:
    """Steps, the first word first, as captions."""
    tokens = torch.stack([step.token for step in steps], dim=1)
    weights = [step.weights for step in steps if step.weights is not None]
    return Decoded(
        tokens,
        torch.stack([step.log_prob for step in steps], dim=1),
        torch.stack(weights, dim=1) if weights else None,
        (tokens != rules.pad).sum(dim=1),
    )


def next_words(
    network: StepNetwork, said: Tensor, memory: Memory, state: Tensor, rules: Rules
) -> tuple[Tensor, Tensor, Tensor | None]:
    """(N, T) words so far to (N, V) log-probabilities of the next, the state, and (N, R) where they looked, or None.

    What is forbidden has -inf; the others are as the network says.

    Raises:
        SaccadeError: the network says NaN, or infinity of a word.
    """
    last = said[:, -1] if said.shape[1] else said.new_full((len(said),), rules.start)
    logits, state, weights = network.step(last, memory, state)
    wide = logits if logits.dtype == torch.float64 else logits.float()
    log_p = wide.log_softmax(dim=1)
    if bool(log_p.isnan().any()):  # as all of a row is where a score is +inf
        raise SaccadeError(
            "the network's scores of the next word are not finite numbers: it has diverged; lower optim.lr or set "
            "trainer.gradient_clip, and train it anew"
        )
    return log_p.masked_fill(forbidden(said, rules, words=log_p.shape[1]), -torch.inf), state, weights


def forbidden(said: Tensor, rules: Rules, *, words: int) -> Tensor:
    """(N, T) words so far to (N, V) bool: which of V ``words`` may not follow."""
    mask = torch.zeros(len(said), words, dtype=torch.bool, device=said.device)
    for never in (rules.pad, rules.start, rules.unknown):
        if never is not None:
            mask[:, never] = True
    if rules.block_repeats:
        mask.scatter_(1, said[:, -1:], True)
    if 0 < rules.block_ngrams <= said.shape[1]:
        sequences = said.unfold(1, rules.block_ngrams, 1)  # (N, all of them, n)
        begun = said[:, said.shape[1] - rules.block_ngrams + 1 :]  # (N, n - 1)
        again = (sequences[:, :, :-1] == begun[:, None]).all(dim=2)
        mask.scatter_(1, sequences[:, :, -1].masked_fill(~again, rules.pad), True)
    mask[:, rules.end] = False
    return mask


def _one_by_one(
    network: StepNetwork, memory: Memory, rules: Rules, choose: Callable[[Tensor], tuple[Tensor, Tensor]]
) -> Decoded:
    """Captions by the word that ``choose`` makes of (N, V) log-probabilities, which it tells as it wants them."""
    said = torch.empty(len(memory[0]), 0, dtype=torch.int64, device=memory[0].device)
    speaking = said.new_ones(len(said), dtype=torch.bool)
    state = network.start(memory)
    steps: list[Step] = []
    while len(steps) < rules.max_length and bool(speaking.any()):
        log_p, state, weights = next_words(network, said, memory, state, rules)
        token, log_p = choose(log_p)
        step = Step(token, log_p.gather(1, token[:, None]).squeeze(1), weights).where(speaking, rules)
        steps.append(step)
        said = torch.cat([said, step.token[:, None]], dim=1)
        speaking = speaking & (token != rules.end)
    return captions_of(steps, rules)
