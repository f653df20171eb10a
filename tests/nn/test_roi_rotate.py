"""Words cut out of maps: where each number is read, on maps whose values say where they are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from saccade.nn.roi_rotate import MAX_WIDTH, by_grid_sample, by_index, columns, points, roi_rotate, turned, widened
from saccade.quads import laid, restore

D = torch.float64


def box(x: float, y: float, width: float, height: float, degrees: float = 0.0) -> Tensor:
    """(1, 4, 2) with its first corner at x, y."""
    rbox = [[0.0, height, 0.0, width, math.radians(degrees)]]
    return torch.tensor(restore(np.array([[x, y]]), np.array(rbox)))


def ramp(height: int, width: int) -> Tensor:
    """(1, 2, h, w): x and y of each cell's point in pixels of the image."""
    y, x = torch.meshgrid(4 * torch.arange(height, dtype=D), 4 * torch.arange(width, dtype=D), indexing="ij")
    return torch.stack([x, y])[None]


def noise(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=D)


def cut_out(features: Tensor, quads: Sequence[Tensor], max_width: int = MAX_WIDTH) -> tuple[Tensor, Tensor]:
    """Each word of ``roi_rotate`` as (C, height, W), padded with 0 to the widest, and their widths."""
    strip, widths = roi_rotate(features, quads, max_width=max_width)
    assert strip.shape == (8, int(widths.sum()), features.shape[1])
    words = [word.transpose(0, 1) for word in strip.split(widths.tolist(), dim=1)]
    padded = pad_sequence(words, batch_first=True) if words else strip.new_zeros(0, 1, 8, features.shape[1])
    return padded.permute(0, 3, 2, 1), widths


@pytest.mark.parametrize("degrees", [0, 10, 20, 45, 89.9, -30, 135, 180, -120])
def test_the_matrix_of_the_notes_takes_what_is_sampled_to_the_pixels_of_the_crop(degrees: float) -> None:
    """M = S R T takes the corners to (0, 0), (Wt, 0), (Wt, Ht), (0, Ht), and points to the middles of pixels."""
    quad = box(62.344, 43.206, 80, 20, degrees)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    scale = torch.diag(torch.tensor([8 / 20, 8 / 20, 1.0], dtype=D))
    turn = torch.tensor([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]], dtype=D)
    move = torch.eye(3, dtype=D)
    move[:2, 2] = -quad[0, 0]
    m = scale @ turn @ move

    def through(where: Tensor) -> Tensor:
        return (torch.cat([where, torch.ones_like(where[..., :1])], dim=-1) @ m.T)[..., :2]

    corners = torch.tensor([[0, 0], [32, 0], [32, 8], [0, 8]], dtype=D)
    torch.testing.assert_close(through(quad[0]), corners, atol=1e-9, rtol=0)
    assert columns(quad).tolist() == [32]
    y, x = torch.meshgrid(torch.arange(8, dtype=D) + 0.5, torch.arange(32, dtype=D) + 0.5, indexing="ij")
    torch.testing.assert_close(through(points(quad, columns(quad))), torch.stack([x, y], dim=2), atol=1e-6, rtol=0)


def test_the_matrix_as_printed_in_the_paper_is_another() -> None:
    """It moves the first corner to 0 as well, and then turns the wrong way, so that nobody should put it back."""
    cos, sin = math.cos(math.radians(20)), math.sin(math.radians(20))
    quad = box(100, 60, 75, 20, 20)[0]
    printed = 8 / 20 * torch.tensor([[cos, -sin], [sin, cos]], dtype=D)
    second = printed @ (quad[1] - quad[0])
    assert second.tolist() == pytest.approx([22.98, 19.28], abs=0.01)
    assert second.tolist() != pytest.approx([30, 0], abs=1)


@pytest.mark.parametrize("degrees", [0, 17, 45, 90, -75, 160])
@pytest.mark.parametrize("size", [(96, 24), (60, 11), (31, 31), (150, 9)])
def test_a_ramp_is_sampled_exactly(degrees: float, size: tuple[float, float]) -> None:
    """Bilinear between cells is exact on a ramp, so that a crop says which points of the image it was read at."""
    quad = box(203.3, 190.7, *size, degrees)
    crops, widths = cut_out(ramp(100, 100), [quad])
    torch.testing.assert_close(crops[0].permute(1, 2, 0), points(quad, widths), atol=1e-9, rtol=0)


def test_boxes_are_in_pixels_of_the_image_and_not_in_cells() -> None:
    """The middle of a word at x 200, y 100 is read there, not at 800, 400, or 50, 25."""
    crops, _ = cut_out(ramp(100, 100), [box(160, 84, 80, 32)])
    assert crops[0].mean(dim=(1, 2)).tolist() == pytest.approx([200, 100], abs=1e-9)


