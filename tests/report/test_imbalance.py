"""What the report says where one class is rare, or in question: each number worked out from the made-up scores."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.report.words import number, wilson
from saccade.report.write import write_report
from saccade.runs import Run

from .conftest import add_classify, add_multilabel, unscored
from .page import Page

PAIR = ["cat", "dog"]
# 18 cats and 2 dogs; at the highest score 1 of the dogs is found and 1 cat is called dog
DOG_SCORES = np.array([*[0.1] * 15, 0.3, 0.4, 0.6, 0.35, 0.9])
TARGET = np.array([0] * 18 + [1] * 2)


def run_of(tmp_path: Path) -> Run:
    return unscored(tmp_path / "runs" / "made-up" / "001", task="classify", classes=PAIR)


def page_of(tmp_path: Path, target: np.ndarray = TARGET, dog: np.ndarray = DOG_SCORES, **options: Any) -> Page:
    run = run_of(tmp_path)
    images = [f"val/{i:02d}.jpg" for i in range(len(target))]
    add_classify(run, images, target, np.stack([1 - dog, dog], axis=1), classes=PAIR, **options)
    return Page(write_report(run))


def test_why_accuracy_misleads_in_the_numbers_of_the_run(tmp_path: Path) -> None:
    text = page_of(tmp_path).text
    balanced = (17 / 18 + 1 / 2) / 2
    assert (
        "Accuracy misleads here: always saying cat would be right on 18 of 20 images, an accuracy of 0.900, and this "
        f"run reaches 0.900; balanced accuracy, which counts each class alike, is {balanced:.3f} against 0.500."
    ) in text


@pytest.mark.parametrize(("cats", "misleads"), [(15, False), (16, True)])
def test_it_is_said_where_the_largest_class_has_more_than_one_and_a_half_of_its_share(
    tmp_path: Path, cats: int, misleads: bool
) -> None:
    target = np.array([0] * cats + [1] * (20 - cats))
    assert ("Accuracy misleads here" in page_of(tmp_path, target).text) is misleads


def test_the_class_in_question_stands_on_top(tmp_path: Path) -> None:
    page = page_of(tmp_path, positive="dog")
    ap = (1 + 2 / 4) / 2  # the dogs stand at 1 and 4 of the ranking
    assert f"{ap:.3f} AP of dog" in page.text
    assert "precision of dog0.500" in page.text
    assert "recall of dog0.500" in page.text
    assert "F1 of dog0.500" in page.text
    assert "A random ranking would reach about 0.100, the share of dog." in page.text
    assert "An image is called dog where that is its highest score." in page.text
    low, high = wilson(0.5, 2)
    assert f"With 2 images of dog the 95 % interval of its recall is {low:.3f} to {high:.3f}" in page.text
    names = [row[0] for row in page.tables["Numbers"]]
    assert names[2:6] == ["AP of dog", "precision of dog", "recall of dog", "F1 of dog"]


def test_the_threshold_and_what_it_decides(tmp_path: Path) -> None:
    page = page_of(tmp_path, positive="dog", threshold=0.325)
    assert "An image is called dog where its score of it is above 0.325." in page.text
    assert "precision of dog0.500" in page.text  # 0.4, 0.6, 0.35 and 0.9 are called
    assert "recall of dog1.000" in page.text
    assert "balanced accuracy0.944" in page.text
    pooled = {row[0]: row[1] for row in page.tables["Numbers"]}
    assert pooled["accuracy"] == "share of all images called right, which is dog where its score is above 0.325"


def test_a_split_without_the_class(tmp_path: Path) -> None:
    text = page_of(tmp_path, np.zeros(20, np.int64), positive="dog").text
    assert "No image of this split shows dog, so there is no AP." in text
    assert "\N{EN DASH} AP of dog" in text


@pytest.mark.slow
def test_the_recomputed_number_is_the_headline(tmp_path: Path) -> None:
    page = page_of(tmp_path, positive="dog")
    code = page.preformatted["snippet"]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=page.path.parent, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == pytest.approx(0.75)
    assert code.endswith("# 0.750000\n")


def test_of_multilabel_what_saying_absent_would_reach(tmp_path: Path) -> None:
    run = unscored(tmp_path / "runs" / "made-up" / "001", classes=["a", "b", "c"])
    targets = np.array([[1, 0, -1], [0, 0, -1], [0, 0, -1], [0, -1, -1]])
    scores = np.array([[0.9, 0.6, 0.5], [0.2, 0.1, 0.5], [0.7, 0.1, 0.5], [0.1, 0.9, 0.5]])
    add_multilabel(run, [f"{i}.jpg" for i in range(4)], targets, scores, classes=["a", "b", "c"])
    # a: 3 of 4 absent, all but one right; b: 3 of 3 absent, two of three right; nothing is known of c
    expected = (
        f"always saying absent, whatever the image, would be right for {number((3 / 4 + 1) / 2)} of the images on the "
        f"mean of the classes, and this run reaches {number((3 / 4 + 2 / 3) / 2)}."
    )
    assert expected in Page(write_report(run)).text


@pytest.mark.parametrize(
    ("value", "expected"), [(-0.0, "0.000"), (-1e-9, "0.000"), (-0.0004, "0.000"), (-0.0006, "-0.001")]
)
def test_a_loss_of_nothing_has_no_sign(value: float, expected: str) -> None:
    assert number(value) == expected
