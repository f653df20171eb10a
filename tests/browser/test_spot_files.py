"""Evaluations of words that leave something out, do not fit, or whose images are gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from saccade.browse import create_app
from saccade.browse.spots import QUADS
from saccade.errors import RunError

from .conftest import client_of, new_run
from .spot_run import NUMBERS, SPOTS, write_signs, write_spots
from .test_segments import images, rows
from .test_spots import client, tile_of


@pytest.mark.slow
def test_an_evaluation_without_maps_and_numbers(tmp_path: Path) -> None:
    left_out = dict.fromkeys(("score_png", *NUMBERS))
    found = client(tmp_path, **left_out, about={"pooling": None, "decoding": None})
    assert found.get("/scores/val/0").status_code == 404
    assert found.get("/api/val/summary").json()["numbers"] == []
    assert rows(images(found)) == [0, 1, 2, 3, 4, 5]
    assert found.get("/api/val/overview").status_code == 200


def test_data_that_is_gone_leaves_outlines(tmp_path: Path) -> None:
    found = client(tmp_path)
    tile = tile_of(images(found), 1)
    assert (tile["problem"], tile["size"]) == ("data folder not found", [150, 110])  # what holds all quads
    assert found.get("/crop/val/1/found/1").status_code == 404
    assert found.get("/scores/val/1").status_code == 200


def test_images_are_measured_upright(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write_signs(tmp_path / "data")
    exif = Image.Exif()
    exif[0x0112] = 6  # taken with the camera turned by 90 degrees
    with Image.open(tmp_path / "data/0.jpg") as image:
        image.save(tmp_path / "data/0.jpg", exif=exif)
    (tmp_path / "data/1.jpg").write_bytes(b"no image")
    write_spots(run, tmp_path / "data")
    page = images(client_of(run))
    assert tile_of(page, 0)["size"] == [120, 160]
    assert tile_of(page, 1)["size"] == [150, 110]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"texts": None}, "no column texts; score the split again"),
        ({"texts": pl.Series([["a"]] * 6)}, "row 0 has not as many texts as quads_xy; score the split again"),
        ({"scores": pl.Series([["a"]] * 6)}, r"column scores holds List\(String\), not List\(Float32\)"),
        ({"quads_xy": pl.Series([1] * 6)}, "column quads_xy holds Int64, not"),
        (
            {"target_quads_xy": pl.Series([[[0.0] * 7] * len(words) for words, _ in SPOTS], dtype=QUADS)},
            "a quad of target_quads_xy has not eight numbers",
        ),
        (
            {"target_quads_xy": pl.Series([[[float("nan")] * 8] * len(words) for words, _ in SPOTS], dtype=QUADS)},
            "a quad of target_quads_xy has a corner that is no number",
        ),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, columns: dict[str, Any], said: str) -> None:
    run = new_run(tmp_path)
    write_spots(run, tmp_path, **columns)
    with pytest.raises(RunError, match=said):
        create_app(run)


def test_nulls_are_nothing(tmp_path: Path) -> None:
    texts = pl.Series([[None for _ in found] for _, found in SPOTS], dtype=pl.List(pl.String))
    cared = pl.Series([[None for _ in words] for words, _ in SPOTS], dtype=pl.List(pl.Boolean))
    found = client(tmp_path, texts=texts, target_cared=cared)
    assert images(found)["truth"]["not cared for"] == 8
    assert found.get("/api/val/images/1").json()["entries"][0]["found"] is None


def test_a_split_without_images(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write_spots(run, tmp_path)
    file = run.evaluation("val").predictions_file
    pl.read_parquet(file).clear().write_parquet(file)
    found = client_of(run)
    assert (images(found)["counts"]["all"], images(found)["tiles"]) == (0, [])
    assert images(found, text="a")["tiles"] == []
    assert found.get("/api/val/summary").json()["table"] == []
    assert found.get("/api/val/overview").json()["confused"] == []
