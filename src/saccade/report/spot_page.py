"""What only the page of a spot run has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from saccade.report import spot_tables, spot_words
from saccade.report.recompute import spot_snippet
from saccade.report.shown import shown_images
from saccade.report.spot_evaluation import Spotted
from saccade.report.spot_intervals import spot_intervals
from saccade.report.spot_letters import letters
from saccade.report.spot_matches import MISREAD, VERDICTS
from saccade.report.spot_pictures import SpotPictures
from saccade.report.spot_plots import spot_plots
from saccade.report.words import headline_name
from saccade.runs import Run


def spot_context(run: Run, scored: Spotted, data_root: Path) -> dict[str, Any]:
    """The variables of ``words.html``, and those of ``report.html`` that depend on the task."""
    config: Mapping[str, Any] = yaml.safe_load(run.config_file.read_text(encoding="utf-8"))
    shown, pictures = shown_images(scored.ranking()), SpotPictures(scored, data_root)
    intervals = spot_intervals(scored)
    taken = letters(pair for image in scored.seen for pair in image.read_pairs)
    drawn = [verdict for verdict in VERDICTS if scored.reads or verdict != MISREAD]
    return {
        "beside": spot_tables.beside(scored),
        "against": [spot_words.outcome_sentence(scored), spot_words.interval_sentence(scored, intervals)],
        "warnings": [spot_words.differences_sentence(scored)],
        "baseline": None,
        "metrics": spot_tables.protocols_table(scored, intervals),
        "further": spot_tables.other_numbers_table(scored, intervals),
        "numbers_words": spot_words.measured_sentence(scored),
        "numbers_notes": spot_words.notes(scored, intervals),
        "plots": spot_plots(scored, config, run.figures),
        "words_sentence": spot_words.words_sentence(scored),
        "reads": scored.reads,
        "taken": spot_tables.letters_table(taken),
        "taken_words": spot_words.letters_sentence(scored, taken),
        "misreadings": spot_tables.misreadings_table(scored),
        "misreadings_words": spot_words.misreadings_sentence(scored),
        "pictures": pictures.files,
        "ranked": shown.ranked,
        "ends": [(name, pictures.examples(places)) for name, places in shown.ends()],
        "legend": [(verdict, spot_words.verdict_name(verdict, reads=scored.reads)) for verdict in drawn],
        "snippet": spot_snippet(scored),
        "snippet_words": spot_words.snippet_sentence(headline_name(scored.about)),
    }
