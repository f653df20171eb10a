"""A made-up caption run: coloured shapes, in the shape that training and evaluation write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from saccade.metrics.captions.scores import CAPTION_POOLING, CaptionScores, caption_scores
from saccade.runs import Run

from .conftest import save_images, unscored

SHAPES = ["circle", "square", "star"]
COLOURS = ["red", "green", "blue", "white"]
GRID = {"kind": "grid", "height": 2, "width": 3, "resize": "squash", "resize_crop": 0.875}
BOXES = {"kind": "boxes"}
KEYS = ("bleu1", "bleu2", "bleu3", "bleu4", "meteor", "rouge_l", "cider")


def spoken(n: int = 15) -> tuple[list[str], list[list[str]]]:
    """``n`` captions, of each three one right, one of the wrong colour and one that says little; and references."""
    captions, references = [], []
    for i in range(n):
        colour, shape = COLOURS[i % 4], SHAPES[i % 3]
        references.append([f"a {colour} {shape}", f"There is one {shape}, it is {colour}.", f"A {shape} in {colour}."])
        captions.append((f"a {colour} {shape}", f"a {COLOURS[(i + 1) % 4]} {shape}", "a thing")[i % 3])
    return captions, references


def epochs(n: int = 10, *, meteor: bool = True, split: str = "holdout") -> list[dict[str, Any]]:
    """Rows of ``metrics.jsonl``: CIDEr-D is best at epoch 7, BLEU-4 at 9 and METEOR at 5; 3 was not scored."""
    rows = []
    for e in range(1, n + 1):
        loss = 1 + 3 * 0.7**e
        row: dict[str, Any] = {"epoch": e, "step": 30 * e, "lr": 1e-3, "train": {"loss": loss}}
        if e != 3:
            best = {"bleu4": 9, "meteor": 5}
            numbers = {key: 0.8 - 0.05 * k - 0.02 * abs(e - best.get(key, 7)) for k, key in enumerate(KEYS)}
            row[split] = {"loss": loss + 0.1, **numbers, "cider": 2 * numbers["cider"]}
            if not meteor:
                del row[split]["meteor"]
        rows.append(row)
    return rows


def add_captions(
    run: Run,
    captions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    images: Sequence[str] | None = None,
    meteor: bool = True,
    attention: Sequence[Any] | None = None,
    boxes: Sequence[Any] | None = None,
    metrics: dict[str, float] | None = None,
    **about: Any,
) -> CaptionScores:
    """Write an evaluation, and return its numbers; ``metrics`` stand in their place in ``metrics.json``.

    METEOR is made up: image i has 0.01 i, the split 0.25.
    """
    found = caption_scores(captions, references)
    n = len(captions)
    columns: dict[str, Any] = {
        "image": images or [f"images/{i:03d}.jpg" for i in range(n)],
        "caption": list(captions),
        "references": [list(of_image) for of_image in references],
        "attention": attention or [None] * n,
        "cider": found.per_image["cider"],
        "bleu4": found.per_image["bleu4"],
        "rouge_l": found.per_image["rouge_l"],
        "loss": [1.5] * n,
    }
    weights = pl.List(pl.List(pl.Float32))
    schema: dict[str, Any] = dict.fromkeys(("cider", "bleu4", "rouge_l", "loss"), pl.Float32)
    schema |= {"attention": weights, "references": pl.List(pl.String)}
    if meteor:
        columns["meteor"], schema["meteor"] = [0.01 * i for i in range(n)], pl.Float32
    if boxes is not None:
        columns["boxes"], schema["boxes"] = boxes, weights
    numbers = {"loss": 1.5, **{k: v for k, v in found.metrics.items() if k not in ("rouge_l", "cider")}}
    numbers |= {"meteor": 0.25} if meteor else {}
    numbers |= {k: found.metrics[k] for k in ("rouge_l", "cider")}
    document = {"split": "val", "n": n, "classes": [], "metrics": numbers | (metrics or {}), "per_class": {}}
    known = {
        "task": "caption",
        "checkpoint": "best.ckpt",
        "epoch": 7,
        "data_root": "/data",
        "pooling": CAPTION_POOLING,
        "optimistic": False,
        "seconds": 1.0,
        "regions": {"kind": "pooled"},
    }
    run.evaluation("val").write(document, pl.DataFrame(columns, schema_overrides=schema), known | about)
    return found


def unscored_captions(tmp_path: Path, *, rows: list[dict[str, Any]] | None = None) -> Run:
    """A run without an evaluation."""
    run = unscored(tmp_path / "runs" / "made-up" / "001", task="caption", classes=[])
    run.keep_epochs(epochs() if rows is None else rows)
    facts = run.environment()
    for split in facts["data"]["splits"].values():
        split["classes"] = {}
    run.write_environment(facts)
    return run


def looks(captions: Sequence[str], regions: int) -> list[list[list[float]]]:
    """Weights of each word of each caption: word k looks at region k alone, but for a tenth of its weight."""
    eye = 0.9 * np.eye(regions) + 0.1 / regions
    return [[eye[k % regions].tolist() for k, _ in enumerate(caption.split(" "))] for caption in captions]


def caption_run(
    tmp_path: Path,
    n: int = 15,
    *,
    regions: str = "pooled",
    meteor: bool = True,
    rows: list[dict[str, Any]] | None = None,
    **about: Any,
) -> Run:
    """A scored run of ``n`` images, which are on disk; ``regions`` is pooled, grid or boxes."""
    run = unscored_captions(tmp_path, rows=rows)
    captions, references = spoken(n)
    save_images(tmp_path / "data", [f"images/{i:03d}.jpg" for i in range(n)])
    given: dict[str, Any] = {"data_root": str(tmp_path / "data"), "meteor": meteor}
    if regions == "grid":
        given |= {"attention": looks(captions, 6), "regions": GRID}
    if regions == "boxes":
        halves = [[0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]]
        given |= {"attention": looks(captions, 2), "boxes": [halves] * n, "regions": BOXES}
    add_captions(run, captions, references, **given | about)
    return run
