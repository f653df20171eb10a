"""Maps to words: maps painted from known words, and each filter by hand."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade.decode import words
from saccade.decode.words import decode, mean_inside, surest
from saccade.overlap import iou
from saccade.quads import STRIDE, encode, sides

Floats: TypeAlias = NDArray[np.float64]
UNIT = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def word(x: float, y: float, width: float, height: float, angle: float = 0.0) -> Floats:
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return UNIT * [width / 2, height / 2] @ turn + [x, y]


def inside(quad: Floats, points: Floats) -> NDArray[np.bool_]:
    """(M,) which points lie in a clockwise quad, or on its edge."""
    edges = np.roll(quad, -1, axis=0) - quad
    off = points[:, None] - quad
    return np.asarray((edges[:, 0] * off[..., 1] - edges[:, 1] * off[..., 0] >= -1e-9).all(axis=1))


def painted(quads: list[Floats], height: int = 60, width: int = 80, score: float = 0.95) -> tuple[Floats, Floats]:
    """Maps (h, w) and (5, h, w) as a network would make them that is right everywhere, sure in the whole word."""
    scores, rbox = np.full((height, width), 0.01), np.full((5, height, width), 3.0)
    rows, columns = (axis.ravel() for axis in np.mgrid[:height, :width])
    points = STRIDE * np.stack([columns, rows], axis=1).astype(np.float64)
    for quad in quads:
        here = inside(quad, points)
        scores[rows[here], columns[here]] = score
        rbox[:, rows[here], columns[here]] = encode(quad, points[here]).T
    return scores, rbox


WORDS = [word(80, 40, 100, 24), word(220, 50, 90, 30, 0.3), word(90, 150, 120, 20, -0.4), word(250, 160, 20, 100, 0.05)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_painted_words_are_found_again(dtype: Any) -> None:
    scores, rbox = painted(WORDS)
    found = decode(scores.astype(dtype), rbox.astype(dtype), threshold=0.8)
    assert len(found.quads) == len(WORDS)
    assert not found.more_places
    assert found.scores == pytest.approx(np.full(4, 0.95), abs=1e-6)
    for quad in WORDS:
        nearest = min(found.quads, key=lambda q: float(abs(q - quad).max()))
        assert nearest == pytest.approx(quad, abs=1e-3 if dtype is np.float32 else 1e-9)


def test_quads_go_to_merging_in_raster_order_beside_their_own_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    # where boxes are sorted by the sign of their angle, neither holds
    scores, rbox = painted(WORDS)
    scores[scores > 0.5] = np.linspace(0.81, 0.99, int((scores > 0.5).sum()))
    given: list[tuple[Floats, Floats]] = []

    def spy(quads: Floats, found: Floats, **_: float) -> tuple[Floats, Floats]:
        given.append((quads, found))
        return quads[:1], found[:1]

    monkeypatch.setattr(words, "lanms", spy)
    decode(scores, rbox, threshold=0.8)
    quads, found = given[0]
    rows, columns = np.nonzero(scores > 0.8)
    assert np.array_equal(found, scores[rows, columns])
    angles = rbox[4, rows, columns]
    assert ((angles[1:] < 0) != (angles[:-1] < 0)).sum() > 5
    for quad, row, column in zip(quads, rows, columns, strict=True):
        point = np.array([[STRIDE * column, STRIDE * row]])
        assert encode(quad, point)[0] == pytest.approx(rbox[:, row, column], abs=1e-9)


def test_a_cell_stands_for_the_point_at_four_times_its_place() -> None:
    scores, rbox = np.zeros((20, 30)), np.zeros((5, 20, 30))
    scores[7, 11], rbox[:4, 7, 11] = 1, (3, 5, 10, 20)
    found = decode(scores, rbox, threshold=0.5, min_score=0)
    assert found.quads[0].tolist() == [[34, 25], [64, 25], [64, 33], [34, 33]]


def test_cells_at_the_threshold_do_not_count() -> None:
    scores, rbox = painted(WORDS[:1], score=0.75)
    assert len(decode(scores, rbox, threshold=0.75).quads) == 0
    assert len(decode(scores, rbox, threshold=0.74).quads) == 1


def test_merging_and_suppression_have_thresholds_of_their_own() -> None:
    scores, rbox = painted([word(100, 80, 120, 24)])
    right = word(140, 80, 120, 24)  # both halves of the map see a word of their own; IoU 0.5
    points = STRIDE * np.stack(np.meshgrid(np.arange(30, 41), np.arange(18, 23)), axis=-1).reshape(-1, 2)
    for x, y in points // STRIDE:
        rbox[:, y, x] = encode(right, np.array([[STRIDE * x, STRIDE * y]], float))[0]
    counts = [
        len(decode(scores, rbox, threshold=0.8, merge_iou=merge_iou, nms_iou=nms_iou).quads)
        for merge_iou, nms_iou in ((0.2, 0.2), (0.6, 0.2), (0.6, 0.6))
    ]
    assert counts == [1, 1, 2]


def test_of_too_many_cells_the_surest_are_taken_and_it_is_said() -> None:
    scores, rbox = painted(WORDS)
    low = scores.copy()
    low[:, :40] = np.minimum(low[:, :40], 0.9)  # the words at the left are less sure
    over = int((low > 0.8).sum())
    whole, most, few = (
        decode(low, rbox, threshold=0.8, max_places=k) for k in (over, over - 1, int((low > 0.94).sum()))
    )
    assert (whole.more_places, most.more_places, few.more_places) == (False, True, True)
    assert len(whole.quads) == len(most.quads) == 4
    assert sorted(few.quads.mean(axis=1)[:, 0].round().tolist()) == [220, 250]


def test_the_surest_keep_their_order_and_of_equals_the_first_are_taken() -> None:
    cells, scores = np.array([2, 3, 5, 7, 11, 13]), np.array([0.5, 0.9, 0.7, 0.7, 0.7, 0.8])
    assert surest(cells, scores, 4).tolist() == [3, 5, 7, 13]
    assert surest(cells, scores, 1).tolist() == [3]
    assert surest(cells, scores, 6).tolist() == surest(cells, scores, 9).tolist() == cells.tolist()


@pytest.mark.parametrize(("height", "kept"), [(4.9, False), (5.1, True)])
def test_boxes_with_too_short_a_side_are_dropped(height: float, kept: bool) -> None:
    for quad in (word(100, 80, 60, height), word(100, 80, height, 60)):
        scores, rbox = painted([quad])
        assert (len(decode(scores, rbox, threshold=0.8).quads) == 1) is kept


def test_a_box_over_a_map_that_says_nothing_is_dropped() -> None:
    # a single sure cell that speaks of a large box: its neighbours know of no word
    scores, rbox = np.full((40, 40), 0.02), np.zeros((5, 40, 40))
    scores[20, 20], rbox[:4, 20, 20] = 0.99, 40
    assert len(decode(scores, rbox, threshold=0.8).quads) == 0
    assert len(decode(scores, rbox, threshold=0.8, min_score=0.02).quads) == 1


def test_means_over_maps_are_those_over_the_points_inside() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, (37, 53))
    rows, columns = (axis.ravel() for axis in np.mgrid[:37, :53])
    points = np.stack([columns, rows], axis=1).astype(np.float64)
    quads = np.array([word(*rng.uniform(-5, 55, 2), *rng.uniform(2, 40, 2), rng.uniform(-2, 2)) for _ in range(300)])
    tilted = np.array([[0, 0], [6, 2], [4, 8], [-2, 6]])
    quads[:100] = tilted + np.round(quads[:100, :1])  # with points on the edges
    expected, found, some = [], mean_inside(values, quads), 0
    for quad in quads:
        here = inside(quad, points)
        some += here.any()
        x, y = quad.mean(axis=0).round().clip(0, (52, 36)).astype(int)
        expected.append(values[rows[here], columns[here]].mean() if here.any() else values[y, x])
    assert found == pytest.approx(np.array(expected), abs=1e-12)
    assert 200 < some < 300


def test_a_box_between_the_points_takes_the_value_of_the_nearest() -> None:
    values = np.arange(12.0).reshape(3, 4)
    quads = np.array([word(2.3, 1.4, 0.2, 0.2), word(-7, 1, 2, 2), word(9, 9, 1, 1)])
    assert mean_inside(values, quads).tolist() == [6, 4, 11]


@pytest.mark.parametrize("shape", [(0, 0), (0, 7), (5, 0), (5, 7), (1, 1)])
def test_maps_without_words_or_cells(shape: tuple[int, int]) -> None:
    found = decode(np.zeros(shape, np.float32), np.zeros((5, *shape), np.float32), threshold=0.8)
    assert found.quads.shape == (0, 4, 2)
    assert found.scores.shape == (0,)
    assert not found.more_places
    assert not found.more_words


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_cells_that_are_not_numbers_are_left_out(broken: float) -> None:
    scores, rbox = painted(WORDS)
    scores[10, 15:18] = broken  # in the first word
    rbox[2, 9, 20:24] = broken
    rbox[4, 11, 12] = broken
    rbox[:, 40:] = broken
    found = decode(scores, rbox, threshold=0.8)
    assert np.isfinite(found.quads).all()
    assert np.isfinite(found.scores).all()
    assert max(iou(quad, WORDS[0]) for quad in found.quads) > 0.999
    nothing = decode(np.full((6, 6), broken), np.full((5, 6, 6), broken), threshold=0.8)
    assert len(nothing.quads) == 0


def test_an_untrained_network_that_is_sure_of_everything_comes_to_an_end() -> None:
    rng = np.random.default_rng(0)
    rbox = np.concatenate([rng.uniform(0, 640, (4, 180, 320)), rng.uniform(-1.57, 1.57, (1, 180, 320))])
    found = decode(rng.uniform(0.7, 1, (180, 320)).astype(np.float32), rbox.astype(np.float32), threshold=0.5)
    assert found.more_places
    assert 0 < len(found.quads) <= 500
    assert (sides(found.quads) >= 5).all()


def test_an_untrained_network_that_sees_a_small_word_everywhere_tells_of_so_many_at_most() -> None:
    """Boxes of 10 by 6 pixels, a million of which would all be read."""
    scores = np.full((180, 320), 0.9, np.float32)
    rbox = np.zeros((5, 180, 320), np.float32)
    rbox[:4] = np.array([3, 3, 5, 5], np.float32)[:, None, None]
    whole, few = (decode(scores, rbox, max_places=60_000, max_words=most) for most in (60_000, 300))
    assert len(whole.quads) > 1000
    assert (whole.more_words, few.more_words) == (False, True)
    assert np.array_equal(few.quads, whole.quads[:300])
    assert np.array_equal(few.scores, whole.scores[:300])


def test_the_maps_stay_as_they_are() -> None:
    scores, rbox = painted(WORDS)
    scores[0, 0], before, before_rbox = np.nan, scores.copy(), rbox.copy()
    before[0, 0] = np.nan
    decode(scores, rbox, threshold=0.8)
    assert np.array_equal(scores, before, equal_nan=True)
    assert np.array_equal(rbox, before_rbox)
