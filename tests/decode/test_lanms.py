"""Locality-aware NMS against the published procedure written out with Shapely, and its known bugs elsewhere."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from saccade.decode.lanms import lanms
from saccade.overlap import iou, iou_matrix
from saccade.quads import area, encode, is_convex, restore, shrink

Floats: TypeAlias = NDArray[np.float64]
UNIT = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def hull(quad: Floats) -> shapely.Geometry:
    return shapely.MultiPoint(quad).convex_hull


def overlaps(quad: Floats, others: list[shapely.Geometry]) -> Floats:
    """Intersection over union with each; pairs whose boxes lie apart are not asked about."""
    found, polygon = np.zeros(len(others)), hull(quad)
    some = np.flatnonzero(shapely.intersects(shapely.box(*polygon.bounds), others))
    near = np.array(others, dtype=object)[some]
    shared = shapely.area(shapely.intersection(polygon, near))
    union = polygon.area + shapely.area(near) - shared
    found[some] = np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)
    return found


def plain(quads: Floats, scores: Floats, merge_iou: float, nms_iou: float) -> tuple[Floats, Floats]:
    """The procedure as it is published: one pass with the last merged quad, then NMS by the sums of scores."""
    runs: list[tuple[Floats, float, int]] = []
    for quad, score in zip(quads, scores.tolist(), strict=True):
        if runs and overlaps(quad, [hull(runs[-1][0])])[0] > merge_iou:
            held, total, count = runs[-1]
            like = min((np.roll(quad, turn, axis=0) for turn in range(4)), key=lambda q: float(((q - held) ** 2).sum()))
            runs[-1] = (score * like + total * held) / (score + total), score + total, count + 1
        else:
            runs.append((quad, score, 1))
    kept: list[tuple[Floats, float]] = []
    polygons: list[shapely.Geometry] = []
    for quad, total, count in sorted(runs, key=lambda run: -run[1]):
        if not kept or overlaps(quad, polygons).max() <= nms_iou:
            kept.append((quad, total / count))
            polygons.append(hull(quad))
    return np.array([quad for quad, _ in kept]).reshape(-1, 4, 2), np.array([score for _, score in kept])


def turned(angle: Floats) -> Floats:
    return np.stack([np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle)], axis=-1).reshape(-1, 2, 2)


def boxes(rng: np.random.Generator, n: int) -> Floats:
    """Rectangles of any angle near each other."""
    sizes = rng.lognormal(3, 0.6, (n, 1, 2)) * [2, 0.6]
    return UNIT * sizes @ turned(rng.uniform(-np.pi / 2, np.pi / 2, n)) + rng.uniform(0, 300, (n, 1, 2))


def text_like(words: int, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """Words (W, 4, 2) in lines, and what the pixels in them see, in raster order: quads (N, 4, 2), scores (N,)."""
    rng = np.random.default_rng(seed)
    places = 160.0 * np.stack(np.divmod(np.arange(words), int(words**0.5)), axis=1)[:, None, ::-1] * [1, 0.4]
    sizes = np.stack([rng.uniform(25, 60, words), rng.uniform(8, 18, words)], axis=1)[:, None]
    truth = UNIT * sizes @ turned(rng.uniform(-0.3, 0.3, words)) + places + [100, 60]
    seen, points = [], []
    for word in truth:
        inner = shrink(word)
        grid = 4.0 * np.stack(np.meshgrid(*(np.arange(*np.round([x.min() / 4, x.max() / 4 + 2])) for x in inner.T)), -1)
        here = grid.reshape(-1, 2)
        here = here[shapely.intersects_xy(hull(inner), here)]
        rbox = encode(word, here)
        seen.append(rbox * rng.normal(1, 0.02, rbox.shape))
        points.append(here)
    where, rboxes = np.concatenate(points), np.concatenate(seen)
    order = np.lexsort((where[:, 0], where[:, 1]))
    return truth, restore(where[order], rboxes[order]), rng.uniform(0.8, 1, len(where))


def check(quads: Floats, scores: Floats, merge_iou: float = 0.2, nms_iou: float = 0.2) -> Floats:
    found, means = lanms(quads, scores, merge_iou=merge_iou, nms_iou=nms_iou)
    expected, expected_means = plain(quads, scores, merge_iou, nms_iou)
    assert found.shape == expected.shape
    assert found == pytest.approx(expected, abs=1e-7)
    assert means == pytest.approx(expected_means, abs=1e-12)
    return found


@pytest.mark.parametrize("merge_iou", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("nms_iou", [0.0, 0.2, 0.6])
def test_random_boxes_end_as_in_the_published_procedure(merge_iou: float, nms_iou: float) -> None:
    rng = np.random.default_rng(0)
    quads = boxes(rng, 300)
    quads = quads[np.argsort(quads[:, 0, 0] // 40)]  # so that neighbours overlap now and then
    found = check(quads, rng.uniform(0.1, 1, 300), merge_iou, nms_iou)
    assert 10 < len(found) < 300


def test_nested_touching_and_identical_boxes_end_as_in_the_published_procedure() -> None:
    rng = np.random.default_rng(1)
    some = boxes(rng, 60)
    middle = some.mean(axis=1, keepdims=True)
    for other in (
        middle + (some - middle) * rng.uniform(0.2, 1, (60, 1, 1)),
        some + (some[:, 1:2] - some[:, :1]),
        some + 0.6 * (some[:, 1:2] - some[:, :1]),
        some,
    ):
        check(np.stack([some, other], axis=1).reshape(-1, 4, 2), rng.uniform(0.1, 1, 120))


def test_quads_without_area_end_as_in_the_published_procedure() -> None:
    rng = np.random.default_rng(2)
    whole = np.round(boxes(rng, 120))
    whole[::3] = whole[::3, [0, 0, 1, 1]]  # lines
    whole[1::7] = whole[1::7, :1]  # points
    check(whole, rng.uniform(0.1, 1, 120))


def test_quads_that_are_not_rectangles_end_as_in_the_published_procedure() -> None:
    rng = np.random.default_rng(3)
    check(boxes(rng, 200) + rng.normal(0, 8, (200, 4, 2)), rng.uniform(0.1, 1, 200))


def test_three_thousand_sightings_of_words_end_as_in_the_published_procedure() -> None:
    truth, quads, scores = text_like(72)
    assert len(quads) >= 3000
    found = check(quads, scores)
    assert len(found) == len(truth)


@pytest.mark.slow
def test_a_hundred_thousand_sightings_of_words_end_as_in_the_published_procedure() -> None:
    truth, quads, scores = text_like(2300)
    assert len(quads) >= 100_000
    found = check(quads, scores)
    assert len(found) == len(truth)


def test_words_are_found_where_they_are() -> None:
    truth, quads, scores = text_like(400)
    found, means = lanms(quads, scores)
    matches = iou_matrix(truth, found)
    assert ((matches > 0.9).sum(axis=1) == 1).all()
    assert len(found) == 400
    assert is_convex(found).all()
    assert (area(found) > 0).all()
    assert means.min() >= 0.8
    assert means.max() <= 1


# By hand


def row(left: float, top: float, n: int = 1) -> Floats:
    """``n`` sightings of a box of 40 by 10."""
    return np.tile(UNIT * [20, 5] + [left + 20, top + 5], (n, 1, 1))


def test_scores_are_means_and_not_sums() -> None:
    found, means = lanms(row(0, 0, 4), np.array([0.9, 0.8, 1.0, 0.5]))
    assert means.tolist() == pytest.approx([0.8])
    assert found[0] == pytest.approx(row(0, 0)[0])


def test_corners_are_means_weighted_by_scores() -> None:
    quads = np.concatenate([row(0, 0), row(4, 0), row(10, 2)])
    found, _ = lanms(quads, np.array([0.5, 0.25, 0.25]))
    assert found[0, 0] == pytest.approx([0.25 * 4 + 0.25 * 10, 0.25 * 2])


def test_a_box_is_compared_with_the_merged_one_and_not_with_its_neighbour() -> None:
    # each overlaps its neighbour by 1/3, but the mean of the first two overlaps the third by 1/7 only
    quads = np.concatenate([row(0, 0), row(20, 0), row(40, 0)])
    found, means = lanms(quads, np.array([1.0, 1.0, 0.5]), nms_iou=0.5)
    assert found[:, 0, 0].tolist() == [10, 40]
    assert means.tolist() == [1.0, 0.5]


def test_rows_of_two_words_side_by_side_do_not_merge_and_the_widest_row_is_kept() -> None:
    left, right = [row(0, y, n) for y, n in ((0, 2), (1, 5), (2, 3))], [row(100, y, 4) for y in (0, 1, 2)]
    quads = np.concatenate([part for pair in zip(left, right, strict=True) for part in pair])
    found, _ = lanms(quads, np.full(len(quads), 0.9))
    assert found[:, 0].tolist() == [[0, 1], [100, 0]]  # 5 of a row before 4; of equal rows the first


def test_what_is_kept_comes_from_the_highest_sum_of_scores_down() -> None:
    quads = np.concatenate([row(0, 0), row(0, 50, 3), row(0, 100, 2)])
    found, means = lanms(quads, np.array([1.0, 0.5, 0.5, 0.5, 0.6, 0.6]))
    assert found[:, 0, 1].tolist() == [50, 100, 0]
    assert means == pytest.approx([0.5, 0.6, 1.0])


def test_an_iou_of_just_the_threshold_merges_nothing_and_removes_nothing() -> None:
    quads = np.concatenate([row(0, 0), row(20, 0)])  # 20 in common of 60
    assert len(lanms(quads, np.ones(2), merge_iou=1 / 3, nms_iou=1 / 3)[0]) == 2
    assert len(lanms(quads, np.ones(2), merge_iou=1 / 3, nms_iou=0.33)[0]) == 1
    assert len(lanms(quads, np.ones(2), merge_iou=0.33, nms_iou=1.0)[0]) == 1


def test_a_box_whose_corners_are_named_from_another_one_is_turned_before_it_is_merged() -> None:
    # text that runs straight down, which neighbours see as +89.5 and as -89.5 degrees
    points = np.array([[0.0, 0.0], [4.0, 0.0]])
    quads = restore(points, np.array([[5, 5, 30, 30, np.radians(89.5)], [5, 5, 30, 30, np.radians(-89.5)]]))
    found, _ = lanms(quads, np.array([0.9, 0.9]))
    assert len(found) == 1
    assert iou(found[0], quads[0]) > 0.6
    assert float(area(found[0])) == pytest.approx(600, rel=0.01)  # averaged by name, opposite corners meet in a point
    for turn in range(4):
        turned_one = np.stack([quads[0], np.roll(quads[0], turn, axis=0)])
        assert lanms(turned_one, np.ones(2))[0][0] == pytest.approx(quads[0], abs=1e-9)


def test_suppression_goes_over_merged_boxes() -> None:
    # of the boxes as they come, the surest would be kept: the second, at 8
    quads, scores = np.concatenate([row(0, 0), row(8, 0), row(4, 0)]), np.array([0.5, 1.0, 0.5])
    found, means = lanms(quads, scores)
    assert found[0, 0].tolist() == [5.0, 0.0]
    assert means == pytest.approx([2 / 3])


def test_nothing_is_written_into_the_input_and_nothing_of_it_is_handed_out() -> None:
    _, quads, scores = text_like(12)
    before, scores_before = quads.copy(), scores.copy()
    found, means = lanms(quads, scores)
    alone, alone_mean = lanms(quads[:1], scores[:1])
    for array in (found, means, alone, alone_mean):
        array[:] = -1
    assert np.array_equal(quads, before)
    assert np.array_equal(scores, scores_before)
    assert not np.shares_memory(lanms(quads, scores)[0], quads)


def test_read_only_and_single_precision_input_is_taken() -> None:
    _, quads, scores = text_like(6)
    single = quads.astype(np.float32)
    single.flags.writeable = False
    found, means = lanms(single, scores.astype(np.float32))
    expected, _ = lanms(single.astype(np.float64), scores)
    assert found.dtype == means.dtype == np.float64
    assert found == pytest.approx(expected, abs=1e-4)


def test_scores_of_nothing_give_no_division_by_it() -> None:
    found, means = lanms(row(0, 0, 3), np.zeros(3))
    assert found[0] == pytest.approx(row(0, 0)[0])
    assert means.tolist() == [0]


def test_no_boxes() -> None:
    found, means = lanms(np.zeros((0, 4, 2)), np.zeros(0))
    assert found.shape == (0, 4, 2)
    assert means.shape == (0,)
