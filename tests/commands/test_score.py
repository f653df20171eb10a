"""``saccade score captions`` on the tiny corpus whose numbers coco-caption gives."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import saccade as package

Saccade = Callable[..., Any]

REFERENCES = (
    ("a cat sits on the mat", "there is a cat on the mat"),
    ("two dogs run in the grass", "dogs running on grass"),
    ("a man rides a wave", "a surfer on a big wave in the sea"),
)
CAPTIONS = ("a cat is on the mat", "two dogs run on grass", "a man on a wave")
KNOWN = {
    "bleu1": 1.0,
    "bleu2": 0.832050,
    "bleu3": 0.517340,
    "bleu4": 6.668955e-05,
    "meteor": 0.471107,
    "rouge_l": 0.801016,
    "cider": 3.166534,
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Results and references."""
    annotations = [
        {"id": 10 * i + k, "image_id": i, "caption": caption}
        for i, captions in enumerate(REFERENCES)
        for k, caption in enumerate(captions)
    ]
    (tmp_path / "references.json").write_text(json.dumps({"annotations": annotations}))
    results = [{"image_id": i, "caption": caption} for i, caption in enumerate(CAPTIONS)]
    (tmp_path / "results.json").write_text(json.dumps(results))
    return tmp_path / "results.json", tmp_path / "references.json"


def test_the_numbers_of_coco_caption(files: tuple[Path, Path], saccade: Saccade) -> None:
    pytest.importorskip("pycocoevalcap")
    said = saccade("score", "captions", *files, "--json")
    assert said.code == 0, said.err
    numbers = json.loads(said.out)
    assert numbers.pop("n") == 3
    assert list(numbers) == list(KNOWN)
    assert numbers == pytest.approx(KNOWN, abs=1e-6)
    found = package.score_captions(*files)
    assert found.metrics == pytest.approx(KNOWN, abs=1e-6)
    assert found.per_image["meteor"] == pytest.approx([0.908517, 0.472759, 0.357136], abs=1e-6)


def test_without_its_tables_meteor_is_left_out_and_a_message_says_so(
    files: tuple[Path, Path], saccade: Saccade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    said = saccade("score", "captions", *files)
    assert said.code == 0
    assert "saccade[captions]" in said.err
    assert "meteor" not in said.out
    assert "cider" in said.out


def test_images_that_do_not_match(files: tuple[Path, Path], saccade: Saccade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    results, references = files
    results.write_text(json.dumps([{"image_id": 2, "caption": "a wave"}]))
    said = saccade("score", "captions", results, references)
    assert said.code == 2
    assert f"{results}: no caption for 2 of the 3 images" in said.err.replace("\n", "")
    assert "--partial" in said.err
    alone = saccade("score", "captions", results, references, "--partial", "--json")
    assert json.loads(alone.out)["n"] == 1
    assert json.loads(alone.out)["cider"] == 0.0  # with one image every word weighs nothing
    results.write_text(json.dumps([{"image_id": 7, "caption": "a wave"}]))
    said = saccade("score", "captions", results, references)
    assert said.code == 2
    assert "7" in said.err
    results.write_text("[]")
    assert saccade("score", "captions", results, references).code == 2


def test_empty_captions_are_scored_and_told(
    files: tuple[Path, Path], saccade: Saccade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    results, references = files
    results.write_text(json.dumps([{"image_id": i, "caption": " " if i else "a cat"} for i in range(3)]))
    said = saccade("score", "captions", results, references, "--json")
    assert said.code == 0
    assert "2 of 3 captions are empty" in said.err
    assert json.loads(said.out)["n"] == 3
