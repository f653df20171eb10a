"""Tables of the report that only spot has."""

from __future__ import annotations

from collections.abc import Mapping

from saccade.report.intervals import Interval
from saccade.report.spot_evaluation import PARTS, Spotted
from saccade.report.spot_letters import Letters
from saccade.report.spot_words import NOTHING, said
from saccade.report.tables import Table
from saccade.report.words import PROTOCOL_NAMES, UNDEFINED, interval_words, metric_name, number

MOST_LETTERS, MOST_MISREADINGS = 12, 12


def protocols_table(scored: Spotted, intervals: Mapping[str, Interval]) -> Table:
    """Precision, recall and H-mean by each protocol, with the interval of the H-mean where it has one."""
    metrics = scored.metrics["metrics"]
    rows = [
        (
            PROTOCOL_NAMES[name],
            *(number(metrics.get(f"{name}_{part}")) for part in PARTS),
            *([interval_words(intervals.get(f"{name}_hmean"))] if intervals else []),
        )
        for name in scored.protocols
    ]
    last = ("95 % interval of the H-mean",) if intervals else ()
    return Table(("protocol", "precision", "recall", "H-mean", *last), rows)


def other_numbers_table(scored: Spotted, intervals: Mapping[str, Interval]) -> Table:
    """The numbers that belong to no protocol, and how each was pooled."""
    pooling = scored.about.get("pooling", {})
    own = {f"{name}_{part}" for name in PROTOCOL_NAMES for part in PARTS}
    rows = [
        (
            metric_name(key),
            pooling.get(key, ""),
            number(value),
            *([interval_words(intervals.get(key))] if intervals else []),
        )
        for key, value in scored.metrics["metrics"].items()
        if key not in own
    ]
    last = ("95 % interval",) if intervals else ()
    return Table(
        ("metric", "how it was pooled", "value", *last), sorted(rows, key=lambda row: row[0] == "loss"), texts=2
    )


def beside(scored: Spotted) -> list[tuple[str, str]]:
    """The numbers that stand beside the headline, as (name, value)."""
    keys = (
        ("detection_hmean", "word_spotting_hmean", "cer")
        if scored.reads
        else ("detection_precision", "detection_recall")
    )
    metrics = scored.metrics["metrics"]
    return [(metric_name(key), number(metrics[key])) for key in keys if key in metrics]


def letters_table(found: Letters) -> Table:
    """The letters that are most often taken for others."""
    rows = [
        (
            _letter(written),
            _letter(read),
            number(n),
            number(n / found.written[written]) if written else UNDEFINED,
        )
        for (written, read), n in found.taken.most_common(MOST_LETTERS)
    ]
    return Table(("written", "read as", "times", "share of the letter"), rows, texts=2)


def _letter(letter: str) -> str:
    return NOTHING if not letter else "(blank)" if letter.isspace() else letter


def misreadings_table(scored: Spotted) -> Table:
    """The most frequent misreadings."""
    rows = [(text, said(read), number(n)) for (text, read), n in scored.misreadings()[:MOST_MISREADINGS]]
    return Table(("written", "read as", "times"), rows, texts=2)
