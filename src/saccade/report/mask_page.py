"""What only the page of a segment run has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from saccade.report import mask_words, tables, words
from saccade.report.class_plots import MOST_DRAWN, segment_plots
from saccade.report.overlays import Overlays
from saccade.report.recompute import mask_snippet
from saccade.report.segments import Segmented
from saccade.report.shown import shown_images
from saccade.runs import Run


def mask_context(run: Run, scored: Segmented, data_root: Path) -> dict[str, Any]:
    """The variables of ``masks.html``, and those of ``report.html`` that depend on the task."""
    config: Mapping[str, Any] = yaml.safe_load(run.config_file.read_text(encoding="utf-8"))
    overlays = Overlays(scored, data_root=data_root, evaluation=run.evaluation(scored.name).path)
    shown = shown_images(scored.image_means())
    undrawn = len(scored.classes) > MOST_DRAWN
    return {
        "against": [mask_words.baseline_sentence(scored)],
        "numbers_words": mask_words.scoring_sentence(scored, config),
        "data_words": mask_words.coding_sentence(scored),
        "baseline": scored.baseline(),
        "plots": segment_plots(scored, run.figures),
        "per_class": tables.per_class_table(scored, by="iou"),
        "pairs": tables.confused_pairs(scored.classes, scored.confusion, of="pixels") if undrawn else None,
        "overlays": overlays,
        "ranked": shown.ranked,
        "ends": [(name, overlays.rows(places)) for name, places in shown.ends()],
        "has_void": mask_words.has_void(scored),
        "legend": mask_words.legend(scored),
        "errors_legend": mask_words.errors_legend(scored),
        "snippet": mask_snippet(scored, data_root),
        "snippet_words": words.snippet_sentence(
            scored, "NumPy, polars and Pillow", ", from the predicted masks and the true ones"
        ),
    }
