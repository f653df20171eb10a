"""Words behind the page: matching, orders, search, crops, maps and what is refused; the run is in spot_run.py."""

from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from saccade.browse import create_app
from saccade.browse.base import Choice
from saccade.browse.crops import HEIGHT, OUTSIDE, WIDEST, Crops, crop_size, rectified
from saccade.browse.letters import LONGEST, aligned, confusions
from saccade.browse.spot_gallery import SpotGallery
from saccade.browse.spot_image import ON_A_TILE
from saccade.browse.spot_matching import match
from saccade.browse.spots import FALSE_ALARM, MISREAD, MISSED, RIGHT, UNCARED, load_spots
from saccade.browse.thumbnails import Allowed
from saccade.errors import RunError
from saccade.metrics.spotting.protocol import Detections, Truth
from saccade.metrics.spotting.scores import spotting_scores
from saccade.runs import Run

from .conftest import client_of, new_run
from .spot_run import (
    DECODING,
    HOSTILE_READ,
    HOSTILE_TRUTH,
    METRICS,
    NUMBERS,
    SIZE,
    SPOTS,
    quad_of,
    score_png,
    unread,
    write_signs,
    write_spots,
)
from .test_segments import images, rows


@pytest.fixture(scope="module")
def spots(spot_run: Run) -> TestClient:
    return client_of(spot_run)


def client(folder: Path, **changes: Any) -> TestClient:
    run = new_run(folder)
    write_spots(run, folder / "data", **changes)
    return client_of(run)


def tile_of(page: dict[str, Any], row: int) -> dict[str, Any]:
    found: dict[str, Any] = next(tile for tile in page["tiles"] if tile["row"] == row)
    return found


def test_outcomes(spot_run: Run) -> None:
    found = match(load_spots(spot_run.evaluation("val")))
    assert found.truth.tolist() == [RIGHT, RIGHT, MISREAD, RIGHT, MISSED, MISREAD, UNCARED, RIGHT]
    assert found.found.tolist() == [RIGHT, RIGHT, RIGHT, MISREAD, FALSE_ALARM, MISREAD, UNCARED, RIGHT, FALSE_ALARM]
    assert found.of_truth.tolist() == [0, 1, 3, 2, -1, 5, -1, 7]
    assert found.of_found.tolist() == [0, 1, 3, 2, -1, 5, -1, 7, -1]
    assert found.truth_iou.tolist() == pytest.approx([1, 20 / 22, 16 / 20, 1, 0.25, 1, 800 / 7000, 1])
    assert found.found_iou.tolist() == pytest.approx([1, 20 / 22, 1, 16 / 20, 0.25, 1, 800 / 7000, 1, 0])


def test_the_run_has_the_numbers_of_the_metrics() -> None:
    """What spot_run.py counts by hand is what the protocols say."""
    quads = [[np.reshape([quad_of(one[0]) for one in side], (-1, 4, 2)) for side in of] for of in SPOTS]
    truths = [
        Truth(quad, tuple(text for _, text, _ in words), np.array([cared for *_, cared in words], np.bool_))
        for (quad, _), (words, _) in zip(quads, SPOTS, strict=True)
    ]
    found = [
        Detections(quad, tuple(text for _, text, _ in places))
        for (_, quad), (_, places) in zip(quads, SPOTS, strict=True)
    ]
    scores = spotting_scores(truths, found)
    for protocol, numbers in scores.metrics.items():
        for name, value in numbers.items():
            assert METRICS[f"{protocol}_{name}"] == pytest.approx(value)
        assert NUMBERS[f"{protocol}_hmean"] == pytest.approx(scores.per_image[protocol])


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, [2, 3, 1, 5, 0, 4]),  # 0 and 1 twice: the greater loss is worse
        ("worst", [2, 3, 1, 5, 0, 4]),
        ("best", [4, 0, 5, 1, 3, 2]),
        ("worst_detection", [2, 5, 3, 1, 0, 4]),
        ("best_detection", [4, 0, 1, 3, 5, 2]),
        ("loss", [2, 3, 1, 0, 4, 5]),
        ("least_loss", [4, 0, 1, 3, 2, 5]),
        ("misread", [3, 1, 2, 5, 0, 4]),  # one each, then none: the worst of them first
        ("misses", [2, 3, 1, 5, 0, 4]),
        ("false_alarms", [2, 5, 3, 1, 0, 4]),
        ("data", [0, 1, 2, 3, 4, 5]),
        ("data_back", [5, 4, 3, 2, 1, 0]),
    ],
)
def test_order(spots: TestClient, order: str | None, expected: list[int]) -> None:
    assert rows(images(spots, **({"order": order} if order else {}))) == expected


