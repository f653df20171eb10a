"""Masks behind the page: rankings, label maps and what is refused; `SEGMENT` in conftest.py is the made-up run."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from saccade.browse import create_app
from saccade.browse.labelmaps import label_map
from saccade.data.masks import MaskCoding
from saccade.errors import RunError
from saccade.runs import Run

from .conftest import COLOURS, SEGMENT, client_of, mask_of, new_run, write_segment


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = new_run(tmp_path)
    write_segment(run, tmp_path / "data")
    return run


@pytest.fixture(scope="module")
def segment(segment_run: Run) -> TestClient:
    return client_of(segment_run)


def images(client: TestClient, **query: Any) -> dict[str, Any]:
    answer = client.get("/api/val/images", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rows(page: dict[str, Any]) -> list[int]:
    return [tile["row"] for tile in page["tiles"]]


def opened(body: bytes) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(h, w) ids and (256,) counts of a label map."""
    width, height = struct.unpack_from("<HH", body)
    ids = np.frombuffer(body, np.uint8, offset=4 + 1024)
    return ids.reshape(height, width), np.frombuffer(body, "<u4", 256, 4)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [1, 2, 3, 0, 4]),  # 0.375, 0.429, 0.583, 1; where nothing is scored, there is no number to rank by
        ({"order": "best"}, [0, 3, 2, 1, 4]),
        ({"order": "loss"}, [1, 2, 3, 0, 4]),
        ({"order": "least_loss"}, [0, 3, 2, 1, 4]),
        ({"show": "misses"}, [1, 2]),
        ({"class": "cat"}, [1, 3, 0]),  # not in the others, by either mask
        ({"class": "cat", "order": "best"}, [0, 3, 1]),
        ({"class": "cat", "order": "loss"}, [1, 3, 0]),
        ({"class": "cat", "show": "misses"}, [1]),
        ({"class": "dog"}, [2]),
    ],
)
def test_order(segment: TestClient, query: dict[str, str], expected: list[int]) -> None:
    assert rows(images(segment, **query)) == expected


def test_equal_ious_go_by_loss(run: Run) -> None:
    file = run.evaluation("val").predictions_file
    same = pl.Series([[0.5, 0.0, None]] * 5, dtype=pl.List(pl.Float32))
    pl.read_parquet(file).with_columns(iou=same).write_parquet(file)
    assert rows(images(client_of(run), **{"class": "cat"})) == [1, 2, 3, 0, 4]
    assert rows(images(client_of(run), order="best")) == [0, 3, 2, 1, 4]


def test_tile_has_the_numbers_of_its_image(segment: TestClient) -> None:
    page = images(segment, **{"class": "cat"})
    assert page["counts"] == {"all": 3, "misses": 1}
    assert page["tiles"][1] == {
        "row": 3,
        "image": "3.jpg",
        "problem": None,
        "mask_problems": {"target": None, "prediction": None},
        "mean_iou": pytest.approx((16 / 24 + 0.5) / 2),
        "pixel_accuracy": pytest.approx(0.75),
        "loss": pytest.approx(0.3),
        "iou": pytest.approx(0.5),
    }


def test_one_image_lists_its_worst_class_first(segment: TestClient) -> None:
    image = segment.get("/api/val/images/3").json()
    assert [one["id"] for one in image["classes"]] == [1, 0, 2]
    assert image["classes"][2]["iou"] is None
    nothing = segment.get("/api/val/images/4").json()
    assert (nothing["mean_iou"], nothing["pixel_accuracy"], nothing["loss"]) == (None, None, None)


def test_summary_and_confusion(segment: TestClient) -> None:
    summary = segment.get("/api/val/summary").json()
    assert (summary["task"], summary["colours"], summary["void"]) == ("segment", COLOURS, [224, 224, 192])
    assert summary["table"][1] == ["cat", 0.6, 40]
    confusion = segment.get("/api/val/confusion").json()
    assert confusion["matrix"] == [[80, 0, 4], [16, 24, 0], [0, 0, 0]]
    assert [tuple(pair.values()) for pair in confusion["pairs"]] == [
        ("cat", "background", 16, 40),
        ("background", "dog", 4, 84),
    ]


