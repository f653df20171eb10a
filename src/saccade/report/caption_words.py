"""Sentences and tables of the report that only caption has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from saccade.report.captions import Captioned
from saccade.report.intervals import DRAWS, Interval
from saccade.report.tables import Table
from saccade.report.words import count, interval_words, metric_name, number

NOTHING = "(nothing)"
"""What stands for an empty caption."""
MOST_CAPTIONS, MOST_WORDS = 12, 12


def said(caption: str) -> str:
    """The caption, or a word for an empty one."""
    return caption if caption.strip() else NOTHING


def baseline_sentence(scored: Captioned, constant: str, value: float) -> str:
    """What the headline is to be held against: one caption for every image."""
    if len(scored.images) == 1:
        return (
            "CIDEr-D weighs a word by how few of the images it is written of; of a single image every weight is 0, and "
            "so is the score."
        )
    return (
        f"Always saying “{constant}”, the best of the references that are the most like all others, would reach "
        f"{number(value)}."
    )


def interval_sentence(scored: Captioned, intervals: Mapping[str, Interval]) -> str:
    """How far the headline would move with other images; empty where that is not known."""
    if "cider" not in intervals:
        return ""
    return (
        f"With {count(len(scored.images), 'image')} the 95 % interval of CIDEr-D is "
        f"{interval_words(intervals['cider'])} (bootstrap over images)."
    )


def numbers_sentence(scored: Captioned) -> str:
    """What is to be known before the table of numbers is read."""
    beam = scored.about.get("decoding", {}).get("beam")
    found = {None: "", 1: "Captions are greedy: the likeliest word at each step. "}.get(
        beam, f"Captions are the best that {beam} beams found. "
    )
    if "meteor" in scored.metrics["metrics"]:
        return f"{found}BLEU and METEOR are of all images together, not means over images."
    return (
        f"{found}BLEU is of all images together, not a mean over images. METEOR was not measured, as its tables were "
        "not installed: install saccade[captions] and score the run again with saccade evaluate."
    )


def notes(scored: Captioned, intervals: Mapping[str, Interval]) -> list[str]:
    """Where the intervals come from, and whether the numbers are those of the captions."""
    found = []
    if intervals:
        found.append(
            f"The intervals are from {DRAWS:,} draws of as many images with replacement: BLEU is computed from the "
            "counts of each draw, ROUGE-L and CIDEr-D are means of the numbers of its images, whose word weights stay "
            "as they are. They tell what other images of the same kind would change, not what another training would."
            + " METEOR has none: its counts are not in the run folder."
            * ("meteor" in scored.metrics["metrics"])
        )
    if not scored.differences():
        found.append(
            "BLEU, ROUGE-L and CIDEr-D were computed again for this page from the captions and references in "
            "predictions.parquet, and are the same."
        )
    return found


def differences_sentence(scored: Captioned) -> str:
    """Which numbers of the run folder are not those of its captions; empty where all are."""
    found = scored.differences()
    if not found:
        return ""
    named = "; ".join(f"{_long_name(key)} {number(stands)}, and {number(is_)}" for key, stands, is_ in found)
    return (
        "The numbers of this evaluation do not belong to its captions: as they stand, and as predictions.parquet "
        f"gives them again: {named}. One of the files was changed; score the run again with saccade evaluate."
    )


def _long_name(key: str) -> str:
    name, of, rest = key.partition(" of ")
    return f"{metric_name(name)}{of}{rest}"


def variety_sentence(scored: Captioned) -> str:
    """How many different captions and words there are, and how long they are."""
    different, (spoken, written) = len(scored.counted()), scored.vocabularies()
    empty = sum(not caption.strip() for caption in scored.captions)
    lengths = np.mean([len(words) for words in scored.words])
    references = np.mean([len(words) for of_image in scored.reference_words for words in of_image])
    nothing = f" {count(empty, 'caption')} {'is' if empty == 1 else 'are'} empty." if empty else ""
    return (
        f"{count(different, 'different caption')} for {count(len(scored.images), 'image')}. They have "
        f"{count(spoken, 'different word')}, the references {written:,}; a caption is {lengths:.1f} words long on "
        f"average, a reference {references:.1f}.{nothing}"
    )


def captions_table(scored: Captioned) -> Table:
    """The most frequent captions."""
    n = len(scored.images)
    rows = [(said(caption), number(k), number(k / n)) for caption, k in scored.counted()[:MOST_CAPTIONS]]
    return Table(("caption", "images", "share of the images"), rows)


def unsaid_table(scored: Captioned) -> Table:
    """The most frequent words of the references that are never said."""
    n = len(scored.images)
    rows = [(word, number(k), number(k / n)) for word, k in scored.unsaid(MOST_WORDS)]
    return Table(("word", "images", "share of the images"), rows)


def facts(scored: Captioned, row: int) -> str:
    """The other numbers of one image in a line."""
    return ", ".join(f"{metric_name(key)} {number(value)}" for key, value in scored.of_image(row))


def regions_sentence(scored: Captioned, looked: Sequence[int]) -> str:
    """What the pictures of the attention show; ``looked``: how many regions each has."""
    regions: Mapping[str, Any] = scored.about.get("regions") or {}
    if regions.get("kind") == "boxes":
        what = "boxes of a detector; light is the sum of their weights, and the box with the highest is outlined"
    else:
        what = f"the places of a grid of {regions['height']} x {regions['width']} (height x width)"
        if regions.get("resize") == "crop":
            what += ", which covers the square in the middle of the image"
    even = f"{1 / looked[0]:.2g}" if looked else ""
    return (
        f"The picture is dark where the network does not look when it says the word. Regions are {what}. Each picture "
        f"is as light as its own highest weight allows; that weight stands under it, and would be {even} if all "
        "regions weighed alike."
    )


def snippet_sentence(scored: Captioned) -> str:
    """What the lines under Recompute need and give."""
    return (
        "Run in the run folder, with polars, this writes the captions and their references as COCO's JSON. "
        "saccade score captions results.json references.json then gives the CIDEr-D at the top, and coco-caption "
        "itself reads the same files:"
    )
