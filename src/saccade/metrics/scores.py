"""What a metric says of a whole split, ready for JSON, and the handling of undefined numbers."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saccade.errors import SaccadeError


class Scores(NamedTuple):
    """The numbers of one split: fractions of 1, ``None`` where undefined.

    A tuple and not a frozen dataclass because torchmetrics rebuilds whatever ``compute`` returns, field by
    field.
    """

    metrics: dict[str, float | None]  # by name, such as "map"
    per_class: dict[str, dict[str, float | int | None]]  # by class name, then by name, such as "ap"
    threshold: float | None = None  # of the decision, where it was chosen on this split
    confusion: list[list[int]] | None = None  # of pixels, rows by target and columns by prediction
    per_image: dict[str, list[float]] | None = None  # by name, of each image in the order of the split
    by_protocol: dict[str, dict[str, float]] | None = None  # of text spotting, by protocol, then by name


def defined_mean(values: NDArray[Any]) -> float:
    """Mean of the entries that are not NaN; NaN where there are none."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else math.nan


def or_none(value: float) -> float | None:
    """``value`` as a Python float, or ``None`` for NaN, which JSON does not know."""
    return None if math.isnan(value) else float(value)


def divide(numerator: NDArray[Any], denominator: NDArray[Any], where_zero: float = math.nan) -> NDArray[np.float64]:
    """``numerator / denominator`` entry by entry, and ``where_zero`` where the denominator is 0."""
    result = np.full(np.shape(denominator), where_zero, dtype=np.float64)
    np.divide(numerator, denominator, out=result, where=denominator != 0)
    return result


def refuse_nan(scores: NDArray[Any]) -> None:
    """Refuse scores that cannot be ranked.

    Raises:
        SaccadeError: a score is NaN.
    """
    missing = int(np.isnan(scores).sum())
    if missing:
        raise SaccadeError(
            f"scores: {missing} of {scores.size} are NaN, and a ranking needs numbers; the network has "
            "diverged: lower optim.lr, set trainer.gradient_clip, or set trainer.precision=32"
        )
