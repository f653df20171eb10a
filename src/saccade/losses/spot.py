"""Losses of finding and reading words: where a cell is in a word, how far its sides are, and what it says.

Letters: B images, (h, w) cells of the map, N = h w, R words of all images, W columns, S characters. Each loss returns
``ImageLoss``, one row an image, whose mean is over cells or words: ``total.sum() / weight.sum()``. A cell that does not
count adds nothing, and its gradient is exactly 0 even where what the network says of it is not finite; an image where
nothing counts has total 0 and weight 0.

``score`` (B, 1, h, w) is 1 where a cell is in the core of a word, else 0, and ``care`` (B, 1, h, w) is 1 where it
counts. ``random`` examples are drawn image by image, so that a generator gives the same ones however images are
batched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.samples import ImageLoss

Weight: TypeAlias = float | tuple[float, float]
"""One number, or those of the beginning and of the end of a training."""
Weighted: TypeAlias = tuple[Weight, ImageLoss]
"""A loss and its weight."""


def hard_cross_entropy(
    logits: Tensor, score: Tensor, care: Tensor, *, generator: torch.Generator, hardest: int = 512, random: int = 512
) -> ImageLoss:
    """Binary cross-entropy of all positives and some negatives of each image (FOTS, arXiv 1801.01671, section 3.5).

    Args:
        logits: (B, 1, h, w).
        score: (B, 1, h, w).
        care: (B, 1, h, w).
        generator: of the random choice, on any device.
        hardest: so many negatives of the largest loss.
        random: so many of the other negatives.
    """
    x, y, cared = _prepare(logits, score, care)
    loss = F.binary_cross_entropy_with_logits(x, y.to(x), reduction="none")
    counted = cared & (y | _examples(loss, cared & ~y, hardest, random, generator))
    return _mean_over(loss, counted)


def balanced_cross_entropy(logits: Tensor, score: Tensor, care: Tensor) -> ImageLoss:
    """Cross-entropy in which positives and negatives of an image weigh the same (EAST, arXiv 1704.03155, eq. 4 and 5).

    ``-b y log p - (1 - b) (1 - y) log(1 - p)``, b the share of negatives among the cells of the image that count; the
    mean is over all of these. Of an image without text nothing is learned.
    """
    x, y, cared = _prepare(logits, score, care)
    share = 1 - y.sum(dim=1, keepdim=True) / cared.sum(dim=1, keepdim=True).clamp_min(1)
    return _mean_over(torch.where(y, share * F.softplus(-x), (1 - share) * F.softplus(x)), cared)


def dice(logits: Tensor, score: Tensor, care: Tensor) -> ImageLoss:
    """``1 - 2 sum(p y) / (sum p + sum y + 1e-5)`` over the cells of an image that count; an image weighs 1.

    Of an image without text nothing is learned: it is 1 whatever the network says.
    """
    x, y, cared = _prepare(logits, score, care)
    p = torch.sigmoid(x).masked_fill(~cared, 0.0)
    loss = 1 - 2 * (p * y).sum(dim=1) / (p.sum(dim=1) + y.sum(dim=1) + 1e-5)
    weight = cared.any(dim=1).to(loss)
    return ImageLoss(loss * weight, weight)


def geometry(
    rbox: Tensor,
    target: Tensor,
    positive: Tensor,
    *,
    generator: torch.Generator,
    hardest: int | None = 128,
    random: int = 128,
    angle_weight: float = 10.0,
) -> ImageLoss:
    """``-log((I + 1) / (U + 1)) + angle_weight (1 - cos(difference of angles))`` of positives (FOTS, section 3.5).

    I and U are intersection and union of the two rectangles as if they had the same angle, in square pixels: they have
    a point in common, from which their sides are measured.

    Args:
        rbox: (B, 5, h, w) distances to top, bottom, left and right in pixels, not below 0, and the angle in radians.
        target: (B, 5, h, w) the same of the word; anything where there is none.
        positive: (B, 1, h, w) bool, where a word is, and counts.
        generator: of the random choice, on any device.
        hardest: so many positives of an image of the largest loss, and ``random`` others; None: all.
        random: see there.
        angle_weight: lambda.
    """
    there = positive.bool().flatten(1)
    rbox = _wide(rbox)
    said, wanted = (part.masked_fill(~positive.bool(), 1.0).flatten(2) for part in (rbox, target.to(rbox)))
    loss = _overlap_loss(said[:, :4], wanted[:, :4]) + angle_weight * (1 - torch.cos(said[:, 4] - wanted[:, 4]))
    return _mean_over(loss, there if hardest is None else _examples(loss, there, hardest, random, generator))


def ctc(log_probs: Tensor, widths: Tensor, labels: Tensor, lengths: Tensor, words: Tensor) -> ImageLoss:
    """Minus log-probability of each word over all alignments with its columns (Graves et al. 2006); mean over words.

    A word that cannot be said in so few columns counts neither in the sum nor in the weight: it takes one a character,
    and one between two that are the same.

    Args:
        log_probs: (R, W, S + 1), the blank first; sums of probabilities of 1, or the loss could fall below 0.
        widths: (R,) int64 on the CPU, columns of each word.
        labels: (sum of lengths,) int64 characters of all words, 1 to S.
        lengths: (R,) int64 on the CPU, characters of each word, at least 0.
        words: (B,) int64 on the CPU, words of each image, of sum R.
    """
    assert int(words.sum()) == len(log_probs) == len(lengths)
    device = log_probs.device
    said = readable(widths, labels, lengths)
    loss = _each_word(_wide(log_probs), widths, labels, lengths).to(device) * said.to(device)
    image = torch.repeat_interleave(torch.arange(len(words)), words).to(device)
    nothing = loss.new_zeros(len(words))
    return ImageLoss(nothing.index_add(0, image, loss), nothing.index_add(0, image, said.to(loss)))


def readable(widths: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
    """(R,) bool: whether a word can be said in its columns; arguments as of ``ctc``."""
    word = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    of = labels.cpu()
    again = word[1:][(of[1:] == of[:-1]) & (word[1:] == word[:-1])]
    return widths >= lengths + torch.bincount(again, minlength=len(lengths))


def weight_at(weight: Weight, trained: float) -> float:
    """A weight when a share ``trained`` in [0, 1] of the training is over.

    Of two numbers, the first at the beginning and the last at the end, and by equal factors between.

    >>> [round(weight_at((4.0, 1.0), trained), 3) for trained in (0.0, 0.25, 0.5, 1.0)], weight_at(3.0, 0.5)
    ([4.0, 2.828, 2.0, 1.0], 3.0)
    """
    if not isinstance(weight, tuple):
        return weight
    first, last = weight
    return float(first * (last / first) ** trained)


def combined(losses: Sequence[Weighted]) -> ImageLoss:
    """The sum of weight times loss, each loss averaged within its image; every image where something counts weighs 1.

    Of weights that change, those of the end. What does not count in an image, such as the geometry of one without
    text, adds 0.
    """
    return _sum([(weight_at(weight, 1.0), loss) for weight, loss in losses])


def still_to_change(losses: Sequence[Weighted], trained: float) -> ImageLoss:
    """What is added to ``combined`` when a share ``trained`` of the training is over; 0 where no weight changes."""
    return _sum([(weight_at(weight, trained) - weight_at(weight, 1.0), loss) for weight, loss in losses])


def _sum(losses: Sequence[tuple[float, ImageLoss]]) -> ImageLoss:
    counts = torch.stack([loss.weight > 0 for _, loss in losses]).any(dim=0)
    parts = [factor * loss.total / torch.where(loss.weight > 0, loss.weight, 1.0) for factor, loss in losses]
    total = torch.stack(parts).sum(dim=0)
    return ImageLoss(total, counts.to(total))


def _each_word(log_probs: Tensor, widths: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
    """(R,) the loss of each word."""
    if not len(log_probs):
        return log_probs.sum(dim=(1, 2))
    # on a GPU its gradient has no deterministic kernel; the log-probabilities are a few MB
    where = "cpu" if torch.are_deterministic_algorithms_enabled() else log_probs.device
    return F.ctc_loss(
        log_probs.to(where).transpose(0, 1), labels.to(where), widths, lengths, reduction="none", zero_infinity=True
    )


def _overlap_loss(said: Tensor, wanted: Tensor) -> Tensor:
    """(B, 4, N) distances from the same points to (B, N)."""
    least = torch.minimum(said, wanted)
    shared, one, other = ((d[:, 0] + d[:, 1]) * (d[:, 2] + d[:, 3]) for d in (least, said, wanted))
    return torch.log1p(one + other - shared) - torch.log1p(shared)


def _examples(loss: Tensor, among: Tensor, hardest: int, random: int, generator: torch.Generator) -> Tensor:
    """(B, N) bool: of each row of ``among`` those of the largest loss, and as many others at random."""
    hard = _largest(loss.detach(), among, hardest)
    size, where = loss.shape[1], generator.device
    draws = [torch.rand(size, generator=generator, device=where) for _ in range(len(loss))]
    return hard | _largest(torch.stack(draws).to(loss.device), among & ~hard, random)


def _largest(values: Tensor, among: Tensor, count: int) -> Tensor:
    """(B, N) bool: the ``count`` largest of each row of ``among``, or all where there are fewer."""
    best = values.masked_fill(~among, -torch.inf).topk(min(count, values.shape[1]), dim=1).indices
    return torch.zeros_like(among).scatter(1, best, True) & among


def _mean_over(loss: Tensor, counted: Tensor) -> ImageLoss:
    return ImageLoss(loss.masked_fill(~counted, 0.0).sum(dim=1), counted.sum(dim=1).to(loss))


def _prepare(logits: Tensor, score: Tensor, care: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(B, N) each: logits, 0 where they do not count; which cells are positive and count; which count."""
    assert logits.shape == score.shape == care.shape
    cared = care.flatten(1) > 0
    return _wide(logits).flatten(1).masked_fill(~cared, 0.0), (score.flatten(1) > 0) & cared, cared


def _wide(values: Tensor) -> Tensor:
    return values if values.dtype == torch.float64 else values.float()
