"""Where a network looks: light over a picture, counted by hand and read back pixel by pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from saccade.errors import RunError
from saccade.report.attention import DARK, SIDE, box_light, grid_light, look
from saccade.report.captions import Captioned
from saccade.report.thumbnails import Files
from saccade.runs import Run

from .caption_run import BOXES, GRID, add_captions, caption_run, unscored_captions
from .test_thumbnails import decoded

SQUASH = {"height": 2, "width": 3, "resize": "squash"}


def test_the_grid_goes_row_by_row_over_the_whole_picture() -> None:
    light = grid_light(np.array([0, 0, 0.1, 0, 0.4, 0]), SQUASH, (90, 60))
    assert light.shape == (60, 90)
    assert light[45, 45] == pytest.approx(1, abs=0.05)  # the middle of the lower row
    assert light[15, 80] == pytest.approx(0.25, abs=0.05)
    assert light[45, 5] == pytest.approx(0, abs=0.05)
    assert light.min() >= 0
    assert light.max() <= 1


def test_the_same_weight_everywhere_is_light_everywhere() -> None:
    assert grid_light(np.full(6, 1 / 6), SQUASH, (30, 20)) == pytest.approx(1)
    assert grid_light(np.zeros(6), SQUASH, (30, 20)) == pytest.approx(0)


@pytest.mark.parametrize(("size", "x", "y"), [((100, 60), 26, 6), ((60, 100), 6, 26)])
def test_a_crop_covers_the_square_in_the_middle(size: tuple[int, int], x: int, y: int) -> None:
    """0.8 of the shorter side of 60 is 48."""
    light = grid_light(np.full(6, 1 / 6), {**SQUASH, "resize": "crop", "resize_crop": 0.8}, size)
    expected = np.zeros((size[1], size[0]))
    expected[y : y + 48, x : x + 48] = 1
    assert light == pytest.approx(expected)


def test_boxes_add_up_where_they_overlap() -> None:
    boxes = np.array([[0, 0, 0.5, 1], [0.25, 0, 1, 0.5], [0.9, 0.9, 0.9, 0.9]])
    light = box_light(np.array([0.6, 0.2, 0.2]), boxes, (8, 4))
    expected = np.zeros((4, 8))
    expected[:, :4] += 0.6
    expected[:2, 2:] += 0.2
    expected[3, 7] += 0.2  # a box without an area has the pixel it lies on
    assert light == pytest.approx(expected / 0.8)


def test_boxes_beyond_the_picture_are_cut() -> None:
    light = box_light(np.array([1.0]), np.array([[-0.5, 0.5, 1.5, 2.0]]), (4, 4))
    assert light.tolist() == [[0] * 4, [0] * 4, [1] * 4, [1] * 4]


def scored_look(run: Run, root: Path, row: int = 0) -> Any:
    return look(Captioned.read(run.evaluation("val")), row, Files(root))


def test_each_word_has_its_picture(tmp_path: Path) -> None:
    found = scored_look(caption_run(tmp_path, regions="grid"), tmp_path / "data")
    assert [each.word for each in found.words] == ["a", "red", "circle"]
    assert [each.highest for each in found.words] == pytest.approx([0.9 + 0.1 / 6] * 3)
    assert found.regions == 6
    pictures = [np.asarray(decoded(each.address), dtype=float) for each in found.words]
    assert [picture.shape for picture in pictures] == [(round(SIDE * 32 / 48), SIDE, 3)] * 3
    plain = pictures[0].max(axis=(0, 1))
    for k, picture in enumerate(pictures):  # word k looks at the k-th of the three places above
        height, width = picture.shape[:2]
        assert picture[height // 4, width * (2 * k + 1) // 6] == pytest.approx(plain, abs=8)
        assert picture[-2, 2] == pytest.approx((DARK + (1 - DARK) * 0.0182) * plain, abs=8)


def test_the_box_with_the_highest_weight_is_outlined(tmp_path: Path) -> None:
    found = scored_look(caption_run(tmp_path, regions="boxes"), tmp_path / "data")
    first, second, _ = [np.asarray(decoded(each.address), dtype=float) for each in found.words]
    height, width = first.shape[:2]
    for picture, inside, outside in ((first, 0.25, 0.75), (second, 0.75, 0.25)):
        light, dark = (picture[height // 2, round(at * width)].sum() for at in (inside, outside))
        assert light > 2 * dark
    assert first[height // 2, 0, 0] > first[height // 2, 20, 0] + 100  # amber: the picture is blue


def test_there_is_nothing_to_show(tmp_path: Path) -> None:
    root = tmp_path / "data"
    assert scored_look(caption_run(tmp_path / "pooled"), tmp_path / "pooled" / "data") is None
    run = caption_run(tmp_path, regions="grid")
    assert scored_look(run, tmp_path / "elsewhere") is None  # no picture
    evaluation = run.evaluation("val")
    empty = evaluation.predictions().with_columns(
        caption=pl.lit(""), attention=pl.lit([], dtype=pl.List(pl.List(pl.Float32)))
    )
    empty.write_parquet(evaluation.predictions_file)
    assert scored_look(run, root) is None
    empty.drop("attention").write_parquet(evaluation.predictions_file)
    assert scored_look(run, root) is None


def test_regions_of_which_nobody_knows_where_they_are(tmp_path: Path) -> None:
    run = unscored_captions(tmp_path)
    add_captions(run, ["a"], [["a b"]], attention=[[[0.5, 0.5]]], regions=BOXES)
    assert scored_look(run, tmp_path) is None


@pytest.mark.parametrize(
    ("attention", "message"),
    [
        ([[[1.0] * 6]], "the caption has 2 words, and attention has 1 rows"),
        ([[[1.0] * 5] * 2], "there are 6 regions, and 5 weights of a word"),
        ([[[1.0] * 6, [1.0]]], "the rows of attention are not equally long"),
    ],
)
def test_weights_that_fit_nothing_are_refused(tmp_path: Path, attention: list[Any], message: str) -> None:
    run = unscored_captions(tmp_path)
    add_captions(run, ["a cat"], [["a cat"]], attention=attention, regions=GRID)
    Image.new("RGB", (9, 9)).save(tmp_path / "000.jpg")
    with pytest.raises(RunError, match=f"evaluation val, images/000.jpg: {message}"):
        scored_look(run, tmp_path)
