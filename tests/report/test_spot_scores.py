"""Score maps over pictures, by maps of which single cells are known."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from saccade.report.spot_scores import COLOUR, STRENGTH, scores_over


def png(scores: list[list[int]]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.array(scores, np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_a_cell_is_strongest_at_its_point_and_fades_to_the_next() -> None:
    """Of 4 x 3 cells over 32 x 24 pixels, cell (1, 2) stands for the corner of four pixels at x = 16, y = 8."""
    scores = np.zeros((3, 4), np.uint8)
    scores[1, 2] = 255
    over = scores_over(Image.new("RGB", (32, 24), (100, 100, 100)), png(scores.tolist()))
    assert over is not None
    red = np.asarray(over, np.float32)[..., 0]
    strength = (red - 100) / (COLOUR[0] - 100) / STRENGTH
    away = (
        np.maximum(0, 1 - np.abs(np.arange(32) + 0.5 - 16) / 8),
        np.maximum(0, 1 - np.abs(np.arange(24) + 0.5 - 8) / 8),
    )
    np.testing.assert_allclose(strength, away[1][:, None] * away[0], atol=0.03)


def test_no_score_leaves_the_picture_grey_and_a_full_one_takes_the_colour() -> None:
    picture = Image.new("RGB", (8, 8), (200, 0, 0))
    none, full = (scores_over(picture, png([[value] * 2] * 2)) for value in (0, 255))
    assert none is not None
    assert full is not None
    assert np.unique(np.asarray(none)).tolist() == [60]  # 0.299 of red
    assert np.asarray(full)[0, 0].tolist() == pytest.approx([0.15 * 60 + 0.85 * part for part in COLOUR], abs=1)


@pytest.mark.parametrize("data", [None, b"", b"no picture"])
def test_without_a_map_there_is_no_picture(data: bytes | None) -> None:
    assert scores_over(Image.new("RGB", (8, 8)), data) is None
