"""The report's tables, as plain rows of words; the template only lays them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.report.scored import Evaluated, Scored, headline_key
from saccade.report.words import count, headline_name, interval_words, metric_name, number

_PER_CLASS = ("iou", "dice", "ap", "ap_11point", "auroc", "precision", "recall", "f1", "accuracy", "tail_accuracy")
_SETTINGS = (
    *(
        "task.name",
        "task.loss",
        "task.positive",
        "task.threshold",
        "data.format",
        "data.image_size",
        "data.holdout",
        "data.fold",
        "data.on_error",
    ),
    *("model.name", "model.pretrained", "model.weights", "model.freeze", "loader.batch_size", "loader.sampler"),
    *("optim.name", "optim.lr", "optim.schedule", "optim.weight_decay"),
    *("trainer.max_epochs", "trainer.precision", "seed"),
)
_SETTINGS_OF = {
    "segment": ("data.void", "task.score_size", "task.window", "task.flip", "model.encoder"),
    "caption": (
        *("model.encoder", "model.layers", "model.embedding", "model.hidden", "data.features.path"),
        *("task.min_count", "task.label_smoothing", "task.scheduled_sampling"),
        *("task.beam", "task.length_penalty", "task.max_length", "task.block_repeats", "task.block_ngrams"),
    ),
    "spot": (
        *("model.encoder", "model.hidden", "model.reach", "model.max_width", "data.longer_side"),
        *("task.score_loss", "task.geometry", "task.reading", "task.min_side"),
        *("task.merge_iou", "task.nms_iou", "task.min_score", "task.lexicon"),
    ),
}
"""Those of one task alone."""
_USES = {
    "train": "to learn from",
    "holdout": "cut from train to choose the epoch",
    "val": "to score",
    "test": "to score",
}


@dataclass(frozen=True)
class Table:
    """Rows of words; the first ``texts`` columns are words, the others numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: int = 1


def metrics_table(scored: Evaluated, intervals: Mapping[str, tuple[float, float]] | None = None) -> Table:
    """Every number of the evaluation, and how it was pooled; with ``intervals`` also these, of those that have one."""
    pooling = scored.about.get("pooling", {})
    rows = [
        (
            metric_name(key, scored.positive),
            pooling.get(key, ""),
            number(value),
            *([interval_words((intervals or {}).get(key))] if intervals else []),
        )
        for key, value in scored.metrics["metrics"].items()
    ]
    last = ("95 % interval",) if intervals else ()
    return Table(("metric", "how it was pooled", "value", *last), rows, texts=2)


def folds_table(scored: Evaluated) -> Table:
    """Each fold's numbers on the split, their mean and spread, and beside them the number of all folds together."""
    folds = scored.about["folds"]
    held, together = folds["holdout"], "all images" if scored.about["out_of_fold"] else "averaged"
    rows = [
        ("epoch", *map(str, folds["epochs"]), "", "", ""),
        (f"{metric_name(held['metric'], scored.positive)} on its own fold", *_values_and_spread(held), ""),
    ]
    for key, found in folds["metrics"].items():
        name, number_of_all = metric_name(key, scored.positive), number(scored.metrics["metrics"][key])
        rows.append((name, *_values_and_spread(found), number_of_all))
    numbered = (f"fold {k}" for k, _ in enumerate(folds["epochs"], start=1))
    return Table(("metric", *numbered, "mean", "standard deviation", together), rows)


def _values_and_spread(found: Mapping[str, Any]) -> list[str]:
    return [number(value) for value in (*found["values"], found["mean"], found["std"])]


def per_class_table(scored: Evaluated, *, by: str = "ap") -> Table:
    """One row a class, the best by the number ``by`` first, classes without one last; ties in class order."""
    values_of = scored.of_class(by)
    order = sorted(range(len(values_of)), key=lambda c: (values_of[c] is None, -(values_of[c] or 0.0), c))
    per_class: list[dict[str, Any]] = [scored.metrics["per_class"][scored.classes[c]] for c in order]
    there = per_class[0] if per_class else {}
    keys = [k for k in _PER_CLASS if k in there] + [k for k in there if k not in _PER_CLASS]
    rows = [
        (scored.classes[c], *(number(values[key]) for key in keys)) for c, values in zip(order, per_class, strict=True)
    ]
    counted = {"n_predicted": "predicted pixels"} if "n_pixels" in there else {}
    return Table(("class", *(counted.get(key) or metric_name(key) for key in keys)), rows)


def confusion(scored: Scored) -> NDArray[np.int64]:
    """(C, C) number of images by target (row) and prediction (column) of a classify evaluation."""
    n = len(scored.classes)
    flat = scored.targets.argmax(axis=1) * n + scored.found.argmax(axis=1)
    return np.bincount(flat, minlength=n * n).reshape(n, n)


