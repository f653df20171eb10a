"""What only the page of a caption run has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saccade.report import caption_words, tables
from saccade.report.attention import Look, look
from saccade.report.caption_plots import caption_plots
from saccade.report.captions import Captioned
from saccade.report.constant import constant_caption
from saccade.report.intervals import caption_intervals
from saccade.report.recompute import caption_snippet
from saccade.report.shown import Place, Shown, shown_images
from saccade.report.thumbnails import Files, Thumbnails
from saccade.report.words import metric_name, number
from saccade.runs import Run

SIDE = 320
"""Longest side of a picture in pixels."""


@dataclass(frozen=True)
class Example:
    """One image with what was said of it and what people wrote."""

    image: str
    address: str | None  # of the picture's data; None where it is missing
    position: int  # in the ranking by CIDEr-D, from 1
    cider: str
    facts: str  # its other numbers
    caption: str
    references: Sequence[str]


def caption_context(run: Run, scored: Captioned, data_root: Path) -> dict[str, Any]:
    """The variables of ``captions.html``, and those of ``report.html`` that depend on the task."""
    shown, pictures = shown_images(scored.ciders), Thumbnails(data_root, side=SIDE)
    intervals = _intervals(scored)
    constant, baseline = constant_caption(scored.reference_words)
    looks = _looks(scored, shown, data_root)
    return {
        "beside": _beside(scored),
        "against": [
            caption_words.baseline_sentence(scored, " ".join(map(str, constant)), baseline),
            caption_words.interval_sentence(scored, intervals),
        ],
        "warnings": [caption_words.differences_sentence(scored)],
        "baseline": baseline,
        "metrics": tables.metrics_table(scored, intervals),
        "numbers_words": caption_words.numbers_sentence(scored),
        "numbers_notes": caption_words.notes(scored, intervals),
        "plots": caption_plots(scored, run.figures),
        "variety": caption_words.variety_sentence(scored),
        "captions": caption_words.captions_table(scored),
        "unsaid": caption_words.unsaid_table(scored),
        "pictures": pictures,
        "ranked": shown.ranked,
        "ends": [(name, _examples(scored, places, pictures)) for name, places in shown.ends()],
        "looks": looks,
        "looks_words": caption_words.regions_sentence(scored, [each.regions for _, each in looks]) if looks else "",
        "snippet": caption_snippet(scored),
        "snippet_words": caption_words.snippet_sentence(scored),
    }


def _intervals(scored: Captioned) -> dict[str, tuple[float, float]]:
    means = {key: scored.again.per_image[key] for key in ("rouge_l", "cider")}
    return caption_intervals(scored.words, scored.reference_words, means)


def _beside(scored: Captioned) -> list[tuple[str, str]]:
    metrics = scored.metrics["metrics"]
    return [(metric_name(key), number(metrics[key])) for key in ("bleu4", "meteor", "rouge_l") if key in metrics]


def _examples(scored: Captioned, places: Sequence[Place], pictures: Thumbnails) -> list[Example]:
    return [
        Example(
            image=scored.images[place.row],
            address=pictures.address(scored.images[place.row]),
            position=place.position,
            cider=number(float(scored.ciders[place.row])),
            facts=caption_words.facts(scored, place.row),
            caption=caption_words.said(scored.captions[place.row]),
            references=scored.references[place.row],
        )
        for place in places
    ]


def _looks(scored: Captioned, shown: Shown, data_root: Path) -> list[tuple[str, Look]]:
    """Word by word the first and the last that can be shown of the best, the median and the worst."""
    files = Files(data_root)  # of its own: the pictures are asked for a second time
    firsts = [
        (name, next((seen for place in places if (seen := look(scored, place.row, files))), None))
        for name, places in shown.ends()
    ]
    found = [(name, seen) for name, seen in firsts if seen is not None]
    return found if len(found) < 3 else [found[0], found[-1]]
