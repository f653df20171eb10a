"""The images of one evaluation of ``spot`` in the order that the page asks for, ready for JSON, and their words.

Letters: N images; K words of the truth and D detections of all images together. Undefined numbers are None.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
import polars as pl

from saccade.browse.base import BaseGallery, Choice, Rows, Show, UnknownError, by_value, number
from saccade.browse.overview import basics
from saccade.browse.predictions import Flags
from saccade.browse.spot_image import entries, outlines, told
from saccade.browse.spot_overview import count_words, counts, overview
from saccade.browse.spots import FALSE_ALARM, MISREAD, MISSED, RIGHT, Matching, SpotPredictions
from saccade.browse.thumbnails import Allowed
from saccade.data.images import upright_size
from saccade.draw.rectified import Quad
from saccade.errors import DataError

Side: TypeAlias = Literal["truth", "found"]
LISTED = 1000  # words in the list at the side and in the table; any other can be searched for
COLUMNS = ["n_truth", "n_right", "n_misread", "n_missed", "n_alarms", "recall"]
UNREAD = ["n_truth", "n_right", "n_missed", "recall"]  # the columns where nothing is read
SIZES = 10_000  # images whose width and height are remembered


@dataclass(frozen=True, eq=False)
class Selection:
    """The words that were searched for; where nothing was, all of them."""

    truth: Flags  # (K,)
    found: Flags  # (D,) with the match of each in ``truth``, and the other way round
    named: Flags  # (K,) those of ``truth`` that were searched for themselves, and not because of what was read
    is_all: bool = True


class SpotGallery(BaseGallery):
    """The images of one evaluation of ``spot``.

    ``class`` in a choice is a whole text and ``text`` a part of one, ignoring case, in the truth or in what was read.
    Filters then go by the words that have it alone.
    """

    orders: ClassVar[frozenset[str]] = BaseGallery.orders | {
        *("best_detection", "worst_detection", "misses", "false_alarms", "misread", "data", "data_back")
    }

    def __init__(self, predictions: SpotPredictions, matching: Matching, allowed: Allowed) -> None:
        super().__init__(predictions.images, allowed)
        self.predictions = predictions
        self.matching = matching
        self._selection = lru_cache(maxsize=8)(self._select)
        self._size_of = lru_cache(maxsize=SIZES)(_size_of)

    def page(self, choice: Choice) -> dict[str, Any]:
        """One page of tiles, how many images each filter keeps, and what became of the words searched for.

        ``hits`` are images without a mistake, or with a word searched for that is right.

        Raises:
            UnknownError: an order or filter that is not of spotting.
        """
        self._check_order(choice)
        selection = self._selection(choice.name, choice.text)
        shown = self._shown(selection)
        m = self.matching
        return {
            "truth": counts(m.truth[selection.named]),
            "read_elsewhere": int((selection.truth & ~selection.named).sum()),
            "found": counts(m.found[selection.found]),
        } | self._paged(choice, self._order(choice), shown, lambda row: self._tile(row, selection))

    def image(self, row: int, threshold: float | None = None) -> dict[str, Any]:
        """One image with all its words and detections, the mistakes first.

        Raises:
            UnknownError: there is no such row.
        """
        self.path(row)
        return self._basics(row) | {"entries": entries(self.predictions, self.matching, row)}

    def summary(self) -> dict[str, Any]:
        """What the page needs once for the evaluation; a row of the table is a word."""
        p = self.predictions
        columns = COLUMNS if p.reads else UNREAD
        table = self.words.head(LISTED).with_columns(recall=pl.col("n_right") / pl.col("n_truth"))
        return basics(p.evaluation, p.metrics, len(p.images)) | {
            "task": "spot",
            "reads": p.reads,
            "numbers": list(p.numbers),
            "n_words": len(self.words),
            "columns": columns,
            "table": table.select("word", *columns).fill_nan(None).rows(),
        }

    def overview(self) -> dict[str, Any]:
        """How words were found and read all in all."""
        return self._overview

    def quad(self, row: int, side: Side, index: int) -> Quad:
        """(4, 2) the place of a word of the truth or of a detection, counted from 0 in each image.

        Raises:
            UnknownError: there is no such row, or none of that number in it.
        """
        self.path(row)
        placed = self.predictions.truth if side == "truth" else self.predictions.found
        place = placed.of(row)
        if not 0 <= index < place.stop - place.start:
            raise UnknownError(f"there is no word {index} in image {row}")
        quad: Quad = placed.quads[place.start + index]
        return quad

    @cached_property
    def words(self) -> pl.DataFrame:
        """All texts and what became of them, from ``count_words``."""
        return count_words(self.predictions, self.matching)

    @cached_property
    def _overview(self) -> dict[str, Any]:
        return overview(self.predictions, self.matching, self.words)

    @cached_property
    def _counted(self) -> dict[str, Rows]:
        """(N,) of each image: its mistakes by kind, and what is right."""
        p, m = self.predictions, self.matching
        return {
            "right": p.truth.count(m.truth == RIGHT),
            "misread": p.truth.count(m.truth == MISREAD),
            "misses": p.truth.count(m.truth == MISSED),
            "false_alarms": p.found.count(m.found == FALSE_ALARM),
        }

    def _select(self, name: str | None, text: str | None) -> Selection:
        p, m = self.predictions, self.matching
        flags = [np.ones(len(placed.texts), np.bool_) for placed in (p.truth, p.found)]
        for flag, placed in zip(flags, (p.truth, p.found), strict=True):
            if name is not None:
                flag &= (placed.folded == name.lower()).to_numpy()
            if text is not None:
                flag &= placed.folded.str.contains(text.lower(), literal=True).to_numpy()
        truth, found = flags
        in_truth, in_found = np.flatnonzero(m.of_truth >= 0), np.flatnonzero(m.of_found >= 0)
        both = [truth.copy(), found.copy()]
        both[0][in_truth] |= found[m.of_truth[in_truth]]
        both[1][in_found] |= truth[m.of_found[in_found]]
        return Selection(both[0], both[1], truth, is_all=name is None and text is None)

    def _shown(self, selection: Selection) -> dict[Show, Flags]:
        p, m = self.predictions, self.matching
        words, places = selection.truth, selection.found
        every = np.ones(len(p.images), np.bool_)
        shown: dict[Show, Flags] = {"all": every}
        if not selection.is_all:
            shown["all"] = (p.truth.count(words) + p.found.count(places)) > 0
        if p.reads:
            shown["misread"] = p.truth.count(words & (m.truth == MISREAD)) > 0
        shown["misses"] = p.truth.count(words & (m.truth == MISSED)) > 0
        shown["false_alarms"] = p.found.count(places & (m.found == FALSE_ALARM)) > 0
        mistaken = shown["misses"] | shown["false_alarms"] | shown.get("misread", ~every)
        shown["hits"] = ~mistaken if selection.is_all else p.truth.count(words & (m.truth == RIGHT)) > 0
        return shown

    def _order(self, choice: Choice) -> Rows:
        p, order = self.predictions, choice.order or "worst"
        rows = np.arange(len(p.images))
        if order in ("data", "data_back"):
            return rows if order == "data" else rows[::-1]
        if order in ("loss", "least_loss"):
            return np.argsort(-p.losses if order == "loss" else p.losses, kind="stable")
        nothing = np.full(len(rows), np.nan, np.float32)
        detection = p.numbers.get("detection_hmean", nothing)
        values = detection if order.endswith("detection") else p.numbers.get("end_to_end_hmean", detection)
        if order in self._counted:
            return np.lexsort((-p.losses, values, -self._counted[order]))
        return by_value(values, p.losses, best_first=order.startswith("best"))

    def _tile(self, row: int, selection: Selection) -> dict[str, Any]:
        p, m = self.predictions, self.matching
        words, places = selection.truth[p.truth.of(row)], selection.found[p.found.of(row)]
        lines, left_out = outlines(p, m, row, words, places)
        return self._basics(row) | {
            "outlines": lines,
            "left_out": left_out,
            "searched": not selection.is_all,
            "told": told(p, m, row, words, places, with_right=not selection.is_all),
        }

    def _basics(self, row: int) -> dict[str, Any]:
        p = self.predictions
        counted = {name: int(values[row]) for name, values in self._counted.items()}
        numbers = {name: number(values[row]) for name, values in p.numbers.items()}
        return self._found(row) | {"size": self._size(row), "counted": counted} | numbers

    def _size(self, row: int) -> tuple[int, int]:
        """Width and height of the file in pixels; where it cannot be read, what holds all quads."""
        file = self.allowed.find(self.images[row])
        if isinstance(file, Path):
            size = self._size_of(file, file.stat().st_mtime_ns)
            if size is not None:
                return size
        p = self.predictions
        corners = np.concatenate([p.truth.quads[p.truth.of(row)], p.found.quads[p.found.of(row)], np.ones((1, 4, 2))])
        width, height = np.ceil(corners.max(axis=(0, 1))).tolist()
        return max(1, int(width)), max(1, int(height))


def _size_of(file: Path, _: int) -> tuple[int, int] | None:
    try:
        return upright_size(file)
    except DataError:
        return None
