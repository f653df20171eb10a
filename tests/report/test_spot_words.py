"""Sentences of spot runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.report import spot_words
from saccade.report.spot_evaluation import Spotted
from saccade.report.spot_letters import letters
from saccade.report.spot_matches import Word
from saccade.report.spot_pictures import MOST_WORDS, most_telling
from saccade.report.spot_tables import letters_table, misreadings_table
from saccade.report.words import metric_name

from .spot_run import Sign, add_spotting, box, signs, unscored_spot


def read(tmp_path: Path, images: list[Sign], **given: Any) -> Spotted:
    run = unscored_spot(tmp_path)
    add_spotting(run, images, **given)
    return Spotted.read(run.evaluation("val"))


def word(verdict: str, text: str | None = None, read: str | None = None, score: float | None = None) -> Word:
    return Word(verdict, np.array(box(0, 0)).reshape(4, 2), text, read, score, 0.75)


def test_names() -> None:
    keys = ("detection_hmean", "end_to_end_precision", "word_spotting_hmean", "cer", "word_accuracy")
    assert [metric_name(key) for key in keys] == [
        "detection H-mean",
        "end-to-end precision",
        "word spotting H-mean",
        "character error rate",
        "word accuracy",
    ]


@pytest.mark.parametrize(
    ("given", "reads", "expected"),
    [
        (word("right", "EXIT", "EXIT", 0.9), True, ("EXIT", "right, score 0.90")),
        (word("right", "Exit!", "EXIT", 0.9), True, ("EXIT", "right: written Exit!, score 0.90")),
        (word("right", "EXIT", None, 0.9), False, ("EXIT", "found, score 0.90, IoU 0.75")),
        (word("misread", "EXIT", "", 0.9), True, ("(nothing)", "misread: it says EXIT, score 0.90")),
        (word("missed", "EXIT"), True, ("EXIT", "missed: IoU 0.75 with the nearest detection")),
        (word("alarm", None, "ILI", 0.25), True, ("ILI", "false alarm, score 0.25")),
        (word("alarm", None, None, 0.25), False, ("", "false alarm, score 0.25")),
    ],
)
def test_what_stands_beside_a_cut_out(given: Word, reads: bool, expected: tuple[str, str]) -> None:
    assert spot_words.word_line(given, reads=reads) == expected


def test_words_of_every_verdict_are_cut_out() -> None:
    words = [word(verdict, str(k)) for verdict in ("right", "misread", "missed", "alarm", "uncared") for k in range(9)]
    chosen = most_telling(words)
    assert len(chosen) == MOST_WORDS
    assert [(w.verdict, w.text) for w in chosen] == [
        *[("misread", "0"), ("misread", "1"), ("missed", "0"), ("missed", "1"), ("alarm", "0"), ("right", "0")]
    ]
    assert spot_words.rest_words(words, chosen, reads=True) == "and 8 right, 7 misread, 7 missed, 8 false alarms more"
    assert spot_words.rest_words(chosen, chosen, reads=True) == ""


def test_of_missed_words_the_largest_are_cut_out() -> None:
    small, large = word("missed", "small"), word("missed", "large")
    large = Word("missed", large.quad * 3, "large", None, None, 0.0)
    assert [w.text for w in most_telling([small, large])] == ["large", "small"]


def test_one_and_many(tmp_path: Path) -> None:
    images = [Sign([(box(0, 0), "HOTEL")], [(box(0, 0), "H0TEL", 0.9), (box(0, 50), "x", 0.8)])]
    scored = read(tmp_path, images)
    assert spot_words.outcome_sentence(scored) == (
        "Of 1 word 1 was found, and 0 of them read right. 1 of 2 detections matches no word."
    )
    assert spot_words.words_sentence(scored) == (
        "1 word of 1 image is cared for. 0 were read right, 1 found and misread and 0 missed."
    )
    beside = [Sign([(box(0, 0), "HOTEL")], [(box(30, 0), "HOTEL", 0.9)])]
    assert spot_words.outcome_sentence(read(tmp_path / "b", beside)) == (
        "Of 1 word none was found. 1 of 1 detection matches no word."
    )
    assert spot_words.words_sentence(read(tmp_path / "c", beside)).endswith(
        "1 missed, which overlaps a detection by half or less, or one that another word took."
    )
    assert spot_words.misreadings_sentence(scored) == (
        "1 word was misread, none twice in the same way; those that are off by the least:"
    )


def test_missed_words_without_a_detection(tmp_path: Path) -> None:
    images = [Sign([(box(0, 0), "HOTEL"), (box(0, 50), "BAR")], [(box(0, 0), "HOTEL", 0.9)])]
    assert spot_words.words_sentence(read(tmp_path, images)) == (
        "2 words of 1 image are cared for. 1 was read right, 0 found and misread and 1 missed, where there is no "
        "detection."
    )


def test_how_it_was_measured_without_settings(tmp_path: Path) -> None:
    sentence = spot_words.measured_sentence(read(tmp_path, signs(), decoding=None))
    assert "One fixed threshold holds for all images" in sentence
    nothing = read(tmp_path / "b", [Sign([(box(0, 0), "A")])], decoding={})
    assert spot_words.outcome_sentence(nothing).endswith("no place passed the threshold.")


def test_long_lists_are_cut(tmp_path: Path) -> None:
    pairs = [(f"{a}{b}AB", f"{b}{b}AB") for a in "cdefg" for b in "hijk"]
    images = [Sign([(box(0, 0), truth)], [(box(0, 0), said, 0.9)]) for truth, said in pairs]
    assert len(misreadings_table(read(tmp_path, images)).rows) == 12
    table = letters_table(letters(pairs))
    assert len(table.rows) == 12
    odd = letters_table(letters([("A B C", "AB C"), ("ABC", "ABCD")]))
    assert odd.rows == [("(blank)", "(nothing)", "1", "0.500"), ("(nothing)", "D", "1", "–")]
