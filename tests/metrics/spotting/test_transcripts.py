"""Which transcripts are the same to ICDAR 2015's scripts, and which words of the truth can be spotted."""

from __future__ import annotations

import pytest

from saccade.metrics.spotting.transcripts import dictionary_form, equal_end_to_end, equal_word, upper

SPECIAL = "!?.:,*\"()·[]/'"


@pytest.mark.parametrize(
    ("truth", "found", "equal"),
    [
        ("Hotel", "hOTEL", True),  # case does not matter
        ("Hotel", "Hotels", False),
        ("Hotel", " Hotel", False),  # blanks do
        ("café", "CAFÉ", True),
        ("café", "cafe", False),
        # the first special character of the truth may be missing, or the last, or both
        ("(Sale!", "(sale!", True),
        ("(Sale!", "Sale!", True),
        ("(Sale!", "(Sale", True),
        ("(Sale!", "Sale", True),
        # but one each and no more
        ('"(Sale!"', "(Sale!", True),
        ('"(Sale!"', "Sale!", False),
        ("Sale!!", "Sale!", True),
        ("Sale!!", "Sale", False),
        # of what was read nothing may be missing: the truth is cleaned, not the reading
        ("Sale", "Sale!", False),
        ("Sale", "(Sale", False),
        # inside nothing is special, and neither are other characters
        ("a.b", "ab", False),
        ("-Sale-", "Sale", False),
        ("$5", "5", False),
        # a single special character is both the first and the last
        ("!", "", True),
        ("!", "!", True),
        ("!?", "", True),
        ("!?.", "", False),
        ("", "", True),
        ("", "!", False),
        ("a", "", False),
    ],
)
def test_end_to_end(truth, found, equal):
    assert equal_end_to_end(truth, found) is equal


@pytest.mark.parametrize("special", SPECIAL)
def test_every_special_character_may_be_lost(special):
    assert equal_end_to_end(f"{special}word{special}", "WORD")
    assert not equal_end_to_end("word", f"{special}word{special}")
    assert not equal_end_to_end(f"wo{special}rd", "word")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Hotel", "Hotel"),
        ("Joe's", "Joe"),
        ("JOE'S", "JOE"),
        ("Joe's!", None),  # the 's is not at the end: "Joe s" is two words
        ("it's", None),  # "it" is too short
        ("'s", None),
        ("-ray-", "ray"),  # hyphens at the ends
        ("--x-ray--", "x-ray"),  # and not inside
        ("-Joe's", "Joe"),
        ("Joe's-", None),  # the 's is looked for before hyphens go: "Joe s"
        ("(-ray)", "-ray"),  # and hyphens before special characters
        ("***", None),
        ('"[(Sale!?.:,)]"', "Sale"),
        ("/Sale·", "Sale"),
        ("A.B.C", None),  # special characters inside leave blanks
        ("and/or", None),
        ("two words", None),
        ("ab", None),  # below three letters
        ("abc", "abc"),
        ("(ab)", None),  # counted after cleaning
        ("24h", None),  # digits
        ("5£50", None),
        ("a+b+c", None),
        ("a×b", None),  # although it lies between À and ƿ
        ("a÷b", None),
        ("a·b", None),
        ("Çağrı", "Çağrı"),  # up to ɿ
        ("αβγ", "αβγ"),  # Greek
        ("ǀǀǀ", None),  # between ƿ and Ǆ
        ("кот", None),  # Cyrillic
        ("日本語", None),
        ("a-b", "a-b"),
        ("", None),
        ("-", None),
    ],
)
def test_dictionary_forms(text, form):
    assert dictionary_form(text) == form


@pytest.mark.parametrize("special", SPECIAL)
def test_every_special_character_is_cleaned_off(special):
    assert dictionary_form(f"{special}{special}word{special}") == "word"
    assert dictionary_form(f"wo{special}rd") is None


@pytest.mark.parametrize(
    ("first", "last", "outside"),
    [("a", "z", "{`"), ("A", "Z", "@^"), ("À", "ƿ", "¿ǀ"), ("Ǆ", "ɿ", "ǃʀ"), ("Ά", "Ͽ", "΅Ѐ")],
)
def test_the_alphabets_end_where_the_scripts_end_them(first, last, outside):
    assert dictionary_form(f"{first}{last}{first}") == f"{first}{last}{first}"
    assert [dictionary_form(f"{letter}xx") for letter in outside] == [None, None]


def test_word_spotting_takes_nothing_off_what_was_read():
    assert equal_word("Sale", "SALE")
    assert not equal_word("Sale", "Sale!")
    assert not equal_word("Sale", "Sal")


def test_capitals_are_those_of_python_2():
    # where one letter becomes two in Python 3, Python 2 leaves it: "STRASSE" is another word than "straße"
    assert upper("straße ŉ ﬁ") == "STRAßE ŉ ﬁ"
    assert not equal_end_to_end("straße", "STRASSE")
    assert upper("aéßωı") == "AÉßΩI"
