"""Kernels as pictures whose pixels can be told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from saccade.explain.filters import convolutions, kernels, sheet, told
from saccade.explain.pictures import PAPER, SIGNED, colour_table
from saccade.nn.standardized_conv import StandardizedConv2d

RED, BLUE = colour_table(SIGNED)[255], colour_table(SIGNED)[0]


def inner(picture: np.ndarray, row: int, column: int, *, tile: tuple[int, int], pixels: int, gap: int) -> np.ndarray:
    """The tile in that place, a value a weight."""
    height, width = (side * pixels + gap for side in tile)
    y, x = row * height + gap, column * width + gap
    return picture[y : y + height - gap : pixels, x : x + width - gap : pixels]


def test_kernels_of_a_transposed_convolution_are_those_that_make_each_output() -> None:
    """An impulse in a channel draws, in each output of its group, the kernel that ``kernels`` tells."""
    torch.manual_seed(0)
    layer = nn.ConvTranspose2d(4, 6, 3, groups=2, bias=False)
    found = kernels(layer)
    assert found.shape == (6, 2, 3, 3)
    for channel in range(4):
        impulse = torch.zeros(1, 4, 1, 1)
        impulse[0, channel] = 1
        drawn = layer(impulse)[0]
        group, place = divmod(channel, 2)
        expected = torch.zeros(6, 3, 3)
        expected[3 * group : 3 * group + 3] = found[3 * group : 3 * group + 3, place]
        assert torch.allclose(drawn, expected, atol=1e-6)


def test_a_standardized_convolution_shows_what_it_multiplies_with() -> None:
    layer = StandardizedConv2d(1, 2, 2, bias=False)
    layer.weight.data = torch.tensor([[[[1.0, 3.0], [1.0, 3.0]]], [[[0.0, 0.0], [8.0, 0.0]]]])
    # standard deviations over n: 1, and 8 sqrt(3) / 4
    wanted = torch.tensor([[[[1.0, 3.0], [1.0, 3.0]]], [[[0.0, 0.0], [4 / 3**0.5, 0.0]]]])
    assert torch.allclose(kernels(layer), wanted, atol=1e-6)


def test_convolutions_in_order() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(4, 2, 2)), nn.Linear(2, 2))
    assert list(convolutions(network)) == ["0", "1.1"]


def test_the_first_layer_is_in_rgb_with_grey_for_0() -> None:
    weights = torch.zeros(4, 3, 2, 2)
    weights[1, 0] = 0.5  # red
    weights[2, 1, 0, 1] = -0.5  # less green
    found = sheet(weights, first=True, side=80)
    assert found.shown["drawn"] == "rgb"
    assert found.scale is None
    pixels, gap = 20, 6
    assert found.picture.shape == (2 * (40 + gap) + gap, 2 * (40 + gap) + gap, 3)
    tiles = [inner(found.picture, *divmod(k, 2), tile=(2, 2), pixels=pixels, gap=gap) for k in range(4)]
    grey = [128, 128, 128]
    assert tiles[0].reshape(-1, 3).tolist() == [grey] * 4
    assert tiles[1].reshape(-1, 3).tolist() == [[255, 128, 128]] * 4
    assert tiles[2].reshape(-1, 3).tolist() == [grey, [128, 0, 128], grey, grey]
    assert found.picture[0].tolist() == [list(PAPER)] * found.picture.shape[1], "not grey, which is 0"


def test_1x1_kernels_are_one_matrix() -> None:
    weights = torch.linspace(-1, 1, 12).reshape(3, 4, 1, 1)
    found = sheet(weights, first=False, side=40)
    assert found.shown["drawn"] == "matrix"
    assert found.picture.shape == (3 * 10 + 2, 4 * 10 + 2, 3)
    drawn = inner(found.picture, 0, 0, tile=(3, 4), pixels=10, gap=1)
    assert found.scale is not None
    assert (drawn == found.scale.paint(weights[:, :, 0, 0].numpy())).all()
    assert drawn[0, 0].tolist() == BLUE.tolist()
    assert drawn[2, 3].tolist() == RED.tolist()


def test_1x1_kernels_of_the_first_layer_are_a_matrix_too() -> None:
    assert sheet(torch.ones(8, 3, 1, 1), first=True).shown["drawn"] == "matrix"


def test_kernels_over_one_channel_are_a_grid() -> None:
    weights = torch.zeros(12, 1, 3, 3)
    weights[7, 0, 2, 0] = 1.0
    found = sheet(weights, first=False, side=120)
    assert found.shown["drawn"] == "grid"
    pixels, gap = 10, 3
    assert found.picture.shape == (3 * (30 + gap) + gap, 4 * (30 + gap) + gap, 3)
    assert inner(found.picture, 1, 3, tile=(3, 3), pixels=pixels, gap=gap)[2, 0].tolist() == RED.tolist()


def test_other_kernels_are_a_row_each() -> None:
    weights = torch.zeros(2, 5, 3, 3)
    weights[1, 3, 0, 2] = -2.0
    found = sheet(weights, first=False, side=75)
    assert found.shown["drawn"] == "rows"
    pixels, gap = 5, 1
    assert found.picture.shape == (2 * (15 + gap) + gap, 5 * (15 + gap) + gap, 3)
    assert inner(found.picture, 1, 3, tile=(3, 3), pixels=pixels, gap=gap)[0, 2].tolist() == BLUE.tolist()
    assert found.shown["largest_weight"] == 2.0


def test_three_channels_further_on_are_no_colours() -> None:
    assert sheet(torch.ones(2, 3, 3, 3), first=False).shown["drawn"] == "rows"


def test_the_largest_are_shown_in_their_order() -> None:
    weights = torch.zeros(5, 4, 3, 3)
    for kernel, size in enumerate((1.0, 4.0, 2.0, 0.0, 3.0)):
        weights[kernel] = size * torch.tensor([1.0, 3.0, 2.0, 0.5])[:, None, None]
    found = sheet(weights, first=False, top=2)
    assert found.shown["kernel_numbers"] == [1, 4]
    assert found.shown["channel_numbers"] == [1, 2]
    assert (found.shown["kernels"], found.shown["of_kernels"]) == (2, 5)
    assert found.words == "the 2 largest of 5 kernels; the 2 largest of 4 channels; a row a kernel, a column a channel"


def test_one_large_weight_does_not_make_the_others_pale() -> None:
    weights = torch.full((20, 1, 10, 10), 0.1)
    weights[0, 0, 0, 0] = 100.0
    scale = sheet(weights, first=False).scale
    assert scale is not None
    assert scale.high == pytest.approx(0.1)


@pytest.mark.parametrize("shape", [(4, 3, 3, 3), (4, 4, 1, 1), (4, 1, 3, 3), (1, 1, 1, 1)])
def test_weights_that_are_all_0(shape: tuple[int, ...]) -> None:
    found = sheet(torch.zeros(shape), first=True)
    middle = 128 if shape[1] == 3 else colour_table(SIGNED)[128]
    assert (found.picture == np.asarray(middle)).all(axis=2).any()
    assert found.shown["largest_weight"] == 0


def test_in_grey() -> None:
    weights: Tensor = torch.tensor([-1.0, 0.0, 1.0]).reshape(1, 3, 1, 1)
    drawn = inner(sheet(weights, first=False, colours="gray", side=30).picture, 0, 0, tile=(1, 3), pixels=10, gap=1)
    assert drawn[0].tolist() == [[0, 0, 0], [128, 128, 128], [255, 255, 255]]


def test_told() -> None:
    assert told("conv1", torch.zeros(64, 3, 7, 7)) == "conv1: 64 kernels of 7×7, each over 3 channels"
    assert told("dw", torch.zeros(8, 1, 3, 3)) == "dw: 8 kernels of 3×3, each over 1 channel"