@pytest.mark.parametrize(
    ("show", "expected"), [("hits", [0, 4]), ("misread", [1, 3]), ("misses", [2]), ("false_alarms", [2, 5])]
)
def test_filters(spots: TestClient, show: str, expected: list[int]) -> None:
    page = images(spots, show=show, order="data")
    assert rows(page) == expected
    assert page["counts"] == {"all": 6, "misread": 2, "misses": 1, "false_alarms": 2, "hits": 2}


def test_a_tile_has_outlines_numbers_and_mistakes(spots: TestClient) -> None:
    page = images(spots)
    assert tile_of(page, 2) == {
        "row": 2,
        "image": "2.jpg",
        "problem": None,
        "size": list(SIZE),
        "counted": {"right": 0, "misread": 0, "misses": 1, "false_alarms": 1},
        "end_to_end_hmean": 0.0,
        "detection_hmean": 0.0,
        "word_spotting_hmean": 0.0,
        "loss": 2.5,
        "outlines": [
            [0, MISSED, 1, 10, 10, 20, 10, 20, 20, 10, 20],
            [1, FALSE_ALARM, 1, 16, 10, 26, 10, 26, 20, 16, 20],
        ],
        "left_out": 0,
        "searched": False,
        "told": {"first": [[MISSED, "PARKING", None], [FALSE_ALARM, None, "4F"]], "more": 0},
    }
    assert tile_of(page, 1)["told"] == {"first": [[MISREAD, "EXIT", "EX1T"]], "more": 0}
    assert tile_of(page, 5)["loss"] is None


def test_a_text_finds_its_images(spots: TestClient) -> None:
    """EXIT is in the truth of 0, 1 and 5, is read as EX1T in 1, and in 5 where nothing is."""
    page = images(spots, **{"class": "exit"}, order="data")
    assert rows(page) == [0, 1, 5]
    assert page["counts"] == {"all": 3, "misread": 1, "misses": 0, "false_alarms": 1, "hits": 2}
    assert page["truth"] == {"right": 2, "misread": 1, "missed": 0, "false alarm": 0, "not cared for": 0}
    assert page["found"]["false alarm"] == 1
    assert [line[2] for line in tile_of(page, 1)["outlines"]] == [1, 0, 0, 1]  # EXIT, OPEN; read OPEN, EX1T
    assert tile_of(page, 0)["told"]["first"] == [[RIGHT, "EXIT", "exit"]]
    assert rows(images(spots, **{"class": "EX1T"})) == [1]  # what was read counts as well
    assert rows(images(spots, **{"class": "EX"})) == []
    assert rows(images(spots, **{"class": "exit"}, show="hits", order="data")) == [0, 5]


def test_a_part_of_a_text_finds_its_images(spots: TestClient) -> None:
    assert rows(images(spots, text="ex", order="data")) == [0, 1, 5]
    assert rows(images(spots, text="x1", order="data")) == [1]
    assert rows(images(spots, text="<IMG", order="data")) == [3]
    assert rows(images(spots, text="park")) == [2]
    assert rows(images(spots, text=".*")) == []
    assert rows(images(spots, text="")) == [2, 3, 1, 5, 0]  # any text at all


