"""Words behind the page: matching, orders, search, numbers; `SPOTS` in spot_run.py is the made-up run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient

from saccade.browse.base import Choice
from saccade.browse.spot_gallery import SpotGallery
from saccade.browse.spot_image import ON_A_TILE
from saccade.browse.spot_matching import match
from saccade.browse.spots import FALSE_ALARM, MISREAD, MISSED, QUADS, RIGHT, UNCARED, load_spots
from saccade.browse.thumbnails import Allowed
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
    unread,
    write_spots,
)
from .test_segments import images, rows


@pytest.fixture(scope="module")
def spots(spot_run: Run) -> TestClient:
    return client_of(spot_run)


def client(folder: Path, **changes: Any) -> TestClient:
    return client_of(write_spots(new_run(folder), folder / "data", **changes))


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
    read = images(spots, **{"class": "EX1T"})
    assert rows(read) == [1]  # what was read counts as well
    assert (sum(read["truth"].values()), read["read_elsewhere"], page["read_elsewhere"]) == (0, 1, 0)
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
    assert (found["n_confused"], found["confused"]) == (1, [["I", "1", 1, 3]])  # I stands in EXIT of 0, 1 and 5


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
