"""The images of one evaluation of ``caption`` in the order that the page asks for, ready for JSON.

Letters: N images. Undefined numbers are None.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np
import polars as pl

from saccade.browse.attention import Attention, read_attention, split_at_blanks
from saccade.browse.base import BaseGallery, Choice, Rows, Show, UnknownError, by_value, number
from saccade.browse.caption_overview import overview
from saccade.browse.captions import CaptionPredictions
from saccade.browse.overview import basics
from saccade.browse.predictions import Flags
from saccade.browse.thumbnails import Allowed
from saccade.browse.wordlist import count_words, holds, phrase

LISTED = 1000  # words in the list at the side and in the table; any other can be asked for
ON_A_TILE = 3  # references
COLUMNS = ["n_referred", "n_said", "n_both", "recall", "precision"]
OUTCOMES = {(True, True): "hit", (True, False): "miss", (False, True): "false alarm", (False, False): "rejected"}


class CaptionGallery(BaseGallery):
    """The images of one evaluation of ``caption``.

    ``class`` in a choice is a word, or several that stand next to each other. An image is then a hit where its
    references have it and its caption says it, a miss where only the references have it, a false alarm where only the
    caption says it.
    """

    orders: ClassVar[frozenset[str]] = BaseGallery.orders | {
        *("best_meteor", "worst_meteor", "best_bleu4", "worst_bleu4", "data", "data_back")
    }

    def __init__(self, predictions: CaptionPredictions, allowed: Allowed) -> None:
        super().__init__(predictions.images, allowed)
        self.predictions = predictions
        self._holding = lru_cache(maxsize=32)(self._find)
        self._attention = lru_cache(maxsize=64)(self._read_attention)

    def page(self, choice: Choice) -> dict[str, Any]:
        """One page of tiles, and how many images each filter keeps; a page beyond the last is the last.

        Without a word, ``misses`` are the images whose CIDEr-D is 0. A word that no image has gives an empty page.

        Raises:
            UnknownError: an order or filter that is not of captions, or a ``class`` without a letter or digit.
        """
        p = self.predictions
        self._check_order(choice)
        everything = np.ones(len(p.images), np.bool_)
        outcome: tuple[Flags, Flags] | None = None
        if choice.name is None:
            shown: dict[Show, Flags] = {"all": everything, "misses": p.numbers["cider"] == 0}
        else:
            referred, said = outcome = self._holding(choice.name)
            everything = referred | said
            shown = {"all": everything, "hits": referred & said, "misses": referred & ~said}
            shown |= {"false_alarms": said & ~referred, "referred": referred, "said": said}
        if choice.caption is not None:
            shown["all"] = everything & (p.captions == choice.caption).to_numpy()
        return self._paged(choice, self._order(choice), shown, lambda row: self._tile(row, outcome))

    def image(self, row: int, threshold: float | None = None) -> dict[str, Any]:
        """One image with all its references, and the attention of each word where there is one.

        Raises:
            UnknownError: there is no such row.
        """
        self.path(row)
        attention = self._attention(row)
        return self._tile(row, None) | {
            "references": self.predictions.references[row].to_list(),
            "words": split_at_blanks(self.predictions.captions[row]),
            "weights": attention.weights,
            "boxes": attention.boxes,
            "attention_problem": attention.problem,
        }

    def summary(self) -> dict[str, Any]:
        """What the page needs once for the evaluation; a row of the table is a word."""
        p = self.predictions
        table = self.words.head(LISTED).with_columns(
            recall=pl.col("n_both") / pl.col("n_referred"), precision=pl.col("n_both") / pl.col("n_said")
        )
        return basics(p.evaluation, p.metrics, len(p.images)) | {
            "task": "caption",
            "numbers": list(p.numbers),
            "regions": p.about.get("regions"),
            "n_words": len(self.words),
            "columns": COLUMNS,
            "table": table.select("word", *COLUMNS).fill_nan(None).rows(),
        }

    def overview(self) -> dict[str, Any]:
        """The metrics with how they were pooled, and what the model says all in all."""
        return self._overview

    @cached_property
    def words(self) -> pl.DataFrame:
        """All words with the numbers of images that have them, from ``count_words``."""
        return count_words(self.predictions.said, self.predictions.referred)

    @cached_property
    def _overview(self) -> dict[str, Any]:
        return overview(self.predictions, self.words)

    def _find(self, name: str) -> tuple[Flags, Flags]:
        """(N,) in a reference, and (N,) in the caption."""
        wanted = phrase(name)
        if not wanted:
            raise UnknownError(f"there is no word in {name}")
        return holds(self.predictions.referred, wanted), holds(self.predictions.said, wanted)

    def _order(self, choice: Choice) -> Rows:
        p, order = self.predictions, choice.order or "worst"
        rows = np.arange(len(p.images))
        if order in ("data", "data_back"):
            return rows if order == "data" else rows[::-1]
        if order in ("loss", "least_loss"):
            return np.argsort(-p.losses if order == "loss" else p.losses, kind="stable")
        which, _, name = order.partition("_")
        values = p.numbers.get(name or "cider", np.full(len(rows), np.nan, np.float32))
        return by_value(values, p.losses, best_first=which == "best")

    def _tile(self, row: int, outcome: tuple[Flags, Flags] | None) -> dict[str, Any]:
        p = self.predictions
        references = p.references[row].to_list()
        tile = self._found(row) | {name: number(values[row]) for name, values in p.numbers.items()}
        tile |= {"caption": p.captions[row], "references": references[:ON_A_TILE], "n_references": len(references)}
        if outcome is not None:
            tile["outcome"] = OUTCOMES[bool(outcome[0][row]), bool(outcome[1][row])]
        return tile

    def _read_attention(self, row: int) -> Attention:
        p = self.predictions
        return read_attention(p.evaluation, row, p.captions[row], p.about.get("regions") or {})
