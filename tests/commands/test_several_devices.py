"""Two processes on one machine: every image is scored once, and the numbers are those of one process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from saccade.commands.evaluate import evaluate
from saccade.runs import Run

PROGRAM = "from saccade.cli import main; main()"
SMALL = [
    "model.name=small_cnn",
    "model.pretrained=false",
    "data.image_size=32",
    "data.holdout=0.25",
    "loader.batch_size=4",
    "loader.workers=0",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=2",
    "trainer.devices=2",
]


@pytest.mark.parametrize("freeze", ["none", "1"])
def test_two_processes_score_every_image_once(tmp_path: Path, voc_on_disk: Path, freeze: str) -> None:
    program = tmp_path / "program.py"  # a file: Lightning starts the further processes by its path
    program.write_text(PROGRAM)
    done = subprocess.run(
        [
            sys.executable,
            program,
            "train",
            "voc-multilabel",
            f"data.root={voc_on_disk}",
            *SMALL,
            "trainer.devices=2",
            f"model.freeze={freeze}",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [p.name for p in (tmp_path / "runs" / "voc-multilabel").iterdir()] == ["001"]
    run = Run.open(tmp_path / "runs" / "voc-multilabel" / "001")
    assert done.stdout == "runs/voc-multilabel/001\n"
    assert [row["epoch"] for row in run.epochs()] == [1, 2]
    two = run.evaluation("val")
    rows, numbers = two.predictions(), two.metrics()
    assert rows["image"].to_list() == [f"JPEGImages/val_{i:03d}.jpg" for i in range(6)]
    one = evaluate(run, "trainer.devices=1")
    assert one.predictions()["image"].to_list() == rows["image"].to_list()
    assert one.metrics()["metrics"] == pytest.approx(numbers["metrics"], abs=1e-6)
    assert json.loads((run.path / "environment.json").read_text())["selection"]["best_epoch"] in (1, 2)


def test_two_processes_train_fold_after_fold(tmp_path: Path, voc_on_disk: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    words = [sys.executable, program, "train", "voc-multilabel", f"data.root={voc_on_disk}", *SMALL]
    settings = ["data.folds=2", "trainer.max_epochs=1", "optim.warmup_epochs=0"]
    done = subprocess.run([*words, *settings], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr
    run = Run.open(tmp_path / "runs" / "voc-multilabel" / "001")
    assert [len(fold.epochs()) for fold in run.folds()] == [1, 1]
    two = run.evaluation("val")
    rows, numbers = two.predictions(), two.metrics()
    assert rows["image"].to_list() == [f"JPEGImages/val_{i:03d}.jpg" for i in range(6)]
    one = evaluate(run, "trainer.devices=1")
    assert one.metrics()["metrics"] == pytest.approx(numbers["metrics"], abs=1e-6)
