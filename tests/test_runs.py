"""The run folder: numbering, opening, locking, epochs and evaluations."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from saccade.errors import RunError
from saccade.runs import Evaluation, Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run.create(tmp_path, "dogs")
    run.config_file.write_text("name: dogs\n")
    return run


# Numbering.


def test_runs_are_numbered_from_001(tmp_path: Path) -> None:
    made = [Run.create(tmp_path / "runs", "dogs").path for _ in range(3)]
    assert made == [tmp_path / "runs" / "dogs" / number for number in ("001", "002", "003")]
    assert Run.create(tmp_path / "runs", "cats").path == tmp_path / "runs" / "cats" / "001"


@pytest.mark.parametrize(
    ("there", "next_one"),
    [
        (["001", "007"], "008"),  # gaps are not filled: a removed run's number is not given again
        (["999"], "1000"),
        (["999", "1000"], "1001"),
        (["7"], "008"),
        (["best", "001-copy", "12.zip"], "001"),
    ],
)
def test_the_next_number_follows_the_highest(tmp_path: Path, there: list[str], next_one: str) -> None:
    for name in there:
        (tmp_path / "dogs" / name).mkdir(parents=True)
    assert Run.create(tmp_path, "dogs").path.name == next_one


def test_a_file_with_a_number_for_a_name_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "dogs").mkdir()
    (tmp_path / "dogs" / "001").touch()
    assert Run.create(tmp_path, "dogs").path.name == "002"


def test_many_at_once_get_a_folder_each(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = [run.path.name for run in pool.map(lambda _: Run.create(tmp_path, "dogs"), range(64))]
    assert sorted(made) == [f"{number:03d}" for number in range(1, 65)]


# Opening.


def test_a_run_is_opened_by_its_folder(run: Run) -> None:
    assert Run.open(run.path) == run
    assert Run.open(str(run.path)) == run


def test_a_missing_run_says_what_one_looks_like(tmp_path: Path) -> None:
    with pytest.raises(RunError) as raised:
        Run.open(tmp_path / "nowhere")
    assert str(raised.value) == (
        f"{tmp_path}/nowhere: no such folder; name a run folder, such as runs/voc-multilabel/001"
    )


def test_a_file_is_no_run(run: Run) -> None:
    with pytest.raises(RunError, match=r"config\.yaml: a file, not a folder; name a run folder"):
        Run.open(run.config_file)


def test_the_folder_above_names_the_newest_run(tmp_path: Path) -> None:
    for number in ("002", "999", "1000", "1001", "2000-copy"):
        (tmp_path / number).mkdir()
        if number != "1001":  # not begun: it has no config yet
            (tmp_path / number / "config.yaml").touch()
    with pytest.raises(RunError) as raised:
        Run.open(tmp_path)
    assert str(raised.value) == f"{tmp_path}: not a run folder; the newest run in it is {tmp_path}/1000"


def test_any_other_folder_is_told_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"not a run folder; it has no config\.yaml$"):
        Run.open(tmp_path)


def test_everything_lies_inside(run: Run) -> None:
    places = [run.environment_file, run.metrics_file, run.report_file, run.checkpoints, run.figures]
    places += [run.evaluation("val").predictions_file, run.new_prediction_file()]
    assert [place.relative_to(run.path).as_posix() for place in places] == [
        *("environment.json", "metrics.jsonl", "report.html", "checkpoints", "figures"),
        *("evaluation/val/predictions.parquet", "predictions/001.parquet"),
    ]
    run.path.joinpath("predictions").mkdir()
    for name in ("001.parquet", "010.parquet", "mine.parquet"):
        (run.path / "predictions" / name).touch()
    assert run.new_prediction_file().name == "011.parquet"


# The lock.

HOLDER = """
import sys
from pathlib import Path
from saccade.runs import Run
with Run(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(run: Run) -> Iterator[subprocess.Popen[str]]:
    """Another process that trains in the folder until its stdin is closed."""
    command = [sys.executable, "-c", HOLDER, str(run.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_until_the_first_is_done(run: Run, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(RunError) as raised, run.locked():
        pytest.fail("two processes hold the lock")
    assert str(raised.value) == (
        f"{run.path}: another process is training in this run folder; wait for it, or start a new run"
    )
    holder.communicate("")
    with run.locked():
        pass


def test_a_killed_process_lets_go(run: Run, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    with run.locked():
        pass


def test_the_lock_goes_with_an_error_and_holds_within_a_process(run: Run) -> None:
    def train() -> None:
        with run.locked():
            with pytest.raises(RunError), Run(run.path).locked():
                pytest.fail("the lock is held twice")
            raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        train()
    with run.locked():
        pass


# Epochs.


def row(epoch: int) -> dict[str, Any]:
    return {"epoch": epoch, "step": 30 * epoch, "train": {"loss": 0.1 * epoch}, "val": {"map": None, "größe": 0.5}}


def test_epochs_come_back_as_they_were_appended(run: Run) -> None:
    assert run.epochs() == []
    for epoch in range(3):
        run.append_epoch(row(epoch))
    assert run.epochs() == [row(0), row(1), row(2)]
    assert len(run.metrics_file.read_text().splitlines()) == 3


def test_a_resumed_run_keeps_what_its_checkpoint_knows(run: Run) -> None:
    for epoch in range(3):
        run.append_epoch(row(epoch))
    run.keep_epochs(run.epochs()[:1])
    run.append_epoch(row(1))
    assert run.epochs() == [row(0), row(1)]
    run.keep_epochs([])
    assert run.epochs() == []


def test_an_undefined_number_is_refused_and_writes_nothing(run: Run) -> None:
    run.append_epoch(row(0))
    with pytest.raises(ValueError, match="JSON"):
        run.append_epoch({"epoch": 1, "train": {"loss": float("nan")}})
    with pytest.raises(ValueError, match="JSON"):
        run.keep_epochs([{"loss": float("nan")}])
    assert run.epochs() == [row(0)]


def test_a_row_that_a_crash_cut_off_is_left_out(run: Run) -> None:
    run.append_epoch(row(0))
    with run.metrics_file.open("a") as file:
        file.write('{"epoch": 1, "st')
    assert run.epochs() == [row(0)]
    run.keep_epochs(run.epochs())
    run.append_epoch(row(1))
    assert run.epochs() == [row(0), row(1)]


def test_a_damaged_row_is_named(run: Run) -> None:
    run.append_epoch(row(0))
    with run.metrics_file.open("a") as file:
        file.write('{"epoch": 1,,}\n')
    run.append_epoch(row(2))
    with pytest.raises(RunError, match=r"metrics\.jsonl, line 2: not valid JSON"):
        run.epochs()


# The environment.


def test_the_environment_comes_back(run: Run) -> None:
    run.write_environment({"seed": 3, "data": {"classes": ["Größe"]}})
    assert run.environment() == {"seed": 3, "data": {"classes": ["Größe"]}}


@pytest.mark.parametrize(
    ("text", "reason"), [(None, "not found; the run has not got that far"), ("{", "not valid JSON")]
)
def test_a_missing_or_damaged_environment_is_named(run: Run, text: str | None, reason: str) -> None:
    if text is not None:
        run.environment_file.write_text(text)
    with pytest.raises(RunError, match=rf"environment\.json: {reason}"):
        run.environment()


def test_bytes_that_are_no_text_are_damage_too(run: Run) -> None:
    run.environment_file.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(RunError, match=r"environment\.json: not valid JSON"):
        run.environment()


# Evaluations.

FILES = ["about.json", "metrics.json", "per_class.csv", "predictions.parquet"]


def metrics(ap: float | None = 0.5) -> dict[str, Any]:
    per_class = {"cat": {"ap": None, "n_positive": 0}, "dog, big": {"ap": ap, "n_positive": 2}}
    return {"split": "val", "n": 2, "classes": list(per_class), "metrics": {"map": ap}, "per_class": per_class}


def table(score: float = 0.25) -> pl.DataFrame:
    schema = {"image": pl.String, "targets": pl.List(pl.Int8), "scores": pl.List(pl.Float32), "loss": pl.Float32}
    rows = {
        "image": ["b.jpg", "a.jpg"],
        "targets": [[1, -1], [0, 0]],
        "scores": [[score, 1.0]] * 2,
        "loss": [0.5, None],
    }
    return pl.DataFrame(rows, schema=schema)


def test_an_evaluation_comes_back_as_it_was_written(run: Run) -> None:
    evaluation = run.evaluation("val")
    evaluation.write(metrics(), table(), {"task": "multilabel"})
    assert evaluation.metrics() == metrics()
    assert evaluation.about() == {"task": "multilabel"}
    assert evaluation.predictions().equals(table())
    assert evaluation.predictions().schema == table().schema
    assert (evaluation.path / "per_class.csv").read_text() == 'class,ap,n_positive\ncat,,0\n"dog, big",0.5,2\n'
    assert sorted(p.name for p in evaluation.path.iterdir()) == FILES


def test_only_finished_evaluations_are_listed(run: Run) -> None:
    assert run.evaluations() == []
    for name in ("val", "test", "other"):
        run.evaluation(name).write(metrics(), table(), {})
    (run.evaluation("half").path).mkdir()
    table().write_parquet(run.evaluation("half").predictions_file)
    assert [evaluation.name for evaluation in run.evaluations()] == ["other", "test", "val"]


def test_metrics_json_appears_last(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    replace = os.replace

    def spy(source: Path, target: Path) -> None:
        order.append(target.name)
        assert sorted(p.name for p in target.parent.iterdir() if not p.name.startswith(".")) == sorted(order[:-1])
        replace(source, target)

    monkeypatch.setattr("saccade.files.os.replace", spy)
    run.evaluation("val").write(metrics(), table(), {})
    assert sorted(order) == FILES
    assert order[-1] == "metrics.json"


@pytest.mark.parametrize("what", ["predictions", "metrics", "about"])
def test_an_error_in_the_middle_leaves_the_earlier_evaluation_whole(
    run: Run, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    evaluation = run.evaluation("val")
    evaluation.write(metrics(0.5), table(0.25), {"epoch": 1})
    if what == "predictions":

        def full_disk(self: pl.DataFrame, file: Path, **settings: object) -> None:
            file.write_bytes(b"PAR1")
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(pl.DataFrame, "write_parquet", full_disk)
    bad = {"bad": float("nan")}
    with pytest.raises((OSError, ValueError)):
        evaluation.write(
            bad | metrics(0.75) if what == "metrics" else metrics(0.75), table(0.5), bad if what == "about" else {}
        )
    assert evaluation.metrics() == metrics(0.5)
    assert evaluation.about() == {"epoch": 1}
    assert evaluation.predictions().equals(table(0.25))
    assert "0.75" not in (evaluation.path / "per_class.csv").read_text()
    assert sorted(p.name for p in evaluation.path.iterdir()) == FILES


def test_a_second_evaluation_replaces_the_first(run: Run) -> None:
    evaluation = run.evaluation("val")
    evaluation.write(metrics(0.5), table(0.25), {})
    evaluation.write(metrics(None), table(0.5), {"epoch": 2})
    assert evaluation.metrics()["metrics"] == {"map": None}
    assert evaluation.predictions().equals(table(0.5))


def test_missing_and_damaged_predictions_say_how_to_get_them(tmp_path: Path) -> None:
    evaluation = Evaluation(tmp_path)
    with pytest.raises(RunError, match=r"predictions\.parquet: not found; make it with `saccade evaluate`"):
        evaluation.predictions()
    for damage in (b"", b"no parquet", b"PAR1"):
        evaluation.predictions_file.write_bytes(damage)
        with pytest.raises(RunError, match=r"predictions\.parquet: not a Parquet file; make it again"):
            evaluation.predictions()
    table().write_parquet(evaluation.predictions_file)
    whole = evaluation.predictions_file.read_bytes()
    evaluation.predictions_file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunError, match="not a Parquet file"):
        evaluation.predictions()


def test_a_moved_run_folder_reads_the_same(run: Run, tmp_path: Path) -> None:
    run.evaluation("val").write(metrics(), table(), {})
    run.append_epoch(row(0))
    moved = run.path.rename(tmp_path / "elsewhere")
    opened = Run.open(moved)
    assert opened.epochs() == [row(0)]
    assert json.loads(opened.evaluation("val").metrics_file.read_text()) == metrics()


# Folds.


def test_folds_are_runs_in_the_order_of_their_numbers(run: Run) -> None:
    assert run.folds() == []
    assert (run.whole(), run.title) == (None, "dogs/001")
    for number in (10, 2, 1):
        run.fold(number).path.mkdir(parents=True)
        run.fold(number).config_file.write_text("name: dogs\n")
    run.fold(3).path.mkdir()  # not begun
    (run.path / "folds" / "best").mkdir()
    assert [fold.path.name for fold in run.folds()] == ["1", "2", "10"]
    assert run.fold(2).whole() == Run(run.path.resolve())
    assert run.fold(2).title == "dogs/001/folds/2"
    assert Run.open(run.path / "folds" / "2") == run.fold(2)


def test_a_run_that_is_called_folds_is_no_fold(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "runs", "folds")
    run.config_file.write_text("name: folds\n")
    assert (run.whole(), run.title) == (None, "folds/001")
