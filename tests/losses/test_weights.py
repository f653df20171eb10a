"""Balanced weights: what they balance, and classes of which there is nothing."""

from __future__ import annotations

import pytest
import torch

from saccade.losses.weights import balanced_class_weights, balanced_positive_weights


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
