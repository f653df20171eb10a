"""Each rule of ICDAR 2015's scripts on an image made for it. Boxes are given as x, y, width, height.

The figures in comments are areas in pixels: IoU = shared / (one + other - shared).
"""

from __future__ import annotations

import numpy as np
import pytest

from saccade.metrics.spotting.overlaps import overlaps
from saccade.metrics.spotting.protocol import (
    PROTOCOLS,
    Counts,
    Detections,
    Truth,
    detection,
    end_to_end,
    harmonic_mean,
    word_spotting,
)


def box(x, y, width, height):
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def quads(boxes):
    return np.array([box(*each) for each in boxes], dtype=np.float64).reshape(-1, 4, 2)


def outcome(protocol, truth, found):
    """Of lists of (box, transcript)."""
    texts = tuple(text for _, text in truth)
    cared = np.array([text != "###" for text in texts], dtype=np.bool_)
    words = Truth(quads([each for each, _ in truth]), texts, cared)
    detected = Detections(quads([each for each, _ in found]), tuple(text for _, text in found))
    return protocol(words, detected, overlaps(words.quads, detected.quads))


A = (0, 0, 100, 20)
FAR = (500, 500, 100, 20)


# --- what a match is


@pytest.mark.parametrize(
    ("found", "correct"),
    [
        (A, 1),
        ((0, 0, 100, 10), 0),  # 1000 / 2000: exactly one half is not more than one half
        ((0, 0, 101, 10), 0),  # 1000 / (2000 + 1010 - 1000), less than half
        ((0, 0, 100, 11), 1),  # 1100 / 2000 = 0.55
        ((0, 0, 200, 20), 0),  # 2000 / 4000 from outside
        ((0, 0, 199, 20), 1),  # 2000 / 3980
        ((0, 0, 100, 0), 0),  # no area
        (FAR, 0),
    ],
)
def test_more_than_half_is_a_match(found, correct):
    assert outcome(detection, [(A, "hotel")], [(found, "")]).counts == Counts(correct, truths=1, detections=1)


