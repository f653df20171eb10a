"""The whole page: what it says agrees with the files of the run folder, and it stands alone."""

from __future__ import annotations

import contextlib
import csv
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from saccade.errors import RunError
from saccade.report.words import metric_name, number
from saccade.report.write import write_report
from saccade.runs import Run

from .conftest import CLASSES, MAKE, add_classify, add_multilabel, save_images, scored_multilabel, unscored
from .page import Page


def page_of(run: Run, **options: Any) -> Page:
    """Write the report and read it back."""
    path = write_report(run, **options)
    assert path == run.report_file
    return Page(path)


def test_the_numbers_are_those_of_metrics_json(reported: tuple[Run, Page]) -> None:
    run, page = reported
    metrics = run.evaluation("val").metrics()
    pooling = run.evaluation("val").about()["pooling"]
    rows = page.tables["Numbers"]
    expected = [[metric_name(k), pooling.get(k, ""), number(v)] for k, v in metrics["metrics"].items()]
    assert rows == [["metric", "how it was pooled", "value"], *expected]


def test_the_per_class_table_is_that_of_per_class_csv(reported: tuple[Run, Page]) -> None:
    run, page = reported
    head, *rows = page.tables["Per class"]
    with (run.path / "evaluation" / "val" / "per_class.csv").open(encoding="utf-8") as file:
        saved = {row["class"]: row for row in csv.DictReader(file)}
    keys = {metric_name(k): k for k in next(iter(saved.values()))}
    assert sorted(head) == sorted(keys)
    assert [float(row[1]) for row in rows] == sorted((float(row[1]) for row in rows), reverse=True)
    for row in rows:
        for name, cell in zip(head[1:], row[1:], strict=True):
            value = saved[row[0]][keys[name]]
            assert cell == (value if value.isdigit() else number(float(value)))
    assert {row[0] for row in rows} == set(CLASSES)


def test_the_headline(reported: tuple[Run, Page]) -> None:
    run, page = reported
    evaluation = run.evaluation("val")
    task = evaluation.about()["task"]
    key = {"multilabel": "map", "classify": "accuracy"}[task]
    assert f"{number(evaluation.metrics()['metrics'][key])} {metric_name(key)}" in page.text
    assert f"{task} · resnet18 · 30 images of the val split · 5 classes" in page.text


def test_the_baseline(reported: tuple[Run, Page]) -> None:
    run, page = reported
    if run.evaluation("val").about()["task"] == "classify":  # 30 images, six of each of five classes
        assert "Always naming the largest class would reach 0.200." in page.text
        return
    per_class = run.evaluation("val").metrics()["per_class"].values()
    mean = np.mean([c["n_positive"] / (c["n_positive"] + c["n_negative"]) for c in per_class])
    assert f"A random ranking would reach about {mean:.3f}" in page.text


def test_ten_best_and_worst_of_the_three_classes_by_ap(reported: tuple[Run, Page]) -> None:
    run, page = reported
    evaluation = run.evaluation("val")
    metrics, rows = evaluation.metrics(), evaluation.predictions()
    by_ap = sorted(metrics["classes"], key=lambda name: -metrics["per_class"][name]["ap"])
    expected = []
    for name in (by_ap[0], by_ap[2], by_ap[4]):
        c = metrics["classes"].index(name)
        valid = rows.with_row_index().with_columns(score=pl.col("scores").list.get(c))
        if "targets" in rows.columns:
            valid = valid.filter(pl.col("targets").list.get(c) >= 0)
        expected.append(valid.sort(["score", "index"], descending=[True, False])["image"].to_list()[:10])
        expected.append(valid.sort(["score", "index"])["image"].to_list()[:10])
    costliest = rows.with_row_index().sort(["loss", "index"], descending=[True, False])["image"].to_list()[:10]
    assert page.galleries == [*expected, costliest]
    assert "those with the best, the median and the worst AP" in page.text


@pytest.mark.parametrize("task", ["multilabel", "classify"])
def test_it_says_optimistic_where_it_is(tmp_path: Path, task: str) -> None:
    page = page_of(MAKE[task](tmp_path, n_holdout=0, optimistic=True))
    text = page.text
    assert page.tables["Data"][2][:2] == ["val", "to score, and to choose the epoch"]
    assert "This number is optimistic" in text
    assert "chosen as the best on the same 30 images of the val split" in text
    assert "had no part in choosing" not in text


