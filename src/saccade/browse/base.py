"""What the galleries of all tasks share: what the page asks for, pages of tiles, and the images behind them.

Letters: N images.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from saccade.browse.predictions import Flags, Floats
from saccade.browse.thumbnails import Allowed

PAGE = 48  # tiles; divides into 2, 3, 4, 6 and 8 columns
Show: TypeAlias = Literal["all", "hits", "misses", "false_alarms", "misread", "ignored", "said", "referred"]
Order: TypeAlias = Literal[
    "best",
    "worst",
    "loss",
    "least_loss",
    "best_meteor",
    "worst_meteor",
    "best_bleu4",
    "worst_bleu4",
    "best_detection",
    "worst_detection",
    "misses",
    "false_alarms",
    "misread",
    "data",
    "data_back",
]
Rows: TypeAlias = NDArray[np.int64]


class UnknownError(LookupError):
    """Something the page was asked for that the evaluation does not hold: a stale or mistyped address."""


class Choice(BaseModel):
    """What the page shows, as it stands in its address."""

    model_config = ConfigDict(frozen=True)

    name: Annotated[str | None, Field(alias="class")] = None  # None: all together; of captions and spotting: words
    order: Order | None = None  # None: the gallery's own
    show: Show = "all"
    page: Annotated[int, Field(ge=1)] = 1
    threshold: Annotated[float | None, Field(alias="t", ge=0, le=1)] = None
    labelled: str | None = None  # classify: only images of this class which the model takes for ``name``
    caption: str | None = None  # caption: only images that got exactly this one
    text: str | None = None  # spot: only images with this within a word


class BaseGallery(ABC):
    """The images of one evaluation, ready for JSON: what every task's page asks for."""

    orders: ClassVar[frozenset[str]] = frozenset({"best", "worst", "loss", "least_loss"})

    def __init__(self, images: list[str], allowed: Allowed) -> None:
        self.images = images  # N paths below the data root, forward slashes
        self.allowed = allowed

    @abstractmethod
    def page(self, choice: Choice) -> dict[str, Any]:
        """One page of tiles and how many images each filter keeps; a page beyond the last is the last.

        Raises:
            UnknownError: the evaluation does not know what was chosen.
        """

    @abstractmethod
    def image(self, row: int, threshold: float | None = None) -> dict[str, Any]:
        """One image with all that is known of it.

        Raises:
            UnknownError: there is no such row.
        """

    @abstractmethod
    def summary(self) -> dict[str, Any]:
        """What the page needs once for the evaluation."""

    def confusion(self) -> dict[str, Any]:
        """How often each class is taken for each; nothing where a mistake names no other class."""
        return {"matrix": None, "pairs": []}

    def overview(self) -> dict[str, Any]:
        """What can be said of all images together, beside the summary.

        Raises:
            UnknownError: the task has no such view.
        """
        raise UnknownError("there is no overview of these predictions")

    def path(self, row: int) -> str:
        """The path of image ``row``, as the evaluation wrote it.

        Raises:
            UnknownError: there is no such row.
        """
        if not 0 <= row < len(self.images):
            raise UnknownError(f"there is no image {row}")
        return self.images[row]

    def file(self, row: int) -> Path | str:
        """The file of image ``row``, or in a few words why it is not shown.

        Raises:
            UnknownError: there is no such row.
        """
        return self.allowed.find(self.path(row))

    def _found(self, row: int) -> dict[str, Any]:
        """The beginning of every tile: which image it is, and why it is not shown if it is not."""
        found = self.allowed.find(self.images[row])
        return {"row": row, "image": self.images[row], "problem": found if isinstance(found, str) else None}

    def _check_order(self, choice: Choice) -> None:
        if choice.order is not None and choice.order not in self.orders:
            raise UnknownError(f"there is no order {choice.order} here; there is {', '.join(sorted(self.orders))}")

    def _paged(
        self, choice: Choice, order: Rows, shown: Mapping[Show, Flags], tile: Callable[[int], dict[str, Any]]
    ) -> dict[str, Any]:
        """The page chosen of ``order`` (N,); each filter (N,) goes with that of ``all``."""
        if choice.show not in shown:
            raise UnknownError(f"there is no filter {choice.show} here; there is {', '.join(shown)}")
        kept = shown["all"]
        rows = order[(kept & shown[choice.show])[order]]
        pages = max(1, math.ceil(len(rows) / PAGE))
        page = min(choice.page, pages)
        return {
            "counts": {show: int((kept & flags).sum()) for show, flags in shown.items()},
            "page": page,
            "pages": pages,
            "tiles": [tile(int(row)) for row in rows[(page - 1) * PAGE : page * PAGE]],
        }


def by_value(values: Floats, losses: Floats, *, best_first: bool) -> Rows:
    """(N,) rows by ``values``; among equal ones, such as many zeros, the greater loss is worse; NaN stands last."""
    sign = -1 if best_first else 1
    return np.lexsort((-sign * losses, sign * values))


def number(value: np.floating[Any] | float) -> float | None:
    """A float for JSON: None where it is not finite."""
    return float(value) if math.isfinite(value) else None