def test_a_level_crop_as_fine_as_the_map_is_plain_indexing() -> None:
    features = noise(1, 3, 20, 30)
    # pixel j of the crop is at 4 (6 + j + .5) - 2
    crops, widths = cut_out(features, [box(4 * 6 - 2, 4 * 5 - 2, 4 * 12, 4 * 8)])
    assert widths.tolist() == [12]
    torch.testing.assert_close(crops[0], features[0, :, 5:13, 6:18])


def test_a_level_crop_between_cells_is_their_average() -> None:
    features = noise(1, 3, 20, 30)
    crops, _ = cut_out(features, [box(4 * 6, 4 * 5, 4 * 12, 4 * 8)])
    four = features[0, :, 5:14, 6:19].unfold(1, 2, 1).unfold(2, 2, 1).mean(dim=(3, 4))
    torch.testing.assert_close(crops[0], four)


def test_a_quarter_turn_is_the_turned_map() -> None:
    """Text that reads downwards: its left is the top of the image, its top the right."""
    features = noise(1, 3, 30, 20)
    crops, _ = cut_out(features, [box(4 * 13 - 2, 4 * 6 - 2, 4 * 12, 4 * 8, 90)])
    torch.testing.assert_close(crops[0], features[0, :, 6:18, 5:13].rot90(1, dims=(1, 2)))


def test_the_first_row_and_column_of_the_map_are_read_and_nothing_is_rounded() -> None:
    """A known kernel rounds bins, drops row and column 0, and once gave nothing but zeros."""
    features = noise(1, 2, 12, 16)
    crops, _ = cut_out(features, [box(-2, -2, 4 * 10, 4 * 8)])
    torch.testing.assert_close(crops[0], features[0, :, :8, :10])
    one, other = (cut_out(ramp(50, 50), [box(x, 60, 60, 20)])[0] for x in (60.0, 60.7))
    torch.testing.assert_close(other - one, torch.tensor([0.7, 0.0], dtype=D)[None, :, None, None].expand_as(one))


def test_what_is_outside_of_the_map_is_0() -> None:
    features = torch.ones(1, 1, 10, 10, dtype=D)
    crops, _ = cut_out(features, [box(4 * 6 - 2, 4 * 6 - 2, 4 * 8, 4 * 8)])
    expected = torch.zeros(8, 8, dtype=D)
    expected[:4, :4] = 1
    torch.testing.assert_close(crops[0, 0], expected)
    assert not cut_out(features, [box(500, -900, 80, 20)])[0].any()


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (80, 20, 32),
        (81, 20, 33),  # rounded up
        (80.0001, 20, 32),  # but not by the rounding of coordinates
        (20, 20, 8),
        (20, 29, 6),  # not clearly taller
        (20, 30.1, 13),  # on its side: 8 * 30.1 / 20
        (10, 40, 32),
        (400, 20, MAX_WIDTH),
        (1e-9, 1e-9, 1),  # smaller than anything: a dot, and no division by 0
        (20, 0, MAX_WIDTH),
        (0, 20, MAX_WIDTH),
        (0, 0, 1),
    ],
)
def test_columns_of_a_word(width: float, height: float, expected: int) -> None:
    assert columns(turned(box(3, 5, width, height, 33))).tolist() == [expected]


def test_the_width_of_a_word_does_not_depend_on_the_others() -> None:
    """The ratio of a whole batch was once scaled down to the widest one's limit, and lengths no longer fitted."""
    features = noise(1, 2, 40, 120)
    short, long = box(20, 20, 40, 20, 5), box(20, 70, 420, 20)
    alone, wide = cut_out(features, [short])
    together, both = cut_out(features, [torch.cat([short, long])])
    assert both.tolist() == [*wide.tolist(), MAX_WIDTH]
    torch.testing.assert_close(together[0, :, :, : wide[0]], alone[0])
    assert not together[0, :, :, wide[0] :].any(), "padding is 0"


def test_a_word_that_is_too_long_is_squeezed_and_not_cut() -> None:
    crops, widths = cut_out(ramp(60, 260), [box(20, 100, 960, 20)], max_width=100)
    assert widths.tolist() == [100]
    assert crops[0, 0, 0, [0, -1]].tolist() == pytest.approx([20 + 4.8, 980 - 4.8], abs=1e-9)


def test_text_taller_than_wide_is_laid_on_its_side_its_top_to_the_left() -> None:
    crops, widths = cut_out(ramp(60, 60), [box(100, 40, 20, 80)])
    assert widths.tolist() == [32]
    x, y = crops[0]
    assert y[0, [0, -1]].tolist() == pytest.approx([41.25, 118.75], abs=1e-9), "from top to bottom"
    assert x[[0, -1], 0].tolist() == pytest.approx([118.75, 101.25], abs=1e-9), "its upper side was the right one"


def test_a_single_letter_stands_upright() -> None:
    crops, widths = cut_out(ramp(60, 60), [box(100, 40, 20, 28)])
    assert widths.tolist() == [6]
    assert bool((crops[0, 0].diff(dim=1) > 0).all())
    assert bool((crops[0, 1].diff(dim=0) > 0).all())


