"""Beam search over the next word, of many images at once.

Letters as in ``decode.captions``, and B images, k beams of each; rows are images times beams, image by image.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from saccade.decode.captions import Decoded, Memory, Rules, Step, StepNetwork, captions_of, next_words

LengthPenalty = Literal["none", "avg", "wu"]


@torch.no_grad()
def beam(
    network: StepNetwork,
    memory: Memory,
    rules: Rules,
    *,
    size: int,
    length_penalty: LengthPenalty = "none",
    alpha: float = 0.0,
) -> Decoded:
    """At each step the likeliest beginnings; of all that came to an end, the best.

    A caption's score is the sum of its log-probabilities, which are the network's own, divided by ``penalty``. What
    comes to an end leaves its place to another at the next step. The search is over when no image has a beginning that
    could still beat its best caption: sums only fall, and no penalty is larger than that of ``max_length``.

    Args:
        network: says the next word.
        memory: what it keeps of the images.
        rules: what a caption may be.
        size: k, at least 1; 1 is ``greedy``.
        length_penalty: see ``penalty``.
        alpha: see ``penalty``.
    """
    memory = tuple(part.repeat_interleave(size, dim=0) for part in memory)
    beams = _Beams(len(memory[0]) // size, size, rules, memory[0].device)
    state, most = network.start(memory), penalty(rules.max_length, length_penalty, alpha)
    for length in range(1, rules.max_length + 1):
        log_p, state, weights = next_words(network, beams.said, memory, state, rules)
        state = state.index_select(1, beams.go_on(log_p, weights))
        beams.close(penalty(length, length_penalty, alpha))
        if beams.settled(most):
            break
    return beams.best()


def penalty(length: int, kind: LengthPenalty, alpha: float = 0.0) -> float:
    """What the sum of log-probabilities of so many words, the end counted, is divided by.

    ``none``: 1. ``avg``: the length. ``wu``: ((5 + length) / 6) ** alpha, with alpha at least 0 (Wu et al. 2016, arXiv
    1609.08144, eq. 14).
    """
    if kind == "wu":
        return math.exp(alpha * math.log((5 + length) / 6))
    return float(length) if kind == "avg" else 1.0


class _Beams:
    """The beginnings of each image, how they came about, and which caption was best so far."""

    def __init__(self, images: int, size: int, rules: Rules, device: torch.device) -> None:
        self.rules = rules
        self.said = torch.empty(images * size, 0, dtype=torch.int64, device=device)
        self.sums = torch.full((images, size), -torch.inf, device=device)
        self.sums[:, 0] = 0.0  # before the first word all beams are the same: one of them goes on
        self.first_row = size * torch.arange(images, device=device)
        self.steps: list[Step] = []
        self.came_from: list[Tensor] = []  # of each step, (N,) the row of the step before
        self.best_score = torch.full((images,), -torch.inf, device=device)
        self.best_length, self.best_row = torch.zeros_like(self.first_row), torch.zeros_like(self.first_row)

    def go_on(self, log_p: Tensor, weights: Tensor | None) -> Tensor:
        """Add the k best words of (N, V) log-probabilities; gives (N,), from which row each row goes on."""
        (images, size), words = self.sums.shape, log_p.shape[1]
        sums = self.sums.to(log_p)[:, :, None] + log_p.view(images, size, words)
        self.sums, place = sums.flatten(1).topk(size)
        rows, token = (self.first_row[:, None] + place // words).flatten(), (place % words).flatten()
        self.steps.append(Step(token, log_p[rows, token], None if weights is None else weights[rows]))
        self.came_from.append(rows)
        self.said = torch.cat([self.said[rows], token[:, None]], dim=1)
        return rows

    def close(self, penalty: float) -> None:
        """Keep what came to an end where it is the best of its image; nothing goes on from it."""
        length = len(self.steps)
        ended = (self.steps[-1].token == self.rules.end).view_as(self.sums) | (length == self.rules.max_length)
        score, beam = (self.sums / penalty).masked_fill(~ended, -torch.inf).max(dim=1)
        better = score > self.best_score
        self.best_score = torch.where(better, score, self.best_score)
        self.best_length = self.best_length.masked_fill(better, length)
        self.best_row = torch.where(better, self.first_row + beam, self.best_row)
        self.sums = self.sums.masked_fill(ended, -torch.inf)

    def settled(self, largest_penalty: float) -> bool:
        """Whether no image has a beginning that could still become its best caption."""
        return bool((self.best_score >= self.sums.amax(dim=1) / largest_penalty).all())

    def best(self) -> Decoded:
        """The best caption of each image, followed from its end to its first word."""
        steps, row = [], self.best_row
        for i in reversed(range(int(self.best_length.max()))):
            there = i < self.best_length
            steps.append(self.steps[i].at(row).where(there, self.rules))
            row = torch.where(there, self.came_from[i][row], row)
        return captions_of(steps[::-1], self.rules)
