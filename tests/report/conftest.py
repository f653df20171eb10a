"""Run folders with made-up scores, in the shape that training and evaluation write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from saccade.metrics.summary import MULTILABEL_POOLING, classify_pooling, classify_scores, multilabel_scores
from saccade.report.scored import HEADLINE
from saccade.report.write import write_report
from saccade.runs import Run

from .page import Page

CLASSES = ["cat", "dog", "fish", "owl", "yak"]


def environment(
    *, classes: list[str], n_train: int, n_holdout: int, n_val: int, metric: str, skipped: list[str]
) -> dict[str, Any]:
    """environment.json of a finished run."""

    def split(n: int) -> dict[str, Any]:
        return {
            "n": n,
            "classes": {c: {"n_positive": n // (i + 2), "n_ignored": i % 2} for i, c in enumerate(classes)},
        }

    splits = {"train": split(n_train), "holdout": split(n_holdout), "val": split(n_val)}
    if not n_holdout:
        del splits["holdout"]
    return {
        "saccade": "0.1.0",
        "python": "3.11.9",
        "torch": "2.11.0",
        "platform": "Linux x86_64",
        "cpu": "a processor",
        "threads": 2,
        "device": "cpu",
        "git": None,
        "seed": 0,
        "data": {
            "root": "/data",
            "fingerprint": "0123abcd",
            "splits": splits,
            "skipped": skipped,
            "classes": classes,
        },
        "normalize": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
        "model": {"name": "resnet18", "parameters": 11178051, "trainable": 2565},
        "selection": {
            "metric": metric,
            "split": "holdout" if n_holdout else "val",
            "best_epoch": 7,
            "best": 0.81,
        },
    }


def unscored(
    folder: Path,
    *,
    task: str = "multilabel",
    classes: list[str] = CLASSES,
    n_train: int = 90,
    n_holdout: int = 10,
    n_val: int = 30,
    skipped: list[str] | None = None,
) -> Run:
    """A run with ten epochs behind it and no evaluation."""
    metric = HEADLINE[task]
    folder.mkdir(parents=True)
    run = Run(folder)
    run.config_file.write_text(
        f"name: made-up\nseed: 0\ntask:\n  name: {task}\ndata:\n  format: voc\n  root: /data\n"
        f"  image_size: 64\n  holdout: {0.1 if n_holdout else 0}\nmodel:\n  name: resnet18\n"
        "  pretrained: false\noptim:\n  name: adamw\n  lr: 2.0e-05\n",
        encoding="utf-8",
    )
    facts: dict[str, Any] = {"classes": classes, "n_train": n_train, "n_holdout": n_holdout, "n_val": n_val}
    run.write_environment(environment(**facts, metric=metric, skipped=skipped or []))
    for e in range(10):
        loss, value = 0.2 + 0.5 * 0.7**e, 0.82 - 0.6 * 0.6**e - 0.004 * max(0, e - 7)
        held = {"loss": loss + 0.05 + 0.01 * max(0, e - 5), metric: value}
        row = {"epoch": e, "step": 30 * e, "lr": 1e-3, "train": {"loss": loss}}
        run.append_epoch({**row, "holdout" if n_holdout else "val": held})
    return run


def add_multilabel(
    run: Run,
    images: list[str],
    targets: np.ndarray,
    scores: np.ndarray,
    *,
    classes: list[str] = CLASSES,
    name: str = "val",
    **about: Any,
) -> None:
    """Write an evaluation; ``targets`` (N, C) of 1, 0, -1 and ``scores`` (N, C)."""
    scores, targets = scores.astype(np.float32), targets.astype(np.int8)
    p = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
    terms = np.where(targets == 1, -np.log(p), -np.log1p(-p)) * (targets >= 0)
    with np.errstate(invalid="ignore"):
        losses = (terms.sum(axis=1) / (targets >= 0).sum(axis=1)).astype(np.float32)
    numbers = multilabel_scores(scores, targets, classes=classes)
    rows = pl.DataFrame(
        {"image": images, "targets": targets.tolist(), "scores": scores.tolist(), "loss": losses},
        schema={
            "image": pl.String,
            "targets": pl.List(pl.Int8),
            "scores": pl.List(pl.Float32),
            "loss": pl.Float32,
        },
    )
    _write(
        run,
        name,
        rows,
        classes,
        numbers,
        task="multilabel",
        pooling=MULTILABEL_POOLING,
        threshold=0.5,
        **about,
    )


def add_classify(
    run: Run,
    images: list[str],
    target: np.ndarray,
    scores: np.ndarray,
    *,
    classes: list[str] = CLASSES,
    name: str = "val",
    positive: str | None = None,
    threshold: float | None = None,
    **about: Any,
) -> None:
    """Write an evaluation; ``target`` (N,) in 0 ... C-1 and ``scores`` (N, C)."""
    scores = scores.astype(np.float32)
    decided: Any = {"positive": positive, "threshold": threshold}
    numbers = classify_scores(scores, target, classes=classes, **decided)
    said = scores.argmax(axis=1)
    if threshold is not None:
        place = classes.index(positive or "")
        said = np.where(scores[:, place] > np.float32(threshold), place, 1 - place)
    rows = pl.DataFrame(
        {
            "image": images,
            "target": [classes[i] for i in target],
            "prediction": [classes[i] for i in said],
            "scores": scores.tolist(),
            "loss": -np.log(np.maximum(scores[np.arange(len(target)), target], 1e-9)),
        },
        schema_overrides={"scores": pl.List(pl.Float32), "loss": pl.Float32},
    )
    pooling = classify_pooling(len(classes), **decided)
    _write(run, name, rows, classes, numbers, task="classify", pooling=pooling, **decided, **about)


def _write(run: Run, name: str, rows: pl.DataFrame, classes: list[str], numbers: Any, **about: Any) -> None:
    loss = float(np.nanmean(rows["loss"].to_numpy()))
    metrics = {
        "split": "val",
        "n": len(rows),
        "classes": classes,
        "metrics": {"loss": loss, **numbers.metrics},
        "per_class": numbers.per_class,
    }
    defaults = {
        "checkpoint": "best.ckpt",
        "epoch": 7,
        "data_root": "/data",
        "optimistic": False,
        "seconds": 1.0,
    }
    run.evaluation(name).write(metrics, rows, {**defaults, **about})


def save_images(root: Path, images: list[str], *, size: tuple[int, int] = (48, 32)) -> None:
    """One small JPEG at each path, each of another colour."""
    for i, image in enumerate(images):
        path = root / image
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (5 * i % 256, 90, 255 - 5 * i % 256)).save(path)


def scored_multilabel(tmp_path: Path, *, n_holdout: int = 10, skipped: list[str] | None = None, **about: Any) -> Run:
    """A scored multilabel run of 30 images, which are on disk."""
    rng = np.random.default_rng(0)
    run = unscored(tmp_path / "runs" / "made-up" / "001", n_holdout=n_holdout, skipped=skipped)
    images = [f"JPEGImages/{i:03d}.jpg" for i in range(30)]
    targets = rng.choice([1, 0, 0, -1], size=(30, 5), p=[0.35, 0.3, 0.25, 0.1])
    scores = np.clip(0.5 + 0.25 * targets + rng.normal(0, 0.25, (30, 5)), 0.01, 0.99)
    save_images(tmp_path / "data", images)
    add_multilabel(run, images, targets, scores, data_root=str(tmp_path / "data"), **about)
    return run


def scored_classify(tmp_path: Path, *, n_holdout: int = 10, **about: Any) -> Run:
    """A scored classify run of 30 images, six of each class, which are on disk."""
    rng = np.random.default_rng(0)
    run = unscored(tmp_path / "runs" / "made-up" / "001", task="classify", n_holdout=n_holdout)
    images = [f"val/{i % 5}/{i:03d}.jpg" for i in range(30)]
    target = np.arange(30) % 5
    logits = rng.normal(0, 1, (30, 5)) + 1.5 * np.eye(5)[target]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    save_images(tmp_path / "data", images)
    add_classify(run, images, target, scores, data_root=str(tmp_path / "data"), **about)
    return run


MAKE = {"multilabel": scored_multilabel, "classify": scored_classify}


@pytest.fixture(scope="session", params=["multilabel", "classify"])
def reported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Page]:
    """A scored run of each task in turn and its report, for tests that only read them."""
    run = MAKE[request.param](tmp_path_factory.mktemp(request.param))
    return run, Page(write_report(run))
