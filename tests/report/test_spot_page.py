"""The whole page of a spot run: what it says agrees with the files of the run folder, and it stands alone."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

from saccade.report.growing import growing_curves
from saccade.report.words import metric_name, number
from saccade.report.write import write_report
from saccade.runs import Run

from .page import Page
from .spot_run import PARTS, PROTOCOLS, Sign, add_spotting, box, epochs, outlines, signs, spot_run, unscored_spot

NAMES = {"detection": "detection", "end_to_end": "end-to-end", "word_spotting": "word spotting"}


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Page]:
    """A scored run that reads and its report, for tests that only read them."""
    run = spot_run(tmp_path_factory.mktemp("spot"))
    return run, Page(write_report(run))


@pytest.fixture(scope="module")
def finds_only(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Page]:
    """The same of a network that only finds."""
    run = spot_run(tmp_path_factory.mktemp("east"), reads=False)
    return run, Page(write_report(run))


def test_the_top(reported: tuple[Run, Page]) -> None:
    run, page = reported
    metrics = run.evaluation("val").metrics()["metrics"]
    assert metrics["end_to_end_hmean"] == pytest.approx(8 / 19)
    assert "0.421 end-to-end H-mean" in page.text
    for key in ("detection_hmean", "word_spotting_hmean", "cer"):
        assert f"{metric_name(key)}{number(metrics[key])}" in page.text
    assert "spot · fots · 7 images of the val split" in page.text
    assert "Of 10 words 6 were found, and 4 of them read right. 3 of 9 detections match no word." in page.text
    assert "With 7 images the 95 % interval of the end-to-end H-mean is" in page.text
    assert f'class="reached" style="width: {100 * 8 / 19:.2f}%"' in page.source
    assert "best of 10 epochs by end-to-end H-mean on the holdout" in page.text


def test_every_picture_can_be_seen_under_its_score_map(reported: tuple[Run, Page]) -> None:
    _, page = reported
    assert page.source.count("<summary>Score map</summary>") == page.source.count('<div class="scene"') > 0


def test_how_it_was_measured(reported: tuple[Run, Page]) -> None:
    _, page = reported
    assert "Measured by the protocol of ICDAR 2015: word after word takes the first free detection" in page.text
    assert "IoU of more than 0.5." in page.text
    assert "One fixed threshold, 0.8 (task.threshold), holds for all images; it is not the best of several" in page.text
    assert "Words are read without a lexicon." in page.text


def test_the_numbers_are_those_of_metrics_json(reported: tuple[Run, Page]) -> None:
    run, page = reported
    document = run.evaluation("val").metrics()
    head, *rows = page.tables["Numbers"]
    assert head == ["protocol", "precision", "recall", "H-mean", "95 % interval of the H-mean"]
    assert [row[:4] for row in rows] == [
        [NAMES[name], *(number(document[name][part]) for part in PARTS)] for name in PROTOCOLS
    ]
    for name, row in zip(PROTOCOLS, rows, strict=True):
        low, high = map(float, row[4].split(" to "))
        assert low <= document[name]["hmean"] <= high
    further = {row[0]: row for row in page.tables["Further numbers"]}
    assert list(further) == ["metric", "character error rate", "word accuracy", "loss"]
    assert further["character error rate"][2] == "0.240"  # 6 edits of 25 letters
    assert further["word accuracy"][2] == "0.500"
    assert further["loss"][2:] == ["1.500", ""]
    assert "but for the loss and the character error rate, which may be above 1." in page.text
    assert "computed again for this page from predictions.parquet, and are the same." in page.text


def test_the_epochs_are_told_and_drawn(reported: tuple[Run, Page]) -> None:
    run, page = reported
    assert "Epoch 7 was chosen: its end-to-end H-mean" in page.text
    assert "The best detection H-mean is that of epoch 9 (0.900), the best word spotting H-mean" in page.text
    assert "the lowest character error rate is that of epoch 8 (0.050)." in page.text
    curves = (run.figures / "curves.svg").read_text(encoding="utf-8")
    titles = ("loss", "H-mean", "precision and recall", "reading of the words that are found", "train", "holdout")
    best = ("end-to-end, best: epoch 7", "detection, best: epoch 9", "word spotting, best: epoch 6")
    for text in (*titles, *best, "end-to-end recall", "character error rate", "chosen: epoch 7"):
        assert f">{text}</text>" in curves
    names = {f"{n}.{kind}" for n in ("curves", "recall_by_height", "scores") for kind in ("svg", "png")}
    assert {p.name for p in run.figures.iterdir()} == names


def test_what_became_of_the_words(reported: tuple[Run, Page]) -> None:
    run, page = reported
    assert (
        "10 words of 7 images are cared for, 2 are not. 4 were read right, 2 found and misread and 4 missed: 1 of the "
        "missed overlaps a detection by half or less, or one that another word took, and at 3 there is none. 2 images "
        "have no word that is cared for. In 1 image nothing was found."
    ) in page.text
    heights = (run.figures / "recall_by_height.svg").read_text(encoding="utf-8")
    # of seven words 10 pixels high four were found; none is 12 to 16 high
    for text in ("&lt; 8", "8\N{EN DASH}12", "24\N{EN DASH}32", "0.57", "1.00", "0.00", "found", "and read right"):
        assert f">{text}</text>" in heights
    assert "Words with a side of less than 10 pixels, as the network sees them, were not learned." in page.text


def test_letters_and_misreadings(reported: tuple[Run, Page]) -> None:
    _, page = reported
    assert page.tables["Most confused characters"] == [
        ["written", "read as", "times", "share of the letter"],
        ["O", "0", "2", "0.667"],
    ]
    assert "1 word with more edits than half its letters is left out" in page.text  # SALE of Sale!
    assert page.tables["Most frequent misreadings"] == [["written", "read as", "times"], ["OPEN", "0PEN", "2"]]
    assert "2 words were misread, in 1 different way." in page.text


def test_the_best_the_median_and_the_worst_images(reported: tuple[Run, Page]) -> None:
    _, page = reported
    assert page.galleries == [["images/000.jpg"], ["images/001.jpg"], ["images/005.jpg"]]
    assert "of 5 images in which there is something to find or something was found" in page.text
    assert outlines(page) == {"right": 3, "misread": 1, "missed": 3, "alarm": 2, "uncared": 2}
    # the picture is 160 pixels wide, and 600 units
    assert '<polygon class="o-misread" points="0.0,0.0 150.0,0.0 150.0,37.5 0.0,37.5"/>' in page.source
    assert "0.333 #3 1 right, 1 misread, 1 missed, 1 false alarm, 1 not cared for" in page.text
    legend = page.text[page.text.index("level as they are read.") : page.text.index("Best ")]
    assert legend.split(". ")[1] == "right misread missed false alarm not cared for "


def test_words_are_cut_out_and_told(reported: tuple[Run, Page]) -> None:
    _, page = reported
    for said in (
        "1 0PEN misread: it says OPEN, score 0.90",
        "2 EXIT missed: IoU 0.14 with the nearest detection",
        "3 III false alarm, score 0.50",
        "4 TAXI right, score 0.85",
        "SALE right: written Sale!, score 0.96",
        "CAFE missed: nothing was found there",
    ):
        assert said in page.text
    # three pictures, each under its score map too, and of every word that is cared for a cut-out
    assert len(page.pictures) == 3 + 3 + 2 + 4 + 3


def test_lines_are_told_apart_by_more_than_their_colour(reported: tuple[Run, Page]) -> None:
    _, page = reported
    style = page.source[: page.source.index("</style>")]
    rules = dict(re.findall(r"\.outlines \.o-(\w+) \{([^}]*)\}", style))
    assert set(rules) == {"right", "misread", "missed", "alarm", "uncared"}
    dashes = [re.findall(r"stroke-dasharray: ([^;]*);", rule) for rule in rules.values()]
    assert len({str(each) for each in dashes}) == 5
    assert len({re.findall(r"stroke: ([^;]*);", rule)[0] for rule in rules.values()}) == 5


def test_it_stands_alone_and_is_the_same_again(reported: tuple[Run, Page]) -> None:
    run, page = reported
    assert all(src.startswith("data:image/jpeg;base64,") for src in page.pictures)
    assert [a for a in page.addresses if not a.startswith(("data:image/jpeg;base64,", "#"))] == []
    assert not page.tags & {"link", "iframe", "object", "embed", "base", "image"}
    assert {"#words", "#images"} <= set(page.addresses)
    assert "#classes" not in page.addresses
    files = {p.name: p.read_bytes() for p in run.figures.iterdir()}
    assert write_report(run).read_bytes() == page.source.encode()
    assert {p.name: p.read_bytes() for p in run.figures.iterdir()} == files


@pytest.mark.parametrize("kind", ["reported", pytest.param("finds_only", marks=pytest.mark.slow)])
def test_the_snippet_gives_the_headline(kind: str, request: pytest.FixtureRequest) -> None:
    run, page = request.getfixturevalue(kind)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", page.preformatted["snippet"]],
        cwd=run.path,
        check=True,
        capture_output=True,
        text=True,
    )
    *_, last = done.stdout.splitlines()
    metrics = run.evaluation("val").metrics()["metrics"]
    headline = metrics["end_to_end_hmean" if kind == "reported" else "detection_hmean"]
    assert float(last) == pytest.approx(headline, abs=1e-12)
    assert f"# {headline:.6f}" in page.preformatted["snippet"]
    if kind == "reported":
        assert done.stdout.splitlines()[-2] == f"{metrics['cer']} {metrics['word_accuracy']}"


def test_a_network_that_only_finds(finds_only: tuple[Run, Page]) -> None:
    run, page = finds_only
    assert "0.632 detection H-mean" in page.text  # 12 / 19
    assert "detection precision0.667" in page.text
    assert "Of 10 words 6 were found. 3 of 9 detections match no word." in page.text
    assert [row[0] for row in page.tables["Numbers"]] == ["protocol", "detection"]
    assert [row[0] for row in page.tables["Further numbers"]] == ["metric", "loss"]
    assert "Most confused characters" not in page.tables
    for word in ("misread", "end-to-end", "End-to-end", "lexicon", "character error rate"):
        assert word not in page.text
    assert "HOTEL found, score 0.95, IoU 0.95" in page.text
    curves = (run.figures / "curves.svg").read_text(encoding="utf-8")
    assert ">detection H-mean</text>" in curves
    assert ">detection precision and detection recall</text>" in curves
    assert outlines(page)["misread"] == 0


def test_the_data_has_no_classes(reported: tuple[Run, Page]) -> None:
    _, page = reported
    assert page.tables["Data"] == [
        ["split", "use", "images"],
        ["train", "to learn from", "90"],
        ["holdout", "cut from train to choose the epoch", "10"],
        ["val", "to score", "30"],
    ]


def test_missing_pictures_are_tiles_and_a_sentence(tmp_path: Path) -> None:
    page = Page(write_report(spot_run(tmp_path, rows=[]), data_root=tmp_path / "elsewhere"))
    assert page.pictures == []
    assert "3 of 3 pictures are not shown" in page.text
    assert "1 no image0PEN misread: it says OPEN" in page.text
    assert outlines(page) == {}


def test_images_lie_under_the_root_and_are_turned_upright(tmp_path: Path) -> None:
    run = spot_run(tmp_path, rows=[])
    turned = Image.Exif()
    turned[0x0112] = 6  # a quarter turn clockwise
    Image.new("RGB", (100, 160), "navy").save(tmp_path / "data" / "images" / "000.jpg", exif=turned)
    page = Page(write_report(run))
    assert page.source.count('viewBox="0 0 600.0 375.0"') == 3


def test_everything_is_escaped(tmp_path: Path) -> None:
    odd = ["<b>a</b>", "</title></svg><script>alert(1)</script>", "a & 'b' \"c\" $x_1$", "کتاب", "{{ 7 * 7 }}"]
    found = [Sign([(box(0, 0), text)], [(box(0, 0), f"{text}!", 0.9)]) for text in odd]
    run = spot_run(tmp_path, found, rows=[])
    page = Page(write_report(run))
    assert not page.tags & {"b>", "em", "alert"}
    assert page.source.count("<script>") == 1
    assert {row[0] for row in page.tables["Most frequent misreadings"][1:]} == set(odd)
    assert "49" not in page.text[page.text.index("Most frequent") : page.text.index("Images The")]


def test_numbers_that_do_not_belong_to_the_words_are_told(tmp_path: Path) -> None:
    run = unscored_spot(tmp_path, rows=[])
    add_spotting(run, signs(), metrics={"detection_recall": 0.9})
    page = Page(write_report(run))
    assert "The numbers of this evaluation do not belong to its words" in page.text
    assert "gives them again: detection recall 0.900, and 0.600." in page.text
    assert "and are the same." not in page.text


def test_a_lexicon_is_told(tmp_path: Path) -> None:
    page = Page(write_report(spot_run(tmp_path, rows=[], decoding={"lexicon": "words.txt", "threshold": 0.5})))
    assert "One fixed threshold, 0.5 (task.threshold)" in page.text
    assert "What is read is always a word of the lexicon words.txt, the one that fits best." in page.text


def test_a_run_that_is_still_training(tmp_path: Path) -> None:
    page = Page(write_report(unscored_spot(tmp_path)))
    assert "This run has no evaluation" in page.text
    assert "the lowest character error rate is that of epoch 8" in page.text
    assert page.source.count("<svg") == 4


def test_curves_grow_while_it_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # by the module: beside it, `saccade.report` is also a function
    monkeypatch.setattr(import_module("saccade.report.growing"), "SECONDS", 0.0)
    run = unscored_spot(tmp_path, rows=epochs(2, reads=False))
    growing_curves(run, "spot")()
    assert "detection, best: epoch 2" in (run.figures / "curves.svg").read_text(encoding="utf-8")


def test_curves_of_noughts(tmp_path: Path) -> None:
    rows = [{"epoch": e, "train": {"loss": 1.0}, "val": {"loss": 1.0, "detection_hmean": 0.0}} for e in (1, 2)]
    run = unscored_spot(tmp_path, reads=False, rows=rows)
    run.write_environment({key: value for key, value in run.environment().items() if key != "selection"})
    page = Page(write_report(run))
    curves = (run.figures / "curves.svg").read_text(encoding="utf-8")
    assert "best: epoch" not in curves
    assert "\N{MINUS SIGN}0.0" not in curves
    assert "A dot is" not in page.text


def test_other_evaluations_are_listed(tmp_path: Path) -> None:
    run = spot_run(tmp_path, reads=False, rows=[])
    add_spotting(run, signs(), reads=False, name="test", checkpoint="last.ckpt")
    row = Page(write_report(run)).tables["Other evaluations"][1]
    assert row == ["test", "last.ckpt", "no", "detection H-mean", "0.632", "7"]
