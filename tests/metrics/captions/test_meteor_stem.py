from __future__ import annotations

import pytest

from saccade.metrics.captions.meteor_stem import stem

STEMS = """
skis ski|dying die|only onli|news news|'em em|by by|sky sky
generously generous|communes commune|arsenal arsenal
ponies poni|ties tie|cries cri|gas gas|gaps gap|kiwis kiwi|grass grass|bus bus|dresses dress|man's man|dogs' dog
agreed agre|feed feed|hopped hop|hoped hope|hopping hop|falling fall|filing file|controlled control|trying tri
fitted fit|rated rate|sized size|enabled enabl|conflated conflat|bed bed|sing sing|inning inning|proceeds proceed
happy happi|say say|cry cri|enjoy enjoy|youth youth|yes yes
rationally ration|conditional condit|relational relat|valenci valenc|digitizer digit|hesitanci hesit
vietnamization vietnam|operator oper|feudalism feudal|decisiveness decis|hopefulness hope|callousness callous
formaliti formal|sensitiviti sensit|sensibiliti sensibl|apologi apolog|conformabli conform|radicalli radic
differentli differ|vileli vile|geology geolog|gladly glad|friendly friend
triplicate triplic|formative format|formalize formal|electriciti electr|electrical electr|hopeful hope|goodness good
revival reviv|allowance allow|inference infer|airliner airlin|adjustable adjust|replacement replac|adjustment adjust
dependent depend|adoption adopt|communion communion|activate activ|angulariti angular|effective effect
probate probat|rate rate|cease ceas|controll control|roll roll
evening even|university univers|organized organ|surfer surfer|riding ride|staircase staircas
"""
"""Words and their stems by the stemmer inside METEOR's jar, one line for each of the algorithm's steps."""


@pytest.mark.parametrize(("word", "expected"), [pair.split() for pair in STEMS.strip().replace("\n", "|").split("|")])
def test_stems_are_those_of_meteors_stemmer(word: str, expected: str) -> None:
    assert stem(word) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [("", ""), ("a", "a"), ("'", "'"), ("''s", ""), ("'s'", "s"), ("yyy", "yyy"), ("été", "été"), ("123", "123")],
)
def test_what_is_no_english_word_has_a_stem_too(word: str, expected: str) -> None:
    assert stem(word) == expected
