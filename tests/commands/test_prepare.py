"""ImageNet from its tar files to a run, by the command line; what the tar files hold stands in ``tests/tars.py``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from saccade.runs import Run
from tars import imagenet_tars
from trees import SMALL

Saccade = Callable[..., Any]

SETTINGS = [*SMALL, "data.holdout=0.25", "trainer.max_epochs=1"]
IDS = ["n01440764", "n02012849", "n02119789"]
NAMES = ["tench", "crane", "kit fox"]


@pytest.fixture
def root(tmp_path: Path, saccade: Saccade) -> Path:
    source = imagenet_tars(tmp_path / "downloads")
    said = saccade("data", "prepare", "imagenet", "--from", source, "--to", tmp_path / "imagenet")
    assert said.code == 0, said.err
    assert said.out.strip() == str(tmp_path / "imagenet")
    assert "train: 12 images in 3 classes, as many as the devkit says" in said.err
    assert "val: 6 images in 3 classes, as many as the devkit says" in said.err
    return tmp_path / "imagenet"


def test_a_run_speaks_in_readable_names(root: Path, tmp_path: Path, saccade: Saccade) -> None:
    trained = saccade("train", "folder-classify", f"data.root={root}", *SETTINGS, "--runs", tmp_path / "runs")
    assert trained.code == 0, trained.err
    run = Run.open(trained.out.strip())
    scored = run.evaluation("val")
    assert scored.metrics()["classes"] == NAMES
    rows = scored.predictions()
    assert dict(zip(rows["image"].str.extract("val/(n[0-9]+)/"), rows["target"], strict=True)) == dict(
        zip(IDS, NAMES, strict=True)
    )
    assert set(rows["prediction"]) <= set(NAMES)
    assert all(name in run.report_file.read_text() for name in NAMES)
    predicted = saccade("predict", run.path, root / "val" / IDS[0], "-o", tmp_path / "answers.parquet")
    assert any(name in predicted.out for name in NAMES)


def test_a_run_by_ids_is_scored_on_a_tree_with_names_and_the_reverse(
    root: Path, tmp_path: Path, saccade: Saccade
) -> None:
    settings = [f"data.root={root}", *SETTINGS, "--runs", tmp_path / "runs"]
    by_id = saccade("train", "folder-classify", "data.class_names=null", *settings)
    by_name = saccade("train", "folder-classify", *settings)
    numbers = []
    for trained, names, setting in ((by_id, IDS, "auto"), (by_name, NAMES, "classes.csv")):
        assert trained.code == 0, trained.err
        run = Run.open(trained.out.strip())
        scored = saccade("evaluate", run.path, f"data.class_names={setting}")
        assert scored.code == 0, scored.err
        assert run.evaluation("val").metrics()["classes"] == names
        numbers.append(run.evaluation("val").metrics()["metrics"])
    assert numbers[0] == numbers[1]  # what the classes are called changes nothing else
    (root / "classes.csv").unlink()
    lost = saccade("evaluate", Run.open(by_name.out.strip()).path)
    assert lost.code == 2
    assert "unknown class 'n01440764'" in lost.err


def test_what_differs_is_told_with_what_to_do(root: Path, tmp_path: Path, saccade: Saccade) -> None:
    (root / "train" / IDS[0] / f"{IDS[0]}_0.JPEG").unlink()
    said = saccade("data", "prepare", "imagenet", "--from", tmp_path / "downloads", "--to", root)
    assert said.code == 0
    assert f"the devkit says 12 in 3: {IDS[0]} has 3 of 4" in said.err.replace("\n", " ")
    assert "remove the folder of the class" in said.err.replace("\n", " ")


def test_refusals(tmp_path: Path, saccade: Saccade) -> None:
    said = saccade("data", "prepare", "imagenet", "--from", tmp_path, "--to", tmp_path / "imagenet")
    assert said.code == 2
    assert "there is no ILSVRC2012_img_train.tar and no ILSVRC2012_img_val.tar" in said.err
    assert saccade("data", "prepare", "cifar10", "--from", tmp_path, "--to", tmp_path / "x").code == 2
    assert saccade("data", "prepare", "imagenet", "--to", tmp_path / "x").code == 2
