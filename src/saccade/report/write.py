"""The report of a run folder: everything is read, then one HTML file is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from saccade.files import write_text
from saccade.report import tables, words
from saccade.report.gallery import Tile, class_galleries, costliest
from saccade.report.plots import MOST_DRAWN, Plot, classify_plots, folds_plots, multilabel_plots, training_plots
from saccade.report.recompute import snippet
from saccade.report.scored import Scored
from saccade.report.thumbnails import Thumbnails
from saccade.runs import Evaluation, Run

_TEMPLATES = Path(__file__).parent / "templates"


def write_report(run: Run, *, data_root: Path | None = None) -> Path:
    """Write ``report.html`` and the figures of ``run``, and return the path of the page.

    The run folder is read, never a model. The page needs no other file and no network, and the same run gives
    the same bytes. ``data_root`` is where the images are now; by default where they were when they were
    scored. Images that are not there become grey tiles, and the page says so.

    The evaluation ``val`` is shown in full; where there is none, the first by name. A run without any
    evaluation shows how far its training has come.

    Raises:
        RunError: a file of the run folder is missing or damaged.
    """
    headline, others = _headline(run.evaluations())
    scored = Scored.read(headline) if headline else None
    context = _run_context(run, scored, others)
    if scored:
        context |= _scored_context(run, scored, data_root)
    write_text(run.report_file, _template().render(context))
    return run.report_file


def _headline(evaluations: Sequence[Evaluation]) -> tuple[Evaluation | None, Sequence[Evaluation]]:
    """``val``, else the first by name; and the rest."""
    ordered = sorted(evaluations, key=lambda e: (e.name != "val", e.name))
    return (ordered[0], ordered[1:]) if ordered else (None, ())


def _run_context(run: Run, scored: Scored | None, others: Sequence[Evaluation]) -> dict[str, Any]:
    """What is known of any run, scored or not."""
    config_text = run.config_file.read_text(encoding="utf-8")
    config: Mapping[str, Any] = yaml.safe_load(config_text)
    environment, epochs = run.environment(), run.epochs()
    data: Mapping[str, Any] = environment.get("data", {})
    task = scored.task if scored else config["task"]["name"]
    return {
        "title": run.title,
        "summary": tables.summary(scored, config, environment),
        "scored": scored,
        "opening": words.choice_sentence(scored, environment, len(epochs))
        if scored
        else words.unscored_sentence(environment, epochs),
        "notes": environment.get("notes", []),
        "training": _training(run, environment, task),
        "others": tables.evaluations_table([(e.name, e.metrics(), e.about()) for e in others]),
        "splits": tables.splits_table(data, chosen_on=(environment.get("selection") or {}).get("split")),
        "class_counts": tables.class_counts_table(data),
        "any_ignored": tables.any_ignored(data),
        "untrained": tables.untrained_classes(data),
        "skipped": data.get("skipped", []),
        "settings": tables.settings(config),
        "surroundings": tables.surroundings(environment),
        "config_text": config_text,
    }


def _training(run: Run, environment: Mapping[str, Any], task: str) -> list[Plot]:
    """The curves of the run, or those of its folds."""
    if folds := run.folds():
        return folds_plots([(fold.path.name, fold.epochs(), fold.environment()) for fold in folds], task, run.figures)
    return training_plots(run.epochs(), environment, task, run.figures)


def _scored_context(run: Run, scored: Scored, data_root: Path | None) -> dict[str, Any]:
    """What only a scored run has."""
    where = data_root if data_root is not None else Path(scored.about["data_root"])
    thumbnails = Thumbnails(where)
    multilabel = scored.task == "multilabel"
    undrawn = not multilabel and len(scored.classes) > MOST_DRAWN
    galleries = [
        (g, words.gallery_sentence(g), _shown(g.best, thumbnails), _shown(g.worst, thumbnails))
        for g in class_galleries(scored)
    ]
    return {
        "headline_name": words.headline_name(scored.task, scored.positive),
        "positive_numbers": words.positive_numbers(scored),
        "accuracy_words": words.accuracy_sentence(scored),
        "baseline": scored.baseline(),
        "baseline_words": words.baseline_sentence(scored, chosen_on=_gave_threshold(run)),
        "optimistic": bool(scored.about["optimistic"]),
        "metrics": tables.metrics_table(scored),
        "folds": tables.folds_table(scored) if "folds" in scored.about else None,
        "out_of_fold": scored.about.get("out_of_fold", False),
        "plots": (multilabel_plots if multilabel else classify_plots)(scored, run.figures),
        "per_class": tables.per_class_table(scored),
        "pairs": tables.confused_pairs(scored) if undrawn else None,
        "galleries": galleries,
        "verdicts": words.verdicts_sentence(scored),
        "costliest": _shown(costliest(scored), thumbnails),
        "thumbnails": thumbnails,
        "snippet": snippet(scored),
    }


def _gave_threshold(run: Run) -> str | None:
    """The split on which the threshold was chosen; None where it was not."""
    config: Mapping[str, Any] = yaml.safe_load(run.config_file.read_text(encoding="utf-8"))
    chosen: str = (run.environment().get("selection") or {}).get("split") or "holdout"
    return chosen if config["task"].get("threshold") == "holdout" else None


def _shown(tiles: Sequence[Tile], thumbnails: Thumbnails) -> list[tuple[Tile, str | None]]:
    """Each tile with the data address of its picture."""
    return [(tile, thumbnails.address(tile.image)) for tile in tiles]


def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": words.number, "count": words.count}
    # Our own files, not the user's: they go in as they are.
    environment.globals |= {
        "style": Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),
        "script": Markup((_TEMPLATES / "sort.js").read_text(encoding="utf-8")),
    }
    return environment.get_template("report.html")