def confused_pairs(classes: Sequence[str], counts: NDArray[np.int64], *, of: str, most: int = 40) -> Table:
    """The ``most`` frequent mistakes in (C, C) ``counts`` of targets (rows) and predictions; ties in class order.

    ``of`` says what is counted: images, or pixels.
    """
    wrong = counts * ~np.eye(len(classes), dtype=np.bool_)
    pairs = np.argwhere(wrong > 0)
    order = np.argsort(-wrong[tuple(pairs.T)], kind="stable")[:most]
    rows = [
        (
            classes[t],
            classes[p],
            number(int(counts[t, p])),
            number(float(counts[t, p] / counts[t].sum())),
        )
        for t, p in pairs[order]
    ]
    return Table(("target", "called", of, f"share of the target's {of}"), rows, texts=2)


def evaluations_table(others: Sequence[tuple[str, Mapping[str, Any], Mapping[str, Any]]]) -> Table:
    """The evaluations beside the headline one, each as (name, metrics.json, about.json)."""
    rows = [
        (
            f"{name} (out of fold)" if about.get("out_of_fold") else name,
            str(about["checkpoint"]),
            "yes: optimistic" if about["optimistic"] else "no",
            headline_name(about),
            number(metrics["metrics"][headline_key(about)]),
            number(metrics["n"]),
        )
        for name, metrics, about in others
    ]
    return Table(("evaluation", "checkpoint", "chosen on these images", "metric", "value", "images"), rows, texts=4)


def splits_table(data: Mapping[str, Any], *, chosen_on: str | None, kind: str = "labels") -> Table:
    """One row a split: its use, and how many images and labels it holds; ``chosen_on`` chose the epoch.

    ``kind`` of ``scored.KIND``: masks have no labels to count, captions and words no classes either.
    """
    rows = []
    for split, facts in data.get("splits", {}).items():
        classes = facts.get("classes", {}).values()
        positives = [c["n_positive"] for c in classes]
        ignored = sum(c.get("n_ignored", 0) for c in classes)
        seen = sum(p > 0 for p in positives)
        numbers = [facts["n"], *{"labels": (sum(positives), ignored, seen), "masks": (seen,)}.get(kind, ())]
        use = _USES.get(split, "")
        if split == chosen_on != "holdout":
            use += ", and to choose the epoch"
        rows.append((split, use, *map(number, numbers)))
    counted = {"labels": ("labels", "ignored labels", "classes seen"), "masks": ("classes seen",)}
    return Table(("split", "use", "images", *counted.get(kind, ())), rows, texts=2)


def class_counts_table(data: Mapping[str, Any]) -> Table:
    """Images of each class in each split; ignored labels after a plus sign."""
    splits: Mapping[str, Any] = data.get("splits", {})
    rows = []
    for name in data.get("classes", []):
        cells = [facts.get("classes", {}).get(name, {}) for facts in splits.values()]
        rows.append((name, *(_with_ignored(c.get("n_positive", 0), c.get("n_ignored", 0)) for c in cells)))
    return Table(("class", *splits), rows)


def any_ignored(data: Mapping[str, Any]) -> bool:
    """Whether some label of some split is ignored."""
    splits = data.get("splits", {}).values()
    return any(c.get("n_ignored") for facts in splits for c in facts.get("classes", {}).values())


def _with_ignored(positive: int, ignored: int) -> str:
    return f"{positive:,} (+{ignored:,})" if ignored else f"{positive:,}"


def untrained_classes(data: Mapping[str, Any]) -> list[str]:
    """Classes without one positive training image."""
    train = data.get("splits", {}).get("train", {}).get("classes", {})
    return [name for name in data.get("classes", []) if train and not train.get(name, {}).get("n_positive")]


def settings(config: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The settings that say most, as (key, value)."""
    found = []
    for key in (*_SETTINGS, *_SETTINGS_OF.get(config.get("task", {}).get("name"), ())):
        value: Any = config
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            found.append((key, _plain(value)))
    return found


def surroundings(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Versions, machine, model and data fingerprint, as (name, value)."""
    facts = [(k, _plain(v)) for k, v in environment.items() if v not in (None, []) and not isinstance(v, Mapping)]
    model = environment.get("model", {})
    if "parameters" in model:
        trained = f", {model['trainable']:,} trained" if "trainable" in model else ""
        facts.append(("parameters", f"{model['parameters']:,}{trained}"))
    for key, values in environment.get("normalize", {}).items():
        facts.append((f"normalize {key}", ", ".join(f"{v:.4g}" for v in values)))
    data = environment.get("data", {})
    facts += [(f"data {key}", str(data[key])) for key in ("root", "fingerprint") if data.get(key)]
    return facts


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(each)}" for key, each in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def summary(scored: Evaluated | None, config: Mapping[str, Any], environment: Mapping[str, Any]) -> str:
    """Task, model and number of images in one line."""
    task = scored.task if scored else config.get("task", {}).get("name", "")
    model = environment.get("model", {}).get("name") or config.get("model", {}).get("name", "")
    parts = [str(task), str(model)]
    if scored:
        parts.append(f"{count(len(scored.images), 'image')} of the {scored.split} split")
        if scored.classes:
            parts.append(count(len(scored.classes), "class"))
    return " · ".join(p for p in parts if p)
