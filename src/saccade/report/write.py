"""The report of a run folder: everything is read, then one HTML file is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from saccade.files import write_text
from saccade.report import tables, words
from saccade.report.gallery import ClassGallery, Tile, class_galleries, costliest
from saccade.report.plots import MOST_DRAWN, Plot, classify_plots, multilabel_plots, training_plots
from saccade.report.recompute import snippet
from saccade.report.scored import Scored, data_root
from saccade.report.thumbnails import Thumbnails
from saccade.runs import Evaluation, Run

_TEMPLATES = Path(__file__).parent / "templates"


def write_report(run: Run, *, data_root: Path | None = None) -> Path:
    """Write ``report.html`` and the figures of ``run``, and return the path of the page.

    The run folder is read, never a model. The page needs no other file and no network, and the same run gives the same
    bytes. ``data_root`` is where the images are now; by default where they were when they were scored. Images that are
    not there are grey tiles, and the page says so.

    The evaluation ``val`` is the one that is shown in full; where there is none, the first by name. A run without any
    shows how far its training has come.

    Raises:
        RunError: a file of the run folder is missing or damaged.
    """
    context = _context(run, data_root)
    page = _environment().get_template("report.html").render(context)
    write_text(run.report_file, page)
    return run.report_file


def _context(run: Run, root: Path | None) -> dict[str, Any]:
    config_text = run.config_file.read_text(encoding="utf-8")
    config = yaml.safe_load(config_text)
    environment, epochs = run.environment(), run.epochs()
    headline, others = _headline(run.evaluations())
    scored = Scored.read(headline) if headline else None
    task = scored.task if scored else config["task"]["name"]
    data = environment.get("data", {})
    return {
        "title": "/".join(run.path.resolve().parts[-2:]),
        "summary": tables.summary(scored, config, environment),
        "unscored": "" if scored else words.unscored_sentence(environment, epochs),
        "training": training_plots(epochs, environment, task, run.figures),
        "others": tables.evaluations_table([(e.name, e.metrics(), e.about()) for e in others]),
        "data_splits": tables.splits_table(data),
        "data_classes": tables.class_counts_table(data),
        "untrained": tables.untrained_classes(data),
        "skipped": data.get("skipped", []),
        "settings": tables.settings(config),
        "surroundings": tables.surroundings(environment),
        "config_text": config_text,
        "scored": None,
        "saccade": environment.get("saccade", ""),
        **(_scored_context(run, scored, environment, len(epochs), root) if scored else {}),
    }


def _headline(evaluations: Iterable[Evaluation]) -> tuple[Evaluation | None, list[Evaluation]]:
    """``val``, else the first by name, and all others."""
    first, *others = sorted(evaluations, key=lambda e: (e.name != "val", e.name)) or [None]
    return first, [e for e in others if e is not None]


def _scored_context(
    run: Run, scored: Scored, environment: Mapping[str, Any], epochs: int, root: Path | None
) -> dict[str, Any]:
    thumbnails = Thumbnails(root or data_root(scored, dict(environment)))
    plots = multilabel_plots if scored.task == "multilabel" else classify_plots
    many = len(scored.classes) > MOST_DRAWN
    return {
        "scored": scored,
        "headline_name": words.headline_name(scored.task),
        "baseline": scored.baseline(),
        "baseline_words": words.baseline_sentence(scored),
        "choice": words.choice_sentence(scored, dict(environment), epochs),
        "optimistic": bool(scored.about["optimistic"]),
        "metrics": tables.metrics_table(scored),
        "plots": plots(scored, run.figures),
        "per_class": tables.per_class_table(scored),
        "pairs": tables.confused_pairs(scored) if scored.task == "classify" and many else None,
        "galleries": [_with_pictures(g, thumbnails) for g in class_galleries(scored)],
        "costliest": _pictures(costliest(scored), thumbnails),
        "thumbnails": thumbnails,
        "snippet": snippet(scored),
    }