def test_it_does_not_say_optimistic_elsewhere(reported: tuple[Run, Page]) -> None:
    text = reported[1].text
    assert "optimistic" not in text
    assert "the best of 10 epochs by" in text
    assert "on the holdout (10 images cut from the training split)" in text
    assert "the val split had no part in choosing them" in text


def test_skipped_images_are_counted_and_named(tmp_path: Path) -> None:
    page = page_of(scored_multilabel(tmp_path, skipped=["JPEGImages/torn.jpg", "JPEGImages/<empty>.jpg"]))
    assert "2 training images could not be read and were left out of training" in page.text
    assert "JPEGImages/torn.jpg" in page.text
    assert "JPEGImages/<empty>.jpg" in page.text


def test_nothing_is_said_of_skipped_images_where_there_are_none(reported: tuple[Run, Page]) -> None:
    assert "could not be read" not in reported[1].text


def test_it_stands_alone(reported: tuple[Run, Page]) -> None:
    _, page = reported
    assert len(page.pictures) == 70
    assert all(src.startswith("data:image/jpeg;base64,") for src in page.pictures)
    outside = [a for a in page.addresses if not a.startswith(("data:image/jpeg;base64,", "#"))]
    assert outside == []
    assert not page.tags & {"link", "iframe", "object", "embed", "base", "image"}
    assert "url(" not in page.source.replace("url(#", "")
    assert "@import" not in page.source


@pytest.mark.slow
def test_the_same_run_gives_the_same_bytes(reported: tuple[Run, Page]) -> None:
    run, page = reported
    first = page.source.encode()
    files = {p.name: p.read_bytes() for p in run.figures.iterdir()}
    assert write_report(run).read_bytes() == first
    assert {p.name: p.read_bytes() for p in run.figures.iterdir()} == files


def test_the_figures_are_files_too(reported: tuple[Run, Page]) -> None:
    run, _ = reported
    last = "confusion" if (run.figures / "confusion.svg").exists() else "tail_accuracy"
    names = {f"{n}.{kind}" for n in ("curves", "average_precision", last) for kind in ("svg", "png")}
    assert {p.name for p in run.figures.iterdir()} == names
    assert not list(run.path.glob("**/*.part"))


def test_a_run_without_an_evaluation_has_curves_and_says_so(tmp_path: Path) -> None:
    page = page_of(unscored(tmp_path / "made-up" / "002"))
    assert "This run has no evaluation" in page.text
    assert "interrupted after 10 epochs" in page.text
    assert page.source.count("<svg") == 2
    assert page.pictures == []
    assert "Numbers" not in page.tables
    assert page.tables["Data"][1][:3] == ["train", "to learn from", "90"]


def test_a_run_stopped_before_its_first_epoch(tmp_path: Path) -> None:
    run = unscored(tmp_path / "made-up" / "003")
    run.keep_epochs([])
    page = page_of(run)
    assert "no evaluation and no finished epoch" in page.text
    assert "<svg" not in page.source


def test_missing_images_are_tiles_and_a_sentence(tmp_path: Path) -> None:
    page = page_of(scored_multilabel(tmp_path), data_root=tmp_path / "elsewhere")
    assert page.pictures == []
    assert page.source.count('class="blank"') == 70
    assert f"70 of 70 pictures are not shown: their files are not under {tmp_path / 'elsewhere'}." in page.text
    assert [len(g) for g in page.galleries] == [10] * 7


def test_another_data_root(tmp_path: Path) -> None:
    run = scored_multilabel(tmp_path)
    (tmp_path / "data").rename(tmp_path / "moved")
    page = page_of(run, data_root=tmp_path / "moved")
    assert len(page.pictures) == 70
    assert "not shown" not in page.text


def test_everything_is_escaped(tmp_path: Path) -> None:
    classes = ["<b>", "</pre><script>alert(1)</script>", "a & 'b' \"c\"", "$x_1$", "_hidden"]
    run = unscored(tmp_path / "runs" / "<i>" / "001", classes=classes, skipped=["<u>.jpg"])
    rng = np.random.default_rng(0)
    images = [f'<em>/"{i}" onerror=x.jpg' for i in range(30)]
    targets, scores = rng.choice([1, 0], size=(30, 5)), rng.random((30, 5))
    add_multilabel(run, images, targets, scores, classes=classes, data_root=str(tmp_path))
    page = page_of(run)
    assert not page.tags & {"b>", "i>", "em", "u", "alert"}
    assert page.source.count("<script>") == 1
    assert "</pre><script>" not in page.source
    assert {row[0] for row in page.tables["Per class"][1:]} == set(classes)
    assert set(page.galleries[0]) <= set(images)
    assert "<i>/001" in page.text
    for name in ("<b>", "$x_1$", "_hidden"):
        assert f" {name} (" in page.text or f" {name} " in page.text


