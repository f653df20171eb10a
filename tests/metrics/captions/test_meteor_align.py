"""Alignments worked out by hand; those of more than a few words are the jar's, told by its 23 statistics."""

from __future__ import annotations

from pathlib import Path

import pytest

from saccade.metrics.captions.meteor_align import align, chunks
from saccade.metrics.captions.meteor_match import EXACT, PARAPHRASE, STEM, SYNONYM, Match, candidates, read_sentence
from tiny_meteor import Pairs, tiny_tables


def aligned(folder: Path, hypothesis: str, reference: str, paraphrases: Pairs = (("x", "y"),)) -> list[Match]:
    tables = tiny_tables(folder, synsets={"dog": "1", "big": "2", "tall": "2"}, paraphrases=paraphrases)
    sentence = read_sentence(hypothesis, tables)
    return align(candidates(sentence, read_sentence(reference, tables)), len(sentence.words))


def exact(*places: tuple[int, int]) -> list[tuple[int, ...]]:
    """Matches of equal words by their places in reference and hypothesis."""
    return [(start, 1, hyp_start, 1, EXACT) for start, hyp_start in places]


@pytest.mark.parametrize(
    ("hypothesis", "reference", "places"),
    [
        ("", "", []),
        ("", "a dog", []),
        ("a dog", "", []),
        ("a dog", "the cat", []),
        ("a dog runs", "a dog runs", [(0, 0), (1, 1), (2, 2)]),
        ("runs the dog", "the dog runs", [(0, 1), (1, 2), (2, 0)]),
        # as many words, but one chunk less with the second "a"
        ("a cat a dog", "a dog", [(0, 2), (1, 3)]),
        # as many chunks: the nearest
        ("a cat a", "bird a", [(1, 0)]),
        ("the the the the", "the cat is on the mat", [(0, 0), (4, 1)]),
        (".", "a .", [(1, 0)]),
    ],
)
def test_equal_words_by_hand(tmp_path: Path, hypothesis: str, reference: str, places: list[tuple[int, int]]) -> None:
    assert aligned(tmp_path, hypothesis, reference) == exact(*places)


def test_a_path_that_passes_over_a_match_pays_for_its_distance(tmp_path: Path) -> None:
    """Quirk: "dogs" is matched by stem, for to leave it costs 2 of distance: 1 for each of its two candidates.

    Were each match to pay for itself, "dogs" would stay unmatched: it counts as no matched word.
    """
    expected = [(0, 1, 1, 1, EXACT), (1, 1, 2, 1, STEM)]
    assert aligned(tmp_path, "big brown dog", "brown dogs") == expected


def test_single_words_that_are_not_equal_gain_nothing_where_there_is_a_choice(tmp_path: Path) -> None:
    """Quirk, as the jar has it: of two words with one stem each is as good as none, and none is one chunk less."""
    assert aligned(tmp_path, "cats", "cat cat") == []
    assert aligned(tmp_path, "cats", "cat") == [(0, 1, 0, 1, STEM)]


def test_a_match_that_is_the_only_one_is_made_though_it_gains_nothing(tmp_path: Path) -> None:
    assert aligned(tmp_path, "a tall tree", "the big bush") == [(1, 1, 1, 1, SYNONYM)]


def test_a_paraphrase_of_several_words_is_one_match(tmp_path: Path) -> None:
    paraphrases = [("on top of", "above")]
    assert aligned(tmp_path, "a cat above it", "a cat on top of it", paraphrases) == [
        (0, 1, 0, 1, EXACT),
        (1, 1, 1, 1, EXACT),
        (2, 3, 2, 1, PARAPHRASE),
        (5, 1, 3, 1, EXACT),
    ]


def test_equal_words_win_over_a_paraphrase_that_gains_less(tmp_path: Path) -> None:
    """Three equal words gain 6; the paraphrase of three by two gains 1 for either side."""
    paraphrases = [("on top of", "right above")]
    assert aligned(tmp_path, "on top of right above", "on top of", paraphrases) == exact((0, 0), (1, 1), (2, 2))


def test_no_word_is_matched_twice(tmp_path: Path) -> None:
    matches = aligned(tmp_path, "a dog a big dog dogs", "dog a dogs a big big dog tall")
    assert len({match.start for match in matches}) == len({match.hyp_start for match in matches}) == len(matches) == 6


def test_only_forty_paths_are_kept(tmp_path: Path) -> None:
    """The jar's alignment, of 2 chunks; with more paths the last four words would be matched in one chunk."""
    matches = aligned(tmp_path, "a basketball a basketball", "basketball a a a basketball a basketball")
    assert matches == exact((0, 3), (3, 0), (4, 1), (5, 2))


def test_a_long_caption_with_many_choices_is_aligned(tmp_path: Path) -> None:
    words = "a dog the dog a cat " * 12
    assert aligned(tmp_path, words, words) == exact(*((i, i) for i in range(72)))


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([], 0),
        ([(3, 0)], 1),
        ([(0, 0), (1, 1), (2, 2)], 1),
        ([(0, 0), (2, 1)], 2),  # a gap in the reference
        ([(0, 0), (1, 2)], 2),  # a gap in the hypothesis
        ([(0, 1), (1, 0)], 2),
    ],
)
def test_chunks_by_hand(places: list[tuple[int, int]], expected: int) -> None:
    assert chunks([Match(*match) for match in exact(*places)]) == expected
