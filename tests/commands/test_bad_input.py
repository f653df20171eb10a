"""What people get wrong: each ends in one clear message and exit code 2, never in a traceback."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from filelock import FileLock

from saccade.commands.train import train
from saccade.runs import Run
from trees import SMALL, class_tree, voc_tree

SETTINGS = [*SMALL, "trainer.max_epochs=1"]
Saccade = Callable[..., Any]


def refused(said: Any, *words: str) -> None:
    assert said.code == 2, (said.out, said.err)
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err, said.err
    assert said.out == ""


@pytest.fixture
def run(tmp_path: Path, classes_on_disk: Path) -> Run:
    settings = [f"data.root={classes_on_disk}", "data.holdout=0.25", *SETTINGS]
    return train("folder-classify", settings, runs=tmp_path / "runs")


def test_wrong_keys_are_all_told_at_once_with_the_nearest(saccade: Saccade) -> None:
    said = saccade("train", "voc-multilabel", "model.pretraned=false", "optim.learning_rate=1", "loader.batch_size=x")
    refused(said, "model.pretrained", "optim.lr", "loader.batch_size")


def test_no_config_and_an_unknown_preset(saccade: Saccade) -> None:
    refused(saccade("train", "data.root=x"), "name a preset or a config file")
    refused(saccade("train", "voc-multilable"), "voc-multilabel")
    refused(saccade("train", "mine.yaml"), "mine.yaml")
    refused(saccade("presets", "voc"), "voc-multilabel")


def test_missing_root(tmp_path: Path, saccade: Saccade) -> None:
    refused(saccade("train", "folder-classify", f"data.root={tmp_path / 'none'}", *SETTINGS), "data.root", "none")


def test_empty_split(tmp_path: Path, saccade: Saccade) -> None:
    root = class_tree(tmp_path / "tree")
    for image in (root / "val").rglob("*.png"):
        image.unlink()
    refused(saccade("train", "folder-classify", f"data.root={root}", *SETTINGS), str(root / "val"))
    empty = voc_tree(tmp_path / "voc")
    (empty / "ImageSets" / "Main" / "val.txt").write_text("")
    refused(saccade("train", "voc-multilabel", f"data.root={empty}", *SETTINGS), "val.txt")


def test_missing_split_names_those_that_are_there(voc_on_disk: Path, saccade: Saccade) -> None:
    said = saccade("train", "voc-multilabel", f"data.root={voc_on_disk}", "data.train=trian", *SETTINGS)
    refused(said, "trian", "train", "val")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_training_image_stops_and_is_named(
    workers: int, classes_on_disk: Path, saccade: Saccade, tmp_path: Path
) -> None:
    bad = classes_on_disk / "train" / "red" / "red1.png"
    bad.write_bytes(bad.read_bytes()[:100])
    settings = [f"data.root={classes_on_disk}", "data.holdout=0", *SETTINGS, f"loader.workers={workers}"]
    said = saccade("train", "folder-classify", *settings, "--runs", tmp_path / "runs")
    refused(said, str(bad), "saccade data check", "data.on_error=skip")


def test_an_unreadable_training_image_is_skipped_where_the_config_says_so(
    classes_on_disk: Path, saccade: Saccade, tmp_path: Path
) -> None:
    bad = classes_on_disk / "train" / "red" / "red1.png"
    bad.write_bytes(b"")
    settings = [f"data.root={classes_on_disk}", "data.holdout=0.25", "data.on_error=skip", *SETTINGS]
    said = saccade("train", "folder-classify", *settings, "--runs", tmp_path / "runs")
    assert said.code == 0, said.err
    assert f"skipped: {bad}" in said.err.replace("\n", "")
    run = Run.open(said.out.strip())
    assert run.environment()["data"]["skipped"] == ["train/red/red1.png"]
    splits = run.environment()["data"]["splits"]
    assert splits["train"]["n"] + splits["holdout"]["n"] == 11
    report = run.report_file.read_text()
    assert "train/red/red1.png" in report
    evaluated = saccade("evaluate", run.path, "--split", "train")
    assert evaluated.code == 0, evaluated.err


def test_an_unreadable_image_always_stops_evaluation(run: Run, classes_on_disk: Path, saccade: Saccade) -> None:
    before = run.evaluation("val").metrics_file.read_text()
    bad = classes_on_disk / "val" / "blue" / "blue0.png"
    bad.write_bytes(b"not an image")
    refused(saccade("evaluate", run.path), str(bad))
    assert run.evaluation("val").metrics_file.read_text() == before


def test_a_run_folder_in_use(run: Run, saccade: Saccade) -> None:
    with FileLock(run.path / ".lock"):
        refused(saccade("train", "--resume", run.path, "trainer.max_epochs=2"), str(run.path), "another process")


def test_not_a_run_folder(tmp_path: Path, run: Run, saccade: Saccade) -> None:
    for command in ("evaluate", "report", "browse"):
        refused(saccade(command, tmp_path / "none"), "no such folder")
        refused(saccade(command, run.path.parent), str(run.path))
    refused(saccade("train", "--resume", tmp_path), "not a run folder")
    refused(saccade("predict", tmp_path / "none", tmp_path), "no such folder")


@pytest.mark.parametrize("setting", ["--optim.lr=0.1", "--optim.lr"])
def test_settings_with_dashes(setting: str, saccade: Saccade) -> None:
    refused(saccade("train", "folder-classify", setting), "without dashes", "optim.lr=")


def test_images_where_folders_are_expected(classes_on_disk: Path, saccade: Saccade) -> None:
    root = classes_on_disk / "train" / "red"
    refused(saccade("train", "folder-classify", f"data.root={root}", *SETTINGS), "no folders", "one folder a class")


@pytest.mark.slow
def test_a_checkpoint_of_another_task_or_other_classes(
    run: Run, tmp_path: Path, voc_on_disk: Path, saccade: Saccade
) -> None:
    other = train(
        "voc-multilabel", [f"data.root={voc_on_disk}", "data.holdout=0.25", *SETTINGS], runs=tmp_path / "runs"
    )
    said = saccade("evaluate", run.path, "--checkpoint", other.checkpoints / "best.ckpt")
    refused(said, "task is multilabel", "task is classify")
    refused(saccade("evaluate", run.path, "--checkpoint", "bset"), "bset", "no such checkpoint")
    refused(saccade("predict", run.path, run.path, "--checkpoint", "bset"), "name best, last, or a file", "last.ckpt")
    run.checkpoints.joinpath("best.ckpt").write_bytes(b"damaged")
    refused(saccade("evaluate", run.path), "best.ckpt", "cannot be read")
    for checkpoint in run.checkpoints.glob("*.ckpt"):
        checkpoint.unlink()
    refused(saccade("evaluate", run.path), "no epoch of it was finished", "train it anew")


def test_a_full_disk_while_a_checkpoint_is_written(run: Run, saccade: Saccade, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {p.name: p.read_bytes() for p in run.checkpoints.iterdir()}

    def full(content: object, target: Path) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    refused(saccade("train", "--resume", run.path, "trainer.max_epochs=2"), "No space left", "is kept")
    assert {p.name: p.read_bytes() for p in run.checkpoints.iterdir()} == before


def test_settings_that_would_make_it_another_run(run: Run, saccade: Saccade) -> None:
    refused(saccade("evaluate", run.path, "model.name=resnet18"), "model.name")
    refused(saccade("train", "--resume", run.path, "seed=1"), "seed")
    refused(saccade("train", "--resume", run.path, "voc-multilabel"), "--resume")


def test_a_format_that_the_task_cannot_use(classes_on_disk: Path, voc_on_disk: Path, saccade: Saccade) -> None:
    refused(saccade("train", "voc-multilabel", f"data.root={classes_on_disk}", "data.format=folder"), "data.format")
    refused(saccade("train", "folder-classify", f"data.root={voc_on_disk}", "data.format=voc"), "data.format")


def test_one_class_is_no_classification(classes_on_disk: Path, voc_on_disk: Path, saccade: Saccade) -> None:
    for split in ("train", "val"):
        for name in ("red", "blue"):
            (classes_on_disk / split / name).rename(classes_on_disk.parent / f"{split}-{name}")
    refused(saccade("train", "folder-classify", f"data.root={classes_on_disk}", *SETTINGS), "takes two")
    said = saccade("train", "folder-classify", f"data.root={voc_on_disk}", *SETTINGS)
    refused(said, "voc-multilabel")


def test_unknown_model_and_weights(classes_on_disk: Path, saccade: Saccade, tmp_path: Path) -> None:
    settings = [f"data.root={classes_on_disk}", "data.holdout=0", *SETTINGS]
    refused(saccade("train", "folder-classify", *settings, "model.name=resnet81"), "resnet81", "resnet18")
    said = saccade("train", "folder-classify", *settings, f"model.weights={tmp_path / 'no.pth'}")
    refused(said, "model.weights", "no.pth")
    assert not (Path.cwd() / "runs" / "folder-classify").exists()


def test_weights_for_a_class_that_does_not_exist(classes_on_disk: Path, saccade: Saccade) -> None:
    settings = [f"data.root={classes_on_disk}", "data.holdout=0", *SETTINGS]
    refused(saccade("train", "folder-classify", *settings, "task.class_weights={rde: 2.0}"), "rde", "red")


def test_hardware_that_is_not_there(classes_on_disk: Path, saccade: Saccade, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    settings = [f"data.root={classes_on_disk}", *SETTINGS, "--runs", tmp_path / "runs"]
    refused(saccade("train", "folder-classify", *settings, "trainer.accelerator=gpu"), "trainer.accelerator")
    refused(saccade("train", "folder-classify", *settings, "trainer.precision=16-mixed"), "bf16-mixed")
    assert not (tmp_path / "runs").exists()


def test_data_that_are_gone(run: Run, classes_on_disk: Path, saccade: Saccade, tmp_path: Path) -> None:
    moved = classes_on_disk.rename(tmp_path / "moved")
    refused(saccade("evaluate", run.path), "data.root=PATH")
    assert saccade("evaluate", run.path, f"data.root={moved}").code == 0


def test_predict_where_nothing_can_be_read(run: Run, saccade: Saccade, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("text")
    said = saccade("predict", run.path, tmp_path / "a.jpg", "-o", tmp_path / "out.parquet")
    assert said.code == 3
    assert pl.read_parquet(tmp_path / "out.parquet").columns == ["image", "prediction", "scores"]
    refused(saccade("predict", run.path, tmp_path / "a.jpg", "-o", tmp_path / "out.csv"), "out.csv", ".parquet")


def test_predict_reports_what_it_cannot_read_and_does_the_rest(
    run: Run, classes_on_disk: Path, saccade: Saccade
) -> None:
    folder = classes_on_disk / "val" / "red"
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    said = saccade("predict", run.path, folder)
    assert said.code == 3
    assert str(folder / "broken.jpg") in said.err.replace("\n", "")
    assert "1 of 3 files could not be read" in said.err
    refused(saccade("predict", run.path, classes_on_disk / "nothing*"), "nothing*")


def test_a_data_check_that_finds_something_ends_with_one(classes_on_disk: Path, saccade: Saccade) -> None:
    image = classes_on_disk / "train" / "red" / "red0.png"
    (classes_on_disk / "val" / "red" / "copy.png").write_bytes(image.read_bytes())
    (classes_on_disk / "val" / "blue" / "blue0.png").write_bytes(b"")
    said = saccade("data", "check", "folder-classify", f"data.root={classes_on_disk}")
    assert said.code == 1
    assert "in two splits" in said.out
    assert "empty file" in said.out
