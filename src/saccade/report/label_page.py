"""What only the page of a run with labels for whole images has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from saccade.report import tables, words
from saccade.report.class_plots import MOST_DRAWN, classify_plots, multilabel_plots
from saccade.report.gallery import Tile, class_galleries, costliest
from saccade.report.recompute import snippet
from saccade.report.scored import Scored
from saccade.report.thumbnails import Thumbnails
from saccade.runs import Run


def label_context(run: Run, scored: Scored, data_root: Path) -> dict[str, Any]:
    """The variables of ``labels.html``, and those of ``report.html`` that depend on the task."""
    thumbnails = Thumbnails(data_root)
    multilabel = scored.task == "multilabel"
    undrawn = not multilabel and len(scored.classes) > MOST_DRAWN
    galleries = [
        (g, words.gallery_sentence(g), _shown(g.best, thumbnails), _shown(g.worst, thumbnails))
        for g in class_galleries(scored)
    ]
    baseline = words.baseline_sentence(scored, chosen_on=_gave_threshold(run))
    return {
        "beside": words.positive_numbers(scored),
        "against": [baseline, words.accuracy_sentence(scored)],
        "baseline": scored.baseline(),
        "plots": (multilabel_plots if multilabel else classify_plots)(scored, run.figures),
        "per_class": tables.per_class_table(scored),
        "pairs": tables.confused_pairs(scored.classes, tables.confusion(scored), of="images") if undrawn else None,
        "galleries": galleries,
        "verdicts": words.verdicts_sentence(scored),
        "costliest": _shown(costliest(scored), thumbnails),
        "thumbnails": thumbnails,
        "snippet": snippet(scored),
        "snippet_words": words.snippet_sentence(scored, "polars and scikit-learn"),
    }


def _gave_threshold(run: Run) -> str | None:
    """The split on which the threshold was chosen; None where it was not."""
    config: Mapping[str, Any] = yaml.safe_load(run.config_file.read_text(encoding="utf-8"))
    chosen: str = (run.environment().get("selection") or {}).get("split") or "holdout"
    return chosen if config["task"].get("threshold") == "holdout" else None


def _shown(tiles: Sequence[Tile], thumbnails: Thumbnails) -> list[tuple[Tile, str | None]]:
    """Each tile with the data address of its picture."""
    return [(tile, thumbnails.address(tile.image)) for tile in tiles]
