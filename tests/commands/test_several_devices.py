"""Two processes on one machine: every image is scored once, and the numbers are those of one process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from saccade.commands.evaluate import evaluate
from saccade.commands.train import train
from saccade.runs import Run
from trees import SMALL, caption_tree, word_tree

PROGRAM = f"""
import sys
from pathlib import Path
import torch
from matplotlib.figure import Figure
from saccade.cli import main
from saccade.engine.module import Module

sys.path.append({str(Path(__file__).parents[1])!r})
from blank import savefig

def keep_weights(module):
    torch.save(list(module.network.parameters()), Path(f"weights-{{module.global_rank}}.pt"))

Figure.savefig = savefig
Module.on_train_end = keep_weights
main()
"""
SETTINGS = [*SMALL, "data.holdout=0.25", "trainer.max_epochs=2", "trainer.devices=2"]


def in_two_processes(folder: Path, preset: str, *settings: str) -> Run:
    """A training of two processes, which ends with one network."""
    program = folder / "program.py"  # a file: Lightning starts the further processes by its path
    program.write_text(PROGRAM)
    words = [sys.executable, program, "train", preset, *settings, "trainer.devices=2"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ranks = [torch.load(folder / f"weights-{rank}.pt", weights_only=True) for rank in (0, 1)]
    assert all(torch.equal(a, b) for a, b in zip(*ranks, strict=True)), "the processes train one network"
    return Run.open(folder / done.stdout.strip())


@pytest.mark.slow
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
            *SETTINGS,
            f"model.freeze={freeze}",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ranks = [torch.load(tmp_path / f"weights-{rank}.pt", weights_only=True) for rank in (0, 1)]
    assert all(torch.equal(a, b) for a, b in zip(*ranks, strict=True)), "the processes train one network"
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


@pytest.mark.slow
def test_two_processes_train_fold_after_fold(tmp_path: Path, voc_on_disk: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    words = [sys.executable, program, "train", "voc-multilabel", f"data.root={voc_on_disk}", *SETTINGS]
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


@pytest.mark.slow
@pytest.mark.parametrize("settings", [["trainer.max_time=6s"], ["optim.ema=0.9"], ["trainer.keep_checkpoints=all"]])
def test_two_processes_train_one_network(tmp_path: Path, voc_on_disk: Path, settings: list[str]) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)

    def trained(*words: str) -> Run:
        done = subprocess.run(
            [sys.executable, program, "train", *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        ranks = [torch.load(tmp_path / f"weights-{rank}.pt", weights_only=True) for rank in (0, 1)]
        assert all(torch.equal(a, b) for a, b in zip(*ranks, strict=True))
        return Run.open(tmp_path / done.stdout.strip())

    run = trained("voc-multilabel", f"data.root={voc_on_disk}", *SETTINGS, "optim.warmup_epochs=0", *settings)
    assert run.epochs()
    if settings == ["trainer.keep_checkpoints=all"]:
        branch = trained("--resume", str(run.checkpoints / "epoch-001.ckpt"))
        assert branch.path.name == "002"
        assert branch.epochs()[1]["train"] == pytest.approx(run.epochs()[1]["train"])


@pytest.mark.slow
def test_two_processes_score_every_pixel_once(tmp_path: Path, masks_on_disk: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    words = [sys.executable, program, "train", "voc2007-own", f"data.root={masks_on_disk}", *SETTINGS]
    settings = ["model.name=glance", "model.width=16", "data.image_size=64", "data.augment.size=null"]
    done = subprocess.run([*words, *settings], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ranks = [torch.load(tmp_path / f"weights-{rank}.pt", weights_only=True) for rank in (0, 1)]
    assert all(torch.equal(a, b) for a, b in zip(*ranks, strict=True)), "the processes train one network"
    run = Run.open(tmp_path / "runs" / "voc2007-own" / "001")
    two = run.evaluation("val")
    numbers, rows = two.metrics(), two.predictions()
    masks = {name: (two.path / name).read_bytes() for name in rows["mask"]}
    assert len(masks) == numbers["n"] == 6
    one = evaluate(run, "trainer.devices=1")
    assert one.metrics()["confusion"] == numbers["confusion"]
    assert one.metrics()["metrics"] == pytest.approx(numbers["metrics"], abs=1e-6)
    assert {name: (one.path / name).read_bytes() for name in one.predictions()["mask"]} == masks


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["cross_entropy", "self_critical"])
def test_two_processes_describe_every_image_once(tmp_path: Path, stage: str) -> None:
    root = caption_tree(tmp_path / "coco", val=5)  # no two processes have equally many
    settings = [
        *("task.min_count=1", "task.max_length=6", "data.format=coco", "data.image_size=32", "data.holdout=0.25"),
        *(
            "model.name=attention",
            "model.layers=null",
            "task.concepts=0",
            "model.embedding=8",
            "model.hidden=16",
            "loader.batch_size=2",
            "loader.workers=0",
            "trainer.accelerator=cpu",
        ),
        *("trainer.max_epochs=2", f"data.root={root}"),
    ]
    if stage == "self_critical":
        first = train("scenes-caption", [*settings, "trainer.max_epochs=0"], runs=tmp_path / "first")
        settings += ["task.loss=self_critical", f"task.vocabulary={first.path / 'vocabulary.json'}"]
        settings += [f"model.weights={first.checkpoints / 'last.ckpt'}", "model.head=keep"]
    run = in_two_processes(tmp_path, "scenes-caption", *settings)
    two = run.evaluation("val")
    numbers, rows = two.metrics(), two.predictions()
    assert rows["image"].to_list() == [f"val/val_{i:03d}.jpg" for i in range(5)]
    one = evaluate(run, "trainer.devices=1")
    assert one.predictions()["caption"].to_list() == rows["caption"].to_list()
    assert one.metrics()["metrics"] == pytest.approx(numbers["metrics"], abs=1e-6)


@pytest.mark.slow
def test_two_processes_find_every_word_once(tmp_path: Path) -> None:
    root = word_tree(tmp_path / "words", val=5)
    # half of the images have no word to read; a process that sees such a one has gradients for its reader all the same
    for path in sorted((root / "train_gts").iterdir())[::2]:
        path.write_text("1,1,40,1,40,20,1,20,###\r\n")
    settings = [
        *("data.format=icdar", f"data.root={root}", "data.image_size=96", "data.holdout=0.25"),
        *("task.min_side=4", "task.threshold=0.4", "task.min_score=0", "model.hidden=16"),
        *("loader.batch_size=1", "loader.workers=0", "trainer.accelerator=cpu", "trainer.max_epochs=2"),
    ]
    run = in_two_processes(tmp_path, "scenes-spot", *settings)
    two = run.evaluation("val")
    numbers, rows = two.metrics(), two.predictions()
    assert sum(map(len, rows["quads_xy"])) > 0
    one = evaluate(run, "trainer.devices=1")
    assert one.predictions()["image"].to_list() == rows["image"].to_list()
    assert one.predictions()["quads_xy"].to_list() == rows["quads_xy"].to_list()
    assert one.predictions()["texts"].to_list() == rows["texts"].to_list()
    assert one.metrics()["metrics"] == pytest.approx(numbers["metrics"], abs=1e-6)
