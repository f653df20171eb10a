"""What the network looked at while it said the words of one caption, read for that image alone.

Letters: W words of the caption, R regions of the image, H x W cells of a grid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from saccade.runs import Evaluation

DIGITS = 6  # of a weight, and of a corner as a share of a side


@dataclass(frozen=True)
class Attention:
    """The weights of one image, or in a few words why there are none where there should be."""

    weights: list[list[float]] | None = None  # W rows of R numbers, not negative
    boxes: list[list[float]] | None = None  # R times x0, y0, x1, y1 as shares of width and height
    problem: str | None = None


def split_at_blanks(caption: str) -> list[str]:
    """The words that rows of weights belong to: what stands between single spaces."""
    return caption.split(" ") if caption else []


def read_attention(evaluation: Evaluation, row: int, caption: str, regions: Mapping[str, Any]) -> Attention:
    """The attention of image ``row``; nothing where the network does not look at regions one by one."""
    scan = pl.scan_parquet(evaluation.predictions_file)
    there = scan.collect_schema().names()
    if "attention" not in there or not split_at_blanks(caption):
        return Attention()
    columns = [name for name in ("attention", "boxes") if name in there]
    found = scan.select(columns).slice(row, 1).collect().row(0, named=True)
    if found["attention"] is None:
        return Attention()
    return checked(found["attention"], found.get("boxes"), split_at_blanks(caption), regions)


def checked(
    weights: Sequence[Any], boxes: Sequence[Any] | None, words: Sequence[str], regions: Mapping[str, Any]
) -> Attention:
    """The attention, if it belongs to these words and regions."""
    kind, expected = regions.get("kind"), None
    if kind == "boxes":
        if boxes is None or not all(_numbers(box, 4) for box in boxes):
            return Attention(problem="the boxes of the regions are not there")
        expected = len(boxes)
    elif kind == "grid":
        expected = _cells(regions)
    if expected is None:
        return Attention(problem="about.json does not say which regions the weights are of")
    if len(weights) != len(words):
        return Attention(problem=f"{len(weights)} rows of weights for {len(words)} words")
    for word, one in enumerate(weights, start=1):
        if not _numbers(one, expected) or min(one, default=0) < 0:
            return Attention(problem=f"the weights of word {word} are not {expected} numbers from 0 up, one a region")
    return Attention(
        weights=[[round(value, DIGITS) for value in one] for one in weights],
        boxes=[[round(value, DIGITS) for value in box] for box in boxes] if kind == "boxes" and boxes else None,
    )


def _cells(regions: Mapping[str, Any]) -> int | None:
    """H x W, where the grid is said completely."""
    height, width = regions.get("height"), regions.get("width")
    if not isinstance(height, int) or not isinstance(width, int) or min(height, width) < 1:
        return None
    if regions.get("resize") == "crop":
        share = regions.get("resize_crop")
        return height * width if isinstance(share, int | float) and share > 0 else None
    return height * width if regions.get("resize") == "squash" else None


def _numbers(values: Any, n: int) -> bool:
    """Whether these are ``n`` finite numbers."""
    return isinstance(values, Sequence) and len(values) == n and all(v is not None and math.isfinite(v) for v in values)
