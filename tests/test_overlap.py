"""Overlap of quads by hand, and what must hold of any two. Against Shapely: reference/test_overlap_shapely.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from saccade import overlap_compiled
from saccade.overlap import covered, intersection, iou, iou_matrix, merge_runs, suppress

Floats = NDArray[np.float64]


def box(left: float, top: float, right: float, bottom: float) -> Floats:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


DIAMOND = np.array([[2.0, -2.0], [6.0, 2.0], [2.0, 6.0], [-2.0, 2.0]])
CROSSED = box(0, 0, 4, 4)[[0, 1, 3, 2]]
LINE = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [4.0, 4.0]])
POINT = np.full((4, 2), 2.0)


@pytest.mark.parametrize(
    ("a", "b", "shared", "ratio"),
    [
        (box(0, 0, 4, 4), box(0, 0, 4, 4), 16, 1),
        (box(0, 0, 4, 4), box(2, 0, 6, 4), 8, 1 / 3),
        (box(0, 0, 4, 4), box(1, 1, 3, 3), 4, 1 / 4),  # nested
        (box(0, 0, 4, 4), box(4, 0, 8, 4), 0, 0),  # one edge in common
        (box(0, 0, 4, 4), box(4, 4, 8, 8), 0, 0),  # one corner in common
        (box(0, 0, 4, 4), box(0, 0, 4, 2), 8, 1 / 2),  # nested, with edges in common
        (box(0, 0, 4, 4), box(5, 5, 6, 6), 0, 0),
        (box(0, 0, 4, 4), DIAMOND, 16, 1 / 2),  # corners of the square on the edges of the diamond
        (box(1, 0, 3, 4), box(0, 1, 4, 3), 4, 1 / 3),  # a cross: no corner of one lies in the other
        (box(0, 0, 4, 4), CROSSED, 16, 1),  # a crossed quad counts as its hull
        (box(0, 0, 4, 4), np.array([[0, 0], [4, 0], [1, 1], [0, 4.0]]), 8, 1 / 2),  # so does a dented one
        (box(0, 0, 4, 4), np.array([[0, 0], [0, 0], [4, 0], [4, 4.0]]), 8, 1 / 2),  # a triangle
        (box(0, 0, 4, 4), LINE, 0, 0),
        (box(0, 0, 4, 4), POINT, 0, 0),
        (LINE, LINE, 0, 0),
        (POINT, POINT, 0, 0),
    ],
)
def test_by_hand_in_every_order_of_the_corners(a: Floats, b: Floats, shared: float, ratio: float) -> None:
    for turn in range(4):
        for other in (np.roll(b, turn, axis=0), np.roll(b, turn, axis=0)[::-1]):
            for first, second in ((a, other), (other, a), (a[::-1], other)):
                assert intersection(first, second) == pytest.approx(shared, abs=1e-12)
                assert iou(first, second) == pytest.approx(ratio, abs=1e-12)


def test_scale_and_place_do_not_matter() -> None:
    for scale in (1e-6, 1.0, 1e6):
        for shift in (0.0, -3e3 * scale, 1e4 * scale):
            found = iou(box(0, 0, 4, 4) * scale + shift, DIAMOND * scale + shift)
            assert found == pytest.approx(0.5, abs=1e-9)


def test_the_overlap_is_not_rounded_to_whole_pixels() -> None:
    # integers would give 0 or 1
    assert intersection(box(0, 0, 0.5, 0.5), box(0.25, 0, 0.75, 0.5)) == 0.125
    assert iou(box(0, 0, 0.5, 0.5), box(0.25, 0, 0.75, 0.5)) == pytest.approx(1 / 3, abs=1e-15)


def test_matrices_hold_each_pair_at_its_place() -> None:
    a = np.stack([box(0, 0, 4, 4), box(2, 2, 4, 6), LINE])
    b = np.stack([box(0, 0, 4, 4), box(4, 0, 8, 4), box(0, 0, 8, 8), POINT])
    assert iou_matrix(a, b) == pytest.approx(np.array([[1, 0, 0.25, 0], [0.2, 0, 0.125, 0], [0, 0, 0, 0]]), abs=1e-15)
    assert covered(a, b).tolist() == [[1, 0, 1, 0], [0.5, 0, 1, 0], [0, 0, 0, 0]]
    assert covered(b, a).tolist() == [[1, 0.25, 0], [0, 0, 0], [0.25, 0.125, 0], [0, 0, 0]]


def test_no_quads_give_empty_matrices() -> None:
    some, none = np.stack([POINT, LINE]), np.zeros((0, 4, 2), np.float32)
    assert iou_matrix(none, some).shape == covered(none, some).shape == (0, 2)
    assert iou_matrix(some, none).shape == (2, 0)
    assert suppress(none, np.zeros(0, np.int64), 0.2).tolist() == []
    assert [len(part) for part in merge_runs(none, np.zeros(0), 0.2)] == [0, 0, 0]


def test_single_precision_and_strides_give_the_same() -> None:
    rng = np.random.default_rng(0)
    quads = (box(0, 0, 40, 20) + rng.normal(0, 6, (30, 4, 2))).astype(np.float32)
    before = quads.copy()
    expected = iou_matrix(quads.astype(np.float64), quads.astype(np.float64))
    assert np.array_equal(iou_matrix(quads, quads), expected)
    assert np.array_equal(iou_matrix(quads[::2], quads[::-1]), expected[::2, ::-1])
    assert np.array_equal(quads, before)


def test_what_is_not_a_number_overlaps_nothing() -> None:
    broken = box(0, 0, 4, 4)
    broken[2, 1] = np.nan
    assert iou(broken, box(0, 0, 4, 4)) == 0
    assert iou_matrix(np.stack([broken, box(0, 0, 4, 4)]), box(0, 0, 4, 4)[None])[:, 0].tolist() == [0, 1]


@pytest.mark.parametrize("spread", [0.5, 5.0, 60.0])
def test_suppression_finds_every_pair_however_unlike_the_sizes(spread: float) -> None:
    # what the grid of cells leaves out would show as a quad too many
    rng = np.random.default_rng(3)
    sizes = rng.lognormal(2, 1.2, (400, 1, 2)) * [1, 0.4]
    corners = box(-1, -1, 1, 1) * sizes + rng.normal(0, 1, (400, 4, 2))
    quads = corners + rng.uniform(0, 10 * spread, (400, 1, 2))
    order = rng.permutation(400)
    overlaps, expected = iou_matrix(quads, quads), []
    for i in order:
        if (overlaps[i, expected] <= 0.2).all():
            expected.append(int(i))
    assert suppress(quads, order, 0.2).tolist() == expected
    assert 1 < len(expected) < 400


def test_one_huge_quad_among_many_small_ones_is_compared_with_all() -> None:
    small = np.stack([box(i, j, i + 0.9, j + 0.9) for i in range(60) for j in range(60)])
    quads = np.concatenate([small, box(0, 0, 59.9, 59.9)[None], box(0, 0, 59.5, 59.9)[None]])
    assert suppress(quads, np.arange(3602), 0.2).tolist() == list(range(3601))
    assert suppress(quads, np.arange(3602)[::-1], 0.2).tolist() == [3601, *range(3599, -1, -1)]


def test_quads_in_one_line_or_point_are_all_kept() -> None:
    flat = np.stack([LINE, LINE, POINT, POINT])
    assert suppress(flat, np.arange(4), 0.2).tolist() == [0, 1, 2, 3]


def test_where_no_folder_takes_compiled_code_it_is_compiled_all_the_same() -> None:
    # code that stands in no file has no folder beside it, nor one in the user's folder of caches
    names: dict[str, Any] = {}
    exec(compile("def double(x):\n    return 2 * x", "<nowhere>", "exec"), names)
    double = overlap_compiled._compiled(names["double"])
    assert double(21) == 42
    assert type(double) is type(overlap_compiled._bend)  # compiled, and not left as it was


@pytest.mark.slow
def test_no_compiler_is_asked_for_and_code_is_kept_for_the_next_process(tmp_path: Path) -> None:
    program = (
        "import numpy as np; from saccade import overlap, overlap_compiled\n"
        "quad = np.eye(4)[:, :2]\n"
        "print(overlap.iou(quad, quad), sum(overlap_compiled.compare.stats.cache_hits.values()))"
    )
    environment = {**os.environ, "PATH": "", "CC": "false", "NUMBA_CACHE_DIR": str(tmp_path)}
    told = [
        subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert told == [["1.0", "0"], ["1.0", "1"]]


def test_nothing_is_built_or_started_at_import() -> None:
    """A known package runs make when it is imported, which Windows has not."""
    program = (
        "import sys; started = []\n"
        "kinds = ('subprocess.', 'os.system', 'os.exec', 'os.fork', 'os.posix_spawn', 'os.spawn')\n"
        "sys.addaudithook(lambda event, _: started.append(event) if event.startswith(kinds) else None)\n"
        "import saccade.decode.words\n"
        "print(started, 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "[] False"
