"""Sentences of a segment report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.report.mask_words import coding_sentence, errors_legend, lowest_ious, scoring_sentence
from saccade.report.segments import Segmented

from .segment_run import HEIGHT, WIDTH, coding, segment_run

PIXELS = f"{15 * HEIGHT * (WIDTH - 2):,} pixels were scored."


def sentence(tmp_path: Path, *, image_size: Any = 224, **about: Any) -> str:
    scored = Segmented.read(segment_run(tmp_path, **about).evaluation("val"))
    return scoring_sentence(scored, {"data": {"image_size": image_size}})


def test_void_is_left_out_and_masks_keep_their_size(tmp_path: Path) -> None:
    assert sentence(tmp_path) == (
        f"{PIXELS} Void pixels were neither learned nor scored (data.void: ignore). The network sees images at 224 x "
        "224; they are scored at the size of their masks, to which its scores were brought before the highest was "
        "taken."
    )


@pytest.mark.parametrize(
    ("about", "said"),
    [
        (
            {"void": "background", "coding": coding(4, void_is_background=True)},
            "Void pixels count as background, in training and here (data.void: background).",
        ),
        ({"coding": coding(4, void_id=None)}, "The masks of this data set have no void pixels."),
        ({"coding": coding(4, void_id=None, void_colour=[1, 2, 3])}, "neither learned nor scored"),
        ({"score_size": "input"}, "at the size at which the network sees them, 360 x 480 (height x width), to which"),
        ({"window": [224, 288]}, "at their own size, in windows of 224 x 288 (height x width) that overlap by half"),
        (
            {"flip": True},
            "taken. The scores are the mean of what the network says of an image and of its mirror image.",
        ),
    ],
)
def test_what_was_done_is_said(tmp_path: Path, about: dict[str, Any], said: str) -> None:
    assert said in sentence(tmp_path, image_size=[360, 480], **about)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "0 to 3 are the classes in their order, 255 is void."),
        ({"ids": [0, 2, -1, 7], "void_id": None}, "0, 2, 7 are the classes in their order."),
        (
            {"colours": [[0, 0, 0], [1, 1, 1], None, [2, 2, 2]]},
            "A mask in colour is read by the colours of the classes.",
        ),
    ],
)
def test_what_the_files_of_masks_hold(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    scored = Segmented.read(segment_run(tmp_path, coding=coding(4, **given)).evaluation("val"))
    assert said in coding_sentence(scored)


def test_grey_stands_for_void_only_where_there_is_some(tmp_path: Path) -> None:
    ignoring = Segmented.read(segment_run(tmp_path / "a").evaluation("val"))
    counting = Segmented.read(segment_run(tmp_path / "b", coding=coding(4, void_is_background=True)).evaluation("val"))
    # blue and vermilion of Okabe and Ito 2008
    two = [("right", "rgb(0 114 178)"), ("wrong", "rgb(213 94 0)")]
    assert errors_legend(counting) == two
    assert [name for name, _ in errors_legend(ignoring)] == ["right", "wrong", "void"]


@pytest.mark.parametrize(
    ("ious", "expected"),
    [
        ([0.9, np.nan, 0.5, 0.25, 0.99], "lowest IoU d 0.250, c 0.500, a 0.900"),
        ([0.9, 0, 0.5, 0, 0.99], "IoU of 0: b, d; then c 0.500"),
        ([0, 0, 0, 0, 0], "IoU of 0: a, b, c and 2 more"),
        ([np.nan, np.nan, 1, np.nan, np.nan], "lowest IoU c 1.000"),
        ([np.nan] * 5, ""),
    ],
)
def test_the_worst_classes_of_an_image(ious: list[float], expected: str) -> None:
    said = lowest_ious(list("abcde"), np.array(ious, dtype=np.float32))
    assert said.replace("\N{NO-BREAK SPACE}", " ") == expected
