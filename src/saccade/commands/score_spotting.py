"""``saccade score spotting``: ICDAR 2015's numbers for any files of results, without a run and without Python 2."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.table import Table

from saccade.console import say
from saccade.data.spotting_results import FileWords, read_ground_truth, read_results
from saccade.data.text_bundles import LEXICONS, read_bundle, read_text
from saccade.data.wording import counted, named
from saccade.errors import DataError
from saccade.metrics.spotting.lexicon import Lexicon, snapped, words_of
from saccade.metrics.spotting.protocol import Detections, Truth
from saccade.metrics.spotting.scores import SpottingScores, spotting_scores
from saccade.metrics.spotting.transcripts import DONT_CARE


def score_spotting(
    results: str | Path,
    ground_truth: str | Path,
    *,
    lexicon: str | Path | None = None,
    confidences: bool | None = None,
) -> SpottingScores:
    """Precision, recall and hmean of detection, end-to-end reading and word spotting, and how well words were read.

    Args:
        results: a zip or folder of ``res_<image>.txt``; an image without a file is one in which nothing was found.
        ground_truth: a zip or folder of ``gt_<image>.txt``.
        lexicon: words of which the nearest replaces what was read: a file for all images, one word a line, or a zip or
            folder of ``voc_<image>.txt``.
        confidences: whether lines of results have a confidence after the corners; None tells it by the lines.

    Raises:
        DataError: files that cannot be read, lines that hold no word, or images that do not match.
    """
    truths = read_ground_truth(Path(ground_truth))
    found = read_results(Path(results), truths, confidences=confidences)
    if lexicon is not None:
        found = _snapped(found, Path(lexicon))
    _tell(found)
    return spotting_scores(
        [Truth(of.quads, of.texts or (), np.array([text != DONT_CARE for text in of.texts or ()], dtype=np.bool_))
         for of in truths.values()],
        [Detections(of.quads, of.texts, of.confidences) for of in found.values()],
    )  # fmt: skip


def score_table(found: SpottingScores) -> Table:
    """The numbers of all images."""
    names = list(found.metrics["detection"])
    table = Table("protocol", *(name.replace("_", " ") for name in names), title=counted(found.n, "image"))
    table.title_justify, table.caption_justify = "left", "left"
    for column in table.columns[1:]:
        column.justify = "right"
    for protocol, numbers in found.metrics.items():
        table.add_row(protocol, *(f"{numbers[name]:.4f}" for name in names))
    if found.words is not None:
        of_words = (("cer", found.words.cer), ("word_accuracy", found.words.word_accuracy))
        told = ", ".join(f"{name} {'undefined' if value is None else f'{value:.4f}'}" for name, value in of_words)
        table.caption = f"{told}\nof {counted(found.words.pairs, 'matched word')}"
    return table


def as_document(found: SpottingScores) -> dict[str, object]:
    """The numbers as ``--json`` prints them; None is of words where none matched."""
    words = {} if found.words is None else {"cer": found.words.cer, "word_accuracy": found.words.word_accuracy}
    return {**found.metrics, **words, "n": found.n}


def _tell(found: Mapping[str, FileWords]) -> None:
    """Say what was made of the results, where it could be a mistake."""
    empty = sum(not len(of.quads) for of in found.values())
    if empty:
        say(f"{empty} of {counted(len(found), 'image')} have no results: nothing was found in them")
    if any(of.confidences is not None for of in found.values()):
        say("the numbers after the corners are taken as confidences")
    if any(of.texts is None for of in found.values()):
        say("the results have no transcripts: detection alone is scored")


def _snapped(found: Mapping[str, FileWords], path: Path) -> dict[str, FileWords]:
    """What was read, each replaced by the nearest word of the lexicon, or of the image's own."""
    if any(of.texts is None for of in found.values()):
        raise DataError(f"{path}: a lexicon is for what was read, and the results have no transcripts")
    lexicons = _lexicons(path)
    common = lexicons.get("")
    missing = [image for image, of in found.items() if common is None and len(of.quads) and image not in lexicons]
    if missing:
        raise DataError(
            f"{path}: no lexicon of {counted(len(missing), 'image')} with results: {named(missing, limit=3)}"
        )
    return {
        image: replace(of, texts=snapped(of.texts, common or lexicons[image])) if of.texts else of
        for image, of in found.items()
    }


def _lexicons(path: Path) -> dict[str, Lexicon]:
    """Lexicons by image, or the one for all images under ""."""
    are_many = path.is_dir() or zipfile.is_zipfile(path)
    files = read_bundle(path, LEXICONS) if are_many else {"": read_text(path)}
    words = {image: words_of(file.text) for image, file in files.items()}
    empty = next((files[image].place for image, of_image in words.items() if not of_image), None)
    if empty is not None:
        raise DataError(f"{empty}: holds no word; a lexicon has one word a line")
    return {image: Lexicon(of_image) for image, of_image in words.items()}
