"""Signs: words that keep apart on their plane, and places for them in an image."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from PIL import Image

from saccade.data.lettering import carried, corners, shifted
from saccade.data.signs import LOWEST, MARGIN, Placed, Sign, Word, has_place, placed, sign_of


def sign(width: int = 40, height: int = 20) -> Sign:
    """One word of solid ink around the origin, with no border."""
    word = Word("AB", Image.new("L", (width, height), 255), -width / 2, -height / 2)
    return Sign((word,), word.box())


def at(x: float, y: float, **size: int) -> Placed:
    return Placed(sign(**size), shifted(x, y), "read")


def test_a_box_is_widened_by_a_share_of_its_height() -> None:
    word = Word("AB", Image.new("L", (40, 20)), 5.0, 10.0)
    assert word.box().tolist() == corners(5, 10, 45, 30).tolist()
    assert word.box(0.1).tolist() == corners(3, 8, 47, 32).tolist()


def test_words_of_a_sign_keep_apart_and_within_its_edge_whose_middle_is_the_origin() -> None:
    for seed in range(60):
        found = sign_of(np.random.default_rng(seed), 3, "train", "mixed")
        boxes = [shapely.Polygon(word.box(MARGIN)) for word in found.words]
        assert all(a.distance(b) > 5 for a, b in ((boxes[0], boxes[1]), (boxes[1], boxes[2]), (boxes[0], boxes[2])))
        assert all(shapely.Polygon(found.edge).contains(box) for box in boxes)
        assert found.edge.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)


def test_a_place_is_inside_the_image_and_meets_no_other_sign() -> None:
    assert has_place(at(50, 50), [], 100)
    assert not has_place(at(15, 50), [], 100)  # reaches 5 pixels beyond the left edge
    assert not has_place(at(50, 95), [], 100)
    assert has_place(at(50, 50), [at(50, 71)], 100)
    assert not has_place(at(50, 50), [at(50, 69)], 100)
    assert not has_place(at(50, 50), [at(50, 50, width=4, height=2)], 100)  # one within the other
    diamond = Placed(sign(), shifted(98, 83) @ np.array([[0.7, -0.7, 0], [0.7, 0.7, 0], [0, 0, 1]]), "read")
    assert has_place(at(50, 50, width=60, height=30), [diamond], 120)  # upright boxes around both would overlap


def test_a_sign_to_be_read_must_be_high_enough_and_one_to_be_cut_may_reach_out() -> None:
    assert has_place(at(50, 50, height=LOWEST), [], 100)
    assert not has_place(at(50, 50, height=LOWEST - 2), [], 100)
    assert has_place(Placed(sign(height=6), shifted(50, 50), "small"), [], 100)
    assert has_place(Placed(sign(), shifted(0, 50), "cut"), [], 100)


def test_signs_are_seen_as_high_as_their_kind_and_where_they_should() -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        read, small, cut = (placed(rng, sign(), kind, 128, 0.0) for kind in ("read", "small", "cut"))  # type: ignore[arg-type]
        heights = {there.kind: np.linalg.norm(there.edge[3] - there.edge[0]) for there in (read, small)}
        assert 0.75 * LOWEST < heights["read"] < 1.3 * 128 / 6
        assert heights["small"] < 0.75 * LOWEST
        low_side = min(np.linalg.norm(read.edge[a] - read.edge[b]) for a, b in ((0, 3), (1, 2)))
        assert has_place(read, [], 128) == (low_side >= 0.9 * LOWEST)
        whole = shapely.Polygon(carried(cut.view, cut.sign.edge))
        share = whole.intersection(shapely.box(0, 0, 128, 128)).area / whole.area
        assert 0.1 < share < 0.9
