"""Losses of spotting against others' geometry and losses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from segmentation_models_pytorch.losses import DiceLoss
from shapely.geometry import Polygon

from saccade.losses.spot import dice, geometry
from saccade.quads import restore

D = torch.float64


@pytest.mark.parametrize("seed", range(20))
def test_the_overlap_is_that_of_the_rectangles(seed: int) -> None:
    """By shapely, of rectangles around one point that have the same angle."""
    rng = np.random.default_rng(seed)
    said, wanted = rng.uniform(0, 60, (2, 1, 5))
    said[0, 4] = wanted[0, 4] = rng.uniform(-math.pi / 2, math.pi / 2)
    point = rng.uniform(0, 500, (1, 2))
    one, other = (Polygon(restore(point, rbox)[0]) for rbox in (said, wanted))
    shared = one.intersection(other).area
    expected = math.log((one.union(other).area + 1) / (shared + 1))
    rboxes = (torch.tensor(rbox).view(1, 5, 1, 1) for rbox in (said, wanted))
    here = torch.ones(1, 1, 1, 1, dtype=torch.bool)
    got = geometry(*rboxes, here, generator=torch.Generator())
    assert got.mean().item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("images", [1, 2, 5])
def test_dice_is_smp_s_of_each_image(images: int) -> None:
    """segmentation_models_pytorch, which pools the images of a batch, has no small number beside the sum."""
    g = torch.Generator().manual_seed(images)
    logits = torch.randn(images, 1, 9, 11, generator=g, dtype=D)
    score = (torch.rand(images, 1, 9, 11, generator=g) < 0.3).double()
    theirs = DiceLoss("binary", eps=0.0)
    expected = [theirs(logits[[i]], score[[i]]).item() for i in range(images)]
    got = dice(logits, score, torch.ones_like(score))
    assert got.per_image().tolist() == pytest.approx(expected, abs=1e-6)
