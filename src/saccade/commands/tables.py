"""What commands print on stdout, as rich tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from saccade.commands.data import DataStatistics
from saccade.commands.predict import Answers
from saccade.data.captions import Captions
from saccade.data.check import Report
from saccade.data.wording import counted
from saccade.data.words import Words
from saccade.quads import sides
from saccade.surgery.convert import Surgery
from saccade.tasks.sentences import words_of

MOST = 50
"""Rows of a table on the screen; the file holds all."""


def metrics_table(document: Mapping[str, Any], about: Mapping[str, Any]) -> Table:
    """The metrics of a split, fractions of 1 as they stand in ``metrics.json``; with folds their spread beside them."""
    folds = about.get("folds")
    of_folds = ("mean of folds", "standard deviation") if folds else ()
    title = f"{document['split']}: {counted(document['n'], 'image')}"
    table = Table("metric", "value", *of_folds, title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, value in document["metrics"].items():
        alone = folds["metrics"][name] if folds else {}
        table.add_row(name, _number(value), *map(_number, (alone["mean"], alone["std"]) if folds else ()))
    return table


def positive_line(document: Mapping[str, Any], positive: str) -> str:
    """Precision, recall and F1 of the class in question in one line."""
    values = ", ".join(f"{key} {_number(document['metrics'][f'positive_{key}'])}" for key in ("precision", "recall"))
    return f"{positive}: {values}, F1 {_number(document['metrics']['positive_f1'])}"


def answers_table(answers: Answers) -> Table:
    """File and answer of the first files, and the highest score; of predicted masks the classes and their areas."""
    masks, captions, words = (name in answers.table.columns for name in ("mask", "caption", "quads_xy"))
    more = f", the first {MOST}" if answers.table.height > MOST else ""
    title = f"{counted(answers.table.height, 'image')}{more}"
    table = Table("image", "caption" if captions else "words" if words else "answer", title=title, title_justify="left")
    table.columns[0].overflow = "fold"
    if captions:
        for image, caption in answers.table.head(MOST).select("image", "caption").iter_rows():
            table.add_row(Text(image), Text(caption or "(nothing)"))
        return table
    if words:
        for image, quads, texts in answers.table.head(MOST).select("image", "quads_xy", "texts").iter_rows():
            said = " | ".join(texts) if any(texts) else counted(len(quads), "word")
            table.add_row(Text(image), Text(said))
        return table
    table.add_column("largest" if masks else "highest score", justify="right")
    for row in answers.table.head(MOST).iter_rows(named=True):
        numbers = row["share" if masks else "scores"]
        best = max(range(len(numbers)), key=lambda c: numbers[c])
        number = f"{numbers[best]:.0%}" if masks else f"{numbers[best]:.3f}"
        answer = row["prediction"] if "prediction" in row else ", ".join(row["found"]) or "(none)"
        table.add_row(Text(row["image"]), Text(answer), Text(f"{answers.classes[best]} {number}"))
    return table


def check_tables(report: Report) -> list[Table]:
    """Images a class and split, or captions or words a split; then what was found."""
    tables = [_captions(report.captions)] if report.captions else [_words(report.words)] if report.words else []
    if report.images and not tables:
        tables = [_counts({name: (n, report.classes[name]) for name, n in report.images.items()})]
    for title, findings in (("problem", report.problems), ("note", report.notes)):
        if not findings:
            continue
        more = f", the first {MOST}" if len(findings) > MOST else ""
        heading = f"{counted(len(findings), title)}{more}"
        table = Table("kind", "split", "what", "detail", title=heading, title_justify="left")
        for finding in findings[:MOST]:
            table.add_row(*(Text(part) for part in finding))
        tables.append(table)
    return tables


def surgery_tables(found: Surgery) -> list[Table]:
    """How far the outputs are apart; then the convolutions that are as they were, and why."""
    apart, whole = found.difference, len(found.converted) + len(found.refused)
    title = f"{len(found.converted)} of {counted(whole, 'convolution')} converted"
    numbers = Table(
        f"outputs on {counted(apart.images, 'validation image')}", "difference", title=title, title_justify="left"
    )
    numbers.columns[1].justify = "right"
    for name, value in (("largest", apart.max_abs), ("mean", apart.mean_abs), ("relative, in norm", apart.relative)):
        numbers.add_row(name, f"{value:.2e}")
    if not found.refused:
        return [numbers]
    refused = Table("as it was", "because it", title_justify="left")
    for name, reason in found.refused.items():
        refused.add_row(Text(name), Text(reason))
    return [numbers, refused]


def stats_tables(found: DataStatistics) -> list[Table]:
    """Images a class and split, or captions or words a split; then the sizes."""
    sizes = Table("split", "images", "width", "height", title="smallest, median, largest", title_justify="left")
    for name, split in found.splits.items():
        sizes.add_row(name, str(split.n), _spread(split.widths), _spread(split.heights))
    captions = {name: split.captions for name, split in found.splits.items() if split.captions is not None}
    if captions:
        return [_captions(captions), sizes]
    words = {name: split.words for name, split in found.splits.items() if split.words is not None}
    if words:
        return [_words(words), sizes]
    return [_counts({name: (split.n, split.classes) for name, split in found.splits.items()}), sizes]


def _captions(splits: Mapping[str, Captions]) -> Table:
    title = "captions; of an image and words of a caption smallest, median, largest"
    table = Table("split", "images", "captions", "of an image", "words", "different", title=title, title_justify="left")
    for name, captions in splits.items():
        words = [words_of(text) for text in captions.texts]
        lengths = (_range(captions.counts), _range(np.array([len(of_caption) for of_caption in words])))
        different = {word for of_caption in words for word in of_caption}
        table.add_row(name, str(len(captions)), str(len(words)), *lengths, str(len(different)))
    return table


def _words(splits: Mapping[str, Words]) -> Table:
    title = "smallest, median, largest: words of an image; pixels of the shorter side and letters of those cared for"
    titles = ("split", "images", "words", "cared for", "of an image", "pixels", "letters", "alphabet")
    table = Table(*titles, title=title, title_justify="left")
    for name, words in splits.items():
        high = sides(words.quads[words.cared]).min(axis=1)
        texts = [text for text, cared in zip(words.texts, words.cared.tolist(), strict=True) if cared]
        numbers = (len(words), len(words.texts), len(texts))
        of_cared = (np.rint(high).astype(np.int64), np.array([len(text) for text in texts], dtype=np.int64))
        ranges = (_range(words.counts), *(_range(values) if len(values) else "-" for values in of_cared))
        table.add_row(name, *map(str, numbers), *ranges, str(len(set("".join(texts)))))
    return table


def _range(values: NDArray[np.int64]) -> str:
    return _spread((int(values.min()), int(np.median(values)), int(values.max())))


def _counts(splits: Mapping[str, tuple[int, Mapping[str, Mapping[str, int]]]]) -> Table:
    titles = [f"{name} ({n})" for name, (n, _) in splits.items()]
    table = Table("class", *titles, title="images that show each class", title_justify="left")
    names = dict.fromkeys(name for _, classes in splits.values() for name in classes)
    for name in names:
        table.add_row(Text(name), *(_count(classes.get(name)) for _, classes in splits.values()))
    return table


def _count(found: Mapping[str, int] | None) -> str:
    if found is None:
        return "-"
    ignored = f" (+{found['n_ignored']} ignored)" if found["n_ignored"] else ""
    return f"{found['n_positive']}{ignored}"


def _number(value: float | None) -> str:
    # adding 0 takes the sign off -0, which a loss may be
    return "undefined" if value is None else f"{round(value, 4) + 0.0:.4f}"


def _spread(values: tuple[int, int, int]) -> str:
    return ", ".join(map(str, values))
