"""The whole page of a caption run: what it says agrees with the files of the run folder, and it stands alone."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from saccade.data.coco_captions import read_references, read_results
from saccade.metrics.captions.results import paired
from saccade.metrics.captions.scores import CAPTION_POOLING, caption_scores
from saccade.report.growing import growing_curves
from saccade.report.words import metric_name, number
from saccade.report.write import write_report
from saccade.runs import Run

from .caption_run import GRID, add_captions, caption_run, epochs, looks, spoken, unscored_captions
from .page import Page


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Page]:
    """A scored run with attention and its report, for tests that only read them."""
    run = caption_run(tmp_path_factory.mktemp("caption"), regions="grid")
    return run, Page(write_report(run))


def test_the_top(reported: tuple[Run, Page]) -> None:
    run, page = reported
    metrics = run.evaluation("val").metrics()["metrics"]
    assert f"{number(metrics['cider'])} CIDEr-D" in page.text
    for key in ("bleu4", "meteor", "rouge_l"):
        assert f"{metric_name(key)}{number(metrics[key])}" in page.text
    assert "caption · resnet18 · 15 images of the val split" in page.text
    assert "classes" not in page.text[: page.text.index("Numbers")]
    assert "Always saying “" in page.text
    assert "With 15 images the 95 % interval of CIDEr-D is" in page.text
    assert f'class="reached" style="width: {10 * metrics["cider"]:.2f}%"' in page.source  # of 10


def test_the_numbers_are_those_of_metrics_json(reported: tuple[Run, Page]) -> None:
    run, page = reported
    metrics = run.evaluation("val").metrics()["metrics"]
    head, *rows = page.tables["Numbers"]
    assert head == ["metric", "how it was pooled", "value", "95 % interval"]
    assert [row[:3] for row in rows] == [
        [metric_name(k), CAPTION_POOLING.get(k, ""), number(v)] for k, v in metrics.items()
    ]
    for key, *_, interval in ((k, *row) for k, row in zip(metrics, rows, strict=True)):
        if key in ("loss", "meteor"):
            assert interval == ""
        else:
            low, high = map(float, interval.split(" to "))
            assert low <= metrics[key] <= high
    assert "but for the loss and CIDEr-D, which goes from 0 to 10." in page.text
    assert "and are the same." in page.text


def test_the_epochs_are_told_and_drawn(reported: tuple[Run, Page]) -> None:
    run, page = reported
    assert "The best BLEU-4 is that of epoch 9 (0.650), the best METEOR is that of epoch 5 (0.600)." in page.text
    curves = (run.figures / "curves.svg").read_text(encoding="utf-8")
    titles = ("loss", "CIDEr-D", "BLEU", "METEOR and ROUGE-L", "BLEU-4, best: epoch 9", "METEOR, best: epoch 5")
    for text in (*titles, "BLEU-1", "BLEU-2", "BLEU-3", "ROUGE-L", "chosen: epoch 7"):
        assert f">{text}</text>" in curves
    assert page.source.count("<svg") == 6
    names = {f"{n}.{kind}" for n in ("curves", "cider", "lengths") for kind in ("svg", "png")}
    assert {p.name for p in run.figures.iterdir()} == names


def test_the_best_the_median_and_the_worst_images(reported: tuple[Run, Page]) -> None:
    run, page = reported
    rows = run.evaluation("val").predictions().with_row_index().sort(["cider", "index"], descending=[True, False])
    names = rows["image"].to_list()
    assert page.galleries == [names[:4], names[5:9], names[:-5:-1]]
    best = rows.row(0, named=True)
    said = f"{best['caption']} {number(best['cider'])} #1 BLEU-4 {number(best['bleu4'])}, METEOR"
    assert said in page.text
    assert " ".join(best["references"]) in page.text


def test_captions_and_words_are_counted(reported: tuple[Run, Page]) -> None:
    _, page = reported
    assert page.tables["Most frequent captions"][:2] == [
        ["caption", "images", "share of the images"],
        ["a thing", "5", "0.333"],
    ]
    assert ["there", "15", "1.000"] in page.tables["Never said"]
    assert "9 different captions for 15 images." in page.text


def test_where_it_looks(reported: tuple[Run, Page]) -> None:
    _, page = reported
    assert "the places of a grid of 2 x 3 (height x width)" in page.text
    assert "would be 0.17 if all regions weighed alike" in page.text
    assert "Best: a red circle a 0.917 red 0.917 circle 0.917 Worst: a thing a 0.917 thing 0.917" in page.text
    assert len(page.pictures) == 12 + 3 + 2


def test_it_stands_alone_and_is_the_same_again(reported: tuple[Run, Page]) -> None:
    run, page = reported
    assert all(src.startswith("data:image/jpeg;base64,") for src in page.pictures)
    assert [a for a in page.addresses if not a.startswith(("data:image/jpeg;base64,", "#"))] == []
    assert not page.tags & {"link", "iframe", "object", "embed", "base", "image"}
    assert {"#captions", "#images"} <= set(page.addresses)
    assert "#classes" not in page.addresses
    files = {p.name: p.read_bytes() for p in run.figures.iterdir()}
    assert write_report(run).read_bytes() == page.source.encode()
    assert {p.name: p.read_bytes() for p in run.figures.iterdir()} == files


def test_the_snippet_gives_the_numbers(reported: tuple[Run, Page]) -> None:
    run, page = reported
    subprocess.run([sys.executable, "-W", "error", "-c", page.preformatted["snippet"]], cwd=run.path, check=True)
    written = paired(read_results(run.path / "results.json"), read_references(run.path / "references.json"))
    found = caption_scores(written.captions, written.references).metrics
    metrics = run.evaluation("val").metrics()["metrics"]
    assert {k: metrics[k] for k in found} == pytest.approx(found, abs=1e-12)
    assert f"# cider {found['cider']:.6f}" in page.preformatted["snippet"]


def test_the_data_has_no_classes(reported: tuple[Run, Page]) -> None:
    _, page = reported
    assert page.tables["Data"] == [
        ["split", "use", "images"],
        ["train", "to learn from", "90"],
        ["holdout", "cut from train to choose the epoch", "10"],
        ["val", "to score", "30"],
    ]
    assert "Images of each class" not in page.tables


def test_numbers_that_do_not_belong_to_the_captions_are_told(tmp_path: Path) -> None:
    run = unscored_captions(tmp_path, rows=[])
    add_captions(run, *spoken(9), metrics={"cider": 4.0})
    page = Page(write_report(run))
    assert "The numbers of this evaluation do not belong to its captions" in page.text
    assert "CIDEr-D 4.000, and" in page.text
    assert "and are the same." not in page.text


def test_without_meteor(tmp_path: Path) -> None:
    run = caption_run(tmp_path, meteor=False)
    run.keep_epochs(epochs(meteor=False))
    page = Page(write_report(run))
    assert "METEOR was not measured" in page.text
    assert "METEOR" not in [row[0] for row in page.tables["Numbers"]]
    assert "best METEOR" not in page.text
    curves = (run.figures / "curves.svg").read_text(encoding="utf-8")
    assert "METEOR" not in curves
    assert ">ROUGE-L</text>" in curves


def test_one_image(tmp_path: Path) -> None:
    page = Page(write_report(caption_run(tmp_path, 1, regions="grid", rows=[])))
    assert "0.000 CIDEr-D" in page.text
    assert "of a single image every weight is 0" in page.text
    assert page.tables["Numbers"][0] == ["metric", "how it was pooled", "value"]
    assert page.galleries == [["images/000.jpg"]]
    assert "The one image of 1 image" in page.text


def test_nothing_but_empty_captions(tmp_path: Path) -> None:
    run = unscored_captions(tmp_path, rows=[])
    add_captions(run, [""] * 5, spoken(5)[1], attention=[[]] * 5, regions=GRID)
    page = Page(write_report(run))
    assert page.tables["Most frequent captions"][1] == ["(nothing)", "5", "1.000"]
    assert "5 captions are empty." in page.text
    assert "Where it looks" not in page.text


def test_a_run_without_training_and_epochs_that_were_not_scored(tmp_path: Path) -> None:
    run = caption_run(tmp_path / "a")
    run.keep_epochs([])
    page = Page(write_report(run))
    assert "No epoch was trained" in page.text
    assert "Training" not in page.text[page.text.index("Numbers") : page.text.index("Most frequent")]
    run = caption_run(tmp_path / "b")
    run.keep_epochs([{"epoch": e, "step": e, "lr": 1e-3, "train": {"loss": 1 / e}} for e in (1, 2)])
    page = Page(write_report(run))
    assert "No epoch was scored." in page.text
    assert page.source.count("<svg") == 1 + 2


def test_missing_pictures_are_tiles_and_a_sentence(tmp_path: Path) -> None:
    page = Page(write_report(caption_run(tmp_path, regions="grid", rows=[]), data_root=tmp_path / "elsewhere"))
    assert page.pictures == []
    assert page.source.count('class="blank"') == 12
    assert "12 of 12 pictures are not shown" in page.text
    assert "Where it looks" not in page.text


def test_everything_is_escaped(tmp_path: Path) -> None:
    odd = [
        "<b>a</b>",
        "</pre><script>alert(1)</script>",
        "a & 'b' \"c\" $x_1$",
        "\N{GRINNING FACE} été کتاب",
        "{{ 7 * 7 }}",
    ]
    run = unscored_captions(tmp_path, rows=[])
    images = [f'<em>/"{i}" onerror=x.jpg' for i in range(5)]
    (tmp_path / "data" / "<em>").mkdir(parents=True)
    add_captions(run, odd, [[text, "a cat"] for text in odd], images=images, attention=looks(odd, 6), regions=GRID)
    page = Page(write_report(run))
    assert not page.tags & {"b>", "em", "alert"}
    assert page.source.count("<script>") == 1
    assert {row[0] for row in page.tables["Most frequent captions"][1:]} == set(odd)
    assert "49" not in page.text[page.text.index("Most frequent") : page.text.index("Never said")]


def test_a_run_that_is_still_training(tmp_path: Path) -> None:
    page = Page(write_report(unscored_captions(tmp_path)))
    assert "This run has no evaluation" in page.text
    assert "the best METEOR is that of epoch 5" in page.text
    assert page.source.count("<svg") == 4


def test_curves_grow_while_it_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # by the module: beside it, `saccade.report` is also a function
    monkeypatch.setattr(import_module("saccade.report.growing"), "SECONDS", 0.0)
    run = unscored_captions(tmp_path, rows=epochs(2))
    growing_curves(run, "caption")()
    assert "BLEU-4, best: epoch 2" in (run.figures / "curves.svg").read_text(encoding="utf-8")


def test_other_evaluations_are_listed(tmp_path: Path) -> None:
    run = caption_run(tmp_path, rows=[])
    other = run.evaluation("test")
    value = run.evaluation("val")
    other.write(value.metrics(), value.predictions(), value.about() | {"checkpoint": "last.ckpt"})
    found = number(value.metrics()["metrics"]["cider"])
    assert Page(write_report(run)).tables["Other evaluations"][1] == ["test", "last.ckpt", "no", "CIDEr-D", found, "15"]
