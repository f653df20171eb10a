"""The expected words are those of METEOR's jar: as many, and each of them matched with itself."""

from __future__ import annotations

import pytest

from saccade.metrics.captions.meteor_normalise import Prefix, normalise

PREFIXES = {"Dr": Prefix.ALWAYS, "No": Prefix.BEFORE_DIGIT}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ""),
        ("   ", ""),
        ("A  Dog runs", "a dog runs"),
        ("t-shirt, x-ray.", "t shirt , x ray ."),
        ("a-b-c", "a b-c"),  # sic: b is used up by the dash before it
        ("dog - cat -- bird – end", "dog - cat - bird - end"),
        ("the man's dogs' toys isn't", "the man 's dogs ' toys isn 't"),
        ("the 1960's 'quoted'", "the 1960 's ' quoted '"),
        ("don`t don’t", "don 't don 't"),
        ("``so'' he “said”", '" so " he " said "'),
        ("1,000 dogs, cats,5", "1,000 dogs , cats , 5"),
        ("a,,b", "a , ,b"),  # sic, likewise
        ("wait... what..now", "wait ... what .. now"),
        ("(50%) of $5.50 & more?!", "( 50 % ) of $ 5.50 & more ? !"),
        ("a café, naïve", "a café , naïve"),
        ("犬a", "犬 a"),
        ("tab\there", "tab here"),
    ],
)
def test_words_are_parted_as_the_jar_does(text: str, words: str) -> None:
    assert normalise(text, PREFIXES) == words.split()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It ends.", "it ends ."),
        ("It ends. And goes on.", "it ends . and goes on ."),
        ("it ends. and goes on.", "it ends. and goes on ."),
        ("the U.S. team", "the us team"),
        ("e.g. Dogs", "eg dogs"),
        ("3.5. Then", "3.5 . then"),
        ("Dr. Who", "dr. who"),
        ("dr. Who", "dr . who"),
        ("No. 5", "no. 5"),
        ("No. Five", "no . five"),
        (".", "."),
        ("...", "..."),
    ],
)
def test_a_dot_stays_with_an_abbreviation(text: str, words: str) -> None:
    assert normalise(text, PREFIXES) == words.split()


def test_a_plain_caption_takes_the_short_way_to_the_same_words() -> None:
    text = "a man in a t shirt rides 2 horses"
    assert normalise(text, {}) == normalise(f"{text} .", {})[:-1] == text.split()
