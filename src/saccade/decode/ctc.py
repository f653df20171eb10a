"""From log-probabilities of characters, column by column, to words (Graves et al. 2006).

Letters: R words, W columns, S characters, 1 to S, and the blank 0; V words of a lexicon. A path says one character or
blank a column; the word that it means has repeated characters once, and no blanks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

BLANK = 0

_ROOM = 4_000_000
"""Numbers of a state that are kept at a time."""


def greedy(log_probs: Tensor, widths: Tensor) -> list[tuple[int, ...]]:
    """The characters that the likeliest path of each word means.

    Args:
        log_probs: (R, W, S + 1).
        widths: (R,) columns of each word; what comes after them is not read.
    """
    path = log_probs.argmax(dim=2).cpu()
    there = torch.arange(path.shape[1]) < widths.cpu()[:, None]
    said = there & (path != BLANK)
    said[:, 1:] &= path[:, 1:] != path[:, :-1]
    return [tuple(row[mask].tolist()) for row, mask in zip(path, said, strict=True)]


@dataclass(frozen=True)
class WordTree:
    """V words as a tree of their beginnings: what words begin with in common is computed once.

    Node 0 is the empty word; every other adds a character to its parent, which has a smaller number.
    """

    parent: Tensor  # (N,) int64; of the root, itself
    label: Tensor  # (N,) int64, the character that it adds; of the root, the blank
    end: Tensor  # (V,) int64, where each word ends

    @classmethod
    def of(cls, words: Sequence[Sequence[int]]) -> WordTree:
        """Of words, at least one, each its characters; a word may be there twice."""
        assert words
        parent, label, end = [0], [BLANK], []
        after: dict[tuple[int, int], int] = {}
        for word in words:
            node = 0
            for character in word:
                assert character > BLANK
                following = after.setdefault((node, character), len(parent))
                if following == len(parent):
                    parent.append(node)
                    label.append(character)
                node = following
            end.append(node)
        return cls(*(torch.tensor(numbers) for numbers in (parent, label, end)))


@torch.no_grad()
def lexicon_log_probs(log_probs: Tensor, widths: Tensor, lexicon: WordTree) -> Tensor:
    """(R, V) log-probability of each word of the lexicon, over all paths that mean it; -inf where none does.

    Args:
        log_probs: (R, W, S + 1).
        widths: (R,) columns of each word.
        lexicon: V words.
    """
    assert not len(widths) or int(widths.max()) <= log_probs.shape[1]
    device, rows = log_probs.device, max(1, _ROOM // len(lexicon.parent))
    tree = WordTree(lexicon.parent.to(device), lexicon.label.to(device), lexicon.end.to(device))
    # words of like widths together
    order = widths.cpu().argsort(stable=True)
    found = log_probs.new_empty(len(order), len(tree.end))
    for chosen in torch.split(order, rows):
        found[chosen.to(device)] = _forward(log_probs[chosen.to(device)], widths.cpu()[chosen], tree)
    return found


def best_in_lexicon(log_probs: Tensor, widths: Tensor, lexicon: WordTree) -> tuple[Tensor, Tensor]:
    """The likeliest word of the lexicon for each row, the first among equals.

    Returns:
        index: (R,) int64 place in the lexicon.
        log_prob: (R,) its log-probability; -inf where no word of the lexicon can be said in so few columns.
    """
    found = lexicon_log_probs(log_probs, widths, lexicon)
    log_prob = found.amax(dim=1)
    return (found == log_prob[:, None]).long().argmax(dim=1), log_prob


def _forward(log_probs: Tensor, widths: Tensor, tree: WordTree) -> Tensor:
    """(r, V), the forward algorithm on all nodes at once."""
    # (N, r) log-probability of all paths so far that mean the word of the node and end with its character, or a blank
    spoken = log_probs.new_full((len(tree.parent), len(log_probs)), -torch.inf)
    silent = spoken.clone()
    silent[0] = 0.0
    # a character is said twice only with a blank between
    doubled = (tree.label == tree.label[tree.parent]).nonzero()[:, 0]
    after_blank = tree.parent[doubled]
    found = log_probs.new_empty(len(log_probs), len(tree.end))
    for column in range(int(widths.max()) + 1 if len(widths) else 0):
        both = torch.logaddexp(spoken, silent)
        done = (widths == column).nonzero()[:, 0].to(found.device)
        found[done] = both[tree.end][:, done].t()
        if column == log_probs.shape[1]:
            break
        before = both.index_select(0, tree.parent)
        before[doubled] = silent[after_blank]
        here = log_probs[:, column].t()
        spoken = torch.logaddexp(spoken, before).add_(here.index_select(0, tree.label))
        spoken[0] = -torch.inf
        silent = both.add_(here[BLANK])
    return found
