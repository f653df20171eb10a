"""Reading words column by column, against all paths that there are."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import pytest
import torch
from torch import Tensor

from saccade.decode import ctc
from saccade.decode.ctc import WordTree, best_in_lexicon, greedy, lexicon_log_probs


def meaning(path: tuple[int, ...]) -> tuple[int, ...]:
    """Repeated characters once, and no blanks."""
    return tuple(character for character, _ in itertools.groupby(path) if character)


def enumerated(log_p: Tensor) -> dict[tuple[int, ...], float]:
    """The probability of each word, from (W, S + 1), over all (S + 1)^W paths."""
    p, found = log_p.exp().tolist(), defaultdict(float)
    for path in itertools.product(range(len(p[0])), repeat=len(p)):
        found[meaning(path)] += math.prod(row[character] for row, character in zip(p, path, strict=True))
    return found


def columns(*shape: int, seed: int = 0) -> Tensor:
    logits = 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return logits.log_softmax(dim=-1)


def paths(*said: list[int], symbols: int = 4) -> Tensor:
    """Log-probabilities of which these are the likeliest."""
    wide = max(len(path) for path in said)
    log_p = torch.full((len(said), wide, symbols), math.log(0.1))
    for row, path in zip(log_p, said, strict=True):
        row[range(len(path)), path] = math.log(0.7)
    return log_p


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ([1, 2, 3], (1, 2, 3)),
        ([1, 1, 2, 2, 2, 3], (1, 2, 3)),
        ([0, 1, 0, 0, 2, 0], (1, 2)),
        ([1, 0, 1], (1, 1)),
        ([1, 1, 0, 0, 1, 1], (1, 1)),
        ([0, 0], ()),
        ([3], (3,)),
    ],
)
def test_the_likeliest_path_means_a_word(path: list[int], word: tuple[int, ...]) -> None:
    assert meaning(tuple(path)) == word
    assert greedy(paths(path), torch.tensor([len(path)])) == [word]


def test_what_stands_right_of_a_word_is_not_read() -> None:
    log_p = paths([1, 2, 3, 3], [3, 0, 3, 1], [1, 1, 1, 1])
    assert greedy(log_p, torch.tensor([2, 3, 0])) == [(1, 2), (3, 3), ()]


def test_no_words() -> None:
    none = torch.zeros(0, 1, 4), torch.zeros(0, dtype=torch.int64)
    assert greedy(*none) == []
    index, log_p = best_in_lexicon(*none, WordTree.of([(1,)]))
    assert index.shape == log_p.shape == (0,)


def test_every_word_has_the_probability_of_all_its_paths() -> None:
    """Three characters and up to five columns; the words of one width have together the probability 1."""
    log_p, widths = columns(4, 5, 4), torch.tensor([3, 5, 1, 4])
    words = [word for n in range(6) for word in itertools.product((1, 2, 3), repeat=n)]
    found = lexicon_log_probs(log_p, widths, WordTree.of(words))
    for row, wide, got in zip(log_p, widths.tolist(), found, strict=True):
        expected = enumerated(row[:wide])
        assert got.exp().tolist() == pytest.approx([expected[word] for word in words], rel=1e-9, abs=0)
        assert float(got.exp().sum()) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_likeliest_word_of_a_lexicon_wins(seed: int) -> None:
    log_p, widths = columns(6, 4, 4, seed=seed), torch.tensor([4, 3, 4, 2, 1, 4])
    words = [(1, 2), (2, 2), (3,), (1, 2, 3), (3, 1, 1)]
    index, best = best_in_lexicon(log_p, widths, WordTree.of(words))
    for row, wide, i, value in zip(log_p, widths.tolist(), index.tolist(), best.tolist(), strict=True):
        expected = enumerated(row[:wide])
        assert expected[words[i]] == pytest.approx(max(expected[word] for word in words))
        assert math.exp(value) == pytest.approx(expected[words[i]])


def test_the_likeliest_path_is_not_the_likeliest_word() -> None:
    """A lexicon of all words is no greedy reading: 0.6 * 0.6 for two blanks is less than all that mean 1."""
    log_p = torch.tensor([[[0.6, 0.4], [0.6, 0.4]]]).log()
    assert greedy(log_p, torch.tensor([2])) == [()]
    index, best = best_in_lexicon(log_p, torch.tensor([2]), WordTree.of([(), (1,)]))
    assert index.tolist() == [1]
    assert best.exp().item() == pytest.approx(0.24 + 0.24 + 0.16)


def test_a_double_letter_needs_a_column_between() -> None:
    log_p = columns(1, 2, 3)
    index, best = best_in_lexicon(log_p, torch.tensor([2]), WordTree.of([(1, 1), (2, 1)]))
    assert index.tolist() == [1]
    assert best.item() == pytest.approx(float(log_p[0, 0, 2] + log_p[0, 1, 1]))
    index, best = best_in_lexicon(log_p, torch.tensor([2]), WordTree.of([(1, 1), (1, 2, 1)]))
    assert best.tolist() == [-math.inf]


def test_words_share_their_beginnings_and_the_first_of_equals_wins() -> None:
    lexicon = WordTree.of([(1, 2), (1, 2, 3), (1, 2), (2,), ()])
    assert lexicon.parent.tolist() == [0, 0, 1, 2, 0]
    assert lexicon.label.tolist() == [0, 1, 2, 3, 2]
    assert lexicon.end.tolist() == [2, 3, 2, 4, 0]
    index, _ = best_in_lexicon(paths([1, 2, 0]), torch.tensor([3]), lexicon)
    assert index.tolist() == [0]


def test_padding_may_hold_anything() -> None:
    log_p, widths = columns(3, 5, 4), torch.tensor([2, 5, 3])
    lexicon = WordTree.of([(1,), (2, 3), (3, 3)])
    other = log_p.masked_fill((torch.arange(5) >= widths[:, None])[:, :, None], -math.inf)
    torch.testing.assert_close(lexicon_log_probs(other, widths, lexicon), lexicon_log_probs(log_p, widths, lexicon))


def test_a_large_lexicon_is_gone_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    log_p, widths = columns(7, 6, 5), torch.tensor([2, 6, 3, 6, 1, 5, 4])
    lexicon = WordTree.of(list(itertools.product((1, 2, 3, 4), repeat=3)))
    whole = lexicon_log_probs(log_p, widths, lexicon)
    monkeypatch.setattr(ctc, "_ROOM", 2 * len(lexicon.parent))
    torch.testing.assert_close(lexicon_log_probs(log_p, widths, lexicon), whole, rtol=0, atol=0)


def test_long_words_do_not_underflow() -> None:
    """300 columns of 0.01 would be 1e-600."""
    log_p = torch.full((1, 300, 100), math.log(0.01))
    index, best = best_in_lexicon(log_p, torch.tensor([300]), WordTree.of([(1, 2, 3), (4,)]))
    assert index.tolist() == [0]
    assert -math.inf < best.item() < 300 * math.log(0.01) + math.log(math.comb(303, 6)) + 1
