"""What the rows of ``metrics.jsonl`` hold, number by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Epochs: TypeAlias = Sequence[Mapping[str, Any]]
"""The rows, one an epoch."""


@dataclass(frozen=True)
class Curve:
    """One line over the epochs; None where the number is undefined."""

    label: str
    trained: bool  # of the training split; else of the split that chooses the epoch
    epochs: Sequence[int]
    values: Sequence[float | None]


def scored_split(epochs: Epochs) -> str | None:
    """The split that is scored after epochs; None where none was."""
    return next((s for s in ("overfit", "holdout", "val") if any(s in row for row in epochs)), None)


def curves_of(epochs: Epochs, key: str, split: str | None) -> Iterator[Curve]:
    """The number ``key`` of the training split and of ``split``, over the epochs that have it."""
    for part in ("train", split) if split else ("train",):
        scored = [row for row in epochs if part in row]
        values = [row[part].get(key) for row in scored]
        if any(v is not None for v in values):
            yield Curve(part, part == "train", [int(row["epoch"]) for row in scored], values)


def best_epoch(epochs: Epochs, key: str, split: str | None, *, lowest: bool = False) -> tuple[int, float] | None:
    """The epoch with the highest ``key`` on ``split``, or the ``lowest``, the first of equals; and that number.

    None where no epoch has one.
    """
    found = [
        (int(row["epoch"]), float(row[split][key]))
        for row in epochs
        if split is not None and row.get(split, {}).get(key) is not None
    ]
    return (min if lowest else max)(found, key=lambda pair: pair[1], default=None)
