"""Logits of pixels to masks: by hand, and windows and mirror images against their definitions."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from saccade.decode.masks import at_size, by_argmax, in_windows, stacked, with_mirror_image


def pointwise(image: Tensor) -> Tensor:
    """Three logits of each pixel by itself."""
    return torch.cat([image[:, :1], image[:, 1:2] * 2, -image[:, 2:3]], dim=1)


def test_the_highest_wins_and_of_equals_the_lowest_number() -> None:
    logits = torch.tensor([[[[0.0, 1.0], [5.0, 2.0]], [[0.0, 3.0], [4.0, 2.0]], [[0.0, 2.0], [6.0, 1.0]]]])
    found = by_argmax(logits)
    assert found.labels.tolist() == [[[0, 1], [2, 0]]]
    assert found.labels.dtype == torch.uint8
    assert found.size.tolist() == [[2, 2]]


def test_masks_of_unlike_sizes_are_stacked_and_found_again() -> None:
    masks = [torch.full((2, 3), 4, dtype=torch.uint8), torch.full((4, 1), 7, dtype=torch.uint8)]
    found = stacked(masks)
    assert found.labels.shape == (2, 4, 3)
    for i, mask in enumerate(masks):
        assert torch.equal(found.of(i), mask)
    assert found.labels[0, 2:].sum() == found.labels[1, :, 1:].sum() == 0


def test_no_masks() -> None:
    found = stacked([])
    assert found.labels.shape == (0, 0, 0)
    assert found.size.shape == (0, 2)


def test_scores_are_brought_to_a_size_before_the_highest_is_taken() -> None:
    # of two classes, one pixel each, the border lies where the lines between their scores cross: not at the middle
    logits = torch.tensor([[[[3.0, 0.0]], [[0.0, 1.0]]]])
    wide = at_size(logits, (1, 8))
    # pixel centres of the wide row at 0.25 steps: -0.375, -0.125, 0.125, ..., clamped to the ends
    shares = torch.tensor([0.0, 0.0, 0.125, 0.375, 0.625, 0.875, 1.0, 1.0])
    assert torch.allclose(wide[0, 0, 0], 3 * (1 - shares))
    assert torch.allclose(wide[0, 1, 0], shares)
    assert by_argmax(wide).labels.tolist() == [[[0, 0, 0, 0, 0, 1, 1, 1]]]


def test_at_their_own_size_scores_stay_as_they_are() -> None:
    logits = torch.randn(2, 3, 5, 7)
    assert torch.equal(at_size(logits, (5, 7)), logits)
    assert at_size(logits.half(), (5, 7)).dtype == torch.float32


def test_a_mirror_image_adds_its_half_of_the_probability() -> None:
    def left_is_class_0(image: Tensor) -> Tensor:
        """Class 0 in the left column and class 1 in the others, whatever is to be seen."""
        logits = torch.zeros(len(image), 2, *image.shape[2:])
        logits[:, 0, :, 0] = logits[:, 1, :, 1:] = 2.0
        return logits

    found = with_mirror_image(left_is_class_0)(torch.zeros(1, 3, 1, 3)).exp()
    high = torch.tensor(2.0).sigmoid()
    assert torch.allclose(found[0, 0, 0], torch.stack([torch.tensor(0.5), 1 - high, torch.tensor(0.5)]))
    assert torch.allclose(found.sum(dim=1), torch.ones(1, 1, 3))


def test_a_network_that_sees_single_pixels_says_the_same_in_windows_and_mirrors() -> None:
    image = torch.randn(1, 3, 11, 17)
    plain = pointwise(image).log_softmax(dim=1)
    for window in ((4, 4), (5, 8), (11, 17), (64, 64)):
        assert torch.allclose(in_windows(pointwise, image, window), plain, atol=1e-5)
    assert torch.allclose(with_mirror_image(pointwise)(image), plain, atol=1e-5)


def test_where_windows_overlap_the_mean_of_their_probabilities_counts() -> None:
    seen: list[tuple[int, ...]] = []

    def by_first_pixel(image: Tensor) -> Tensor:
        """The logits of the first pixel everywhere."""
        seen.append(tuple(image.shape))
        return pointwise(image)[:, :, :1, :1].expand(-1, -1, *image.shape[2:])

    image = torch.randn(1, 3, 4, 10)
    found = in_windows(by_first_pixel, image, (4, 4)).exp()
    assert seen == [(4, 3, 4, 4)]  # windows begin at 0, 2, 4 and 6
    first = pointwise(image).softmax(dim=1)[0, :, 0, :]
    covering = {0: [0], 1: [0], 2: [0, 2], 3: [0, 2], 4: [2, 4], 5: [2, 4], 6: [4, 6], 7: [4, 6], 8: [6], 9: [6]}
    for column, starts in covering.items():
        expected = torch.stack([first[:, start] for start in starts]).mean(dim=0)
        assert torch.allclose(found[0, :, 2, column], expected, atol=1e-6)


@pytest.mark.parametrize(("whole", "part"), [(7, 3), (8, 3), (9, 4), (100, 7), (5, 1)])
def test_windows_cover_every_pixel(whole: int, part: int) -> None:
    image = torch.randn(1, 3, part, whole)
    assert in_windows(pointwise, image, (part, part)).isfinite().all()
