"""Balanced weights: what they balance, and classes of which there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from saccade.losses.weights import (
    balanced_class_weights,
    balanced_positive_weights,
    effective_class_weights,
    inverse_frequency,
    median_frequency,
)


def test_image_weights_have_mean_one_over_images_and_make_classes_count_alike():
    counts = torch.tensor([60, 30, 10])
    weights = balanced_class_weights(counts, mean_over="images")
    torch.testing.assert_close(weights, torch.tensor([5 / 9, 10 / 9, 10 / 3]))
    assert (counts * weights).sum().item() / 100 == pytest.approx(1.0)
    torch.testing.assert_close(counts * weights, torch.full((3,), 100 / 3))


def test_class_weights_have_mean_one_over_classes_and_keep_the_proportion():
    weights = balanced_class_weights([60, 30, 10], mean_over="classes")
    torch.testing.assert_close(weights, torch.tensor([1.0, 2.0, 6.0]) / 3)


# counts, over images, over classes
TABLE = {
    "an absent class gets 1": ([30, 0, 10], [2 / 3, 1.0, 2.0], [0.5, 1.0, 1.5]),
    "nothing at all": ([0, 0], [1.0, 1.0], [1.0, 1.0]),
    "one class": ([7], [1.0], [1.0]),
    "equal": ([5, 5], [1.0, 1.0], [1.0, 1.0]),
    "no class": ([], [], []),
}


@pytest.mark.parametrize(("counts", "images", "classes"), TABLE.values(), ids=TABLE)
def test_degenerate_counts(counts, images, classes):
    assert balanced_class_weights(counts, mean_over="images").tolist() == pytest.approx(images)
    assert balanced_class_weights(counts, mean_over="classes").tolist() == pytest.approx(classes)


def test_positive_weights_are_negatives_over_positives():
    weights = balanced_positive_weights([10, 40, 0, 5, 0], torch.tensor([30, 10, 8, 0, 0]))
    assert weights.tolist() == [3.0, 0.25, 1.0, 1.0, 1.0]
    assert weights.dtype == torch.float32


def test_effective_weights_have_mean_one_over_images_and_the_proportion_of_the_paper():
    counts = torch.tensor([200, 10])
    weights = effective_class_weights(counts, beta=0.999)
    assert (counts * weights).sum().item() / 210 == pytest.approx(1.0)
    # (1 - 0.999^200) / (1 - 0.999^10) = 0.1813512 / 0.0099551
    assert (weights[1] / weights[0]).item() == pytest.approx(18.2169, abs=1e-4)


def test_effective_weights_lead_from_equal_to_balanced():
    assert effective_class_weights([200, 10], beta=0.0).tolist() == [1.0, 1.0]
    torch.testing.assert_close(
        effective_class_weights([200, 10], beta=1 - 1e-12), balanced_class_weights([200, 10], mean_over="images")
    )


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([3, 1], [16 / 19, 28 / 19]), ([3, 0, 1], [16 / 19, 1.0, 28 / 19]), ([0, 0], [1.0, 1.0]), ([7], [1.0]), ([], [])],
)
def test_effective_weights_of_degenerate_counts(counts, expected):
    # beta 1/2: (1/2) / (1 - 1/8) = 4/7 and (1/2) / (1/2) = 1, so 4 images weigh 19/7 before they are scaled
    assert effective_class_weights(counts, beta=0.5).tolist() == pytest.approx(expected)


# pixels (N, C); by inverse frequency; by median frequency
PIXELS = {
    # inverse: 40 / (2 n); median: frequencies 30/40 and 10/30 (the second image has no class 1)
    "two classes": ([[20, 10], [10, 0]], [40 / 60, 40 / 20], [13 / 24 * 4 / 3, 13 / 24 * 3]),
    # frequencies 60/100, 30/100, 10/50: the median is that of class 1
    "three classes": ([[30, 10, 10], [30, 20, 0]], [100 / 180, 100 / 90, 100 / 30], [0.5, 1.0, 1.5]),
    "an absent class gets 1": (
        [[30, 10, 0, 10], [30, 20, 0, 0]],
        [100 / 180, 100 / 90, 1.0, 100 / 30],
        [0.5, 1.0, 1.0, 1.5],
    ),
    "an image of void": ([[20, 10], [0, 0], [10, 0]], [40 / 60, 40 / 20], [13 / 24 * 4 / 3, 13 / 24 * 3]),
    "all void": ([[0, 0], [0, 0]], [1.0, 1.0], [1.0, 1.0]),
    "one class": ([[5], [7]], [1.0], [1.0]),
}


@pytest.mark.parametrize(("pixels", "inverse", "median"), PIXELS.values(), ids=PIXELS)
@pytest.mark.parametrize("kind", [torch.tensor, np.array])
def test_weights_of_pixels(pixels, inverse, median, kind):
    for found, expected in ((inverse_frequency, inverse), (median_frequency, median)):
        weights = found(kind(pixels))
        assert weights.dtype == torch.float32
        assert weights.tolist() == pytest.approx(expected)


def test_no_image_weighs_every_class_alike():
    none = torch.zeros(0, 3, dtype=torch.int64)
    assert inverse_frequency(none).tolist() == median_frequency(none).tolist() == [1.0, 1.0, 1.0]


def test_effective_weights_of_pixel_counts_keep_their_digits():
    # Cui et al., eq. 2, for n = 1e7 and 1e4 and beta = 1 - 1e-6 : (1 - e^-10.000005) / (1 - e^-0.010000005)
    weights = effective_class_weights([10_000_000, 10_000], beta=1 - 1e-6)
    assert (weights[1] / weights[0]).item() == pytest.approx(100.4963, rel=1e-4)