def test_other_quads_are_read_between_their_corners() -> None:
    quad = torch.tensor([[[40.0, 40], [120, 60], [116, 84], [44, 60]]], dtype=D)
    x, y = points(quad, torch.tensor([100]), 50)[[0, 0, -1, -1], [0, -1, -1, 0]].unbind(dim=1)
    torch.testing.assert_close(torch.stack([x, y], dim=1), quad[0], atol=0.7, rtol=0)


def test_words_are_cut_out_of_their_own_image() -> None:
    features = torch.cat([ramp(50, 50) + 1000 * i for i in range(3)])
    quads = [torch.cat([box(20, 20, 40, 20), box(80, 60, 60, 20)]), torch.zeros(0, 4, 2), box(50, 90, 44, 20)]
    crops, widths = cut_out(features, quads)
    assert [int(crop[0, :, :wide].mean()) // 1000 for crop, wide in zip(crops, widths, strict=True)] == [0, 0, 2]
    assert [int(crop[1, :, :wide].mean()) % 1000 for crop, wide in zip(crops, widths, strict=True)] == [30, 70, 100]


def test_no_words_at_all() -> None:
    crops, widths = cut_out(noise(2, 5, 8, 8), [torch.zeros(0, 4, 2)] * 2)
    assert crops.shape == (0, 5, 8, 1)
    assert widths.shape == (0,)
    assert widths.dtype == torch.int64


def test_gradients_are_those_of_finite_differences() -> None:
    quads = [torch.cat([box(8, 8, 20, 9, 20), box(2, 12, 12, 11)]), box(6, 10, 16, 10, -35)]
    features = noise(2, 2, 7, 8).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: cut_out(x, quads)[0], (features,))


def test_the_gradient_stays_where_the_word_is() -> None:
    features = noise(1, 1, 20, 30).requires_grad_()
    crops, _ = cut_out(features, [box(4 * 6 - 2, 4 * 5 - 2, 4 * 12, 4 * 8)])
    (gradient,) = torch.autograd.grad(crops.sum(), features)
    expected = torch.zeros(20, 30, dtype=D)
    expected[5:13, 6:18] = 1
    torch.testing.assert_close(gradient[0, 0], expected)


def test_picking_out_cells_is_the_same_as_grid_sample() -> None:
    """The way for GPUs that are to be deterministic."""
    features = noise(1, 3, 9, 11).requires_grad_()
    where = 14 * torch.rand(8, 40, 2, generator=torch.Generator().manual_seed(1), dtype=D) - 1.5
    where[0, :4] = torch.tensor([[0.5, 0.5], [10.5, 8.5], [0.0, 9.0], [11.0, 4.2]])
    one, other = by_grid_sample(features, where), by_index(features, where)
    torch.testing.assert_close(one, other)
    weight = noise(*one.shape)
    mine, theirs = (torch.autograd.grad((weight * x).sum(), features)[0] for x in (one, other))
    torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_places_are_not_rounded_with_the_features(dtype: torch.dtype) -> None:
    """At x 2000, numbers of 8 bits are 8 pixels apart."""
    features = torch.zeros(1, 1, 20, 560, dtype=dtype)
    features[..., 501] = 1.0
    crops, _ = cut_out(features, [box(4 * 496 - 2, 4 * 5 - 2, 4 * 12, 4 * 8)])
    assert crops.dtype == torch.float32
    expected = torch.zeros(12)
    expected[5] = 1
    torch.testing.assert_close(crops[0, 0, 3], expected, atol=1e-3, rtol=0)


def test_sides_are_moved_by_shares_of_the_height_along_the_word_and_across() -> None:
    level = torch.tensor([[[10.0, 20], [50, 20], [50, 30], [10, 30]]])
    outward = torch.tensor([[0.5, 0.25, 0.1, -0.2]])
    wider = widened(level, outward)
    torch.testing.assert_close(wider, torch.tensor([[[5.0, 19], [52.5, 19], [52.5, 28], [5, 28]]]))
    angle = math.radians(140)
    turn = torch.tensor([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    torch.testing.assert_close(widened(level @ turn, outward), wider @ turn)


def test_each_word_has_sides_of_its_own_and_no_word_has_none() -> None:
    quads = torch.tensor([[[0.0, 0], [8, 0], [8, 4], [0, 4]], [[0.0, 0], [8, 0], [8, 2], [0, 2]]])
    wider = widened(quads, torch.tensor([[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.5]]))
    assert wider[:, :2, 0].tolist() == [[0, 12], [-2, 8]]
    assert wider[:, 2:, 1].tolist() == [[4, 4], [3, 3]]
    assert widened(quads[:0], torch.zeros(0, 4)).shape == (0, 4, 2)


@pytest.mark.parametrize("size", [(20, 29), (20, 30.1), (80, 20), (10, 40)])
def test_what_is_drawn_is_laid_on_its_side_as_what_is_read(size: tuple[float, float]) -> None:
    quad = box(60, 50, *size, 33)
    torch.testing.assert_close(turned(quad), torch.from_numpy(laid(quad.numpy())))