def test_other_evaluations_are_listed(tmp_path: Path) -> None:
    run = scored_multilabel(tmp_path)
    rng = np.random.default_rng(5)
    targets, scores = rng.choice([1, 0], size=(12, 5)), rng.random((12, 5))
    images = [f"other/{i}.jpg" for i in range(12)]
    add_multilabel(run, images, targets, scores, name="test", checkpoint="last.ckpt", optimistic=True)
    value = run.evaluation("test").metrics()["metrics"]["map"]
    page = page_of(run)
    assert page.tables["Other evaluations"][1] == [
        "test",
        "last.ckpt",
        "yes: optimistic",
        "mAP",
        number(value),
        "12",
    ]
    assert "This number is optimistic" not in page.text
    assert "30 images of the val split" in page.text


def test_the_first_by_name_is_shown_where_there_is_no_val(tmp_path: Path) -> None:
    run = unscored(tmp_path / "made-up" / "001")
    images = [f"{i}.jpg" for i in range(12)]
    save_images(tmp_path, images)
    targets = np.tile([1, 0, 0, 1, 1], (12, 1))
    targets[::2] = 0
    add_multilabel(run, images, targets, np.full((12, 5), 0.25), name="test", data_root=str(tmp_path))
    page = page_of(run)
    assert "evaluation/test/predictions.parquet" in page.preformatted["snippet"]
    # All scores equal: both ends are the first ten rows.
    assert page.galleries[0] == page.galleries[1] == images[:10]


def test_more_than_forty_classes_give_pairs_in_place_of_the_matrix(tmp_path: Path) -> None:
    classes = [f"c{i:02d}" for i in range(45)]
    run = unscored(tmp_path / "made-up" / "001", task="classify", classes=classes)
    target = np.arange(90) % 45
    said = target.copy()
    said[[3, 48, 7]] = [9, 9, 1]  # c03 called c09 twice, c07 called c01 once
    scores = np.full((90, 45), 0.001)
    scores[np.arange(90), said] = 1 - 0.044
    add_classify(run, [f"{i}.jpg" for i in range(90)], target, scores, classes=classes)
    page = page_of(run)
    assert page.tables["Most confused pairs"][1:] == [
        ["c03", "c09", "2", "1.000"],
        ["c07", "c01", "1", "0.500"],
    ]
    assert not (run.figures / "confusion.svg").exists()
    assert (run.figures / "average_precision.svg").exists()


def test_no_class_with_a_positive(tmp_path: Path) -> None:
    run = unscored(tmp_path / "made-up" / "001")
    images = [f"{i}.jpg" for i in range(4)]
    add_multilabel(run, images, np.zeros((4, 5)), np.full((4, 5), 0.2))
    page = page_of(run)
    assert "No class has a positive image in this split, so there is no AP." in page.text
    assert "No class has an AP, so none has a ranking to show." in page.text
    assert page.galleries == [images]  # the costliest only


def test_the_snippet_gives_the_headline(reported: tuple[Run, Page], monkeypatch: pytest.MonkeyPatch) -> None:
    run, page = reported
    monkeypatch.chdir(run.path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(page.preformatted["snippet"], "snippet", "exec"), {})
    evaluation = run.evaluation("val")
    key = {"multilabel": "map", "classify": "accuracy"}[evaluation.about()["task"]]
    assert float(printed.getvalue()) == pytest.approx(evaluation.metrics()["metrics"][key], abs=1e-6)


def test_a_run_without_environment_is_refused(tmp_path: Path) -> None:
    run = unscored(tmp_path / "made-up" / "001")
    run.environment_file.unlink()
    with pytest.raises(RunError, match=r"environment\.json: not found"):
        write_report(run)


def test_an_earlier_report_survives_a_failure(tmp_path: Path) -> None:
    run = scored_multilabel(tmp_path)
    before = write_report(run).read_bytes()
    (run.path / "evaluation" / "val" / "about.json").write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match="not valid JSON"):
        write_report(run)
    assert run.report_file.read_bytes() == before


def test_neither_torch_nor_pyplot_is_imported() -> None:
    code = "import sys, saccade.report; assert not {'torch', 'matplotlib.pyplot'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
