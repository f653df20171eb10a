"""Runs of tokens, which BLEU and CIDEr-D count. A token is a word or its number in a vocabulary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TypeAlias

Tokens: TypeAlias = Sequence[Hashable]
NGram: TypeAlias = tuple[Hashable, ...]

LONGEST = 4
"""Tokens in the longest run that is counted."""


def count_ngrams(tokens: Tokens) -> list[Counter[NGram]]:
    """How often each run of 1 token occurs, each run of 2, and so on to 4.

    >>> [dict(of_n) for of_n in count_ngrams("a b a".split())]
    [{('a',): 2, ('b',): 1}, {('a', 'b'): 1, ('b', 'a'): 1}, {('a', 'b', 'a'): 1}, {}]
    """
    return [Counter(zip(*(tokens[i:] for i in range(n)), strict=False)) for n in range(1, LONGEST + 1)]
