"""All numbers of text spotting together, worked by hand on three images, and where they are left out."""

from __future__ import annotations

import json

import numpy as np
import pytest

from saccade.metrics.spotting.protocol import Counts, Detections, Truth
from saccade.metrics.spotting.scores import SPOTTING_POOLING, average_precision, spotting_scores


def boxes(*rows):
    """Boxes of 100 x 20 pixels in the given rows of a page."""
    return np.array([[(0, 50 * r), (100, 50 * r), (100, 50 * r + 20), (0, 50 * r + 20)] for r in rows]).reshape(
        -1, 4, 2
    )


def truth(*texts):
    return Truth(boxes(*range(len(texts))), texts, np.array([text != "###" for text in texts], dtype=np.bool_))


TRUTHS = [truth("Hotel", "24/7", "###"), truth("Sale!"), truth()]
FOUND = [
    Detections(boxes(0, 1, 2), ("HOTEL", "24/7", "x"), np.array([0.9, 0.3, 0.95])),
    Detections(boxes(7, 0), ("no", "Sole"), np.array([0.6, 0.5])),
    Detections(boxes(0), ("a",), np.array([0.1])),
]


def test_numbers_worked_by_hand():
    scores = spotting_scores(TRUTHS, FOUND)
    assert scores.n == 3
    # Cared for are 3 words; of the 6 detections that on ### is not. Detection: both words of the first image and
    # Sale!. End-to-end: the first two. Spotting: 24/7 and what lies on it drop out, so that HOTEL is right of
    # HOTEL, no, Sole and a.
    assert scores.counts == {
        "detection": Counts(3, truths=3, detections=5),
        "end_to_end": Counts(2, truths=3, detections=5),
        "word_spotting": Counts(1, truths=2, detections=4),
    }
    # Ranked: 0.9 right, 0.6 wrong, 0.5 found and misread, 0.3 right, 0.1 wrong.
    expected = {
        "detection": (3 / 5, 3 / 3, 2 * 3 / 8, (1 / 1 + 2 / 3 + 3 / 4) / 3),
        "end_to_end": (2 / 5, 2 / 3, 2 * 2 / 8, (1 / 1 + 2 / 4) / 3),
        "word_spotting": (1 / 4, 1 / 2, 2 * 1 / 6, (1 / 1) / 2),
    }
    names = ("precision", "recall", "hmean", "average_precision")
    for protocol, numbers in expected.items():
        assert scores.metrics[protocol] == pytest.approx(dict(zip(names, numbers, strict=True)), abs=1e-15)
    # HOTEL for Hotel is 4 edits of 5 letters, 24/7 is right, Sole for Sale! 2 of 5
    assert scores.words.cer == pytest.approx(6 / 14)
    assert scores.words.word_accuracy == pytest.approx(1 / 3)
    # one hmean an image: all found; 1 of 2 detections; something found where nothing is
    assert scores.per_image["detection"] == pytest.approx([1.0, 2 * 0.5 / 1.5, 0.0])
    assert scores.per_image["word_spotting"] == pytest.approx([1.0, 0.0, 0.0])


def test_every_number_says_how_it_is_pooled():
    scores = spotting_scores(TRUTHS, FOUND)
    assert {name for numbers in scores.metrics.values() for name in numbers} | {"cer", "word_accuracy"} == set(
        SPOTTING_POOLING
    )


def test_without_confidences_there_is_no_average_precision_and_files_order_rules():
    found = [Detections(each.quads, each.texts) for each in FOUND]
    scores = spotting_scores(TRUTHS, found)
    assert list(scores.metrics["detection"]) == ["precision", "recall", "hmean"]
    assert scores.counts == spotting_scores(TRUTHS, FOUND).counts
    some = spotting_scores(TRUTHS, [FOUND[0], *found[1:]])
    assert some == scores  # some are as good as none


def test_confidences_decide_which_of_two_detections_matches():
    found = Detections(boxes(0, 0), ("Motel", "Hotel"))
    sure = Detections(found.quads, found.texts, np.array([0.2, 0.8]))
    assert spotting_scores([truth("Hotel")], [found]).counts["end_to_end"].correct == 0
    assert spotting_scores([truth("Hotel")], [sure]).counts["end_to_end"].correct == 1


def test_without_transcripts_there_is_detection_alone():
    scores = spotting_scores(TRUTHS, [Detections(each.quads, None, each.confidences) for each in FOUND])
    assert list(scores.metrics) == list(scores.per_image) == ["detection"]
    assert scores.metrics["detection"] == spotting_scores(TRUTHS, FOUND).metrics["detection"]
    assert scores.words is None


def test_the_order_of_the_images_does_not_matter():
    scores, other = spotting_scores(TRUTHS, FOUND), spotting_scores(TRUTHS[::-1], FOUND[::-1])
    assert (scores.metrics, scores.words) == (other.metrics, other.words)
    assert scores.per_image["detection"] == other.per_image["detection"][::-1]


@pytest.mark.parametrize(
    ("truths", "found"),
    [
        ([], []),
        ([truth()], [Detections(boxes(), ())]),
        ([truth("###")], [Detections(boxes(0), ("x",))]),
        ([truth("Hotel")], [Detections(boxes(), ())]),
        ([truth()], [Detections(boxes(0), ("x",))]),
        ([truth()], [Detections(boxes(), (), np.zeros(0))]),
    ],
)
def test_where_nothing_is_found_or_there_all_is_zero_and_fits_into_json(truths, found):
    scores = spotting_scores(truths, found)
    assert {value for numbers in scores.metrics.values() for value in numbers.values()} == {0.0}
    assert scores.words.cer is None
    assert scores.words.word_accuracy is None
    json.dumps(scores.metrics, allow_nan=False)


@pytest.mark.parametrize(
    ("confidences", "hits", "truths", "value"),
    [
        ([0.9, 0.8, 0.7], [1, 0, 1], 2, (1 + 2 / 3) / 2),
        ([0.7, 0.8, 0.9], [1, 0, 1], 2, (1 + 2 / 3) / 2),  # sorted first
        ([0.9, 0.8], [1, 1], 4, 0.5),  # two words were missed
        ([0.5, 0.5], [1, 0], 1, 1.0),  # equal ones in their order
        ([0.5, 0.5], [0, 1], 1, 0.5),
        ([], [], 3, 0.0),
        ([0.5], [0], 0, 0.0),
    ],
)
def test_average_precision_by_hand(confidences, hits, truths, value):
    found = average_precision(np.array(confidences), np.array(hits, dtype=np.bool_), truths)
    assert found == pytest.approx(value, abs=1e-15)
