"""Words cut out and turned level, and maps of scores."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from saccade.browse.crops import HEIGHT, WIDEST, Crops, crop_size, jpeg
from saccade.draw.rectified import OUTSIDE
from saccade.runs import Run

from .conftest import client_of
from .spot_run import quad_of, score_png
from .test_spots import client


@pytest.fixture(scope="module")
def spots(spot_run: Run) -> TestClient:
    return client_of(spot_run)


RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (240, 240, 240)


def quartered(size: tuple[int, int]) -> Image.Image:
    """Red, green, blue and white quarters, from the top left on, clockwise."""
    image = Image.new("RGB", size)
    w, h = size[0] // 2, size[1] // 2
    for colour, x, y in ((RED, 0, 0), (GREEN, w, 0), (BLUE, w, h), (WHITE, 0, h)):
        image.paste(colour, (x, y, x + w, y + h))
    return image


def quarters(jpeg: bytes) -> list[tuple[int, ...]]:
    """The colours in the middle of the quarters, in the same order."""
    with Image.open(io.BytesIO(jpeg)) as image:
        pixels, (w, h) = np.asarray(image), image.size
    return [tuple(pixels[int(h * y), int(w * x)].tolist()) for x, y in ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))]


def is_turned(jpeg: bytes, *expected: tuple[int, ...]) -> None:
    np.testing.assert_allclose(quarters(jpeg), expected, atol=12)


@pytest.mark.parametrize("turn", range(4))
def test_a_crop_begins_where_reading_does(turn: int) -> None:
    image = quartered((40, 40))
    quad = np.roll([[0, 0], [40, 0], [40, 40], [0, 40]], -turn, axis=0).astype(np.float32)
    is_turned(jpeg(image, quad), *np.roll([RED, GREEN, BLUE, WHITE], -turn, axis=0).tolist())


def test_a_word_taller_than_wide_is_laid_on_its_side() -> None:
    quad = np.array([[0, 0], [20, 0], [20, 60], [0, 60]], np.float32)
    crop = jpeg(quartered((20, 60)), quad)
    is_turned(crop, GREEN, BLUE, WHITE, RED)
    with Image.open(io.BytesIO(crop)) as image:
        assert image.size == crop_size(quad) == (60, 20)


def test_a_crop_undoes_the_view() -> None:
    """Seen from the side, with Pillow's own transform as the reference of where the quarters come to lie."""
    corners = np.array([[20, 30], [150, 10], [170, 110], [30, 80]], np.float64)
    image = Image.new("RGB", (200, 120))
    unit = np.array([[0, 0], [100, 0], [100, 50], [0, 50]], np.float64)
    system = [row for (x, y), (u, v) in zip(corners, unit, strict=True) for row in
              ([x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y])]  # fmt: skip
    view = np.linalg.solve(system, unit.ravel())
    image = quartered((100, 50)).transform(image.size, Image.Transform.PERSPECTIVE, view.tolist())
    shown = jpeg(image, corners)
    is_turned(shown, RED, GREEN, BLUE, WHITE)
    with Image.open(io.BytesIO(shown)) as crop:
        assert crop.size == crop_size(corners)
        middle = np.asarray(crop)[:, crop.width // 2 - 2 : crop.width // 2 + 2]
    assert np.abs(np.diff(middle[crop.height // 4].astype(int), axis=0)).max() > 20  # the edge is in the middle


def test_a_large_word_is_reduced_and_a_small_one_is_not_enlarged() -> None:
    assert crop_size(np.array([[0, 0], [400, 0], [400, 200], [0, 200]])) == (128, HEIGHT)
    assert crop_size(np.array([[0, 0], [30, 0], [30, 9], [0, 9]])) == (30, 9)
    assert crop_size(np.array([[0, 0], [9000, 0], [9000, 90], [0, 90]])) == (WIDEST, 6)
    is_turned(jpeg(quartered((400, 200)), np.array([[0, 0], [400, 0], [400, 200], [0, 200]])), RED, GREEN, BLUE, WHITE)
    stripes = Image.fromarray(np.repeat(np.tile([0, 255], 200).astype(np.uint8)[None], 200, axis=0)).convert("RGB")
    with Image.open(io.BytesIO(jpeg(stripes, np.array([[0, 0], [400, 0], [400, 200], [0, 200]])))) as crop:
        assert np.asarray(crop)[5:-5, 5:-5].std() < 40  # of 127: black and white lines are averaged, not picked


@pytest.mark.parametrize(
    "quad",
    [
        [[0, 0], [40, 40], [40, 0], [0, 40]],  # crossed
        [[0, 0], [40, 0], [5, 5], [0, 40]],  # dented
        [[0, 0], [20, 0], [40, 0], [0, 40]],  # three in line
        [[5, 5], [5, 5], [5, 5], [5, 5]],
        [[0, 5], [10, 5], [20, 5], [30, 5]],
        [[-1e30, -1e30], [1e30, -1e30], [1e30, 1e30], [-1e30, 1e30]],
        [[500, 500], [600, 500], [600, 540], [500, 540]],  # outside
    ],
)
def test_odd_quads_have_a_crop(quad: list[list[float]]) -> None:
    with Image.open(io.BytesIO(jpeg(quartered((40, 40)), np.array(quad, np.float32)))) as crop:
        assert 1 <= crop.height <= HEIGHT
        assert 1 <= crop.width <= WIDEST


def test_what_lies_outside_of_the_image_is_grey() -> None:
    crop = jpeg(quartered((40, 40)), np.array([[-40, 0], [40, 0], [40, 40], [-40, 40]]))
    np.testing.assert_allclose(quarters(crop)[0], OUTSIDE, atol=4)


def test_crops_are_served_and_kept(spots: TestClient, spot_run: Run) -> None:
    answer = spots.get("/crop/val/1/found/1")
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as crop:
        assert crop.size == (50, 16)
        np.testing.assert_allclose(np.asarray(crop)[8, 25], (40, 60, 90), atol=6)
    again = spots.get("/crop/val/1/found/1", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert spots.get("/crop/val/1/truth/0").headers["etag"] != answer.headers["etag"]
    crops, file, quad = Crops(), spot_run.path.parents[1] / "data/1.jpg", np.array(quad_of((10, 10, 60, 30)))
    assert crops.get(file, quad.reshape(4, 2)) is crops.get(file, quad.reshape(4, 2))


def test_maps_of_scores(spots: TestClient) -> None:
    answer = spots.get("/scores/val/0")  # the client unpacks it, as a browser does
    assert struct.unpack_from("<HH", answer.content) == (40, 30)
    pixels = np.frombuffer(answer.content, np.uint8, offset=4).reshape(30, 40)
    assert (pixels[:, :20].max(), pixels[:, 20:].min()) == (0, 255)
    tag = answer.headers["etag"]
    assert spots.get("/scores/val/0", headers={"if-none-match": tag}).status_code == 304
    assert spots.get("/scores/val/1").headers["etag"] != tag


@pytest.mark.parametrize("png", [None, b"", b"\x89PNG no more", gzip.compress(b"PNG", mtime=0)])
def test_maps_that_cannot_be_read(tmp_path: Path, png: bytes | None) -> None:
    maps = pl.Series([png] + [score_png()] * 5, dtype=pl.Binary)
    found = client(tmp_path, score_png=maps)
    assert found.get("/scores/val/0").status_code == 404
    assert found.get("/scores/val/1").status_code == 200


def test_large_maps_are_made_smaller_and_larger_ones_refused(tmp_path: Path) -> None:
    maps = pl.Series([score_png((2000, 10)), score_png((5000, 4000))] + [None] * 4, dtype=pl.Binary)
    found = client(tmp_path, score_png=maps)
    assert struct.unpack_from("<HH", found.get("/scores/val/0").content) == (1280, 6)
    assert found.get("/scores/val/1").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/crop/val/1/found/2",
        "/crop/val/1/found/-1",
        "/crop/val/9/found/0",
        "/crop/val/1/secret/0",
        "/crop/val/4/truth/0",
        "/crop/no/1/truth/0",
        "/scores/val/6",
        "/scores/val/-1",
        "/scores/no/0",
    ],
)
def test_no_path_is_taken_from_the_address(spots: TestClient, path: str) -> None:
    assert spots.get(path).status_code in (404, 422)
