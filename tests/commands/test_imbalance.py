"""A threshold chosen on the holdout, from training through everything that reads the run; and balanced draws."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from saccade.browse.overview import confusion, summary
from saccade.browse.predictions import load as load_predictions
from saccade.commands.evaluate import evaluate
from saccade.commands.predict import predict
from saccade.commands.resume import resume
from saccade.commands.train import train
from saccade.engine import checkpoint
from saccade.errors import CheckpointError, ConfigError, DataError
from saccade.metrics.classification import f1_threshold
from saccade.report.scored import Scored
from saccade.runs import Run
from trees import picture

SMALL = [
    "model.name=small_cnn",
    "model.pretrained=false",
    "data.image_size=32",
    "data.holdout=0.4",
    "loader.batch_size=8",
    "loader.workers=0",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=3",
]
HOLDOUT = ["task.positive=dog", "task.threshold=holdout"]


@pytest.fixture(scope="module")
def rare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 cats and 6 dogs to learn from, 12 and 4 to score."""
    root = tmp_path_factory.mktemp("rare")
    for split, counts in (("train", {"cat": 30, "dog": 6}), ("val", {"cat": 12, "dog": 4})):
        for name, n in counts.items():
            (root / split / name).mkdir(parents=True)
            for i in range(n):
                shown = picture(
                    [{"cat": "blue", "dog": "red"}[name]], seed=i + 100 * (split == "val") + 50 * (name == "dog")
                )
                shown.save(root / split / name / f"{i:02d}.png")
    return root


@pytest.fixture
def trained(tmp_path: Path, rare: Path) -> Callable[..., Run]:
    def start(*overrides: str, name: str = "run") -> Run:
        settings = [f"data.root={rare}", "task.label_smoothing=0", *SMALL, *overrides]
        return train("folder-classify", settings, runs=tmp_path / "runs", name=name)

    return start


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, rare: Path) -> Run:
    settings = [f"data.root={rare}", *SMALL, *HOLDOUT]
    return train("folder-classify", settings, runs=tmp_path_factory.mktemp("runs"))


