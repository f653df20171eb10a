"""Scenes with words on disk: ICDAR 2015's own form, whole or not at all, and as the reader of that form reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from PIL import Image

from saccade.data import icdar, scene_text_files
from saccade.data.scene_files import ensure
from saccade.data.scene_text_files import WordSettings, lines
from saccade.data.scene_words import SMALLEST_SIZE, TextScene, draw_text_scene, draw_word_sheet
from saccade.errors import DataError

SETTINGS: dict[str, Any] = {"train": 12, "val": 5, "size": 128, "seed": 4, "layout": "words"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("words") / "scenes"
    assert ensure(path, **SETTINGS)
    return path


def contents(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def drawn(split: str, index: int) -> TextScene:
    return draw_text_scene(4, index, size=128, split=split)  # type: ignore[arg-type]


def test_each_image_has_its_text_file_counted_from_one(root: Path) -> None:
    expected = {"scenes.json"}
    for split, count in (("train", 12), ("val", 5)):
        for i in range(1, count + 1):
            expected |= {f"{split}_images/img_{i}.jpg", f"{split}_gts/gt_img_{i}.txt"}
    assert set(contents(root)) == expected


def test_lines_are_eight_whole_numbers_and_the_text(root: Path) -> None:
    """The pattern of ICDAR's own evaluation script, lines ended by CRLF as in its files, UTF-8 without a mark."""
    for path in root.glob("*_gts/*.txt"):
        text = path.read_bytes().decode("utf-8")
        assert text.endswith("\r\n")
        assert all(re.fullmatch(r"(-?[0-9]+,){8}.+", line) for line in text.split("\r\n")[:-1])


def test_coordinates_are_rounded_to_the_nearest_and_half_upwards() -> None:
    quad = np.array([[[-1.5, 0.4], [10.5, 0.5], [10.6, 9.49], [0.0, 9.5]]], np.float32)
    empty = np.zeros((1, 1), np.uint8)
    scene = TextScene(empty, quad, ("A.b",), np.array([True]), empty)
    assert lines(scene) == "-1,0,11,1,11,9,0,10,A.b\r\n"


def test_rounding_leaves_words_where_they_were() -> None:
    """Each coordinate within half a pixel, and an IoU of at least 0.9 for all words that are to be read."""
    for i in range(60):
        scene = draw_text_scene(9, i, size=128)
        rows = [line.split(",", 8) for line in lines(scene).splitlines()]
        for row, quad, cared in zip(rows, scene.quads, scene.cared, strict=True):
            rounded = np.array(row[:8], float).reshape(4, 2)
            assert np.abs(rounded - quad).max() <= 0.5
            one, other = shapely.Polygon(rounded), shapely.Polygon(quad)
            assert not cared or one.intersection(other).area / one.union(other).area > 0.9


def test_images_are_the_scenes_but_for_jpeg_and_colour_is_not_halved(root: Path) -> None:
    for index in range(5):
        with Image.open(root / f"val_images/img_{index + 1}.jpg") as picture:
            assert picture.size == (128, 128)
            assert {layer[1:3] for layer in picture.layer} == {(1, 1)}  # type: ignore[attr-defined]
            assert np.abs(np.asarray(picture, dtype=int) - drawn("val", index).image).mean() < 6


def test_the_reader_of_icdar_reads_the_scenes(root: Path) -> None:
    assert icdar.splits(root) == ["train", "val"]
    for split, count in (("train", 12), ("val", 5)):
        listing, _ = icdar.read(root, split)
        assert len(listing.images) == count
        assert listing.words is not None
        for i, path in enumerate(listing.images):
            number = re.search(r"img_(\d+)", str(path))
            assert number is not None
            scene, words = drawn(split, int(number[1]) - 1), listing.words.of(i)
            assert words.texts == scene.texts
            assert words.cared.tolist() == scene.cared.tolist()
            assert np.abs(words.quads - scene.quads).max() <= 0.5


def test_fewer_scenes_are_the_first_of_more(root: Path, tmp_path: Path) -> None:
    ensure(tmp_path / "few", **{**SETTINGS, "train": 3, "val": 2})
    many, few = contents(root), contents(tmp_path / "few")
    del few["scenes.json"]
    assert len(few) == 10
    assert all(many[name] == data for name, data in few.items())


def test_the_record_tells_the_characters_and_other_ones_are_refused(root: Path) -> None:
    record = json.loads((root / "scenes.json").read_text(encoding="utf-8"))
    assert (record["layout"], record["characters"], record["classes"]) == ("words", "upper", [])
    assert not ensure(root, **SETTINGS)
    with pytest.raises(DataError, match="characters upper there and digits wanted"):
        ensure(root, **SETTINGS, words=WordSettings("digits"))


def test_sheets_come_after_the_training_scenes(root: Path, tmp_path: Path) -> None:
    """The scenes are those that there are without sheets."""
    ensure(tmp_path / "scenes", **SETTINGS, words=WordSettings(sheets=2))
    plain, found = contents(root), contents(tmp_path / "scenes")
    new = {"train_images/img_13.jpg", "train_images/img_14.jpg", "train_gts/gt_img_13.txt", "train_gts/gt_img_14.txt"}
    assert set(found) - set(plain) == new
    assert all(found[name] == data for name, data in plain.items() if name != "scenes.json")
    sheet = draw_word_sheet(4, 13, size=128)
    assert found["train_gts/gt_img_14.txt"].decode("utf-8") == lines(sheet)


def test_digits_are_drawn_where_they_are_asked_for(tmp_path: Path) -> None:
    ensure(tmp_path / "scenes", **{**SETTINGS, "train": 4, "val": 1}, words=WordSettings("digits"))
    for path in (tmp_path / "scenes").glob("*_gts/*.txt"):
        texts = [line.split(",", 8)[8] for line in path.read_text(encoding="utf-8").splitlines()]
        assert all(re.fullmatch(r"[-.0-9]+|###", text) for text in texts)


def test_too_small_images_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"words find no place in 64 pixels; set it to {SMALLEST_SIZE} or more"):
        ensure(tmp_path / "scenes", **{**SETTINGS, "size": 64})
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(scene: TextScene) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scene_text_files, "lines", full)
    with pytest.raises(DataError, match=r"data\.root: the scenes could not be written to .*No space left on device"):
        ensure(tmp_path / "scenes", **SETTINGS)
    assert list(tmp_path.iterdir()) == []
