"""A made-up segment run: true and predicted masks of 24 x 16 pixels, in the shape that evaluation writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from saccade.data.masks import palette_png
from saccade.draw.overlay import palette
from saccade.metrics.segmentation import SEGMENT_POOLING, image_accuracy, image_ious, pixel_confusion, segment_scores
from saccade.runs import Run

from .conftest import save_images, unscored

NAMES = ["background", "cat", "dog", "owl"]
WIDTH, HEIGHT = 24, 16

Mask = NDArray[np.uint8]


def coding(n: int, **changes: Any) -> dict[str, Any]:
    """``coding`` of about.json: ids as they are, 255 void."""
    known = {"ids": list(range(n)), "void_id": 255, "colours": None, "void_colour": None, "void_is_background": False}
    return known | changes


def masks(n: int = 15, classes: int = 4, *, void: bool = True) -> tuple[list[Mask], list[Mask]]:
    """``n`` true masks, the last class in none of them, and predictions that are worse from image to image."""
    rng = np.random.default_rng(0)
    targets, said = [], []
    for i in range(n):
        target = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        target[3:12, 2 + i % 5 : 14] = 1 + i % (classes - 2)
        if void:
            target[:, :2] = 255
        found = np.where(target == 255, 0, target).astype(np.uint8)
        wrong = rng.random(target.shape) < i / n
        found[wrong] = rng.integers(0, classes, int(wrong.sum()))
        targets.append(target)
        said.append(found)
    return targets, said


def add_segment(
    run: Run,
    root: Path,
    targets: list[Mask],
    said: list[Mask],
    *,
    classes: list[str] = NAMES,
    on_disk: list[Image.Image] | None = None,
    **about: Any,
) -> None:
    """Write an evaluation and, below ``root``, the true masks: ``on_disk``, or ``targets`` as palette images.

    ``targets`` are as they are scored: at the size of ``said``, void 255.
    """
    colours, n = palette(256), len(classes)
    images = [f"JPEGImages/{i:03d}.jpg" for i in range(len(targets))]
    save_images(root, images, size=(WIDTH, HEIGHT))
    (root / "SegmentationClass").mkdir(parents=True)
    for i, target in enumerate(targets):
        path = root / "SegmentationClass" / f"{i:03d}.png"
        if on_disk is None:
            path.write_bytes(palette_png(target, colours))
        else:
            on_disk[i].save(path)
    pairs = list(zip(targets, said, strict=True))
    confusion = sum((pixel_confusion(t, s, n) for t, s in pairs), np.zeros((n, n), dtype=np.int64))
    scores = segment_scores(confusion, classes=classes)
    ious = [[None if np.isnan(v) else float(v) for v in image_ious(t, s, n)] for t, s in pairs]
    rows = pl.DataFrame(
        {
            "image": images,
            "target": [f"SegmentationClass/{i:03d}.png" for i in range(len(targets))],
            "mask": [f"masks/{i:03d}.png" for i in range(len(targets))],
            "pixel_accuracy": pl.Series([image_accuracy(t, s) for t, s in pairs], dtype=pl.Float32).fill_nan(None),
            "iou": pl.Series(ious, dtype=pl.List(pl.Float32)),
            "loss": pl.Series([0.5] * len(targets), dtype=pl.Float32),
        }
    )
    metrics = {
        "split": "val",
        "n": len(targets),
        "classes": classes,
        "metrics": {"loss": 0.5, **scores.metrics},
        "per_class": scores.per_class,
        "confusion": scores.confusion,
    }
    known = {
        "task": "segment",
        "checkpoint": "best.ckpt",
        "epoch": 7,
        "data_root": str(root),
        "pooling": SEGMENT_POOLING,
        "optimistic": False,
        "void": "ignore",
        "score_size": "original",
        "window": None,
        "flip": False,
        "colours": colours[:n].tolist(),
        "coding": coding(n),
    }
    pngs = {f"masks/{i:03d}.png": palette_png(mask, colours) for i, mask in enumerate(said)}
    run.evaluation("val").write(metrics, rows, known | about, pngs)


def segment_run(tmp_path: Path, *, classes: list[str] = NAMES, **about: Any) -> Run:
    """A scored run of 15 images, which are on disk."""
    run = unscored(tmp_path / "runs" / "made-up" / "001", task="segment", classes=classes)
    add_segment(run, tmp_path / "data", *masks(classes=len(classes)), classes=classes, **about)
    return run
