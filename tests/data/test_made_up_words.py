"""Made-up words: which split they belong to, what they are made of, and the same ones every time."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest

from saccade.data.made_up_words import ALPHABETS, LONGEST, Characters, made_up_word, split_of
from saccade.data.scenes import SceneSplit

SPLITS: tuple[SceneSplit, ...] = ("train", "val", "test")


def words(split: SceneSplit, characters: Characters, count: int = 1500) -> list[str]:
    rng = np.random.default_rng(5)
    return [made_up_word(rng, split=split, characters=characters) for _ in range(count)]


def key(word: str) -> str:
    return "".join(c for c in word.lower() if c.isalnum())


def test_the_first_words_are_the_recorded_ones() -> None:
    """Recorded from version 1 of ``scene_words``; a deliberate change raises its VERSION and records anew."""
    text = " ".join(word for characters in ALPHABETS for word in words("val", characters, 20))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "02e2428bcc2dd91f"


@pytest.mark.parametrize("characters", list(ALPHABETS))
def test_no_word_is_in_two_splits_whatever_its_case_and_its_marks(characters: Characters) -> None:
    found = {split: {key(word) for word in words(split, characters)} for split in SPLITS}
    assert not found["train"] & found["val"]
    assert not found["train"] & found["test"]
    assert not found["val"] & found["test"]
    assert all(len(there) > 500 for there in found.values())


def test_a_word_keeps_its_split_in_capitals_with_marks_and_with_a_point() -> None:
    assert len({split_of(word) for word in ("kilo", "Kilo!", "KILO", "ki-lo")}) == 1
    assert len({split_of(word) for word in ("1250", "12.50", "12-50")}) == 1


def test_one_word_in_five_is_of_each_of_the_smaller_splits() -> None:
    """Of 9,000 numbers the shares lie within four standard errors, sqrt(0.2 * 0.8 / 9000) = 0.0042 each."""
    counts = Counter(split_of(str(number)) for number in range(1000, 10000))
    assert counts["val"] / 9000 == pytest.approx(0.2, abs=0.017)
    assert counts["test"] / 9000 == pytest.approx(0.2, abs=0.017)


@pytest.mark.parametrize("characters", list(ALPHABETS))
def test_words_have_only_characters_of_the_alphabet_and_all_of_them_occur(characters: Characters) -> None:
    found = words("train", characters)
    assert set("".join(found)) == set(ALPHABETS[characters])
    assert all(2 <= len(word) <= LONGEST and len(key(word)) >= 2 for word in found)
    assert len(ALPHABETS[characters]) == len(set(ALPHABETS[characters]))


def test_mixed_words_come_in_small_letters_capitals_and_both() -> None:
    letters = [word for word in words("train", "mixed") if word.isalpha()]
    shares = [np.mean([f(word) for word in letters]) for f in (str.islower, str.istitle, str.isupper)]
    assert sum(shares) == pytest.approx(1)
    assert min(shares) > 0.1


def test_codes_have_no_letter_that_looks_like_a_digit() -> None:
    codes = [word for word in words("train", "upper") if any(c.isdigit() for c in word) and not key(word).isdigit()]
    assert len(codes) > 50
    assert not set("".join(codes)) & set("IO")
