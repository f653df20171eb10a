"""Characters and their numbers: none shared, none lent to a character that has no own."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from saccade.data import icdar
from saccade.data.alphabet import BLANK, Alphabet, Outside, build, load, save
from saccade.data.words import ImageWords, Words
from saccade.errors import DataError


def words(*texts: str, cared: list[bool] | None = None) -> Words:
    kept = np.ones(len(texts), dtype=np.bool_) if cared is None else np.array(cared)
    return Words.gathered([ImageWords(np.zeros((len(texts), 4, 2), dtype=np.float32), texts, kept)])


def test_characters_of_the_training_texts_sorted_and_once_each_with_their_case() -> None:
    found = build(words("Exit 5", "exit", "Café"))
    assert found.characters == tuple(sorted(" 5CEaefitxé"))
    assert len(found) == 11


def test_text_that_is_not_cared_for_lends_no_characters() -> None:
    assert build(words("ab", "###", cared=[True, False])).characters == ("a", "b")
    assert build(words("ab", "#")).characters == ("#", "a", "b")
    assert build(words("ab", "*")).characters == ("a", "b"), "it is scored and not learned"
    assert build(words("ab", "**")).characters == ("*", "a", "b")


@pytest.mark.parametrize("none", [words(), words("###", cared=[False]), Words.gathered([])])
def test_no_text_to_learn_from(none: Words) -> None:
    with pytest.raises(DataError, match=r"the training split has no text to learn from: "):
        build(none)


def test_numbers_begin_at_one_since_nought_is_the_blank_of_ctc() -> None:
    alphabet = Alphabet(("a", "b", "c"))
    assert BLANK == 0
    assert alphabet.encode("cab") == [3, 1, 2]
    assert alphabet.encode("") == []
    assert alphabet.decode([3, 1, 1, 2]) == "caab"
    assert alphabet.decode([0, 3, 0, 0]) == "c"
    assert alphabet.decode([]) == ""


def test_every_character_has_a_number_of_its_own() -> None:
    alphabet = build(words("".join(map(chr, range(32, 127))), "éÉ☕"))
    numbers = alphabet.encode("".join(alphabet.characters))
    assert numbers == list(range(1, 99))
    assert alphabet.decode(numbers) == "".join(alphabet.characters)


def test_an_unknown_character_gets_the_number_of_no_other() -> None:
    """The last one's number, or a shared <other>, would teach the network to read one as the other."""
    alphabet = Alphabet(("a", "b"))
    with pytest.raises(DataError, match="the text 'abcab~c' has 'c', '~', which the alphabet of 2 characters lacks"):
        alphabet.encode("abcab~c")
    with pytest.raises(DataError, match="has 'B'"):
        alphabet.encode("aB")
    assert alphabet.lacks("abcab~c") == ("c", "~")
    assert alphabet.lacks("abba") == ()


@pytest.mark.parametrize("number", [-1, 3])
def test_a_number_that_is_no_characters_is_not_decoded(number: int) -> None:
    with pytest.raises((AssertionError, IndexError)):
        Alphabet(("a", "b")).decode([number])


def test_what_an_alphabet_lacks_is_counted_by_character_and_by_word() -> None:
    texts = words("axxa", "xy", "a", "zz", "B", cared=[True, True, True, False, True])
    assert Alphabet(("a", "b")).outside(texts) == Outside(times=Counter({"x": 3, "y": 1, "B": 1}), n_words=3)
    assert Alphabet(("a", "b")).outside(words("ab", "")) == Outside(Counter(), 0)


@pytest.mark.parametrize("characters", [(), ("a", "a"), ("ab",), ("",)])
def test_what_is_no_alphabet(characters: tuple[str, ...]) -> None:
    with pytest.raises(AssertionError):
        Alphabet(characters)


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    alphabet = Alphabet((" ", '"', "\\", "é", "☕", "a"))
    save(tmp_path / "alphabet.json", alphabet)
    assert load(tmp_path / "alphabet.json") == alphabet
    assert json.loads((tmp_path / "alphabet.json").read_text(encoding="utf-8")) == {
        "characters": [*alphabet.characters]
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not well-formed JSON"),
        ("{}", "has no 'characters'; it takes a list"),
        ('{"characters": []}', "'characters' is empty"),
        ('{"characters": ["a", "bc"]}', r"characters\[1\] is 'bc'; it takes one character"),
        ('{"characters": ["a", 1]}', r"characters\[1\] is 1; it takes one character"),
        ('{"characters": ["a", "b", "a"]}', r"characters\[2\] is 'a', as characters\[0\] is already"),
    ],
)
def test_a_file_that_does_not_hold(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "alphabet.json").write_text(text)
    with pytest.raises(DataError, match=said):
        load(tmp_path / "alphabet.json")


@pytest.mark.real
def test_real_receipts_have_no_lower_case(real_data: Path) -> None:
    """SROIE's transcripts are in capitals; two characters of the validation split do not occur in training."""
    train, val = (icdar.read(real_data / "sroie", split)[0].words for split in ("train", "val"))
    assert train is not None
    assert val is not None
    alphabet = build(train)
    assert len(alphabet) == 63
    assert not any(character.islower() for character in alphabet.characters)
    assert alphabet.outside(val) == Outside(Counter({"~": 4, "|": 2}), 3)
    assert all(alphabet.decode(alphabet.encode(text)) == text for text in train.texts)
