"""METEOR's 5.3 million paraphrases as a trie of words: written to a cache once, from then on opened in milliseconds.

A phrase is a node: the root is the empty phrase, and a child adds one word to its parent. Nodes are numbered breadth
first and, among siblings, in order of their words, so that a node's children have consecutive numbers and each relation
is one array of where the runs begin. Letters: N nodes, V words, E entries of the table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saccade.files import written_aside

_VERSION = 1
"""Of the arrays' meaning; raised with every change of it, so that older caches are not taken."""


_ROOT = 0


class Trie(NamedTuple):
    """The table as arrays, each kept in a file of its own."""

    vocabulary: NDArray[np.uint8]
    """The V words in order, as UTF-8 with a line feed between two."""

    word: NDArray[np.int32]
    """(N,) the last word of each node's phrase, as an index of the vocabulary; -1 for the root."""

    first_child: NDArray[np.int32]
    """(N + 1,) node i's children are ``first_child[i]`` up to, without, ``first_child[i + 1]``."""

    first_target: NDArray[np.int32]
    """(N + 1,) where in ``targets`` the paraphrases of node i begin; they end where those of node i + 1 begin."""

    targets: NDArray[np.int32]
    """(E,) nodes, those of one phrase in the order of the table."""


class Phrase(NamedTuple):
    """A phrase of the table at some place of a caption."""

    start: int
    length: int
    node: int


class Paraphrases:
    """Which phrases of the table a caption holds, and what each may be said instead.

    What has been looked up once is kept: a split's captions hold a small part of the table again and again.
    """

    def __init__(self, trie: Trie) -> None:
        words = trie.vocabulary.tobytes().decode().split("\n")
        self._numbers = dict(zip(words, range(len(words)), strict=True))
        self._trie = Trie(*map(np.asarray, trie))  # plain arrays: a memmap takes five times as long to slice
        self._children: dict[int, dict[int, int]] = {}
        self._targets: dict[int, dict[int, int]] = {}

    def phrases(self, words: Sequence[str]) -> list[Phrase]:
        """Every phrase of ``words`` that the table holds or that begins one of the table's; by start, shorter first."""
        numbers = [self._numbers.get(word, -1) for word in words]
        found = []
        for start in range(len(numbers)):
            node = _ROOT
            for end, number in enumerate(numbers[start:], start + 1):
                children = self._children.get(node)
                if children is None:
                    children = self._children[node] = self._read_children(node)
                if number not in children:
                    break
                node = children[number]
                found.append(Phrase(start, end - start, node))
        return found

    def targets(self, node: int) -> Mapping[int, int]:
        """The paraphrases of a phrase, each with its place in the table's order."""
        targets = self._targets.get(node)
        if targets is None:
            first, last = self._trie.first_target[node : node + 2].tolist()
            nodes = self._trie.targets[first:last].tolist()
            targets = self._targets[node] = dict(zip(nodes, range(last - first), strict=True))
        return targets

    def _read_children(self, node: int) -> dict[int, int]:
        """The children of a node by their words."""
        first, last = self._trie.first_child[node : node + 2].tolist()
        return dict(zip(self._trie.word[first:last].tolist(), range(first, last), strict=True))


def load_paraphrases(table: Path, cache: Path) -> Paraphrases:
    """The paraphrases of ``table`` (three lines an entry: probability, phrase, paraphrase; gzip or plain).

    They are taken from ``cache``, a folder; where it has none made from this very file, they are put there first.
    """
    with table.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:24]
    files = {name: cache / f"paraphrases-{_VERSION}-{digest}-{name}.npy" for name in Trie._fields}
    trie = _open(files)
    if trie is None:
        trie = build_trie(table)
        _store(files, trie)
        trie = _open(files) or trie  # mapped, the processes of a pool share one copy
    return Paraphrases(trie)


def build_trie(table: Path) -> Trie:
    """The trie of a table, as in ``load_paraphrases``."""
    lines = pl.read_csv(table, separator="\n", has_header=False, quote_char=None, schema={"line": pl.String})["line"]
    sides = pl.concat([lines.gather_every(3, 1), lines.gather_every(3, 2)])
    phrases = sides.unique()
    words = phrases.str.split(" ")
    vocabulary = words.explode().unique().sort()
    numbers = words.explode().cast(pl.Enum(vocabulary)).to_physical().to_numpy()
    node_of, word, first_child = _nodes(numbers, words.list.len().to_numpy())
    nodes = sides.replace_strict(phrases, pl.Series(node_of), return_dtype=pl.Int32).to_numpy()
    sources, targets = np.split(nodes, 2)
    return Trie(
        vocabulary=np.frombuffer("\n".join(vocabulary).encode(), np.uint8),
        word=word,
        first_child=first_child,
        first_target=_run_starts(sources, len(word)),
        targets=targets[np.argsort(sources, kind="stable")],
    )


def _nodes(
    words: NDArray[Any], lengths: NDArray[Any]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """(P,) the node of each of P phrases, and ``Trie.word`` and ``Trie.first_child``.

    ``words``: the phrases' words, one phrase after the other; ``lengths`` (P,) how many each has.
    """
    count, longest = len(lengths), int(lengths.max())
    grid = np.full((count, longest), -1, np.int32)
    grid[np.arange(longest) < lengths[:, None]] = words
    order = np.lexsort(grid.T[::-1])
    grid = grid[order]
    differs = np.ones(grid.shape, bool)  # from the phrase before, in this word or an earlier one
    differs[1:] = np.logical_or.accumulate(grid[1:] != grid[:-1], axis=1)
    node = np.zeros(count, np.int32)
    last_words, parents = [np.array([-1], np.int32)], []
    made = 1
    for column, differing in zip(grid.T, differs.T, strict=True):
        begins = differing & (column >= 0)
        last_words.append(column[begins])
        parents.append(node[begins])
        node = np.where(column >= 0, made - 1 + np.cumsum(begins, dtype=np.int32), node)
        made += len(last_words[-1])
    node_of = np.empty_like(node)
    node_of[order] = node
    return node_of, np.concatenate(last_words), 1 + _run_starts(np.concatenate(parents), made)


def _run_starts(owners: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    """(count + 1,) where the items of each owner begin, once they are in order of their owners 0 ... count - 1."""
    return np.concatenate([[0], np.cumsum(np.bincount(owners, minlength=count))]).astype(np.int32)


def _open(files: Mapping[str, Path]) -> Trie | None:
    """The arrays as they lie in the cache; None where one is missing or damaged."""
    try:
        trie = Trie(**{name: np.load(path, mmap_mode="r", allow_pickle=False) for name, path in files.items()})
    except (OSError, ValueError, EOFError):
        return None
    nodes = len(trie.word)
    return trie if len(trie.first_child) == len(trie.first_target) == nodes + 1 else None


def _store(files: Mapping[str, Path], trie: Trie) -> None:
    """Keep the arrays; a folder that cannot be written to costs time, and stops nothing."""
    with suppress(OSError):
        for name, path in files.items():
            with written_aside(path) as aside, aside.open("wb") as file:
                np.save(file, getattr(trie, name), allow_pickle=False)
