"""The predictions of one evaluation of ``spot``: where words are in each image, what was found there, and what matches.

Letters: N images; K words of the truth and D detections of all images together, M where it is either of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from saccade.browse.predictions import Flags, Floats, Labels, floats, scanned
from saccade.errors import RunError
from saccade.runs import Evaluation

TRUTH = ("target_quads_xy", "target_texts", "target_cared")
FOUND = ("quads_xy", "texts", "scores")
NUMBERS = ("end_to_end_hmean", "detection_hmean", "word_spotting_hmean", "loss")
QUADS = pl.List(pl.List(pl.Float32))
TEXTS = pl.List(pl.String)
KINDS = {
    "target_texts": TEXTS,
    "target_cared": pl.List(pl.Boolean),
    "texts": TEXTS,
    "scores": pl.List(pl.Float32),
}
RIGHT, MISREAD, MISSED, FALSE_ALARM, UNCARED = range(5)
OUTCOMES = ("right", "misread", "missed", "false alarm", "not cared for")
Numbers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Placed:
    """M quads and what they say, those of an image next to each other."""

    quads: Floats  # (M, 4, 2) in pixels of the file turned upright
    texts: list[str]  # M; empty where nothing was read
    ends: Numbers  # (N + 1,) those of image i stand from ends[i] up to ends[i + 1]

    def of(self, row: int) -> slice:
        """Where those of an image stand."""
        return slice(int(self.ends[row]), int(self.ends[row + 1]))

    @cached_property
    def owners(self) -> Numbers:
        """(M,) the image of each."""
        return np.repeat(np.arange(len(self.ends) - 1), np.diff(self.ends))

    @cached_property
    def folded(self) -> pl.Series:
        """(M,) the texts in small letters."""
        return pl.Series(self.texts, dtype=pl.String).str.to_lowercase()

    def count(self, chosen: Flags) -> Numbers:
        """(N,) how many of those chosen (M,) each image has."""
        return np.bincount(self.owners[chosen], minlength=len(self.ends) - 1)


@dataclass(frozen=True, eq=False)
class SpotPredictions:
    """All predictions of one evaluation of ``spot`` but the maps of scores."""

    evaluation: Evaluation
    metrics: dict[str, Any]  # metrics.json
    about: dict[str, Any]  # about.json
    images: list[str]  # N paths below the data root, forward slashes
    truth: Placed
    cared: Flags  # (K,)
    found: Placed  # of an image in the order of what is found
    scores: Floats  # (D,) in [0, 1]; NaN where unknown
    numbers: dict[str, Floats]  # those of NUMBERS that the evaluation has, each (N,); NaN where undefined
    reads: bool  # whether words are read; if not, all texts of detections are empty

    @property
    def losses(self) -> Floats:
        """(N,) losses; all NaN where the evaluation has none."""
        return self.numbers.get("loss", np.full(len(self.images), np.nan, np.float32))


@dataclass(frozen=True, eq=False)
class Matching:
    """What each word of the truth and each detection came to; outcomes are those of ``OUTCOMES``."""

    truth: Labels  # (K,) right, misread, missed or not cared for
    found: Labels  # (D,) right, misread, false alarm or not cared for
    of_truth: Numbers  # (K,) the detection that matches, -1 where none does
    of_found: Numbers  # (D,) the word that matches, -1 where none does
    truth_iou: Floats  # (K,) with the match; without one the greatest with any detection of the image
    found_iou: Floats  # (D,) likewise


def load_spots(evaluation: Evaluation) -> SpotPredictions:
    """Read one evaluation of ``spot``, without the maps of scores, which are read image by image.

    Raises:
        RunError: a file is missing or damaged, or has not the columns of spotting, or they do not fit each other.
    """
    metrics, about, file = evaluation.metrics(), evaluation.about(), evaluation.predictions_file
    scan = scanned(evaluation, ("image", *TRUTH, *FOUND))
    there = [name for name in NUMBERS if name in scan.collect_schema()]
    table = scan.select("image", *TRUTH, *FOUND, *there).collect()
    truth, (cared,) = _placed(table, *TRUTH, file=file)
    found, (scores,) = _placed(table, *FOUND, file=file)
    reads = about.get("reads")
    return SpotPredictions(
        evaluation=evaluation,
        metrics=metrics,
        about=about,
        images=table["image"].fill_null("").to_list(),
        truth=truth,
        cared=cared.fill_null(value=False).to_numpy(),
        found=found,
        scores=floats(scores),
        numbers={name: floats(table[name]) for name in there if table[name].null_count() < len(table)},
        reads=reads if isinstance(reads, bool) else any(found.texts),
    )


def _placed(table: pl.DataFrame, quads: str, texts: str, *others: str, file: Path) -> tuple[Placed, list[pl.Series]]:
    """The quads and texts of all images, and further columns (M,) that go with them."""
    corners = _typed(table[quads], QUADS, file)
    lengths = corners.list.len().fill_null(0)
    columns = [_typed(table[name], KINDS[name], file) for name in (texts, *others)]
    for column in columns:
        odd = column.list.len().fill_null(0).ne(lengths).arg_true()
        if len(odd):
            raise RunError(_unfit(file, f"row {odd[0]} has not as many {column.name} as {quads}"))
    placed = Placed(
        quads=_quads(corners, file),
        texts=_flat(columns[0]).fill_null("").to_list(),
        ends=np.concatenate([[0], np.cumsum(lengths.to_numpy(), dtype=np.int64)]),
    )
    return placed, [_flat(column) for column in columns[1:]]


def _quads(column: pl.Series, file: Path) -> Floats:
    """(M, 4, 2) from N lists of lists of eight numbers."""
    corners = _flat(column)
    if not corners.list.len().eq_missing(8).all():
        raise RunError(_unfit(file, f"a quad of {column.name} has not eight numbers"))
    numbers = floats(_flat(corners))
    if not np.isfinite(numbers).all():
        raise RunError(_unfit(file, f"a quad of {column.name} has a corner that is no number"))
    return numbers.reshape(-1, 4, 2)


def _typed(column: pl.Series, kind: pl.DataType, file: Path) -> pl.Series:
    """The column; numbers may be of another type than ``kind``, texts may not."""
    if column.dtype == kind:
        return column
    wrong = RunError(_unfit(file, f"column {column.name} holds {column.dtype}, not {kind}"))
    if kind == TEXTS:
        raise wrong  # numbers could be written as texts, but are none
    try:
        return column.cast(kind)
    except pl.exceptions.PolarsError:
        raise wrong from None


def _flat(lists: pl.Series) -> pl.Series:
    """The items of all lists; an empty list has none."""
    return lists.filter(lists.list.len() > 0).explode()


def _unfit(file: Path, what: str) -> str:
    return f"{file}: {what}; score the split again with `saccade evaluate`"
