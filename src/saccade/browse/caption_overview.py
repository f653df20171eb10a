"""What a model says all in all: how long, how varied, and which words never; ready for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from saccade.browse.captions import CaptionPredictions
from saccade.browse.wordlist import lengths, plain

MOST_FREQUENT = 20  # captions
NEVER_SAID = 60  # words
LONGEST = 40  # words; the last bin of the lengths holds all that are longer


def overview(predictions: CaptionPredictions, words: pl.DataFrame) -> dict[str, Any]:
    """The metrics with how each was pooled, the lengths, the most frequent captions, the words never said.

    Args:
        predictions: of N images.
        words: from ``count_words``.
    """
    p, pooling = predictions, predictions.about.get("pooling") or {}
    captions = p.captions.value_counts(name="n").sort(["n", "caption"], descending=[True, False])
    never = words.filter(pl.col("n_said") == 0, pl.col("n_referred") > 0)
    references = p.references.explode().drop_nulls()
    long = {"captions": lengths(p.said), "references": lengths(plain(references))}
    return {
        "metrics": [[name, value, pooling.get(name)] for name, value in p.metrics.get("metrics", {}).items()],
        "n": len(p.images),
        "n_captions": len(captions),
        "n_empty": int((p.captions == "").sum()),
        "frequent": captions.filter(pl.col("n") > 1).head(MOST_FREQUENT).rows(),
        "lengths": {name: _bins(counts) for name, counts in long.items()},
        "median_length": {name: _median(counts) for name, counts in long.items()},
        "n_said": int((words["n_said"] > 0).sum()),
        "n_referred": int((words["n_referred"] > 0).sum()),
        "n_never": len(never),
        "never": never.select("word", "n_referred").head(NEVER_SAID).rows(),
    }


def _bins(counts: pl.Series) -> list[int]:
    """How many texts have 0, 1, ... words; the last of ``LONGEST`` + 1 numbers counts the longer ones too."""
    found: list[int] = np.bincount(np.minimum(counts.to_numpy(), LONGEST), minlength=LONGEST + 1).tolist()
    return found


def _median(counts: pl.Series) -> float | None:
    return None if counts.is_empty() else float(np.median(counts.to_numpy()))
