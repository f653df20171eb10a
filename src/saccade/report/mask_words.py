"""Sentences and tables of the report that only segment has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saccade.draw.overlay import RIGHT, UNKNOWN, WRONG
from saccade.report.segments import Segmented
from saccade.report.words import count, number

NAMED = 3
"""So many classes of an image are named."""


def baseline_sentence(scored: Segmented) -> str:
    """What the headline is to be held against: every pixel called the class that most of them are."""
    base = scored.baseline()
    if base is None:
        return "Every pixel of this split is void, so there is no IoU."
    k = int(scored.pixels.argmax())
    share, occurring = float(scored.shares()[k]), int((scored.pixels > 0).sum())
    return (
        f"Always saying {scored.classes[k]}, the most frequent class, would reach an mIoU of {number(base)} (its IoU "
        f"of {number(share)} over {count(occurring, 'class')} in the targets) and a pixel accuracy of {number(share)}; "
        f"the pixel accuracy of this run is {number(scored.metrics['metrics']['pixel_accuracy'])}."
    )


def scoring_sentence(scored: Segmented, config: Mapping[str, Any]) -> str:
    """What void pixels were, at which size pixels were scored, and in how many views."""
    n = int(scored.pixels.sum())
    scored_words = f"{count(n, 'pixel')} {'was' if n == 1 else 'were'} scored."
    parts = [scored_words, void_sentence(scored), _where(scored, config)]
    if scored.about["flip"]:
        parts.append("The scores are the mean of what the network says of an image and of its mirror image.")
    return " ".join(parts)


def has_void(scored: Segmented) -> bool:
    """Whether a pixel of the true masks may be void."""
    coding = scored.coding
    return not coding.void_is_background and (coding.void_id is not None or coding.void_colour is not None)


def void_sentence(scored: Segmented) -> str:
    """What void pixels were."""
    coding = scored.coding
    if coding.void_id is None and coding.void_colour is None:
        return "The masks of this data set have no void pixels."
    if scored.about["void"] == "background":
        return f"Void pixels count as {scored.classes[0]}, in training and here (data.void: background)."
    return "Void pixels were neither learned nor scored (data.void: ignore)."


def _where(scored: Segmented, config: Mapping[str, Any]) -> str:
    about = scored.about
    if about["window"]:
        return (
            f"Images were seen at their own size, in windows of {_size(about['window'])} that overlap by half, and are "
            "scored at the size of their masks."
        )
    seen = _size(config.get("data", {}).get("image_size"))
    if about["score_size"] == "input":
        return f"Images are scored at the size at which the network sees them, {seen}, to which the masks were brought."
    return (
        f"The network sees images at {seen}; they are scored at the size of their masks, to which its scores were "
        "brought before the highest was taken."
    )


def _size(given: Any) -> str:
    if given is None:
        return "their own size"
    height, width = given if isinstance(given, list | tuple) else (given, given)
    return f"{height} x {width} (height x width)" if height != width else f"{height} x {width}"


def coding_sentence(scored: Segmented) -> str:
    """What the files of the true masks hold."""
    coding = scored.coding
    ids = [i for i in coding.ids if i >= 0]
    runs = ", ".join(map(str, ids)) if ids != list(range(len(ids))) else f"0 to {len(ids) - 1}"
    void = "" if coding.void_id is None else f", {coding.void_id} is void"
    colour = " A mask in colour is read by the colours of the classes." if coding.colours is not None else ""
    return (
        f"Masks are read as ids, whatever colours their palette has: {runs} {'are' if len(ids) > 1 else 'is'} the "
        f"{'classes in their order' if len(ids) > 1 else 'class'}{void}.{colour}"
    )


def lowest_ious(classes: Sequence[str], ious: NDArray[np.float32]) -> str:
    """The worst classes of one image by their (C,) IoU, NaN where they are not in it; the first among equals first."""
    there = np.flatnonzero(~np.isnan(ious))
    order = there[np.argsort(ious[there], kind="stable")]
    lost = [classes[c] for c in order if ious[c] == 0]
    low = [f"{classes[c]}\N{NO-BREAK SPACE}{number(float(ious[c]))}" for c in order if ious[c] > 0][
        : max(0, NAMED - len(lost))
    ]
    more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
    parts = [f"IoU of 0: {', '.join(lost[:NAMED])}{more}"] if lost else []
    if low:
        parts.append(f"{'then' if lost else 'lowest IoU'} {', '.join(low)}")
    return "; ".join(parts)


def legend(scored: Segmented) -> list[tuple[str, str]]:
    """Name and CSS colour of each class."""
    return [(name, _css(rgb)) for name, rgb in zip(scored.classes, scored.colours.tolist(), strict=True)]


def errors_legend(scored: Segmented) -> list[tuple[str, str]]:
    """Name and CSS colour of what the pictures of errors show."""
    named = [("right", RIGHT), ("wrong", WRONG)]
    if has_void(scored):
        named.append(("void", UNKNOWN))
    return [(name, _css(rgb)) for name, rgb in named]


def _css(rgb: Sequence[int]) -> str:
    return "rgb({} {} {})".format(*rgb)