@pytest.mark.parametrize("query", [{"class": "cow"}, {"show": "hits"}])
def test_what_there_is_not(segment: TestClient, query: dict[str, str]) -> None:
    assert segment.get("/api/val/images", params=query).status_code == 404
    assert segment.get("/api/val/images/5").status_code == 404


@pytest.mark.parametrize(("row", "kind"), [(k, kind) for k in range(5) for kind in ("target", "prediction")])
def test_label_maps_hold_the_masks(segment: TestClient, row: int, kind: str) -> None:
    columns = SEGMENT[row][kind == "prediction"]
    mask = mask_of(columns, len(columns) // 2)
    ids, counts = opened(segment.get(f"/mask/val/{row}/{kind}").content)
    np.testing.assert_array_equal(ids, mask)
    np.testing.assert_array_equal(counts, np.bincount(mask.ravel(), minlength=256))


def test_label_map_is_not_sent_twice(segment: TestClient) -> None:
    first = segment.get("/mask/val/0/target")
    tag = first.headers["etag"]
    assert segment.get("/mask/val/0/target", headers={"if-none-match": tag}).status_code == 304
    assert segment.get("/mask/val/0/target?size=1280").headers["etag"] != tag


def test_large_mask_is_reduced_as_pillow_does_and_counted_whole(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).integers(0, 3, (400, 900), dtype=np.uint8)
    mask[7, 7] = 3  # falls between the pixels of the small one, but is counted
    image = Image.fromarray(mask)
    image.save(tmp_path / "a.png")
    ids, counts = opened(gzip.decompress(label_map(tmp_path / "a.png", 360, MaskCoding(ids=(0, 1, 2, 3)))))
    np.testing.assert_array_equal(ids, np.asarray(image.resize((360, 160), Image.Resampling.NEAREST)))
    assert (counts.sum(), counts[3]) == (360_000, 1)


def test_targets_are_read_in_their_coding(tmp_path: Path) -> None:
    """In colour, with void as background: what the score was made of, not what the file holds."""
    coding = {"ids": [0, 1, 2], "void_id": None, "colours": COLOURS, "void_colour": [9, 9, 9]}
    run = new_run(tmp_path)
    write_segment(run, tmp_path / "data", coding=coding | {"void_is_background": True}, void="background")
    picture = np.array([[COLOURS[2], COLOURS[0], [9, 9, 9], COLOURS[1]]], np.uint8)
    Image.fromarray(picture).save(tmp_path / "data/masks/0.png")
    client = client_of(run)
    assert opened(client.get("/mask/val/0/target").content)[0].tolist() == [[2, 0, 0, 1]]
    assert client.get("/api/val/summary").json()["void"] is None


def test_a_stray_value_is_not_shown(run: Run, tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 8), 77, np.uint8)).save(tmp_path / "data/masks/0.png")
    answer = client_of(run).get("/mask/val/0/target")
    assert (answer.status_code, answer.json()) == (404, {"detail": "not readable"})


TARGETS = ["../secret.png", "{outside}/secret.png", "masks/link.png", "folder/secret.png", "classes.txt", ".", ""]
PREDICTIONS = [
    *TARGETS,
    "{outside}/data/masks/0.png",
    "../../figures/figure.png",
    "metrics.json",
    "predictions.parquet",
]


def renamed(run: Run, column: str, paths: list[str]) -> None:
    """Give rows other paths; the rows are as many as the paths."""
    file = run.evaluation("val").predictions_file
    table = pl.read_parquet(file)
    table = pl.concat([table[:1]] * len(paths)).with_columns(pl.Series(column, paths))
    table.write_parquet(file)


