"""How words were found and read all in all: by word, by protocol, by letter; ready for JSON."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import polars as pl

from saccade.browse.letters import alike, confusions
from saccade.browse.predictions import Labels
from saccade.browse.spots import FALSE_ALARM, MISREAD, MISSED, OUTCOMES, RIGHT, Matching, SpotPredictions

PROTOCOLS = ("detection", "end_to_end", "word_spotting")
PARTS = ("precision", "recall", "hmean")
LISTED = 40  # pairs of letters, and texts
READINGS = 3  # of a text that was misread


def count_words(predictions: SpotPredictions, matching: Matching) -> pl.DataFrame:
    """Every text of the truth that is cared for, and every false alarm, ignoring case; those most often there first.

    Columns ``folded``, ``word`` as it is first written, and n_truth, n_right, n_misread, n_missed and n_alarms.
    """
    truth, found = predictions.truth, predictions.found
    words = pl.DataFrame({"folded": truth.folded, "word": truth.texts, "outcome": matching.truth}).filter(
        pl.Series(predictions.cared)
    )
    alarms = pl.DataFrame({"folded": found.folded, "word": found.texts}).filter(
        pl.Series(matching.found == FALSE_ALARM)
    )
    outcome = pl.col("outcome")
    counted = words.group_by("folded", maintain_order=True).agg(
        pl.first("word"),
        pl.len().alias("n_truth"),
        (outcome == RIGHT).sum().alias("n_right"),
        (outcome == MISREAD).sum().alias("n_misread"),
        (outcome == MISSED).sum().alias("n_missed"),
    )
    other = alarms.group_by("folded", maintain_order=True).agg(
        pl.first("word").alias("as_alarm"), pl.len().alias("n_alarms")
    )
    every = counted.join(other, on="folded", how="full", coalesce=True)
    every = every.with_columns(pl.coalesce("word", "as_alarm").alias("word")).drop("as_alarm")
    every = every.with_columns(pl.selectors.starts_with("n_").fill_null(0)).filter(pl.col("folded") != "")
    return every.sort(["n_truth", "n_alarms", "folded"], descending=[True, True, False])


def overview(predictions: SpotPredictions, matching: Matching, words: pl.DataFrame) -> dict[str, Any]:
    """The protocols, the other numbers, what became of all words, the letters most confused, the words most misread.

    Args:
        predictions: of N images.
        matching: their words.
        words: from ``count_words``.
    """
    p = predictions
    metrics, pooling = p.metrics.get("metrics", {}), p.about.get("pooling") or {}
    named = {f"{protocol}_{part}" for protocol in PROTOCOLS for part in PARTS}
    readings = _misreadings(p, matching)
    return {
        "reads": p.reads,
        "protocols": [
            [name, *(metrics.get(f"{name}_{part}") for part in PARTS)]
            for name in PROTOCOLS
            if any(f"{name}_{part}" in metrics for part in PARTS)
        ],
        "pooling": {part: pooling.get(f"detection_{part}") for part in PARTS},
        "metrics": [[name, value, pooling.get(name)] for name, value in metrics.items() if name not in named],
        "decoding": p.about.get("decoding") or {},
        "truth": counts(matching.truth),
        "found": counts(matching.found),
        "misread": _most_misread(readings, words),
        **_confused(p, matching, readings),
    }


def counts(outcomes: Labels) -> dict[str, int]:
    """How many there are of each of ``OUTCOMES``, by name."""
    return dict(zip(OUTCOMES, np.bincount(outcomes, minlength=len(OUTCOMES)).tolist(), strict=True))


def _misreadings(p: SpotPredictions, matching: Matching) -> Counter[tuple[str, str]]:
    """How often which text of the truth was read as which."""
    words = np.flatnonzero(matching.truth == MISREAD).tolist()
    return Counter((p.truth.texts[k], p.found.texts[matching.of_truth[k]]) for k in words)


def _most_misread(readings: Counter[tuple[str, str]], words: pl.DataFrame) -> list[list[Any]]:
    """Text, how often it is misread, how often it is there, and what it is most often read as."""
    most = words.filter(pl.col("n_misread") > 0).sort(
        ["n_misread", "n_truth", "folded"], descending=[True, False, False]
    )
    of_text: dict[str, Counter[str]] = {}
    for (truth, read), n in readings.items():
        of_text.setdefault(truth.lower(), Counter())[read] += n
    return [
        [word, n, of, of_text.get(folded, Counter()).most_common(READINGS)]
        for folded, word, n, of in most.select("folded", "word", "n_misread", "n_truth").head(LISTED).iter_rows()
    ]


def _confused(p: SpotPredictions, matching: Matching, readings: Counter[tuple[str, str]]) -> dict[str, Any]:
    """Pairs of letters with how often the first was taken for the second, and how often it stands in words found.

    Of words that are at least half right.
    "" as the first: how often the second was read where nothing is; as the second: how often the first was left out.
    """
    confused: Counter[tuple[str, str]] = Counter()
    for (truth, read), n in readings.items():
        for pair, times in confusions([alike(truth, read) or []]).items():
            confused[pair] += times * n
    matched = np.flatnonzero(matching.of_truth >= 0).tolist()
    letters = Counter(letter for k in matched for letter in p.truth.texts[k].upper())
    ranked = sorted(confused.items(), key=lambda one: (-one[1], one[0]))[:LISTED]
    return {
        "n_confused": confused.total(),
        "confused": [[letter, other, n, letters.get(letter)] for (letter, other), n in ranked],
    }
