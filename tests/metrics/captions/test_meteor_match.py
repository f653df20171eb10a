from __future__ import annotations

from pathlib import Path

import pytest

from saccade.metrics.captions.meteor_match import (
    EXACT,
    PARAPHRASE,
    STEM,
    SYNONYM,
    Match,
    candidates,
    read_sentence,
)
from tiny_meteor import tiny_tables

SYNSETS = {"dog": "1 2", "hound": "2", "ride": "3", "go": "3 4"}
PARAPHRASES = [
    ("a lot of", "many"),
    ("big", "tall"),
    ("many", "a lot of"),
    ("many", "several"),
    ("tall", "not small"),
]


def found(folder: Path, hypothesis: str, reference: str) -> list[Match]:
    tables = tiny_tables(folder, synsets=SYNSETS, paraphrases=PARAPHRASES)
    by_start = candidates(read_sentence(hypothesis, tables), read_sentence(reference, tables))
    assert all(match.start == start for start, matches in enumerate(by_start) for match in matches)
    return [match for matches in by_start for match in matches]


@pytest.mark.parametrize(
    ("hypothesis", "reference", "matches"),
    [
        ("cat", "bird", []),
        ("", "bird", []),
        ("bird", "", []),
        ("a cat a", "a", [(0, 1, 0, 1, EXACT), (0, 1, 2, 1, EXACT)]),
        ("Cats run", "running cat", [(0, 1, 1, 1, STEM), (1, 1, 0, 1, STEM)]),
        ("hound", "dog", [(0, 1, 0, 1, SYNONYM)]),
        # of one stem and, since both come from "dog", of one synset
        ("dogs", "dog", [(0, 1, 0, 1, STEM), (0, 1, 0, 1, SYNONYM)]),
        # "rides" and "goes" are looked up as "ride" and "go"
        ("goes", "rides", [(0, 1, 0, 1, SYNONYM)]),
        # once from the reference and once from the hypothesis
        ("many", "a lot of", [(0, 3, 0, 1, PARAPHRASE), (0, 3, 0, 1, PARAPHRASE)]),
        # from the reference or from the hypothesis alone
        ("tall", "big", [(0, 1, 0, 1, PARAPHRASE)]),
        ("big", "tall", [(0, 1, 0, 1, PARAPHRASE)]),
        ("big", "not small", []),
    ],
)
def test_matches_by_hand(tmp_path: Path, hypothesis: str, reference: str, matches: list[tuple[int, ...]]) -> None:
    assert found(tmp_path, hypothesis, reference) == matches


def test_paraphrases_come_in_the_order_of_the_table_then_of_the_hypothesis(tmp_path: Path) -> None:
    """The table's order: "a lot of" before "several"; what the hypothesis paraphrases comes last."""
    assert found(tmp_path, "several and a lot of and several", "many") == [
        (0, 1, 2, 3, PARAPHRASE),
        (0, 1, 0, 1, PARAPHRASE),
        (0, 1, 6, 1, PARAPHRASE),
        (0, 1, 2, 3, PARAPHRASE),
    ]


def test_the_order_of_matchers_is_exact_stem_synonym_paraphrase(tmp_path: Path) -> None:
    tables = tiny_tables(tmp_path, synsets=SYNSETS, paraphrases=[("dogs", "hounds")])
    [matches] = candidates(read_sentence("hounds dog dogs", tables), read_sentence("dogs", tables))
    assert [(match.hyp_start, match.matcher) for match in matches] == [
        (2, EXACT),
        (1, STEM),
        (0, SYNONYM),
        (1, SYNONYM),
        (0, PARAPHRASE),
    ]


def test_equal_captions_are_matched_word_by_word_alone(tmp_path: Path) -> None:
    """Otherwise "many" and "a lot of" would match across."""
    assert {match.matcher for match in found(tmp_path, "many a lot of dogs dog", "many a lot of dogs dog")} == {EXACT}


def test_function_words_are_known(tmp_path: Path) -> None:
    tables = tiny_tables(tmp_path)
    assert read_sentence("The dog is there.", tables).function == [True, False, True, False, True]
