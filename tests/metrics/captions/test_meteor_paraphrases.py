from __future__ import annotations

from pathlib import Path

import pytest

from saccade.metrics.captions.meteor_paraphrases import Paraphrases, build_trie, load_paraphrases
from tiny_meteor import paraphrase_table

PAIRS = [
    ("a lot of", "many"),
    ("a lot of", "plenty of"),
    ("a lot of", "a great many"),
    ("boy", "kid"),
    ("kid", "boy"),
    ("kid", "child"),
    ("the kid 's", "the child 's"),
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return paraphrase_table(tmp_path / "table.gz", PAIRS)


def said(paraphrases: Paraphrases, caption: str) -> dict[str, list[str]]:
    """Every phrase of ``caption`` that has paraphrases, and those."""
    names = {}
    for text in {target for _, target in PAIRS}:
        words = text.split()
        names[paraphrases.phrases(words)[len(words) - 1].node] = text  # those from the first word on come first
    words = caption.split()
    return {
        " ".join(words[phrase.start : phrase.start + phrase.length]): [
            names[node] for node in paraphrases.targets(phrase.node)
        ]
        for phrase in paraphrases.phrases(words)
        if paraphrases.targets(phrase.node)
    }


def test_a_captions_phrases_lead_to_their_paraphrases_in_the_order_of_the_table(table: Path, tmp_path: Path) -> None:
    paraphrases = load_paraphrases(table, tmp_path / "cache")
    assert said(paraphrases, "a lot of boy and kid") == {
        "a lot of": ["many", "plenty of", "a great many"],
        "boy": ["kid"],
        "kid": ["boy", "child"],
    }
    assert said(paraphrases, "of the kid 's") == {"kid": ["boy", "child"], "the kid 's": ["the child 's"]}


def test_targets_are_numbered_in_the_order_of_the_table(table: Path, tmp_path: Path) -> None:
    paraphrases = load_paraphrases(table, tmp_path)
    phrase = paraphrases.phrases(["a", "lot", "of"])[-1]
    assert list(paraphrases.targets(phrase.node).values()) == [0, 1, 2]


def test_phrases_come_by_start_and_shorter_first(table: Path, tmp_path: Path) -> None:
    found = load_paraphrases(table, tmp_path).phrases("the kid 's a lot".split())
    assert [phrase[:2] for phrase in found] == [(0, 1), (0, 2), (0, 3), (1, 1), (3, 1), (3, 2)]


@pytest.mark.parametrize("caption", ["", "unheard", "lot of", "a unheard of"])
def test_a_caption_may_hold_no_whole_phrase(table: Path, tmp_path: Path, caption: str) -> None:
    assert said(load_paraphrases(table, tmp_path), caption) == {}


def test_entries_of_a_phrase_need_not_stand_together(tmp_path: Path) -> None:
    table = paraphrase_table(tmp_path / "table", [*PAIRS, ("boy", "child")])
    assert said(load_paraphrases(table, tmp_path), "boy")["boy"] == ["kid", "child"]


def test_the_nodes_are_numbered_breadth_first(tmp_path: Path) -> None:
    """By hand: a, b | a b, b a | b a a, in this order after the root."""
    trie = build_trie(paraphrase_table(tmp_path / "table", [("b a a", "a"), ("a", "a b"), ("a", "b a")]))
    assert trie.vocabulary.tobytes() == b"a\nb"
    assert trie.word.tolist() == [-1, 0, 1, 1, 0, 0]
    assert trie.first_child.tolist() == [1, 3, 4, 5, 5, 6, 6]
    assert trie.first_target.tolist() == [0, 0, 2, 2, 2, 2, 3]
    assert trie.targets.tolist() == [3, 4, 1]


def test_what_is_in_the_cache_is_not_made_again(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_paraphrases(table, tmp_path / "cache")
    monkeypatch.delattr("saccade.metrics.captions.meteor_paraphrases.build_trie")
    assert said(load_paraphrases(table, tmp_path / "cache"), "a kid") == said(first, "a kid") != {}


def test_another_table_is_not_taken_for_this_one(table: Path, tmp_path: Path) -> None:
    load_paraphrases(table, tmp_path / "cache")
    paraphrase_table(table, PAIRS[::-1])
    assert said(load_paraphrases(table, tmp_path / "cache"), "kid") == {"kid": ["child", "boy"]}


@pytest.mark.parametrize("left", [0, 40, 130])
def test_a_damaged_cache_is_made_anew(table: Path, tmp_path: Path, left: int) -> None:
    expected = said(load_paraphrases(table, tmp_path / "cache"), "a lot of kid")
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:left])
    assert said(load_paraphrases(table, tmp_path / "cache"), "a lot of kid") == expected


def test_a_cache_that_cannot_be_written_stops_nothing(table: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert said(load_paraphrases(table, tmp_path / "file" / "cache"), "kid") == {"kid": ["boy", "child"]}
