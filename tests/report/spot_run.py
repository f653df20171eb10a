"""Made-up runs of `spot`, in the shape that training and evaluation write."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from saccade.metrics.spotting.protocol import Detections, Truth
from saccade.metrics.spotting.scores import SpottingScores, run_pooling, spotting_scores
from saccade.runs import Run

from .conftest import save_images, unscored
from .page import Page

PARTS = ("precision", "recall", "hmean")
PROTOCOLS = ("detection", "end_to_end", "word_spotting")
DECODING = {
    "threshold": 0.8,
    "merge_iou": 0.2,
    "nms_iou": 0.2,
    "min_score": 0.1,
    "max_places": 10000,
    "lexicon": None,
}
Quad = list[float]


def map_of_scores() -> bytes:
    """A PNG of 4 x 3 cells of which one is sure."""
    file = io.BytesIO()
    Image.fromarray(np.eye(3, 4, k=1, dtype=np.uint8) * 255).save(file, "PNG")
    return file.getvalue()


@dataclass
class Sign:
    """One image: words as (quad, text), "###" where it is not cared for, and detections as (quad, text, score)."""

    words: list[tuple[Quad, str]] = field(default_factory=list)
    found: list[tuple[Quad, str, float]] = field(default_factory=list)


def box(x: float, y: float, width: float = 40, height: float = 10) -> Quad:
    """An upright rectangle."""
    return [x, y, x + width, y, x + width, y + height, x, y + height]


def signs() -> list[Sign]:
    """Seven images, of which 0 is the best and 5 the worst; 3 and 6 have nothing to find, and nothing is found.

    Ten words are cared for: four are read right, two are misread, four are missed, of which one has a detection that
    overlaps it by less than half. Nine detections are cared for, of which three are false alarms. H-mean of detection:
    P 6/9, R 6/10, 12/19; of end-to-end reading: 8/19.
    """
    near = box(70, 30)  # IoU with the word at (40, 30) is 10/70
    return [
        Sign(
            [(box(0, 0), "HOTEL"), (box(50, 0, height=20), "Sale!")],
            [(box(50, 0, height=20), "SALE", 0.96), (box(1, 0), "HOTEL", 0.95)],
        ),
        Sign(
            [(box(0, 0), "OPEN"), (box(40, 30), "EXIT"), (box(0, 60), "TAXI"), (box(0, 80), "###")],
            [(box(0, 0), "0PEN", 0.9), (box(0, 60), "TAXI", 0.85), (near, "III", 0.5), (box(0, 80), "xx", 0.4)],
        ),
        Sign([(box(0, 0), "BAR")], [(box(0, 0), "BAR", 0.9), (box(60, 60), "", 0.6)]),
        Sign([(box(0, 0), "###")], [(box(0, 0), "abc", 0.9)]),
        Sign([(box(0, 0, height=30), "OPEN"), (box(50, 50), "BANK")], [(box(0, 0, height=30), "0PEN", 0.7)]),
        Sign([(box(0, 0, width=10), "A"), (box(50, 50, height=7), "CAFE")], [(box(70, 70), "x", 0.3)]),
        Sign(),
    ]


def epochs(n: int = 10, *, reads: bool = True, split: str = "holdout") -> list[dict[str, Any]]:
    """Rows of ``metrics.jsonl``: best are end-to-end at epoch 7, detection at 9, word spotting at 6, letters at 8."""
    rows = []
    for e in range(1, n + 1):
        numbers: dict[str, float] = {}
        for k, (name, best) in enumerate(zip(PROTOCOLS, (9, 7, 6), strict=True)):
            value = 0.9 - 0.1 * k - 0.02 * abs(e - best)
            numbers |= {f"{name}_{part}": value + 0.01 * (j - 2) for j, part in enumerate(PARTS)}
        numbers |= {"cer": 0.05 + 0.02 * abs(e - 8), "word_accuracy": 0.9 - 0.02 * abs(e - 8)}
        if not reads:
            numbers = {key: value for key, value in numbers.items() if key.startswith("detection")}
        loss = 1 + 3 * 0.7**e
        row = {"epoch": e, "step": 30 * e, "lr": 1e-3, "train": {"loss": loss}}
        rows.append(row | {split: {"loss": loss + 0.1, **numbers}})
    return rows


def unscored_spot(tmp_path: Path, *, reads: bool = True, rows: list[dict[str, Any]] | None = None) -> Run:
    """A run without an evaluation."""
    run = unscored(tmp_path / "runs" / "made-up" / "001", task="spot", classes=[])
    config = run.config_file.read_text(encoding="utf-8").replace("resnet18", "fots" if reads else "east")
    run.config_file.write_text(config.replace("  name: spot\n", "  name: spot\n  min_side: 10\n"), encoding="utf-8")
    run.keep_epochs(epochs(reads=reads) if rows is None else rows)
    facts = run.environment()
    facts["model"]["name"] = "fots" if reads else "east"
    facts["selection"] |= {"metric": "end_to_end_hmean" if reads else "detection_hmean"}
    for split in facts["data"]["splits"].values():
        split["classes"] = {}
    run.write_environment(facts)
    return run


def scores_of(images: Sequence[Sign], *, reads: bool) -> SpottingScores:
    """The numbers, from the metrics themselves."""

    def quads(given: list[Quad]) -> np.ndarray:
        return np.array(given, dtype=np.float64).reshape(-1, 4, 2)

    truths = [
        Truth(
            quads([q for q, _ in s.words]),
            tuple(t for _, t in s.words),
            np.array([t != "###" for _, t in s.words], bool),
        )
        for s in images
    ]
    texts = [tuple(t for _, t, _ in s.found) if reads else None for s in images]
    found = [Detections(quads([q for q, *_ in s.found]), t) for s, t in zip(images, texts, strict=True)]
    return spotting_scores(truths, found)


def add_spotting(
    run: Run,
    images: Sequence[Sign],
    *,
    reads: bool = True,
    names: Sequence[str] | None = None,
    name: str = "val",
    metrics: dict[str, float | None] | None = None,
    **about: Any,
) -> SpottingScores:
    """Write an evaluation, and return its numbers; ``metrics`` stand in their place in ``metrics.json``."""
    found = scores_of(images, reads=reads)
    numbers: dict[str, float | None] = {"loss": 1.5}
    numbers |= {f"{p}_{part}": values[part] for p, values in found.metrics.items() for part in PARTS}
    if found.words is not None:
        numbers |= {"cer": found.words.cer, "word_accuracy": found.words.word_accuracy}
    document = {"split": "val", "n": len(images), "classes": [], "metrics": numbers | (metrics or {}), "per_class": {}}
    known = {
        "task": "spot",
        "checkpoint": "best.ckpt",
        "epoch": 7,
        "data_root": "/data",
        "pooling": {"loss": "mean over the images", **run_pooling(reads=True)},
        "optimistic": False,
        "reads": reads,
        "longer_side": None,
        "decoding": DECODING,
    }
    run.evaluation(name).write(document | found.metrics, table(images, found, reads=reads, names=names), known | about)
    return found


def table(
    images: Sequence[Sign], found: SpottingScores, *, reads: bool = True, names: Sequence[str] | None = None
) -> pl.DataFrame:
    """``predictions.parquet``."""
    quads, flags = pl.List(pl.List(pl.Float32)), pl.List(pl.Boolean)
    return pl.DataFrame(
        [
            pl.Series("image", list(names or [f"images/{i:03d}.jpg" for i in range(len(images))])),
            pl.Series("target_quads_xy", [[q for q, _ in s.words] for s in images], dtype=quads),
            pl.Series("target_texts", [[t for _, t in s.words] for s in images], dtype=pl.List(pl.String)),
            pl.Series("target_cared", [[t != "###" for _, t in s.words] for s in images], dtype=flags),
            pl.Series("quads_xy", [[q for q, *_ in s.found] for s in images], dtype=quads),
            pl.Series("texts", [[t if reads else "" for _, t, _ in s.found] for s in images], dtype=pl.List(pl.String)),
            pl.Series("scores", [[score for *_, score in s.found] for s in images], dtype=pl.List(pl.Float32)),
            pl.Series("score_png", [map_of_scores()] * len(images), dtype=pl.Binary),
            pl.Series("loss", [1.5] * len(images), dtype=pl.Float32),
            *(pl.Series(f"{p}_hmean", values, dtype=pl.Float32) for p, values in found.per_image.items()),
        ]
    )


def spot_run(tmp_path: Path, images: Sequence[Sign] | None = None, *, reads: bool = True, **about: Any) -> Run:
    """A scored run whose images, 160 x 100 pixels, are on disk."""
    run = unscored_spot(tmp_path, reads=reads, rows=about.pop("rows", None))
    given = signs() if images is None else images
    save_images(tmp_path / "data", [f"images/{i:03d}.jpg" for i in range(len(given))], size=(160, 100))
    add_spotting(run, given, reads=reads, **{"data_root": str(tmp_path / "data")} | about)
    return run


def outlines(page: Page) -> Counter[str]:
    """How many outlines of each verdict a page has."""
    return Counter(re.findall(r'<polygon class="o-(\w+)"', page.source))
