"""Sentences and tables of caption runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from saccade.report import caption_words
from saccade.report.captions import Captioned
from saccade.report.words import interval_words, metric_name

from .caption_run import BOXES, GRID, add_captions, spoken, unscored_captions


def read(tmp_path: Path, n: int = 9, **given: Any) -> Captioned:
    run = unscored_captions(tmp_path)
    add_captions(run, *spoken(n), **given)
    return Captioned.read(run.evaluation("val"))


def test_names_and_intervals() -> None:
    keys = ("bleu1", "bleu4", "meteor", "rouge_l", "cider")
    assert [metric_name(key) for key in keys] == ["BLEU-1", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D"]
    assert (interval_words((0.25, 1.0)), interval_words(None)) == ("0.250 to 1.000", "")
    assert [interval_words((low, 1e-5)) for low in (0.0, 1e-7)] == ["0.000 to < 0.001", "< 0.001"]


def test_what_is_said_of_the_numbers(tmp_path: Path) -> None:
    scored = read(tmp_path, decoding={"beam": 3})
    assert caption_words.numbers_sentence(scored) == (
        "Captions are the best that 3 beams found. BLEU and METEOR are of all images together, not means over images."
    )
    first, second = caption_words.notes(scored, {"cider": (0.5, 0.9)})
    assert "1,000 draws of as many images with replacement" in first
    assert "whose word weights stay as they are" in first
    assert first.endswith("METEOR has none: its counts are not in the run folder.")
    assert second.endswith("and are the same.")
    assert caption_words.differences_sentence(scored) == ""
    assert (
        caption_words.interval_sentence(scored, {"cider": (0.5, 0.9)})
        == "With 9 images the 95 % interval of CIDEr-D is 0.500 to 0.900 (bootstrap over images)."
    )


def test_without_meteor_it_says_what_to_install(tmp_path: Path) -> None:
    scored = read(tmp_path, meteor=False, decoding={"beam": 1})
    sentence = caption_words.numbers_sentence(scored)
    assert sentence.startswith("Captions are greedy: the likeliest word at each step. BLEU is of all images together")
    assert "METEOR was not measured" in sentence
    assert "install saccade[captions]" in sentence
    assert "METEOR" not in caption_words.notes(scored, {"cider": (0.5, 0.9)})[0]


def test_numbers_of_other_captions_are_named(tmp_path: Path) -> None:
    scored = read(tmp_path, metrics={"bleu4": 0.125, "meteor": 0.25})
    value = scored.again.metrics["bleu4"]
    sentence = caption_words.differences_sentence(scored)
    assert f"gives them again: BLEU-4 0.125, and {value:.3f}. One of the files was changed" in sentence
    assert len(caption_words.notes(scored, {})) == 0


def test_one_image_has_no_word_weights(tmp_path: Path) -> None:
    scored = read(tmp_path, 1)
    assert scored.headline == 0
    assert "of a single image every weight is 0, and so is the score" in caption_words.baseline_sentence(scored, "a", 0)
    assert caption_words.interval_sentence(scored, {}) == ""


def test_tables_and_variety(tmp_path: Path) -> None:
    run = unscored_captions(tmp_path)
    add_captions(run, ["a cat", "a cat", "", "a dog"], [["a cat"], ["the owl"], ["the big owl"], ["a dog"]])
    scored = Captioned.read(run.evaluation("val"))
    assert caption_words.captions_table(scored).rows == [
        ("a cat", "2", "0.500"),
        ("(nothing)", "1", "0.250"),
        ("a dog", "1", "0.250"),
    ]
    assert caption_words.unsaid_table(scored).rows == [
        ("owl", "2", "0.500"),
        ("the", "2", "0.500"),
        ("big", "1", "0.250"),
    ]
    assert caption_words.variety_sentence(scored) == (
        "3 different captions for 4 images. They have 3 different words, the references 6; a caption is 1.5 words long "
        "on average, a reference 2.2. 1 caption is empty."
    )


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        (GRID, "Regions are the places of a grid of 2 x 3 (height x width). Each"),
        ({**GRID, "resize": "crop"}, "2 x 3 (height x width), which covers the square in the middle of the image."),
        (BOXES, "Regions are boxes of a detector; light is the sum of their weights"),
    ],
)
def test_what_the_pictures_of_attention_show(tmp_path: Path, regions: dict[str, Any], expected: str) -> None:
    sentence = caption_words.regions_sentence(read(tmp_path, regions=regions), [8])
    assert expected in sentence
    assert "would be 0.12 if all regions weighed alike" in sentence