def test_one_image_has_its_words_the_mistakes_first(spots: TestClient) -> None:
    entries = spots.get("/api/val/images/1").json()["entries"]
    assert [entry["outcome"] for entry in entries] == [MISREAD, RIGHT]
    assert entries[0]["truth"] == {
        "number": 0,
        "quad": quad_of((10, 10, 60, 30)),
        "text": "EXIT",
        "crop": [50, 20],
    }
    assert entries[0]["found"]["number"] == 1
    assert entries[0]["found"]["score"] == pytest.approx(0.85)
    assert entries[0]["iou"] == pytest.approx(0.8)
    assert entries[0]["letters"] == [["E", "E"], ["X", "X"], ["I", "1"], ["T", "T"]]
    missed, alarm = spots.get("/api/val/images/2").json()["entries"]
    assert (missed["outcome"], missed["found"], missed["iou"]) == (MISSED, None, 0.25)
    assert (alarm["outcome"], alarm["truth"], alarm["iou"]) == (FALSE_ALARM, None, 0.25)
    outcomes = [entry["outcome"] for entry in spots.get("/api/val/images/3").json()["entries"]]
    assert outcomes == [MISREAD, UNCARED, UNCARED]
    assert spots.get("/api/val/images/4").json()["entries"] == []
    assert spots.get("/api/val/images/6").status_code == 404


def test_summary_lists_words(spots: TestClient) -> None:
    summary = spots.get("/api/val/summary").json()
    assert (summary["task"], summary["n"], summary["reads"]) == ("spot", 6, True)
    assert summary["numbers"] == ["end_to_end_hmean", "detection_hmean", "word_spotting_hmean", "loss"]
    assert summary["columns"] == ["n_truth", "n_right", "n_misread", "n_missed", "n_alarms", "recall"]
    table = {word: numbers for word, *numbers in summary["table"]}
    assert summary["table"][0] == ["EXIT", 3, 2, 1, 0, 1, pytest.approx(2 / 3)]
    assert table["PARKING"] == [1, 0, 0, 1, 0, 0.0]
    assert table["4F"] == [0, 0, 0, 0, 1, None]
    assert set(table) == {"EXIT", "4F", "PARKING", "Sale!", "OPEN", HOSTILE_TRUTH}  # neither ### nor what is read there


def test_overview(spots: TestClient) -> None:
    found = spots.get("/api/val/overview").json()
    assert [name for name, *_ in found["protocols"]] == ["detection", "end_to_end", "word_spotting"]
    assert found["protocols"][0] == ["detection", 0.75, pytest.approx(6 / 7), 0.8]
    assert found["metrics"] == [["loss", 1.35, None], ["cer", 0.5, "edits over letters"], ["word_accuracy", 0.25, None]]
    assert found["pooling"] == {"precision": "correct over found", "recall": None, "hmean": None}
    assert found["decoding"] == DECODING
    assert found["truth"] == {"right": 4, "misread": 2, "missed": 1, "false alarm": 0, "not cared for": 1}
    assert found["found"] == {"right": 4, "misread": 2, "missed": 0, "false alarm": 2, "not cared for": 1}
    assert found["misread"] == [
        [HOSTILE_TRUTH, 1, 1, [[HOSTILE_READ, 1]]],
        ["EXIT", 1, 3, [["EX1T", 1]]],
    ]
    assert ["I", "1", 1, 3] in found["confused"]  # I stands in EXIT of 0 and 1 and in exit of 5


def test_words_that_are_found_and_not_read(tmp_path: Path) -> None:
    found = client(tmp_path, **unread())
    summary = found.get("/api/val/summary").json()
    assert (summary["reads"], summary["numbers"]) == (False, ["detection_hmean", "loss"])
    assert summary["columns"] == ["n_truth", "n_right", "n_missed", "recall"]
    assert summary["table"][0] == ["EXIT", 3, 3, 0, 1.0]
    page = images(found)
    assert rows(page) == [2, 5, 3, 1, 0, 4]
    assert page["counts"] == {"all": 6, "misses": 1, "false_alarms": 2, "hits": 4}
    assert found.get("/api/val/images", params={"show": "misread"}).status_code == 404
    assert "end_to_end_hmean" not in page["tiles"][0]
    overview = found.get("/api/val/overview").json()
    assert [name for name, *_ in overview["protocols"]] == ["detection"]
    assert (overview["misread"], overview["confused"]) == ([], [])


