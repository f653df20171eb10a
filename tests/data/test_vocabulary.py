"""Words by falling count then alphabet, after four special ones; and the file they are kept in."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from saccade.data import coco_captions
from saccade.data.captions import Captions
from saccade.data.vocabulary import END, PAD, SPECIAL, START, UNKNOWN, Vocabulary, build, load, save
from saccade.errors import DataError

CAPTIONS = Captions.gathered([1, 2], [["the dog runs", "a dog"], ["the cat and the dog", "<end> zebra"]])
"""dog and the stand there three times; all others once."""


def test_the_numbers_of_the_special_words() -> None:
    assert (PAD, START, UNKNOWN, END) == (0, 1, 2, 3)
    assert SPECIAL == ("<pad>", "<start>", "<unk>", "<end>")


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        (1, ("dog", "the", "a", "and", "cat", "runs", "zebra")),
        (2, ("dog", "the")),
        (3, ("dog", "the")),
    ],
)
def test_words_come_by_falling_count_and_then_alphabet(least: int, expected: tuple[str, ...]) -> None:
    assert build(CAPTIONS, str.split, min_count=least).words == (*SPECIAL, *expected)


def test_no_word_is_frequent_enough() -> None:
    with pytest.raises(DataError, match="no word occurs 4 times in 4 captions of 8 distinct words; lower the minimum"):
        build(CAPTIONS, str.split, min_count=4)


def test_the_tokeniser_decides_what_a_word_is() -> None:
    assert build(CAPTIONS, lambda caption: caption[:5].upper().split(), min_count=2).words[4:] == ("THE",)


def test_encoding_and_decoding() -> None:
    vocabulary = build(CAPTIONS, str.split, min_count=2)
    assert len(vocabulary) == 6
    assert vocabulary.encode(["the", "red", "dog"]) == [START, 5, UNKNOWN, 4, END]
    assert vocabulary.encode([]) == [START, END]
    assert vocabulary.decode([START, 5, UNKNOWN, 4, END, 4, PAD]) == ["the", "<unk>", "dog"]
    assert vocabulary.decode([4, PAD, PAD]) == ["dog"]
    assert vocabulary.decode([]) == []


def test_what_looks_like_a_special_word_in_a_caption_is_an_unknown_one() -> None:
    vocabulary = build(CAPTIONS, str.split)
    assert vocabulary.encode("<end> <pad> zebra".split()) == [START, UNKNOWN, UNKNOWN, len(vocabulary) - 1, END]


def test_a_saved_vocabulary_is_read_again(tmp_path: Path) -> None:
    vocabulary = Vocabulary((*SPECIAL, "größe", "dog", "1\xa01/2"))
    save(tmp_path / "v.json", vocabulary)
    assert load(tmp_path / "v.json") == vocabulary
    vocabulary.encode(["dog"])
    assert pickle.loads(pickle.dumps(vocabulary)).encode(["dog"]) == [START, 5, END]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (["a"], "is \\[\"a\"\\]; it takes an object with 'words'"),
        ({}, "has no 'words'; it takes a list"),
        ({"words": ["a"]}, r"'words' begins with \['a'\]; it begins with \['<pad>', '<start>', '<unk>', '<end>'\]"),
        ({"words": [*SPECIAL, "a", 5]}, r"words\[5\] is 5; it takes one word, without blanks"),
        ({"words": [*SPECIAL, "two words"]}, r"words\[4\] is 'two words'; it takes one word"),
        ({"words": [*SPECIAL, ""]}, r"words\[4\] is ''; it takes one word"),
        ({"words": [*SPECIAL, "a", "b", "a"]}, r"words\[6\] is 'a', as words\[4\] is already"),
    ],
)
def test_a_file_that_does_not_hold(tmp_path: Path, value: object, said: str) -> None:
    (tmp_path / "v.json").write_text(json.dumps(value))
    with pytest.raises(DataError, match=said) as caught:
        load(tmp_path / "v.json")
    assert str(tmp_path / "v.json") in str(caught.value)


@pytest.mark.real
def test_flickr_words_by_counts_of_the_shell(real_data: Path) -> None:
    """The counts were taken with grep, tr, sort and uniq -c from captions_train.json."""
    captions = coco_captions.read(real_data / "flickr1k", "train").captions
    assert captions is not None
    vocabulary = build(captions, str.split, min_count=5)
    assert vocabulary.words[4:10] == ("a", ".", "A", "in", "the", "on")
    assert len(vocabulary) == 4 + 748