def test_exactly_half_is_no_match_whatever_rounding_says():
    # a parallelogram moved along a side by a third of it: shared 2 / 3, of 4 / 3 in all
    rng = np.random.default_rng(0)
    lifted = 0
    for _ in range(300):
        corner, along, down = rng.integers(0, 200, 2), 6 * rng.integers(-40, 40, 2), rng.integers(-40, 40, 2)
        quad = np.array([[corner, corner + along, corner + along + down, corner + down]], dtype=np.float64)
        overlap = overlaps(quad, quad + along // 3)
        lifted += int(overlap.iou[0, 0] > 0.5)
        truth, found = Truth(quad, ("x",), np.ones(1, dtype=np.bool_)), Detections(quad + along // 3, ("x",))
        assert detection(truth, found, overlap).counts.correct == 0
    assert lifted > 30, "rounding lifts none, and the test tests nothing"


def test_matching_is_greedy_in_the_order_of_the_files_and_takes_no_better_one():
    # the first detection overlaps by 1200 / 2000 = 0.6, the second lies on the word: the first is taken
    found = outcome(detection, [(A, "hotel")], [((0, 0, 100, 12), ""), (A, "")])
    assert found.pairs == [(0, 0)]
    assert found.counts == Counts(1, truths=1, detections=2)


def test_matching_does_not_look_for_the_most_pairs():
    # word 0 fits both detections: 1800 / 2200 and 2000 / 2000; word 1, four pixels below, fits the first alone with
    # 2000 / 2000 and the second with 1600 / 2400. Word 0 takes the first, and word 1 is left with the second:
    # 0.67 is a match too. Eight pixels below, it is 1200 / 2800 and none, although a pairing of both exists.
    near = [(A, "one"), ((0, 4, 100, 20), "two")]
    assert outcome(detection, near, [((0, 2, 100, 20), ""), (A, "")]).pairs == [(0, 0), (1, 1)]
    apart = [(A, "one"), ((0, 8, 100, 20), "two")]
    found = outcome(detection, apart, [((0, 4, 100, 20), ""), (A, "")])
    assert found.pairs == [(0, 0)]
    assert found.counts == Counts(1, truths=2, detections=2)


def test_each_word_and_each_detection_matches_once():
    assert outcome(detection, [(A, "hotel")], [(A, ""), (A, "")]).counts == Counts(1, truths=1, detections=2)
    assert outcome(detection, [(A, "hotel"), (A, "hotel")], [(A, "")]).counts == Counts(1, truths=2, detections=1)


# --- what is not cared for


@pytest.mark.parametrize(
    ("found", "detections"),
    [
        (A, 0),
        ((10, 5, 10, 10), 0),  # all inside, be its IoU ever so small
        ((90, 0, 20, 10), 1),  # 100 of 200 inside: not more than half
        ((89, 0, 20, 10), 0),  # 110 of 200
        ((0, 0, 200, 40), 1),  # 2000 of 8000, although the word is covered whole
        (FAR, 1),
        ((10, 5, 0, 10), 1),  # without area nothing of it is inside
    ],
)
def test_a_detection_mostly_inside_a_word_that_nobody_can_read_does_not_count(found, detections):
    counts = outcome(detection, [(A, "###")], [(found, "")]).counts
    assert counts == Counts(0, truths=0, detections=detections)


def test_halves_of_a_detection_in_two_such_words_are_not_added():
    # 40 % in each of two
    truth = [((0, 0, 40, 20), "###"), ((60, 0, 40, 20), "###")]
    assert outcome(detection, truth, [(A, "")]).counts == Counts(0, truths=0, detections=1)


def test_a_detection_that_does_not_count_matches_nothing():
    # it lies on the word, and 1200 of its 2000 in one that nobody can read
    truth = [(A, "hotel"), ((0, 0, 60, 20), "###")]
    assert outcome(detection, truth, [(A, "hotel")]).counts == Counts(0, truths=1, detections=0)


def test_only_three_hashes_are_not_cared_for():
    truth = [(A, "##"), ((0, 50, 100, 20), "####"), ((0, 100, 100, 20), " ###")]
    assert outcome(detection, truth, []).counts.truths == 3


# --- end-to-end


def test_a_wrong_transcript_uses_up_both_sides():
    # the second detection reads the word, but the first has it
    found = [((0, 0, 100, 18), "motel"), (A, "hotel")]
    read = outcome(end_to_end, [(A, "hotel")], found)
    assert (read.pairs, read.correct) == ([(0, 0)], [False])
    assert read.counts == Counts(0, truths=1, detections=2)
    assert read.hits.tolist() == [False, False]
    other = outcome(end_to_end, [(A, "hotel")], found[::-1])
    assert other.counts == Counts(1, truths=1, detections=2)
    assert other.hits.tolist() == [True, False]


@pytest.mark.parametrize(("text", "correct"), [("HOTEL", 1), ("hotel!", 0), ("", 0)])
def test_end_to_end_ignores_case(text, correct):
    assert outcome(end_to_end, [(A, "Hotel")], [(A, text)]).counts == Counts(correct, truths=1, detections=1)


def test_end_to_end_lets_special_characters_be_lost():
    assert outcome(end_to_end, [(A, "(Hotel)")], [(A, "hotel")]).counts.correct == 1


# --- word spotting


def test_words_that_are_in_no_dictionary_are_not_cared_for_in_spotting_alone():
    truth, found = [(A, "24/7"), ((0, 50, 100, 20), "Hotel")], [(A, "24/7"), ((0, 50, 100, 20), "HOTEL")]
    assert outcome(word_spotting, truth, found).counts == Counts(1, truths=1, detections=1)
    assert outcome(end_to_end, truth, found).counts == Counts(2, truths=2, detections=2)
    # what was found there and reads otherwise is not cared for either
    assert outcome(word_spotting, truth, [(A, "HOTEL")]).counts == Counts(0, truths=1, detections=0)


@pytest.mark.parametrize(
    ("truth", "found", "spotted", "read"),
    [
        ("Joe's", "JOE", 1, 0),  # the truth is cleaned
        ("Joe's", "Joe's", 0, 1),  # what was read is not
        ("Hotel!", "hotel", 1, 1),
        ("Hotel!", "Hotel!", 0, 1),
        ("((Hotel))", "Hotel", 1, 0),  # end-to-end may lose one bracket on either side
    ],
)
def test_spotting_compares_with_the_cleaned_word(truth, found, spotted, read):
    assert outcome(word_spotting, [(A, truth)], [(A, found)]).counts == Counts(spotted, truths=1, detections=1)
    assert outcome(end_to_end, [(A, truth)], [(A, found)]).counts == Counts(read, truths=1, detections=1)


def test_words_that_are_flagged_are_not_cared_for_whatever_they_say():
    quad = quads([A])
    truth = Truth(quad, ("Hotel",), np.zeros(1, dtype=np.bool_))
    for protocol in PROTOCOLS.values():
        assert protocol(truth, Detections(quad, ("Hotel",)), overlaps(quad, quad)).counts == Counts(0, 0, 0)


def test_hashes_are_not_cared_for_in_spotting():
    assert outcome(word_spotting, [(A, "###")], [(A, "hotel")]).counts == Counts(0, truths=0, detections=0)


# --- degenerate images


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
@pytest.mark.parametrize(
    ("truth", "found", "counts", "numbers"),
    [
        ([], [], Counts(0, 0, 0), (1, 1, 1)),
        ([], [(A, "hotel")], Counts(0, 0, 1), (0, 1, 0)),
        ([(A, "hotel")], [], Counts(0, 1, 0), (0, 0, 0)),
        ([(A, "###")], [], Counts(0, 0, 0), (1, 1, 1)),
        ([(A, "###")], [(A, "hotel")], Counts(0, 0, 0), (1, 1, 1)),
        ([(A, "###")], [(FAR, "hotel")], Counts(0, 0, 1), (0, 1, 0)),
        ([(A, "hotel")], [(FAR, "hotel")], Counts(0, 1, 1), (0, 0, 0)),
        ([((0, 0, 100, 0), "hotel")], [((0, 0, 100, 0), "hotel")], Counts(0, 1, 1), (0, 0, 0)),  # no areas
        ([(A, "hotel")], [(A, "hotel"), (FAR, "x"), (FAR, "y"), (FAR, "z")], Counts(1, 1, 4), (0.25, 1, 0.4)),
    ],
)
def test_images_with_little_in_them(protocol, truth, found, counts, numbers):
    assert outcome(protocol, truth, found).counts == counts
    assert counts.of_image() == pytest.approx(numbers, abs=1e-15)


def test_counts_are_added_up_before_they_are_divided():
    total = Counts(1, 1, 1) + Counts(0, 9, 1)
    assert total == Counts(1, truths=10, detections=2)
    assert (total.precision, total.recall) == (0.5, 0.1)
    assert total.hmean == pytest.approx(2 * 0.5 * 0.1 / 0.6)
    # no word, or no detection, in any image: 0, as in the scripts, and not the 1 of a single image
    assert (Counts(0, 0, 0).precision, Counts(0, 0, 0).recall, Counts(0, 0, 0).hmean) == (0.0, 0.0, 0.0)
    assert harmonic_mean(0.0, 0.0) == 0.0


# --- the order of detections


def test_with_confidences_the_surest_comes_first():
    found = Detections(quads([A, FAR, A]), ("a", "b", "c"), np.array([0.5, 0.9, 0.5], dtype=np.float32))
    ranked = found.ranked()
    assert ranked.texts == ("b", "a", "c")  # equal ones stay in their order
    assert ranked.confidences.tolist() == pytest.approx([0.9, 0.5, 0.5])
    assert ranked.quads[0].tolist() == [list(corner) for corner in box(*FAR)]
    many = Detections(quads([A] * 100), tuple(map(str, range(100))), np.arange(100) % 2 / 2)
    assert many.ranked().texts == tuple(map(str, [*range(1, 100, 2), *range(0, 100, 2)]))
    without = Detections(quads([A, FAR]), ("a", "b"))
    assert without.ranked() is without
