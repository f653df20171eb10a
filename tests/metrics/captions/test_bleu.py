"""BLEU worked by hand, and the degenerate cases; tests/reference compares with pycocoevalcap."""

from __future__ import annotations

import math

import pytest

from saccade.metrics.captions.bleu import NOTHING, bleu, bleu_counts
from saccade.metrics.captions.ngrams import count_ngrams


def counts(hypothesis, *references):
    return bleu_counts(hypothesis.split(), [reference.split() for reference in references])


def test_ngrams_of_each_length():
    assert [dict(of_n) for of_n in count_ngrams("a b a b".split())] == [
        {("a",): 2, ("b",): 2},
        {("a", "b"): 2, ("b", "a"): 1},
        {("a", "b", "a"): 1, ("b", "a", "b"): 1},
        {("a", "b", "a", "b"): 1},
    ]
    assert [of_n.total() for of_n in count_ngrams([1, 2])] == [2, 1, 0, 0]
    assert count_ngrams([]) == [{}, {}, {}, {}]


def test_values_worked_by_hand():
    # "a cat is here" and its nearest reference, of 5 words: 4 of 4, 2 of 3, 1 of 2 and 0 of 1 n-grams are right
    found = counts("a cat is here", "a cat is in here", "dog")
    assert found.correct.tolist() == [4, 2, 1, 0]
    assert found.guessed.tolist() == [4, 3, 2, 1]
    assert (found.length, found.reference_length) == (4, 5)
    brevity = math.exp(1 - 5 / 4)
    expected = [brevity, brevity * (2 / 3) ** (1 / 2), brevity * (1 / 3) ** (1 / 3), brevity * (1e-15 / 3) ** (1 / 4)]
    assert bleu(found) == pytest.approx(expected, rel=1e-8)


def test_an_ngram_counts_as_often_as_in_the_reference_that_has_most():
    # Papineni et al. 2002, example 2: "the" stands twice in one reference, once in the other
    found = counts("the the the the the the the", "the cat is on the mat", "there is a cat on the mat")
    assert found.correct.tolist() == [2, 0, 0, 0]
    assert found.guessed.tolist() == [7, 6, 5, 4]


@pytest.mark.parametrize(
    ("length", "references", "nearest"),
    [(4, [3, 5], 3), (4, [5, 3], 3), (4, [6, 5], 5), (4, [4, 1], 4), (0, [2, 7], 2), (9, [2, 7], 7), (3, [0, 9], 0)],
)
def test_the_nearest_reference_and_of_two_the_shorter(length, references, nearest):
    assert bleu_counts(["x"] * length, [["y"] * n for n in references]).reference_length == nearest


@pytest.mark.parametrize(
    ("hypothesis", "references", "expected"),
    [
        ("a b c d e", ["a b c d e"], [1, 1, 1, 1]),
        ("a b c d e", ["x", "a b c d e"], [1, 1, 1, 1]),
        ("a b c d e", ["v w x y z"], [0, 0, 0, 0]),
        # shorter than n: no 4-gram is guessed, so that its share is 1e-15 / 1e-9; identical or not
        ("a b c", ["a b c"], [1, 1, 1, 1e-6 ** (1 / 4)]),
        ("a", ["a"], [1, 1e-6 ** (1 / 2), 1e-12 ** (1 / 3), 1e-18 ** (1 / 4)]),
        ("", ["a b"], [0, 0, 0, 0]),
        ("", [""], [0, 0, 0, 0]),
        ("a b c d e", [""], [0, 0, 0, 0]),
    ],
)
def test_degenerate_captions(hypothesis, references, expected):
    assert bleu(counts(hypothesis, *references)) == pytest.approx(expected, rel=1e-8, abs=1e-7)


def test_counts_are_added_up_before_the_formula():
    # 4 of 4 and 0 of 1 words right: 4 of 5, and not the mean of 1 and 0
    both = sum([counts("a b c d", "a b c d"), counts("x", "y")], NOTHING)
    assert both.correct.tolist() == [4, 3, 2, 1]
    assert (both.length, both.reference_length) == (5, 5)
    assert bleu(both)[0] == pytest.approx(4 / 5)


def test_nothing_adds_nothing():
    one = counts("a b", "a c")
    assert bleu(NOTHING + one).tolist() == bleu(one).tolist()
