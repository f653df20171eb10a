"""Patterns and light: values that can be said beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from saccade.data.textures import BACKGROUNDS, background, pattern, photographed, value_noise

Y, X = np.mgrid[:120, :120].astype(np.float32)


@pytest.mark.parametrize(
    ("kind", "share"),
    [
        ("plain", 0.0),
        ("striped", 0.5),  # a square wave
        ("checkered", 0.5),
        ("dotted", 0.2808),  # sin u + sin v > 0.6, counted on a grid of 4000 x 4000 points
    ],
)
def test_share_of_the_second_colour(kind: str, share: float) -> None:
    weights = pattern(kind, X, Y, angle=0.3, period=20.0)
    assert weights.shape == (120, 120)
    assert weights.min() >= 0
    assert weights.max() <= 1
    assert weights.mean() == pytest.approx(share, abs=0.02)


def test_stripes_run_across_the_angle_and_repeat_with_the_period() -> None:
    upright = pattern("striped", X, Y, angle=0.0, period=20.0)
    assert np.allclose(upright, upright[:1])  # the same in every row
    assert np.allclose(upright[:, 20:], upright[:, :-20], atol=1e-3)
    turned = pattern("striped", X, Y, angle=np.pi / 2, period=20.0)
    assert np.allclose(turned, upright.T, atol=1e-3)


def test_stripes_have_soft_edges() -> None:
    weights = pattern("striped", X, Y, angle=0.7, period=16.0)
    assert np.abs(np.diff(weights, axis=1)).max() < 0.9


def test_value_noise_is_smooth_and_fills_its_range() -> None:
    noise = value_noise(np.random.default_rng(0), 100, cells=4)
    assert noise.shape == (100, 100)
    assert noise.mean() == pytest.approx(0.5, abs=0.1)
    assert np.ptp(noise) > 0.4
    assert np.abs(np.diff(noise, axis=0)).max() < 0.15


def test_backgrounds_lie_between_their_two_tones_and_all_kinds_occur() -> None:
    kinds = set()
    for seed in range(40):
        kind, picture, tones = background(np.random.default_rng(seed), 32)
        kinds.add(kind)
        assert picture.shape == (32, 32, 3)
        assert (picture >= tones.min(axis=0) - 1e-5).all()
        assert (picture <= tones.max(axis=0) + 1e-5).all()
    assert kinds == set(BACKGROUNDS)


def test_photograph_of_grey_stays_grey_in_the_mean_and_has_noise() -> None:
    grey = np.full((64, 64, 3), 0.5, np.float32)
    shots = np.stack([photographed(grey, np.random.default_rng(seed)) for seed in range(50)])
    assert shots.dtype == np.uint8
    assert shots.mean() == pytest.approx(0.5 * 0.95 * 255, rel=0.03)  # gains are uniform on 0.75 to 1.15
    assert shots.std(axis=(1, 2, 3)).min() > 0.009 * 255  # the weakest noise has a deviation of 0.01


def test_photograph_clips_instead_of_wrapping_round() -> None:
    white = photographed(np.ones((64, 64, 3), np.float32), np.random.default_rng(3))
    assert white.min() > 100
