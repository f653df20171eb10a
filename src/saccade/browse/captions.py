"""The predictions of one evaluation of ``caption``: a caption an image, its references, and the numbers of each alone.

Letters: N images, W words of a caption, R regions of an image.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from saccade.browse.predictions import Floats, floats, scanned
from saccade.browse.wordlist import plain, plain_lists
from saccade.errors import RunError
from saccade.runs import Evaluation

COLUMNS = ("image", "caption", "references", "cider")
NUMBERS = ("cider", "meteor", "bleu4", "rouge_l", "loss")
TEXT = {"image": pl.String, "caption": pl.String, "references": pl.List(pl.String)}


@dataclass(frozen=True, eq=False)
class CaptionPredictions:
    """All predictions of one evaluation of ``caption`` but what the network looked at."""

    evaluation: Evaluation
    metrics: dict[str, Any]  # metrics.json
    about: dict[str, Any]  # about.json
    images: list[str]  # N paths below the data root, forward slashes
    captions: pl.Series  # (N,) text, empty where nothing was said
    references: pl.Series  # (N,) lists of text
    numbers: dict[str, Floats]  # those of NUMBERS that the evaluation has, each (N,); NaN where undefined
    said: pl.Series  # (N,) the words of the captions as ``plain`` writes them
    referred: pl.Series  # (N,) those of the references, as ``plain_lists`` does

    @property
    def losses(self) -> Floats:
        """(N,) losses; all NaN where the evaluation has none."""
        return self.numbers.get("loss", np.full(len(self.images), np.nan, np.float32))


def load_captions(evaluation: Evaluation) -> CaptionPredictions:
    """Read one evaluation of ``caption``, without its attention, which is read image by image.

    Raises:
        RunError: a file is missing or damaged, or has not the columns of captions.
    """
    metrics, about, scan = evaluation.metrics(), evaluation.about(), scanned(evaluation, COLUMNS)
    schema = scan.collect_schema()
    odd = [name for name, kind in TEXT.items() if schema[name] != kind]
    if odd:
        raise RunError(
            f"{evaluation.predictions_file}: column {odd[0]} holds {schema[odd[0]]}, not {TEXT[odd[0]]}; "
            "score the split again with `saccade evaluate`"
        )
    table = scan.select(*TEXT, *(name for name in NUMBERS if name in schema)).collect()
    captions = table["caption"].fill_null("")
    references = table["references"].list.drop_nulls()
    references = (
        references.fill_null(pl.Series([[]], dtype=references.dtype)) if references.null_count() else references
    )
    return CaptionPredictions(
        evaluation=evaluation,
        metrics=metrics,
        about=about,
        images=table["image"].fill_null("").to_list(),
        captions=captions,
        references=references,
        numbers={
            name: floats(table[name])
            for name in NUMBERS
            if name in schema and (name == "cider" or table[name].null_count() < len(table))
        },
        said=plain(captions),
        referred=plain_lists(references),
    )
