"""The report of a run folder: everything is read, then one HTML file is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from saccade.files import write_text
from saccade.report import mask_words, tables, words
from saccade.report.gallery import Tile, class_galleries, costliest
from saccade.report.overlays import Overlays
from saccade.report.plots import (
    MOST_DRAWN,
    Plot,
    classify_plots,
    folds_plots,
    multilabel_plots,
    segment_plots,
    training_plots,
)
from saccade.report.recompute import mask_snippet, snippet
from saccade.report.scored import Evaluated, Scored
from saccade.report.segments import Segmented, shown_images
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
    scored = _read(headline) if headline else None
    context = _run_context(run, scored, others)
    if scored:
        where = data_root if data_root is not None else Path(scored.about["data_root"])
        context |= _scored_context(scored)
        context |= _masks(run, scored, where) if isinstance(scored, Segmented) else _labels(run, scored, where)
    write_text(run.report_file, _template().render(context))
    return run.report_file


def _headline(evaluations: Sequence[Evaluation]) -> tuple[Evaluation | None, Sequence[Evaluation]]:
    """``val``, else the first by name; and the rest."""
    ordered = sorted(evaluations, key=lambda e: (e.name != "val", e.name))
    return (ordered[0], ordered[1:]) if ordered else (None, ())


def _read(evaluation: Evaluation) -> Scored | Segmented:
    """The evaluation, as its task needs it."""
    segment = evaluation.about()["task"] == "segment"
    return Segmented.read(evaluation) if segment else Scored.read(evaluation)


def _run_context(run: Run, scored: Evaluated | None, others: Sequence[Evaluation]) -> dict[str, Any]:
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
        "masks": task == "segment",
        "opening": words.choice_sentence(scored, environment, len(epochs))
        if scored
        else words.unscored_sentence(environment, epochs),
        "notes": environment.get("notes", []),
        "training": _training(run, environment, task),
        "others": tables.evaluations_table([(e.name, e.metrics(), e.about()) for e in others]),
        "splits": tables.splits_table(
            data, chosen_on=(environment.get("selection") or {}).get("split"), masks=task == "segment"
        ),
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


def _scored_context(scored: Evaluated) -> dict[str, Any]:
    """What any scored run has."""
    return {
        "headline_name": words.headline_name(scored.task, scored.positive),
        "optimistic": bool(scored.about["optimistic"]),
        "metrics": tables.metrics_table(scored),
        "folds": tables.folds_table(scored) if "folds" in scored.about else None,
        "out_of_fold": scored.about.get("out_of_fold", False),
    }


def _labels(run: Run, scored: Scored, data_root: Path) -> dict[str, Any]:
    """What only a run with labels for whole images has."""
    thumbnails = Thumbnails(data_root)
    multilabel = scored.task == "multilabel"
    undrawn = not multilabel and len(scored.classes) > MOST_DRAWN
    galleries = [
        (g, words.gallery_sentence(g), _shown(g.best, thumbnails), _shown(g.worst, thumbnails))
        for g in class_galleries(scored)
    ]
    return {
        "positive_numbers": words.positive_numbers(scored),
        "accuracy_words": words.accuracy_sentence(scored),
        "baseline": scored.baseline(),
        "baseline_words": words.baseline_sentence(scored, chosen_on=_gave_threshold(run)),
        "plots": (multilabel_plots if multilabel else classify_plots)(scored, run.figures),
        "per_class": tables.per_class_table(scored),
        "pairs": tables.confused_pairs(scored.classes, tables.confusion(scored), of="images") if undrawn else None,
        "galleries": galleries,
        "verdicts": words.verdicts_sentence(scored),
        "costliest": _shown(costliest(scored), thumbnails),
        "thumbnails": thumbnails,
        "snippet": snippet(scored),
    }


def _masks(run: Run, scored: Segmented, data_root: Path) -> dict[str, Any]:
    """What only a segment run has."""
    config: Mapping[str, Any] = yaml.safe_load(run.config_file.read_text(encoding="utf-8"))
    overlays = Overlays(scored, data_root=data_root, evaluation=run.evaluation(scored.name).path)
    shown = shown_images(scored.image_means())
    undrawn = len(scored.classes) > MOST_DRAWN
    return {
        "positive_numbers": [],
        "accuracy_words": "",
        "scoring_words": mask_words.scoring_sentence(scored, config),
        "coding_words": mask_words.coding_sentence(scored),
        "baseline": scored.baseline(),
        "baseline_words": mask_words.baseline_sentence(scored),
        "plots": segment_plots(scored, run.figures),
        "per_class": tables.per_class_table(scored, by="iou"),
        "pairs": tables.confused_pairs(scored.classes, scored.confusion, of="pixels") if undrawn else None,
        "overlays": overlays,
        "ranked": shown.ranked,
        "ends": [(name, rows) for name in ("best", "median", "worst") if (rows := overlays.rows(getattr(shown, name)))],
        "has_void": mask_words.has_void(scored),
        "legend": mask_words.legend(scored),
        "errors_legend": mask_words.errors_legend(scored),
        "snippet": mask_snippet(scored, data_root),
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