def dogs(rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The score of dog and whether it is one, (N,) each."""
    scores = rows["scores"].list.get(1).to_numpy()
    return scores, (rows["target"] == "dog").to_numpy()


def test_the_threshold_is_the_best_of_the_holdout_and_every_reader_uses_it(run: Run, rare: Path) -> None:
    holdout = evaluate(run, split="holdout")
    threshold = f1_threshold(*dogs(holdout.predictions()))
    assert holdout.about()["threshold"] == threshold
    assert holdout.about()["optimistic"] is True
    assert evaluate(run, split="holdout", checkpoint="last").about()["optimistic"] is True
    about, rows = run.evaluation("val").about(), run.evaluation("val").predictions()
    assert (about["threshold"], about["positive"], about["optimistic"]) == (threshold, "dog", False)
    called = dogs(rows)[0] > np.float32(threshold)
    assert rows["prediction"].to_list() == ["dog" if dog else "cat" for dog in called]
    numbers = run.evaluation("val").metrics()
    assert numbers["metrics"]["positive_recall"] == called[dogs(rows)[1]].mean()
    assert numbers["metrics"]["accuracy"] == (called == dogs(rows)[1]).mean()
    assert numbers["per_class"]["dog"]["n_predicted"] == called.sum()

    files = [str(rare / image) for image in rows["image"]]
    answers = predict(run, files)
    assert answers.table["prediction"].to_list() == rows["prediction"].to_list()

    seen = load_predictions(run.evaluation("val"))
    assert [seen.classes[k] for k in seen.answers] == rows["prediction"].to_list()  # type: ignore[union-attr]
    assert np.asarray(confusion(seen)["matrix"])[:, 1].sum() == called.sum()
    assert summary(seen)["rule"] == f"dog where that score is above {threshold:.4g}"
    assert (seen.slider(1), seen.slider(0)) == (threshold, 1 - threshold)
    assert Scored.read(run.evaluation("val")).found[:, 1].tolist() == called.tolist()
    told = f"above {threshold:.4g}, the threshold with the highest F1 on the holdout split."
    assert told in run.report_file.read_text(encoding="utf-8")


def test_the_numbers_of_an_epoch_are_those_of_its_own_threshold(run: Run) -> None:
    best = run.environment()["selection"]
    assert (best["metric"], best["split"]) == ("positive_ap", "holdout")
    row = run.epochs()[best["best_epoch"] - 1]["holdout"]
    again = evaluate(run, split="holdout").metrics()["metrics"]
    assert {name: row[name] for name in again} == pytest.approx(again, abs=1e-6)
    assert "accuracy" not in run.epochs()[0]["train"]  # no threshold is known while an epoch is learned


@pytest.mark.slow
def test_a_resumed_run_has_the_same_threshold(trained: Callable[..., Run]) -> None:
    settings = [*HOLDOUT, "optim.schedule=constant"]
    whole = trained(*settings)
    short = trained(*settings, "trainer.max_epochs=1", name="short")
    resume(short.path, ["trainer.max_epochs=3"])
    for name in ("best.ckpt", "last.ckpt"):
        thresholds = [checkpoint.load(each.checkpoints / name)["saccade"]["threshold"] for each in (whole, short)]
        assert thresholds[0] == thresholds[1]
        assert 0 <= thresholds[0] <= 1
    assert short.evaluation("val").predictions().equals(whole.evaluation("val").predictions())


@pytest.mark.slow
def test_an_epoch_that_was_not_scored_has_no_threshold(trained: Callable[..., Run]) -> None:
    run = trained(*HOLDOUT, "trainer.check_val_every_n_epoch=2")
    with pytest.raises(CheckpointError, match="use the best checkpoint"):
        evaluate(run, checkpoint="last")


def test_a_holdout_without_the_class_stops_before_anything_is_made(
    trained: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match=r"task\.threshold: is holdout, and none of the .* shows dog"):
        trained(*HOLDOUT, "data.holdout=0.03")
    with pytest.raises(ConfigError, match=r"'dgo'; the classes are cat, dog"):
        trained("task.positive=dgo")
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_a_fixed_threshold_holds_from_the_first_epoch(trained: Callable[..., Run]) -> None:
    low = trained("task.positive=dog", "task.threshold=0.0")
    assert {row["holdout"]["positive_recall"] for row in low.epochs()} == {1.0}
    assert set(low.evaluation("val").predictions()["prediction"]) == {"dog"}
    high = trained("task.positive=dog", "task.threshold=1.0")
    assert {row["holdout"]["positive_recall"] for row in high.epochs()} == {0.0}
    assert high.evaluation("val").metrics()["metrics"]["accuracy"] == 12 / 16


@pytest.mark.slow
def test_balanced_draws_do_not_depend_on_workers_and_differ_from_shuffling(trained: Callable[..., Run]) -> None:
    one = trained("loader.sampler=balanced")
    other = trained("loader.sampler=balanced", "loader.workers=2")
    assert one.metrics_file.read_text() == other.metrics_file.read_text()
    assert one.metrics_file.read_text() != trained().metrics_file.read_text()


def test_weights_by_the_effective_number_stand_in_the_config(trained: Callable[..., Run]) -> None:
    run = trained("task.class_weights=effective", "task.loss=focal", "trainer.max_epochs=1")
    again = train(run.config_file, [], runs=run.path.parent.parent, name="again")
    assert again.metrics_file.read_text() == run.metrics_file.read_text()
    assert "class_weights:\n    cat:" in run.config_file.read_text()


def test_several_mistakes_are_told_with_what_to_change(saccade: Callable[..., Any], voc_on_disk: Path) -> None:
    for setting, word in (
        ("task.threshold=0.3", "task.positive is null"),
        ("task.loss=focal", "task.label_smoothing"),
        ("task.threshold=2", "argmax, holdout, or a number from 0 to 1"),
    ):
        said = saccade("train", "folder-classify", setting)
        assert said.code == 2
        assert word in said.err
    said = saccade("train", "voc-multilabel", f"data.root={voc_on_disk}", "loader.sampler=balanced")
    assert (said.code, said.out) == (2, "")
    assert "task.name is multilabel" in said.err


@pytest.mark.slow  # two processes that import torch
def test_two_processes_choose_one_threshold_and_share_the_draws(tmp_path: Path, rare: Path) -> None:
    program = tmp_path / "program.py"  # a file: Lightning starts the further processes by its path
    program.write_text("from saccade.cli import main; main()")
    settings = [f"data.root={rare}", *SMALL, *HOLDOUT, "loader.sampler=balanced", "trainer.devices=2"]
    words = [sys.executable, program, "train", "folder-classify", *settings]
    # a group of its own: Lightning kills its whole group where a process fails
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, start_new_session=True)
    assert done.returncode == 0, done.stderr
    run = Run.open(tmp_path / "runs" / "folder-classify" / "001")
    # batches of 8: 22 training images are 11 of each process
    assert [row["step"] for row in run.epochs()] == [2, 4, 6]
    holdout = evaluate(run, "trainer.devices=1", split="holdout")
    assert holdout.about()["threshold"] == pytest.approx(f1_threshold(*dogs(holdout.predictions())), abs=1e-6)
    assert run.evaluation("val").about()["threshold"] == holdout.about()["threshold"]
