"""Captions behind the page: orders, words, attention and what is refused; `CAPTIONS` in caption_run.py is the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient

from saccade.browse import create_app
from saccade.browse.attention import checked
from saccade.browse.wordlist import count_words, lengths, phrase, plain, plain_lists
from saccade.errors import RunError
from saccade.runs import Run

from .caption_run import BOXES, CAPTIONS, GRID, POOLING, attention_of, write_captions
from .conftest import client_of, new_run
from .test_segments import images, rows


@pytest.fixture(scope="module")
def captions(caption_run: Run) -> TestClient:
    return client_of(caption_run)


def client(folder: Path, **changes: Any) -> TestClient:
    run = new_run(folder)
    write_captions(run, folder / "data", **changes)
    return client_of(run)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (None, [3, 1, 4, 2, 0, 5]),  # CIDEr-D 0 twice: the greater loss is worse; without a number last
        ("worst", [3, 1, 4, 2, 0, 5]),
        ("best", [0, 2, 4, 1, 3, 5]),
        ("worst_meteor", [3, 1, 4, 2, 0, 5]),
        ("best_meteor", [0, 2, 4, 1, 3, 5]),
        ("worst_bleu4", [3, 1, 4, 2, 0, 5]),
        ("best_bleu4", [0, 2, 4, 1, 3, 5]),
        ("loss", [3, 4, 1, 2, 0, 5]),
        ("least_loss", [0, 2, 1, 4, 3, 5]),
        ("data", [0, 1, 2, 3, 4, 5]),
        ("data_back", [5, 4, 3, 2, 1, 0]),
    ],
)
def test_order(captions: TestClient, order: str | None, expected: list[int]) -> None:
    assert rows(images(captions, **({"order": order} if order else {}))) == expected


def test_an_order_of_captions_is_none_of_other_tasks(multilabel: TestClient, segment_run: Run) -> None:
    for other in (multilabel, client_of(segment_run)):
        answer = other.get("/api/val/images", params={"order": "worst_meteor"})
        assert (answer.status_code, answer.json()["detail"]) == (
            404,
            "there is no order worst_meteor here; there is best, least_loss, loss, worst",
        )
        assert other.get("/api/val/overview").status_code == 404


def test_a_tile_has_the_first_references_and_the_numbers(captions: TestClient) -> None:
    page = images(captions)
    assert page["counts"] == {"all": 6, "misses": 2}
    tile = next(tile for tile in page["tiles"] if tile["row"] == 0)
    assert tile == {
        "row": 0,
        "image": "0.jpg",
        "problem": None,
        "caption": "a dog runs",
        "references": CAPTIONS[0][1][:3],
        "n_references": 5,
        "cider": 3.5,
        "meteor": 0.75,
        "bleu4": 0.5,
        "rouge_l": 1.0,
        "loss": 0.5,
    }
    assert rows(images(captions, show="misses")) == [3, 1]


@pytest.mark.parametrize(
    ("show", "expected"),
    [
        ("all", [1, 4, 0]),
        ("hits", [0]),
        ("misses", [1, 4]),
        ("false_alarms", []),
        ("referred", [1, 4, 0]),
        ("said", [0]),
    ],
)
def test_a_word_finds_its_images(captions: TestClient, show: str, expected: list[int]) -> None:
    """References of 0, 1 and 4 have "dog" ("Dog!" too, "hotdog" not); only the caption of 0 says it."""
    page = images(captions, **{"class": "dog"}, show=show)
    assert rows(page) == expected
    assert page["counts"] == {"all": 3, "hits": 1, "misses": 2, "false_alarms": 0, "referred": 3, "said": 1}
    outcomes = {tile["row"]: tile["outcome"] for tile in page["tiles"]}
    assert outcomes == {row: "hit" if row == 0 else "miss" for row in expected}


def test_words_next_to_each_other(captions: TestClient) -> None:
    assert rows(images(captions, **{"class": "Brown  DOG,"}, order="data")) == [0, 1]
    assert rows(images(captions, **{"class": "dog and"}, order="data")) == [0]  # a comma is between them
    assert rows(images(captions, **{"class": "runs the"})) == []  # the end of a reference and the start of the next
    assert rows(images(captions, **{"class": "line break"})) == [4]
    assert rows(images(captions, **{"class": "NAÏVE"})) == [4]
    assert rows(images(captions, **{"class": "unicorn"})) == []
    assert captions.get("/api/val/images", params={"class": "!.*"}).status_code == 404


def test_images_of_one_caption(captions: TestClient) -> None:
    assert rows(images(captions, caption="a cat")) == [1, 2]
    assert images(captions, caption="a cat")["counts"] == {"all": 2, "misses": 1}
    assert rows(images(captions, caption="a cat", **{"class": "mat"})) == [2]
    assert rows(images(captions, caption="")) == [3]


def test_summary_lists_words_by_the_images_whose_references_have_them(captions: TestClient) -> None:
    summary = captions.get("/api/val/summary").json()
    assert (summary["task"], summary["n"], summary["regions"]) == ("caption", 6, GRID)
    assert summary["columns"] == ["n_referred", "n_said", "n_both", "recall", "precision"]
    table = {word: numbers for word, *numbers in summary["table"]}
    assert summary["table"][0] == ["a", 4, 4, 3, 0.75, 0.75]  # references of 0 to 3; said of 0, 1, 2 and 5
    assert table["dog"] == [3, 1, 1, pytest.approx(1 / 3), 1.0]
    assert table["cat"] == [1, 3, 1, 1.0, pytest.approx(1 / 3)]  # said of 1, 2 and 4, whose "<b>" is no part of it
    assert table["very"] == [0, 1, 0, None, 0.0]
    assert table["brown"] == [2, 0, 0, 0.0, None]
    assert list(summary["metrics"])[-1] == "loss"
    assert summary["numbers"] == ["cider", "meteor", "bleu4", "rouge_l", "loss"]


def test_overview(captions: TestClient) -> None:
    found = captions.get("/api/val/overview").json()
    assert found["metrics"][-1] == ["cider", 1.25, POOLING["cider"]]
    assert found["metrics"][0] == ["loss", 1.5, None]
    assert (found["n"], found["n_captions"], found["n_empty"]) == (6, 5, 1)
    assert found["frequent"] == [["a cat", 2]]
    long = found["lengths"]
    # words: 3, 2, 2, none, b cat b script document title owned script amp naïve ٣, and 84 of the long one
    assert {k: n for k, n in enumerate(long["captions"]) if n} == {0: 1, 2: 2, 3: 1, 11: 1, 40: 1}
    assert sum(long["references"]) == 13
    assert found["median_length"] == {"captions": 2.5, "references": 3.0}
    assert found["never"][:2] == [["ball", 2], ["brown", 2]]
    said = {"a", "dog", "runs", "cat", "b", "script", "document", "title", "owned", "amp", "naïve", "٣", "very", "long"}
    said |= {"supercalifragilisticexpialidociouslylongwordwithoutanyend", "caption"}
    assert found["n_said"] == len(said)


def test_one_image_has_all_references_and_its_attention(captions: TestClient) -> None:
    image = captions.get("/api/val/images/0").json()
    assert image["references"] == CAPTIONS[0][1]
    assert image["words"] == ["a", "dog", "runs"]
    assert image["weights"] == attention_of("a dog runs")
    assert (image["boxes"], image["attention_problem"]) == (None, None)
    for row in (3, 5):  # nothing was said; the network does not look at regions
        other = captions.get(f"/api/val/images/{row}").json()
        assert (other["weights"], other["attention_problem"]) == (None, None)
    assert captions.get("/api/val/images/3").json()["words"] == []
    assert captions.get("/api/val/images/6").status_code == 404


def test_boxes(tmp_path: Path) -> None:
    attention = pl.Series([attention_of(c, 3) for c, _ in CAPTIONS], dtype=pl.List(pl.List(pl.Float32)))
    boxes = pl.Series([BOXES] * len(CAPTIONS), dtype=pl.List(pl.List(pl.Float32)))
    found = client(tmp_path, attention=attention, boxes=boxes, about={"regions": {"kind": "boxes"}})
    image = found.get("/api/val/images/1").json()
    assert (image["boxes"], image["weights"]) == (BOXES, attention_of("a cat", 3))


@pytest.mark.parametrize(
    ("weights", "regions", "problem"),
    [
        ([[0.5] * 6], GRID, "1 rows of weights for 2 words"),
        ([[0.5] * 6, [0.5] * 5], GRID, "the weights of word 2 are not 6 numbers from 0 up, one a region"),
        ([[0.5] * 6, [-0.5] * 6], GRID, "the weights of word 2 are not 6 numbers from 0 up, one a region"),
        ([[0.5] * 6, [float("nan")] * 6], GRID, "the weights of word 2 are not 6 numbers from 0 up, one a region"),
        ([[None] * 6, [0.5] * 6], GRID, "the weights of word 1 are not 6 numbers from 0 up, one a region"),
        ([None, [0.5] * 6], GRID, "the weights of word 1 are not 6 numbers from 0 up, one a region"),
        ([[0.5] * 6] * 2, {}, "about.json does not say which regions the weights are of"),
        ([[0.5] * 6] * 2, GRID | {"height": 0}, "about.json does not say which regions the weights are of"),
        ([[0.5] * 6] * 2, GRID | {"resize": "pad"}, "about.json does not say which regions the weights are of"),
        ([[0.5] * 6] * 2, {"kind": "pooled"}, "about.json does not say which regions the weights are of"),
        ([[0.5] * 3] * 2, {"kind": "boxes"}, "the boxes of the regions are not there"),
    ],
)
def test_attention_that_does_not_fit_is_left_out(weights: Any, regions: dict[str, Any], problem: str) -> None:
    found = checked(weights, None, ["a", "cat"], regions)
    assert (found.weights, found.problem) == (None, problem)


def test_boxes_that_do_not_fit() -> None:
    for boxes in ([[0.0, 0.0, 1.0]], [None], [[0.0, 0.0, 1.0, float("inf")]]):
        assert checked([[1.0]], boxes, ["cat"], {"kind": "boxes"}).problem == "the boxes of the regions are not there"
    assert checked([[0.5, 0.5]], [[0.0, 0.0, 1.0, 1.0]], ["cat"], {"kind": "boxes"}).problem is not None


def test_a_grid_that_was_cropped_must_say_how_much() -> None:
    crop = GRID | {"resize": "crop"}
    assert checked([[0.5] * 6], None, ["cat"], crop).weights is not None
    assert checked([[0.5] * 6], None, ["cat"], crop | {"resize_crop": None}).weights is None


def test_what_an_evaluation_may_leave_out(tmp_path: Path) -> None:
    """METEOR where its tables are not installed, attention where the network has none."""
    left_out = dict.fromkeys(("meteor", "bleu4", "rouge_l", "loss", "attention"))
    found = client(tmp_path, **left_out, about={"regions": {"kind": "pooled"}})
    assert found.get("/api/val/summary").json()["numbers"] == ["cider"]
    assert rows(images(found)) == [1, 3, 4, 2, 0, 5]
    assert rows(images(found, order="worst_meteor")) == [0, 1, 2, 3, 4, 5]
    assert "meteor" not in images(found)["tiles"][0]
    assert found.get("/api/val/images/0").json()["weights"] is None


def test_a_column_of_nothing_counts_as_none(tmp_path: Path) -> None:
    found = client(tmp_path, meteor=pl.Series([None] * 6, dtype=pl.Float32))
    assert "meteor" not in found.get("/api/val/summary").json()["numbers"]


def test_nulls_are_nothing(tmp_path: Path) -> None:
    none = pl.Series([None] * 5 + [["x", None]], dtype=pl.List(pl.String))
    found = client(tmp_path, caption=pl.Series([None] * 6, dtype=pl.String), references=none)
    assert found.get("/api/val/images/0").json()["words"] == []
    assert found.get("/api/val/images/0").json()["references"] == []
    assert found.get("/api/val/images/5").json()["references"] == ["x"]
    assert found.get("/api/val/overview").json()["frequent"] == [["", 6]]


def test_a_split_without_images(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write_captions(run, tmp_path)
    file = run.evaluation("val").predictions_file
    pl.read_parquet(file).clear().write_parquet(file)
    found = client_of(run)
    assert (images(found)["counts"]["all"], images(found)["tiles"]) == (0, [])
    assert found.get("/api/val/overview").json()["median_length"] == {"captions": None, "references": None}
    assert rows(images(found, **{"class": "dog"})) == []


def test_data_that_is_gone(tmp_path: Path) -> None:
    found = client(tmp_path)
    assert found.get("/api/val/summary").json()["missing_data"] == str(tmp_path / "data")
    image = found.get("/api/val/images/0").json()
    assert (image["problem"], len(image["weights"])) == ("data folder not found", 3)


def test_files_that_do_not_fit(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write_captions(run, tmp_path, references=None)
    with pytest.raises(RunError, match=r"no column references; score the split again with `saccade evaluate`"):
        create_app(run)
    write_captions(run, tmp_path, caption=pl.Series(range(6)))
    with pytest.raises(RunError, match="column caption holds Int64, not String"):
        create_app(run)
    run.evaluation("val").predictions_file.write_bytes(b"PAR1 but no more")
    with pytest.raises(RunError, match=r"predictions\.parquet: not a Parquet file"):
        create_app(run)


def test_words_are_runs_of_letters_and_digits() -> None:
    assert plain(pl.Series(["A Dog, runs!", "", "T-shirt's\nX2", "¡¿", "é e\u0301 狗"])).to_list() == [
        " a dog runs ",
        " ",
        " t shirt s x2 ",
        " ",
        " é e\u0301 狗 ",
    ]
    lists = pl.Series([["A dog.", "the dog\nis"], [], ["", "x"]], dtype=pl.List(pl.String))
    assert plain_lists(lists).to_list() == [" a dog | the dog is ", " ", " | x "]
    assert (phrase(" Red--BALL "), phrase("|"), phrase("")) == (" red ball ", "", "")
    assert lengths(plain(pl.Series(["", "a", "a b  c", "!"]))).to_list() == [0, 1, 3, 0]


def test_an_image_counts_once_for_a_word() -> None:
    said, referred = plain(pl.Series(["a a cat", "cat"])), plain_lists(pl.Series([["a dog", "a a"], ["cat cat"]]))
    # equal numbers of references go by those of captions
    assert count_words(said, referred).rows() == [("cat", 1, 2, 1), ("a", 1, 1, 1), ("dog", 1, 0, 0)]