def test_an_order_of_spotting_is_none_of_other_tasks(multilabel: TestClient) -> None:
    assert multilabel.get("/api/val/images", params={"order": "misread"}).status_code == 404
    for path in ("/api/val/overview", "/crop/val/0/truth/0", "/scores/val/0"):
        assert multilabel.get(path).status_code == 404


# Crops

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
    is_turned(rectified(image, quad), *np.roll([RED, GREEN, BLUE, WHITE], -turn, axis=0).tolist())


def test_a_crop_undoes_the_view() -> None:
    """Seen from the side, with Pillow's own transform as the reference of where the quarters come to lie."""
    corners = np.array([[20, 30], [150, 10], [170, 110], [30, 80]], np.float64)
    image = Image.new("RGB", (200, 120))
    unit = np.array([[0, 0], [100, 0], [100, 50], [0, 50]], np.float64)
    system = [row for (x, y), (u, v) in zip(corners, unit, strict=True) for row in
              ([x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y])]  # fmt: skip
    view = np.linalg.solve(system, unit.ravel())
    image = quartered((100, 50)).transform(image.size, Image.Transform.PERSPECTIVE, view.tolist())
    shown = rectified(image, corners)
    is_turned(shown, RED, GREEN, BLUE, WHITE)
    with Image.open(io.BytesIO(shown)) as crop:
        assert crop.size == crop_size(corners)
        middle = np.asarray(crop)[:, crop.width // 2 - 2 : crop.width // 2 + 2]
    assert np.abs(np.diff(middle[crop.height // 4].astype(int), axis=0)).max() > 20  # the edge is in the middle


def test_a_large_word_is_reduced_and_a_small_one_is_not_enlarged() -> None:
    assert crop_size(np.array([[0, 0], [400, 0], [400, 200], [0, 200]])) == (128, HEIGHT)
    assert crop_size(np.array([[0, 0], [30, 0], [30, 9], [0, 9]])) == (30, 9)
    assert crop_size(np.array([[0, 0], [9000, 0], [9000, 90], [0, 90]])) == (WIDEST, 6)
    is_turned(
        rectified(quartered((400, 200)), np.array([[0, 0], [400, 0], [400, 200], [0, 200]])), RED, GREEN, BLUE, WHITE
    )
    stripes = Image.fromarray(np.repeat(np.tile([0, 255], 200).astype(np.uint8)[None], 200, axis=0)).convert("RGB")
    with Image.open(io.BytesIO(rectified(stripes, np.array([[0, 0], [400, 0], [400, 200], [0, 200]])))) as crop:
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
    with Image.open(io.BytesIO(rectified(quartered((40, 40)), np.array(quad, np.float32)))) as crop:
        assert 1 <= crop.height <= HEIGHT
        assert 1 <= crop.width <= WIDEST


def test_what_lies_outside_of_the_image_is_grey() -> None:
    jpeg = rectified(quartered((40, 40)), np.array([[-40, 0], [40, 0], [40, 40], [-40, 40]]))
    np.testing.assert_allclose(quarters(jpeg)[0], OUTSIDE, atol=4)


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


# Maps of scores


def test_maps_of_scores(spots: TestClient) -> None:
    answer = spots.get("/scores/val/0")  # the client unpacks it, as a browser does
    assert struct.unpack_from("<HH", answer.content) == (40, 30)
    pixels = np.frombuffer(answer.content, np.uint8, offset=4).reshape(30, 40)
    assert (pixels[:, :20].max(), pixels[:, 20:].min()) == (0, 255)
    tag = answer.headers["etag"]
    assert spots.get("/scores/val/0", headers={"if-none-match": tag}).status_code == 304
    assert spots.get("/scores/val/1").headers["etag"] != tag


@pytest.mark.parametrize("png", [None, b"", b"\x89PNG no more", gzip.compress(b"PNG")])
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


def test_an_evaluation_without_maps_and_numbers(tmp_path: Path) -> None:
    left_out = dict.fromkeys(("score_png", *NUMBERS))
    found = client(tmp_path, **left_out, about={"pooling": None, "decoding": None})
    assert found.get("/scores/val/0").status_code == 404
    assert found.get("/api/val/summary").json()["numbers"] == []
    assert rows(images(found)) == [0, 1, 2, 3, 4, 5]
    assert found.get("/api/val/overview").status_code == 200


# What does not fit, and what is gone


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


QUADS = pl.List(pl.List(pl.Float32))


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


def many(folder: Path, n: int, words: int) -> SpotGallery:
    """A gallery of ``n`` images with so many words each, half of them right."""
    run = new_run(folder)
    generator = np.random.default_rng(0)
    corners = generator.uniform(0, 900, (n, words, 1, 2)) + np.array([[0, 0], [90, 0], [90, 30], [0, 30]])
    texts = [[f"w{k % 7}" for k in range(words)]] * n
    read = [[f"w{k % 7 + k % 2}" for k in range(words)]] * n
    quads = pl.Series(corners.reshape(n, words, 8).tolist(), dtype=QUADS)
    table = pl.DataFrame(
        {
            "image": [f"{k}.jpg" for k in range(n)],
            **{"target_quads_xy": quads, "target_texts": texts, "target_cared": [[True] * words] * n},
            **{"quads_xy": quads, "texts": read},
            "scores": pl.Series([[0.5] * words] * n, dtype=pl.List(pl.Float32)),
        }
    )
    metrics = {"split": "val", "n": n, "classes": [], "metrics": {}, "per_class": {}}
    run.evaluation("val").write(metrics, table, {"task": "spot", "reads": True})
    predictions = load_spots(run.evaluation("val"))
    return SpotGallery(predictions, match(predictions), Allowed(None, run.path))


def test_a_tile_with_too_many_words_says_so(tmp_path: Path) -> None:
    gallery = many(tmp_path, 1, ON_A_TILE + 5)
    tile = gallery.page(Choice())["tiles"][0]
    assert (len(tile["outlines"]), tile["left_out"]) == (2 * ON_A_TILE, 10)
    chosen = [line for line in gallery.page(Choice(text="w6"))["tiles"][0]["outlines"] if line[2]]
    there = sum(k % 7 == 6 for k in range(ON_A_TILE + 5))
    read_so = sum(k % 7 == 5 and k % 2 == 1 for k in range(ON_A_TILE + 5))
    assert len(chosen) == 2 * (there + read_so)  # all that were searched for are drawn, and what they match


# Letters


@pytest.mark.parametrize(
    ("truth", "read", "expected"),
    [
        ("", "", []),
        ("a", "", [("a", "")]),
        ("", "a", [("", "a")]),
        ("Exit", "EXIT", [("E", "E"), ("x", "X"), ("i", "I"), ("t", "T")]),
        ("kitten", "sitting", [("k", "s"), *((c, c) for c in "itt"), ("e", "i"), ("n", "n"), ("", "g")]),
        ("OPEN", "OEN", [("O", "O"), ("P", ""), ("E", "E"), ("N", "N")]),
        ("x" * (LONGEST + 1), "x", None),
    ],
)
def test_letters_are_aligned(truth: str, read: str, expected: list[tuple[str, str]] | None) -> None:
    assert aligned(truth, read) == expected


def test_confusions_count_letters_that_differ() -> None:
    pairs = [aligned("o0O", "00o") or [], aligned("ab", "b") or [], aligned("", "x") or []]
    assert confusions(pairs) == {("O", "0"): 1, ("A", ""): 1, ("", "X"): 1}
