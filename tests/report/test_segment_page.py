"""The whole page of a segment run: what it says agrees with the files of the run folder, and it stands alone."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image
from torchvision.transforms.v2 import InterpolationMode, functional

from saccade.report.segments import Segmented
from saccade.report.words import metric_name, number
from saccade.report.write import write_report
from saccade.runs import Run

from .conftest import unscored
from .page import Page
from .segment_run import HEIGHT, NAMES, WIDTH, Mask, add_segment, coding, masks, segment_run


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Page]:
    """A scored run and its report, for tests that only read them."""
    run = segment_run(tmp_path_factory.mktemp("segment"))
    return run, Page(write_report(run))


def test_the_top(reported: tuple[Run, Page]) -> None:
    run, page = reported
    evaluation = run.evaluation("val")
    metrics, confusion = evaluation.metrics()["metrics"], np.array(evaluation.metrics()["confusion"])
    assert f"{number(metrics['miou'])} mIoU" in page.text
    assert "segment · resnet18 · 15 images of the val split · 4 classes" in page.text
    share = confusion[0].sum() / confusion.sum()  # of background; owl is in no target
    assert (
        f"Always saying background, the most frequent class, would reach an mIoU of {share / 3:.3f} (its IoU of "
        f"{share:.3f} over 3 classes in the targets) and a pixel accuracy of {share:.3f}; the pixel accuracy of this "
        f"run is {number(metrics['pixel_accuracy'])}."
    ) in page.text
    assert "the best of 10 epochs by mIoU on the holdout (10 images cut from the training split)" in page.text


def test_the_numbers_are_those_of_metrics_json(reported: tuple[Run, Page]) -> None:
    run, page = reported
    metrics, pooling = run.evaluation("val").metrics()["metrics"], run.evaluation("val").about()["pooling"]
    expected = [[metric_name(k), pooling[k], number(v)] for k, v in metrics.items()]
    assert page.tables["Numbers"][1:] == expected
    assert "Void pixels were neither learned nor scored (data.void: ignore)." in page.text
    assert "The network sees images at 64 x 64" in page.text  # of config.yaml


def test_the_per_class_table_is_that_of_per_class_csv(reported: tuple[Run, Page]) -> None:
    run, page = reported
    head, *rows = page.tables["Per class"]
    assert head == ["class", "IoU", "dice", "precision", "accuracy", "target pixels", "predicted pixels"]
    assert [float(row[1]) for row in rows] == sorted((float(row[1]) for row in rows), reverse=True)
    keys = ["iou", "dice", "precision", "accuracy", "n_pixels", "n_predicted"]
    with (run.path / "evaluation" / "val" / "per_class.csv").open(encoding="utf-8") as file:
        saved = {row["class"]: [row[key] for key in keys] for row in csv.DictReader(file)}
    for name, *cells in rows:
        fractions = [number(float(value)) if value else "–" for value in saved[name][:4]]
        assert cells == [*fractions, *(f"{int(value):,}" for value in saved[name][4:])]
    assert {row[0] for row in rows} == set(NAMES)


def test_the_best_the_median_and_the_worst_images(reported: tuple[Run, Page]) -> None:
    run, page = reported
    rows = run.evaluation("val").predictions().with_columns(mean=pl.col("iou").list.drop_nulls().list.mean())
    order = rows.with_row_index().sort(["mean", "index"], descending=[True, False])
    names = order["image"].to_list()
    assert page.galleries == [names[:4], names[5:9], names[:-5:-1]]
    for place in (0, 7, 14):
        said = f"{number(order['mean'][place])} #{place + 1} pixel accuracy {number(order['pixel_accuracy'][place])}"
        assert said in page.text
    assert "is never averaged into the mIoU at the top" in page.text
    for name in (*NAMES, "right", "wrong", "void"):
        assert f"</i>{name}</li>" in page.source


def test_it_stands_alone(reported: tuple[Run, Page]) -> None:
    _, page = reported
    assert len(page.pictures) == 12 * 4
    assert all(src.startswith("data:image/jpeg;base64,") for src in page.pictures)
    assert [a for a in page.addresses if not a.startswith(("data:image/jpeg;base64,", "#"))] == []
    assert not page.tags & {"link", "iframe", "object", "embed", "base", "image"}


def test_the_same_run_gives_the_same_bytes_and_figures_are_files_too(reported: tuple[Run, Page]) -> None:
    run, page = reported
    assert write_report(run).read_bytes() == page.source.encode()
    names = {f"{n}.{kind}" for n in ("curves", "confusion", "iou") for kind in ("svg", "png")}
    assert {p.name for p in run.figures.iterdir()} == names
    assert page.source.count("<svg") == 4


def test_the_data_are_masks(reported: tuple[Run, Page]) -> None:
    _, page = reported
    assert page.tables["Data"] == [
        ["split", "use", "images", "classes seen"],
        ["train", "to learn from", "90", "4"],
        ["holdout", "cut from train to choose the epoch", "10", "4"],
        ["val", "to score", "30", "4"],
    ]
    assert "0 to 3 are the classes in their order, 255 is void." in page.text
    assert "Images whose mask holds at least one pixel of the class." in page.text
    assert page.tables["Images of each class"][1][:2] == ["background", "45"]


def test_missing_data_are_tiles_and_a_sentence(tmp_path: Path) -> None:
    page = Page(write_report(segment_run(tmp_path), data_root=tmp_path / "elsewhere"))
    assert len(page.pictures) == 12  # the predictions, which are in the run folder
    assert page.source.count('class="blank"') == 12 * 3
    missing = f"24 of 24 images and true masks are not shown: their files are not under {tmp_path / 'elsewhere'}."
    assert missing in page.text
    assert [len(g) for g in page.galleries] == [4, 4, 4]


def test_predicted_masks_that_were_deleted_are_counted(tmp_path: Path) -> None:
    run = segment_run(tmp_path)
    for file in (run.evaluation("val").path / "masks").iterdir():
        file.unlink()
    page = Page(write_report(run))
    assert "12 of 12 predicted masks are not in the run folder." in page.text
    assert "data.root=FOLDER" not in page.text
    assert len(page.pictures) == 24


def test_everything_is_escaped(tmp_path: Path) -> None:
    classes = ["<b>", "</pre><script>alert(1)</script>", "a & 'b' \"c\"", "$x_1$"]
    page = Page(write_report(segment_run(tmp_path, classes=classes)))
    assert not page.tags & {"b>", "alert"}
    assert page.source.count("<script>") == 1
    assert "</pre><script>" not in page.source
    assert {row[0] for row in page.tables["Per class"][1:]} == set(classes)


def test_more_than_forty_classes_give_pairs_in_place_of_the_matrix(tmp_path: Path) -> None:
    classes = [f"c{i:02d}" for i in range(45)]
    target = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    target.ravel()[:180] = np.repeat(np.arange(45), 4)
    said = target.copy()
    said.ravel()[[12, 13, 14, 28]] = [9, 9, 9, 1]  # of c03 three pixels are called c09, of c07 one c01
    run = unscored(tmp_path / "made-up" / "001", task="segment", classes=classes)
    add_segment(run, tmp_path / "data", [target], [said], classes=classes)
    page = Page(write_report(run))
    assert page.tables["Most confused pairs"] == [
        ["target", "called", "pixels", "share of the target's pixels"],
        ["c03", "c09", "3", "0.750"],
        ["c07", "c01", "1", "0.250"],
    ]
    assert not (run.figures / "confusion.svg").exists()
    assert (run.figures / "iou.svg").exists()
    assert page.galleries == [["JPEGImages/000.jpg"]]
    assert "The one image with an IoU of 1 image." in page.text


def test_nothing_but_void(tmp_path: Path) -> None:
    run = unscored(tmp_path / "made-up" / "001", task="segment", classes=NAMES)
    void = np.full((HEIGHT, WIDTH), 255, dtype=np.uint8)
    add_segment(run, tmp_path / "data", [void], [np.zeros_like(void)])
    page = Page(write_report(run))
    assert "Every pixel of this split is void, so there is no IoU." in page.text
    assert "No image has a valid pixel, so none has an IoU." in page.text
    assert "\N{EN DASH} mIoU" in page.text
    assert page.galleries == []


def test_a_run_without_an_evaluation(tmp_path: Path) -> None:
    page = Page(write_report(unscored(tmp_path / "made-up" / "001", task="segment", classes=NAMES)))
    assert "This run has no evaluation" in page.text
    assert page.source.count("<svg") == 2
    assert page.tables["Data"][0] == ["split", "use", "images", "classes seen"]


# --- the lines that compute mIoU again


def as_ids(targets: list[Mask]) -> list[Image.Image]:
    """Grey images in which class c is 10 c + 3 and void is 200."""
    table = np.full(256, 200, dtype=np.uint8)
    table[:4] = 10 * np.arange(4) + 3
    return [Image.fromarray(table[target]) for target in targets]


COLOURS = [[0, 0, 0], [200, 0, 0], [0, 200, 0], [200, 200, 0]]


def in_colour(targets: list[Mask]) -> list[Image.Image]:
    """RGB images, void white."""
    table = np.full((256, 3), 255, dtype=np.uint8)
    table[:4] = COLOURS
    return [Image.fromarray(table[target]) for target in targets]


OTHER_IDS = coding(4, ids=[3, 13, 23, 33], void_id=200)
IN_COLOUR = coding(4, colours=COLOURS, void_colour=[255, 255, 255])


def recomputed(page: Page) -> float:
    code = page.preformatted["snippet"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=page.path.parent, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


@pytest.mark.parametrize(
    ("known", "saved"), [(coding(4), None), (OTHER_IDS, as_ids), (IN_COLOUR, in_colour)], ids=["as is", "ids", "colour"]
)
@pytest.mark.parametrize("background", [pytest.param(False, marks=pytest.mark.slow), True])
def test_the_snippet_gives_the_headline(
    tmp_path: Path, known: dict[str, object], saved: Callable[[list[Mask]], list[Image.Image]] | None, background: bool
) -> None:
    targets, said = masks()
    run = unscored(tmp_path / "made-up" / "001", task="segment", classes=NAMES)
    scored = [np.where(t == 255, 0, t).astype(np.uint8) for t in targets] if background else targets
    about: dict[str, Any] = {
        "coding": known | {"void_is_background": background},
        "void": "background" if background else "ignore",
    }
    files = saved(targets) if saved else [Image.fromarray(target) for target in targets]
    add_segment(run, tmp_path / "data", scored, said, on_disk=files, **about)
    expected = Segmented.read(run.evaluation("val")).headline
    assert recomputed(Page(write_report(run))) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("known", [coding(4), IN_COLOUR])
@pytest.mark.parametrize(
    "size", [(11, 17), pytest.param((9, 14), marks=pytest.mark.slow), pytest.param((60, 30), marks=pytest.mark.slow)]
)
def test_the_snippet_at_the_size_of_the_input(tmp_path: Path, size: tuple[int, int], known: dict[str, object]) -> None:
    """Resized as evaluation does it, by torchvision; at 16 to 60 a pixel's centre may lie on an edge."""
    large, _ = masks()
    exact = InterpolationMode.NEAREST_EXACT
    targets = [functional.resize_image(torch.from_numpy(t)[None], list(size), exact)[0].numpy() for t in large]
    said = [np.roll(np.where(t == 255, 0, t), 1, axis=1).astype(np.uint8) for t in targets]
    run = unscored(tmp_path / "made-up" / "001", task="segment", classes=NAMES)
    files = in_colour(large) if known is IN_COLOUR else [Image.fromarray(target) for target in large]
    add_segment(run, tmp_path / "data", targets, said, on_disk=files, coding=known, score_size="input")
    expected = Segmented.read(run.evaluation("val")).headline
    assert recomputed(Page(write_report(run))) == pytest.approx(expected, abs=1e-12)
