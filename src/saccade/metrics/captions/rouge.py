"""ROUGE-L (Lin 2004) as coco-caption takes it over several references."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from saccade.metrics.captions.ngrams import Tokens

_BETA = 1.2
"""How much more recall weighs than precision."""


def rouge_l(hypothesis: Tokens, references: Sequence[Tokens]) -> float:
    """F of the longest common subsequence, from 0 to 1; every caption has at least one token.

    Precision is the best over the references and so is recall, be they of different references.

    >>> round(rouge_l("a cat sat".split(), ["a cat sits here".split(), ["sat"]]), 3)
    0.83
    """
    lengths = [common_subsequence(hypothesis, reference) for reference in references]
    precision = max(lengths) / len(hypothesis)
    recall = max(length / len(reference) for length, reference in zip(lengths, references, strict=True))
    if not precision:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def common_subsequence(first: Tokens, second: Tokens) -> int:
    """Length of the longest common subsequence.

    The bits of one whole number are a row of the usual table (Hyyrö 2004): bit i is 0 where the length grows from
    ``first[:i]`` to ``first[: i + 1]``.

    >>> common_subsequence("abcbdab", "bdcaba")
    4
    """
    places: dict[Hashable, int] = {}
    for i, token in enumerate(first):
        places[token] = places.get(token, 0) | 1 << i
    full = (1 << len(first)) - 1
    row = full
    for token in second:
        matched = row & places.get(token, 0)
        row = (row + matched | row - matched) & full
    return len(first) - row.bit_count()
