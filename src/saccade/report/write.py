"""The report of a run folder: everything is read, then one HTML file is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from saccade.files import write_text
from saccade.report import epoch_words, tables, words
from saccade.report.caption_page import caption_context
from saccade.report.captions import Captioned
from saccade.report.explained import newest
from saccade.report.label_page import label_context
from saccade.report.mask_page import mask_context
from saccade.report.plots import Plot
from saccade.report.scored import KIND, Evaluated, Scored
from saccade.report.segments import Segmented
from saccade.report.spot_evaluation import Spotted
from saccade.report.spot_page import spot_context
from saccade.report.training_plots import folds_plots, training_plots
from saccade.runs import Evaluation, Run

_TEMPLATES = Path(__file__).parent / "templates"
# Any: each page takes what the function of its kind has read.
_READ: Mapping[str, Callable[[Evaluation], Any]] = {
    "labels": Scored.read,
    "masks": Segmented.read,
    "captions": Captioned.read,
    "words": Spotted.read,
}
_PAGE: Mapping[str, Callable[[Run, Any, Path], dict[str, Any]]] = {
    "labels": label_context,
    "masks": mask_context,
    "captions": caption_context,
    "words": spot_context,
}


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
    scored = _READ[KIND[headline.about()["task"]]](headline) if headline else None
    context = _run_context(run, scored, others)
    if scored:
        where = data_root if data_root is not None else Path(scored.about["data_root"])
        context |= _scored_context(scored) | _PAGE[KIND[scored.task]](run, scored, where)
    write_text(run.report_file, _template().render(context))
    return run.report_file


def _headline(evaluations: Sequence[Evaluation]) -> tuple[Evaluation | None, Sequence[Evaluation]]:
    """``val``, else the first by name; and the rest."""
    ordered = sorted(evaluations, key=lambda e: (e.name != "val", e.name))
    return (ordered[0], ordered[1:]) if ordered else (None, ())


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
        "kind": KIND[task],
        "opening": words.choice_sentence(scored, environment, len(epochs))
        if scored
        else words.unscored_sentence(environment, epochs),
        "notes": environment.get("notes", []),
        "training": _training(run, environment, task),
        "training_words": epoch_words.epochs_sentence(epochs, environment, task),
        "others": tables.evaluations_table([(e.name, e.metrics(), e.about()) for e in others]),
        "explanations": newest(run),
        "splits": tables.splits_table(
            data, chosen_on=(environment.get("selection") or {}).get("split"), kind=KIND[task]
        ),
        "data_words": "",
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
    """What any scored run has, of which the page of its kind may say more."""
    return {
        "beside": [],
        "warnings": [],
        "numbers_words": "",
        "numbers_notes": [],
        "further": None,
        "headline_name": words.headline_name(scored.about),
        "optimistic": bool(scored.about["optimistic"]),
        "metrics": tables.metrics_table(scored),
        "folds": tables.folds_table(scored) if "folds" in scored.about else None,
        "out_of_fold": scored.about.get("out_of_fold", False),
    }


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
