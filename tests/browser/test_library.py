"""Runs that cannot be browsed, several evaluations, and data that has moved."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient

from saccade.browse import create_app, serve
from saccade.browse.library import Library
from saccade.browse.serve import listen
from saccade.errors import RunError
from saccade.runs import Run

from .conftest import client_of, new_run, write_images, write_multilabel


@pytest.fixture
def run(tmp_path: Path) -> Run:
    write_images(tmp_path / "data", ["0.jpg", "1.jpg"])
    run = new_run(tmp_path)
    write_multilabel(run, "val", tmp_path / "data", ["0.jpg", "1.jpg"])
    return run


def test_nothing_scored(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"nothing to browse.*run `saccade evaluate "):
        create_app(new_run(tmp_path))


def test_unknown_evaluation_names_those_there_are(multilabel_run: Run) -> None:
    with pytest.raises(RunError, match="no evaluation 'holdout'; there is test, val"):
        create_app(multilabel_run, evaluation="holdout")


def test_val_comes_first_unless_another_is_asked_for(multilabel_run: Run) -> None:
    assert Library(multilabel_run).first == "val"
    assert Library(multilabel_run, evaluation="test").first == "test"
    html = client_of(multilabel_run, evaluation="test").get("/").text
    assert 'data-first="test"' in html
    assert "<option>val</option>" in html


def test_each_evaluation_has_its_own_numbers(multilabel: TestClient) -> None:
    assert multilabel.get("/api/test/summary").json()["n"] == 30
    assert multilabel.get("/api/val/summary").json()["n"] == 100


def change(run: Run, table: pl.DataFrame) -> None:
    table.write_parquet(run.evaluation("val").predictions_file)


def test_predictions_missing(run: Run) -> None:
    run.evaluation("val").predictions_file.unlink()
    with pytest.raises(RunError, match=r"predictions\.parquet: not found; make it with `saccade evaluate`"):
        create_app(run)


def test_column_missing(run: Run) -> None:
    change(run, run.evaluation("val").predictions().drop("loss"))
    with pytest.raises(RunError, match="no column loss"):
        create_app(run)


@pytest.mark.parametrize("scores", [[0.5, 0.5], None])
def test_wrong_number_of_scores_names_the_row(run: Run, scores: list[float] | None) -> None:
    table = run.evaluation("val").predictions()
    wrong = pl.Series("scores", [[0.1, 0.2, 0.3], scores], dtype=pl.List(pl.Float32))
    change(run, table.with_columns(wrong))
    with pytest.raises(RunError, match="scores of row 1 are not 3 numbers, one a class"):
        create_app(run)


def test_unknown_class_in_the_predictions(tmp_path: Path, classify_run: Run) -> None:
    run = new_run(tmp_path)
    evaluation = classify_run.evaluation("val")
    table = evaluation.predictions().with_columns(pl.lit("cow").alias("prediction"))
    run.evaluation("val").write(evaluation.metrics(), table, evaluation.about())
    with pytest.raises(RunError, match="class 'cow' is not among the classes"):
        create_app(run)


def test_another_task(run: Run) -> None:
    file = run.evaluation("val").path / "about.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"task": "detect"}))
    with pytest.raises(RunError, match="task 'detect'; browse shows multilabel, classify, segment, caption and spot"):
        create_app(run)


@pytest.mark.parametrize(("threshold", "expected"), [(0.0, 0.0), (0.25, 0.25), (None, 0.5)])
def test_threshold_of_the_run(tmp_path: Path, threshold: float | None, expected: float) -> None:
    run = new_run(tmp_path)
    write_multilabel(run, "val", tmp_path, ["0.jpg"], threshold=threshold)
    page = client_of(run).get("/api/val/images", params={"class": "cat"}).json()
    assert page["threshold"] == expected


def test_a_split_without_images(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write_multilabel(run, "val", tmp_path, [])
    page = client_of(run).get("/api/val/images", params={"class": "cat"}).json()
    assert (page["counts"]["all"], page["pages"], page["tiles"]) == (0, 1, [])


def test_data_that_is_gone_leaves_the_numbers(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    write_multilabel(run, "val", tmp_path / "gone", ["0.jpg"])
    client = client_of(run)
    assert client.get("/api/val/summary").json()["missing_data"] == str(tmp_path / "gone")
    assert client.get("/api/val/images").json()["tiles"][0]["problem"] == "data folder not found"
    assert client.get("/image/val/0").status_code == 404


def test_data_that_has_moved(tmp_path: Path) -> None:
    """The new place holds for all evaluations that had the old one, and for no other."""
    write_images(tmp_path / "new", ["0.jpg"])
    write_images(tmp_path / "other", ["0.jpg"])
    run = new_run(tmp_path)
    for name, root in (("val", "gone"), ("test", "gone"), ("elsewhere", "other")):
        write_multilabel(run, name, tmp_path / root, ["0.jpg"])
    library = Library(run, data_root=tmp_path / "new")
    roots = {name: library.gallery(name).allowed.root for name in library.names}
    assert roots == {"val": tmp_path / "new", "test": tmp_path / "new", "elsewhere": tmp_path / "other"}
    assert client_of(run, data_root=tmp_path / "new").get("/image/val/0").status_code == 200


def test_few_evaluations_stay_in_memory(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    for name in ("a", "b", "c"):
        write_multilabel(run, name, tmp_path, [])
    library = Library(run)
    galleries = [library.gallery(name) for name in ("a", "b", "c")]
    assert library.gallery("c") is galleries[2]
    assert library.gallery("a") is not galleries[0]


def test_a_busy_port_gives_the_next_free_one() -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        with listen(port) as free:
            assert free.getsockname()[0] == "127.0.0.1"
            assert free.getsockname()[1] > port


def test_no_port_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(RunError, match="port 8000 and the 50 after it cannot be used"):
        listen(8000)


def test_serve_announces_its_address_and_opens_the_browser(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("uvicorn.Server.run", lambda self, sockets: said.append(f"serves {len(sockets)}"))
    monkeypatch.setattr("webbrowser.open", lambda url: said.append(f"opens {url}"))
    serve(create_app(run), port=0, announce=said.append)
    url = said[0]
    assert url.startswith("http://127.0.0.1:")
    assert said == [url, f"opens {url}", "serves 1"]
    said.clear()
    serve(create_app(run), port=0, open_browser=False, announce=said.append)
    assert len(said) == 2
