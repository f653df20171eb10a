"""Which images are shown, on rankings small enough to order by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from saccade.report.gallery import class_galleries, costliest, ranking, three_classes
from saccade.report.scored import Scored

from .conftest import scored_classify


@pytest.mark.parametrize(
    ("aps", "expected"),
    [
        ([0.2, 0.9, 0.5], [("best", 1), ("median", 2), ("worst", 0)]),
        ([0.2, 0.9, 0.5, 0.4], [("best", 1), ("median", 3), ("worst", 0)]),
        ([0.5, 0.5, 0.5], [("best", 0), ("median", 1), ("worst", 2)]),
        ([0.2, None, 0.5], [("best", 2), ("worst", 0)]),
        ([None, 0.0], [("only", 1)]),
        ([None], []),
        ([], []),
    ],
)
def test_three_classes(aps: list[float | None], expected: list[tuple[str, int]]) -> None:
    assert three_classes(aps) == expected


def test_ranking_breaks_ties_by_row_and_leaves_out_the_ignored() -> None:
    scores = np.array([0.5, 0.9, 0.5, 0.9, 0.1], dtype=np.float32)
    targets = np.array([1, 0, 0, -1, 1], dtype=np.int8)
    assert ranking(scores, targets).tolist() == [1, 0, 2, 4]


def scored(targets: list[list[int]], scores: list[list[float]], losses: list[float], task: str) -> Scored:
    """One class named ``a`` and, for classify, one named ``b``."""
    classes = ["a", "b"][: len(targets[0])]
    score = np.array(scores, dtype=np.float32)
    found = score > 0.5 if task == "multilabel" else np.eye(2, dtype=bool)[score.argmax(axis=1)]
    return Scored(
        name="val",
        metrics={"split": "val", "classes": classes, "per_class": {c: {"ap": 0.5} for c in classes}},
        about={"task": task, "threshold": 0.5},
        images=[f"{i}.jpg" for i in range(len(targets))],
        targets=np.array(targets, dtype=np.int8),
        scores=score,
        found=found,
        losses=np.array(losses, dtype=np.float32),
    )


def test_the_two_ends_of_a_multilabel_class() -> None:
    given = scored([[1], [0], [1], [0], [-1]], [[0.9], [0.8], [0.3], [0.3], [0.99]], [0, 0, 0, 0, 0], "multilabel")
    (gallery,) = class_galleries(given)
    assert [(t.image, t.verdict, t.position) for t in gallery.best] == [
        ("0.jpg", "hit", 1),
        ("1.jpg", "false alarm", 2),
        ("2.jpg", "miss", 3),
        ("3.jpg", "rejected", 4),
    ]
    assert [t.image for t in gallery.worst] == ["2.jpg", "3.jpg", "1.jpg", "0.jpg"]  # the tie at 0.3 by row
    assert (gallery.ranked, gallery.positives, gallery.present_in_best) == (4, 2, 2)
    assert (gallery.first_without, gallery.last_with) == (2, 3)


def test_notes_of_classify_name_the_other_class() -> None:
    given = scored([[1, 0], [0, 1], [1, 0]], [[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]], [0.1, 1.2, 1.6], "classify")
    first = class_galleries(given)[0]
    assert first.name == "a"
    assert [(t.verdict, t.note) for t in first.best] == [
        ("hit", ""),
        ("false alarm", "is b"),
        ("miss", "called b"),
    ]
    assert [(t.image, t.note) for t in costliest(given)] == [
        ("2.jpg", "is a, called b at 0.80"),
        ("1.jpg", "is b, called a at 0.70"),
        ("0.jpg", "is a, rightly called so at 0.90"),
    ]


def test_costliest_breaks_ties_by_row_and_leaves_out_what_has_no_loss() -> None:
    given = scored([[1], [0], [-1], [0]], [[0.1], [0.9], [0.9], [0.1]], [2.0, 2.0, np.nan, 3.0], "multilabel")
    assert [(t.image, t.note) for t in costliest(given)] == [
        ("3.jpg", "every label right at the threshold"),
        ("0.jpg", "missed a"),
        ("1.jpg", "false alarm a"),
    ]


def test_read_gives_the_same_arrays_as_the_files(tmp_path: Path) -> None:
    evaluation = scored_classify(tmp_path).evaluation("val")
    rows, given = evaluation.predictions(), Scored.read(evaluation)
    assert [given.classes[i] for i in given.targets.argmax(axis=1)] == rows["target"].to_list()
    assert [given.classes[i] for i in given.found.argmax(axis=1)] == rows["prediction"].to_list()
    assert given.scores.tolist() == rows["scores"].to_list()
    assert given.targets.sum(axis=1).tolist() == [1] * 30
