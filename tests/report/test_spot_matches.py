"""Words and detections of one image, told apart."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.metrics.spotting.protocol import Detections, Truth
from saccade.quads import laid
from saccade.report.spot_matches import SpotImage, Word, heights

from .spot_run import box, signs


def image(k: int, *, reads: bool = True) -> SpotImage:
    """One of the made-up images."""
    words, found = signs()[k].words, signs()[k].found
    texts = tuple(text for _, text in words)
    truth = Truth(
        quads([quad for quad, _ in words]), texts, np.array([text != "###" for text in texts], dtype=np.bool_)
    )
    read = tuple(text for _, text, _ in found) if reads else None
    detections = Detections(quads([quad for quad, *_ in found]), read)
    return SpotImage.matched(truth, detections, np.array([score for *_, score in found]))


def quads(given: list[list[float]]) -> np.ndarray:
    return np.array(given, dtype=np.float64).reshape(-1, 4, 2)


def told(words: list[Word]) -> list[tuple[str, str | None, str | None, float | None]]:
    return [(word.verdict, word.text, word.read, word.score) for word in words]


def test_words_of_an_image_in_their_order() -> None:
    assert told(image(1).words()) == [
        ("misread", "OPEN", "0PEN", 0.9),
        ("right", "TAXI", "TAXI", 0.85),
        ("missed", "EXIT", None, None),
        ("alarm", None, "III", 0.5),
        ("uncared", "###", None, None),
        ("uncared", None, "xx", 0.4),
    ]
    overlaps = [word.overlap for word in image(1).words()]
    assert overlaps == pytest.approx([1, 1, 1 / 7, 0, 1, 0])


def test_matches_are_shown_where_they_were_found_and_the_rest_where_it_is() -> None:
    hotel = image(0).words()[1]
    assert (hotel.text, hotel.quad[0].tolist()) == ("HOTEL", [1, 0])
    assert hotel.overlap == pytest.approx(39 / 41)
    assert image(1).words()[2].quad[0].tolist() == [40, 30]


def test_what_only_finds_reads_nothing() -> None:
    seen = image(1, reads=False)
    assert seen.read_pairs == []
    assert [(word.verdict, word.read) for word in seen.words()[:2]] == [("right", None)] * 2
    assert seen.verdicts()["misread"] == 0


def test_an_image_without_anything() -> None:
    assert image(6).words() == []
    assert sum(image(6).verdicts().values()) == 0


def test_verdicts_are_those_of_the_words() -> None:
    for k in range(7):
        seen = image(k)
        for verdict, n in seen.verdicts().items():
            words = [w for w in seen.words() if w.verdict == verdict and (verdict != "uncared" or w.text is not None)]
            assert len(words) == n


def test_tall_words_lie_on_their_side() -> None:
    (upright,), (level,) = quads([box(5, 5, 10, 40)]), quads([box(5, 5, 10, 15)])
    # the lower left corner comes first where the upper end is to lie at the left
    assert laid(upright).tolist() == [[15, 5], [15, 45], [5, 45], [5, 5]]
    assert laid(level).tolist() == level.tolist()
    assert heights(np.stack([upright, level])).tolist() == [10, 15]


def test_the_height_of_a_slanted_word_is_the_mean_of_its_sides() -> None:
    assert heights(np.array([[0.0, 0], [60, 0], [60, 20], [0, 10]])) == pytest.approx(15)
    assert heights(np.zeros((0, 4, 2))).tolist() == []
