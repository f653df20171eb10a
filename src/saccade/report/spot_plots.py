"""What the figures of a spot run show: which words are found, and how sure the network was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saccade.quads import TALL
from saccade.report.figures import WIDTH, drawn
from saccade.report.plots import Plot, saved
from saccade.report.spot_evaluation import Spotted
from saccade.report.spot_figures import heights_panel, scores_panel
from saccade.report.spot_heights import recall_by_height
from saccade.report.spot_matches import ALARM, MISREAD, RIGHT
from saccade.report.spot_words import verdict_name

_TALL = 3.6
"""Inches: room for a legend below."""


def spot_plots(scored: Spotted, config: Mapping[str, Any], folder: Path) -> list[Plot]:
    """Recall by height and scores by verdict, where there are any; also ``recall_by_height`` and ``scores`` files."""
    return [*_heights(scored, config, folder), *_scores(scored, folder)]


def _heights(scored: Spotted, config: Mapping[str, Any], folder: Path) -> list[Plot]:
    steps = recall_by_height(scored)
    if not steps:
        return []
    name = "recall_by_height"
    words = (
        "The share of the words that are cared for that was found"
        + ", and of it, in the full colour, what was also read right" * scored.reads
        + f". Height in pixels of the file; of words {TALL:g} times as high as wide, which are read lying on their "
        f"side, it is the width.{_seen(scored, config)}"
    )
    draw = heights_panel(steps, reads=scored.reads)
    return [saved(drawn(name, [draw], height=_TALL), folder, name, words, WIDTH)]


def _seen(scored: Spotted, config: Mapping[str, Any]) -> str:
    """What the network saw of the pixels of the file."""
    longer, least = scored.about.get("longer_side"), config["task"].get("min_side")
    seen = f" The network saw images with a longer side of {longer} pixels (data.longer_side)." if longer else ""
    small = f" Words with a side of less than {least or 0:g} pixels, as the network sees them, were not learned."
    return seen + small * bool(least)


def _scores(scored: Spotted, folder: Path) -> list[Plot]:
    found = [word for image in scored.seen for word in image.words() if word.score is not None]
    verdicts = (RIGHT, MISREAD, ALARM) if scored.reads else (RIGHT, ALARM)
    scores = {
        verdict_name(verdict, reads=scored.reads): [
            w.score for w in found if w.verdict == verdict and w.score is not None
        ]
        for verdict in verdicts
    }
    if not any(scores.values()):
        return []
    words = (
        "The scores of all detections that are cared for. Where those of false alarms are lower than the others, a "
        "higher task.threshold or task.min_score leaves more of them out."
    )
    return [saved(drawn("scores", [scores_panel(scores)], height=_TALL), folder, "scores", words, WIDTH)]
