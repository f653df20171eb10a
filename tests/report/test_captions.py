"""A caption evaluation read whole; words counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from saccade.errors import RunError
from saccade.report.captions import Captioned

from .caption_run import add_captions, caption_run, spoken, unscored_captions

CAPTIONS = ["A cat.", "a dog", "a cat", "", "a dog"]
REFERENCES = [
    ["a cat", "One big cat"],
    ["a small dog", "a dog"],
    ["the big owl", "an owl, a big one"],
    ["a big small dog"],
    ["the dog"],
]


def read(tmp_path: Path, captions: Sequence[str], references: Sequence[Sequence[str]], **given: Any) -> Captioned:
    run = unscored_captions(tmp_path)
    add_captions(run, captions, references, **given)
    return Captioned.read(run.evaluation("val"))


def change(scored_run: Any, **columns: Any) -> Captioned:
    """The evaluation with other columns."""
    evaluation = scored_run.evaluation("val")
    evaluation.predictions().with_columns(**columns).write_parquet(evaluation.predictions_file)
    return Captioned.read(evaluation)


def test_captions_and_words_are_counted(tmp_path: Path) -> None:
    scored = read(tmp_path, CAPTIONS, REFERENCES)
    assert scored.counted() == [("a dog", 2), ("A cat.", 1), ("a cat", 1), ("", 1)]
    assert scored.words == [["a", "cat"], ["a", "dog"], ["a", "cat"], [], ["a", "dog"]]
    # a cat dog, of: a cat one big small dog the owl an
    assert scored.vocabularies() == (3, 9)
    # images whose references have it: big 1, 3, 4; small 2, 4; the 3, 5; one 1, 3
    assert scored.unsaid(4) == [("big", 3), ("one", 2), ("small", 2), ("the", 2)]
    assert len(scored.unsaid(99)) == 6


def test_the_numbers_of_one_image(tmp_path: Path) -> None:
    scored = read(tmp_path, *spoken(6))
    assert [key for key, _ in scored.of_image(3)] == ["bleu4", "meteor", "rouge_l"]
    assert dict(scored.of_image(3))["meteor"] == pytest.approx(0.03)
    without = read(tmp_path / "b", *spoken(6), meteor=False)
    assert [key for key, _ in without.of_image(3)] == ["bleu4", "rouge_l"]


def test_nothing_differs_where_nothing_was_changed(tmp_path: Path) -> None:
    for k, meteor in enumerate((True, False)):
        assert read(tmp_path / str(k), *spoken(9), meteor=meteor).differences() == []


def test_numbers_that_are_not_those_of_the_captions(tmp_path: Path) -> None:
    scored = read(tmp_path, *spoken(9), metrics={"bleu2": 0.9, "cider": 3.0})
    assert [(key, stands) for key, stands, _ in scored.differences()] == [("bleu2", 0.9), ("cider", 3.0)]
    assert [again for *_, again in scored.differences()] == [scored.again.metrics[k] for k in ("bleu2", "cider")]


def test_captions_that_were_changed_afterwards(tmp_path: Path) -> None:
    scored = change(caption_run(tmp_path), caption=pl.lit("a thing"))
    names = [key for key, *_ in scored.differences()]
    assert names == [
        *("bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "cider"),
        *(f"{key} of single images" for key in ("bleu4", "rouge_l", "cider")),
    ]


def test_numbers_of_single_images_that_were_changed(tmp_path: Path) -> None:
    scored = change(caption_run(tmp_path), cider=pl.lit(1.0), rouge_l=pl.lit(None, dtype=pl.Float32))
    assert [key for key, *_ in scored.differences()] == ["rouge_l of single images", "cider of single images"]


def test_meteor_stands_in_both_files_or_in_none(tmp_path: Path) -> None:
    scored = change(caption_run(tmp_path / "a"), meteor=pl.lit(None, dtype=pl.Float32))
    assert scored.differences() == [("meteor", 0.25, None)]
    (found,) = change(caption_run(tmp_path / "b", meteor=False), meteor=pl.lit(0.5)).differences()
    assert found == ("meteor", None, 0.5)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"references": pl.lit([], dtype=pl.List(pl.String))}, "an image has no reference"),
        ({"references": pl.lit(None, dtype=pl.List(pl.String))}, "an image has no reference"),
    ],
)
def test_an_image_without_a_reference_is_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    run = caption_run(tmp_path)
    with pytest.raises(RunError, match=message):
        change(run, **columns)


def test_a_file_without_captions_is_refused(tmp_path: Path) -> None:
    evaluation = caption_run(tmp_path).evaluation("val")
    evaluation.predictions().drop("caption", "references").write_parquet(evaluation.predictions_file)
    with pytest.raises(RunError, match="no column caption, references; write it again with `saccade evaluate`"):
        Captioned.read(evaluation)