@pytest.mark.parametrize(("kind", "hostile"), [("target", TARGETS), ("prediction", PREDICTIONS)])
def test_masks_outside_are_refused(run: Run, tmp_path: Path, kind: str, hostile: list[str]) -> None:
    base = tmp_path / "data" if kind == "target" else run.evaluation("val").path
    good = mask_of("cccc....", 4)
    run.figures.mkdir()
    for file in (tmp_path / "secret.png", run.figures / "figure.png", base.parent / "secret.png"):
        Image.fromarray(good).save(file)
    (base / "masks/link.png").symlink_to(tmp_path / "secret.png")
    (base / "folder").symlink_to(tmp_path)
    (base / "classes.txt").write_text("a secret")
    honest = "masks/0.png"
    paths = [*(path.format(outside=tmp_path) for path in hostile), honest]
    renamed(run, "mask" if kind == "prediction" else "target", paths)
    client = client_of(run)
    answers = {path: client.get(f"/mask/val/{row}/{kind}").status_code for row, path in enumerate(paths)}
    assert answers == {path: 200 if path == honest else 404 for path in paths}


def test_a_target_may_lie_in_the_run_folder(run: Run) -> None:
    run.figures.mkdir()
    Image.fromarray(mask_of("cccc....", 4)).save(run.figures / "a.png")
    renamed(run, "target", [str(run.figures.resolve() / "a.png")])
    assert client_of(run).get("/mask/val/0/target").status_code == 200


def test_the_tile_says_why_a_mask_is_not_shown(run: Run) -> None:
    renamed(run, "mask", ["../../config.yaml"])
    problems = images(client_of(run))["tiles"][0]["mask_problems"]
    assert problems == {"target": None, "prediction": "outside the evaluation folder"}


@pytest.mark.parametrize(
    "path",
    [
        "/mask/val/0/secret",
        "/mask/val/-1/target",
        "/mask/val/9/target",
        "/mask/no/0/target",
        "/mask/val/0/target?size=7",
    ],
)
def test_no_path_is_taken_from_the_address(segment: TestClient, path: str) -> None:
    assert segment.get(path).status_code in (404, 422)


def test_other_tasks_have_no_masks(multilabel: TestClient) -> None:
    assert multilabel.get("/mask/val/0/target").status_code == 404


def test_headers(segment: TestClient) -> None:
    headers = segment.get("/mask/val/0/target").headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert headers["x-content-type-options"] == "nosniff"


def test_data_that_is_gone_leaves_numbers_and_predictions(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write_segment(run, tmp_path / "data")
    (tmp_path / "data").rename(tmp_path / "moved")
    client = client_of(run)
    assert client.get("/api/val/summary").json()["missing_data"] == str(tmp_path / "data")
    tile = images(client)["tiles"][0]
    assert (tile["problem"], tile["mask_problems"]["target"]) == ("data folder not found",) * 2
    assert client.get("/mask/val/0/target").status_code == 404
    assert client.get("/mask/val/0/prediction").status_code == 200
    assert client_of(run, data_root=tmp_path / "moved").get("/mask/val/0/target").status_code == 200


def test_files_that_do_not_fit(run: Run) -> None:
    evaluation = run.evaluation("val")
    table = evaluation.predictions()
    table.with_columns(iou=pl.Series([[0.5]] * 5, dtype=pl.List(pl.Float32))).write_parquet(evaluation.predictions_file)
    with pytest.raises(RunError, match="iou of row 0 are not 3 numbers, one a class"):
        create_app(run)
    table.drop("mask").write_parquet(evaluation.predictions_file)
    with pytest.raises(RunError, match=r"no column mask; score the split again with `saccade evaluate`"):
        create_app(run)
    table.write_parquet(evaluation.predictions_file)
    about = evaluation.about()
    del about["coding"]
    (evaluation.path / "about.json").write_text(json.dumps(about))
    with pytest.raises(RunError, match="does not say how the masks are coded"):
        create_app(run)


def test_a_split_without_images(run: Run) -> None:
    file = run.evaluation("val").predictions_file
    pl.read_parquet(file).clear().write_parquet(file)
    page = images(client_of(run))
    assert (page["counts"]["all"], page["pages"], page["tiles"]) == (0, 1, [])


def test_colours_of_voc_where_the_run_tells_none(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write_segment(run, tmp_path / "data", colours=None)
    summary = client_of(run).get("/api/val/summary").json()
    assert summary["colours"] == [[0, 0, 0], [128, 0, 0], [0, 128, 0]]
