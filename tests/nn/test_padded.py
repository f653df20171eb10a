"""Images of any size: what is added, and that it is taken off again."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from saccade.nn.padded import Padded


class Given(nn.Module):
    """Gives back the image, and keeps its size."""

    head_names = ("first", "second.last")

    def forward(self, image: Tensor) -> Tensor:
        self.size = tuple(image.shape[2:])
        self.image = image
        return image


class WithBoth(Given):
    def both(self, image: Tensor) -> tuple[Tensor, Tensor]:
        return self.forward(image), -image


@pytest.mark.parametrize(
    ("size", "multiple", "at_least", "expected"),
    [
        ((1, 1), 32, 1, (32, 32)),
        ((37, 53), 32, 1, (64, 64)),
        ((32, 33), 32, 1, (32, 64)),
        ((64, 96), 32, 1, (64, 96)),
        ((5, 7), 1, 1, (5, 7)),
        ((37, 200), 16, 128, (128, 208)),
        ((1, 129), 8, 100, (104, 136)),
    ],
)
def test_the_network_sees_the_next_multiple_and_the_answer_has_the_size_of_the_image(
    size: tuple[int, int], multiple: int, at_least: int, expected: tuple[int, int]
) -> None:
    inner = Given()
    image = torch.rand(2, 3, *size)
    padded = Padded(inner, multiple, at_least=at_least)
    assert torch.equal(padded(image), image)
    assert inner.size == expected


def test_what_is_added_repeats_the_border_on_the_right_and_at_the_bottom() -> None:
    inner = Given()
    Padded(inner, 4)(torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]]))
    rows = [[1, 2, 3, 3], [4, 5, 6, 6], [4, 5, 6, 6], [4, 5, 6, 6]]
    assert inner.image[0, 0].tolist() == rows


def test_nothing_is_touched_where_the_size_is_right() -> None:
    torch.manual_seed(0)
    inner, image = nn.Conv2d(3, 5, 3, padding=1), torch.rand(2, 3, 16, 24)
    assert torch.equal(Padded(inner, 8)(image), inner(image))


def test_the_head_is_that_of_the_network_in_it() -> None:
    padded = Padded(Given(), 8)
    assert padded.head_names == ("inner.first", "inner.second.last")


def test_all_logits_are_cropped_and_those_on_the_way_come_after_the_final_ones() -> None:
    image = torch.rand(1, 3, 5, 6)
    final, other = Padded(WithBoth(), 4).all_logits(image)
    assert torch.equal(final, image)
    assert torch.equal(other, -image)
    (alone,) = Padded(Given(), 4).all_logits(image)
    assert torch.equal(alone, image)


def test_in_training_all_logits_are_given_and_in_evaluation_the_final_ones() -> None:
    image = torch.rand(1, 3, 5, 6)
    network = Padded(WithBoth(), 4)
    said = network.train()(image)
    assert isinstance(said, tuple)
    assert [each.tolist() for each in said] == [image.tolist(), (-image).tolist()]
    assert torch.equal(network.eval()(image), image)
    assert torch.equal(Padded(Given(), 4).train()(image), image)


def test_the_gradient_arrives_at_the_image_and_repeated_pixels_count_more() -> None:
    """The mean over a window of the whole padded map: each of 2x2 pixels has been repeated (1, 3) x (1, 3) times."""
    inner = nn.AvgPool2d(4)
    image = torch.rand(1, 1, 2, 2, requires_grad=True)
    Padded(inner, 4)(image).sum().backward()
    assert image.grad is not None
    torch.testing.assert_close(image.grad[0, 0] * 16, torch.tensor([[1.0, 3.0], [3.0, 9.0]]))
