"""The filters of a network: each convolution's weights as a picture.

Letters: O kernels of a convolution, I channels that each of them sees, k x l weights of one channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from saccade.explain.pictures import EDGE, PAPER, Floats, Picture, Scale, columns_for, tiled
from saccade.nn.standardized_conv import StandardizedConv2d

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
WITHIN = 0.995
"""Share of a layer's weights that the scale of colours spans: a few large ones would leave the others pale."""
LARGEST = 24
"""Pixels that a weight is wide at most."""
SIDE = 1024
"""Pixels that a grid is about wide or high."""


class Sheet(NamedTuple):
    """The weights of a layer."""

    picture: Picture
    scale: Scale | None  # None: in RGB
    shown: Mapping[str, Any]  # what of the layer is shown, for JSON

    @property
    def words(self) -> str:
        """What is shown."""
        drawn = {
            "rgb": "a tile a kernel, in RGB; grey is 0",
            "matrix": "a row a kernel, a column a channel",
            "grid": "a tile a kernel",
            "rows": "a row a kernel, a column a channel",
        }[self.shown["drawn"]]
        parts = [
            f"the {self.shown[what]} largest of {self.shown[f'of_{what}']} {what}"
            for what in ("kernels", "channels")
            if self.shown[what] < self.shown[f"of_{what}"]
        ]
        return "; ".join([*parts, drawn])


def kernels(layer: nn.Module) -> Tensor:
    """The weights that a convolution multiplies with, (O, I, k, l); of a transposed and of a standardized one too."""
    assert isinstance(layer, CONVOLUTIONS)
    found = layer.standardized() if isinstance(layer, StandardizedConv2d) else layer.weight
    weight: Tensor = found.detach().float().cpu()
    if not isinstance(layer, nn.ConvTranspose2d):
        return weight
    inputs, outputs, height, width = weight.shape  # outputs of each group
    groups = weight.reshape(layer.groups, inputs // layer.groups, outputs, height, width)
    return groups.transpose(1, 2).flatten(0, 1)


def convolutions(network: nn.Module) -> dict[str, nn.Module]:
    """All convolutions by name, in the order in which they are made."""
    return {name: module for name, module in network.named_modules() if isinstance(module, CONVOLUTIONS)}


def sheet(weights: Tensor, *, first: bool, top: int = 64, colours: str | None = None, side: int = SIDE) -> Sheet:
    """The weights of one convolution.

    1x1 kernels are one matrix, a row a kernel and a column a channel. Kernels with one channel, and those of the
    first layer with three, which are drawn in RGB with grey for 0, are tiles of a grid that is about square. All
    others are a row of tiles each, one a channel.

    Args:
        weights: (O, I, k, l).
        first: it is the layer that sees the image.
        top: that many kernels and channels at most, those with the largest norm, in their order; of a matrix 8 times
            as many.
        colours: name of a colour map.
        side: pixels that the grid is about wide or high.
    """
    matrix = weights.shape[2:] == (1, 1)
    rgb = first and weights.shape[1] == 3 and not matrix
    most = 8 * top if matrix else top
    rows = _strongest(weights.flatten(1), most)
    columns = torch.arange(3) if rgb else _strongest(weights[rows].transpose(0, 1).flatten(1), most)
    values: Floats = weights[rows][:, columns].numpy()
    scale = Scale.around_zero(values, colours, share=WITHIN)
    shown = {
        "kernels": len(rows),
        "of_kernels": weights.shape[0],
        "channels": len(columns),
        "of_channels": weights.shape[1],
        "kernel_numbers": rows.tolist(),
        "channel_numbers": columns.tolist(),
        "drawn": "rgb" if rgb else "matrix" if matrix else "grid" if weights.shape[1] == 1 else "rows",
        "largest_weight": float(weights.abs().max()),
    }
    if matrix:
        flat = values[:, :, 0, 0]
        return Sheet(tiled([scale.paint(flat)], columns=1, pixels=_pixels(side, *flat.shape), gap=1), scale, shown)
    return Sheet(_grid(values, scale, rgb=rgb, side=side), None if rgb else scale, shown)


def _grid(values: NDArray[np.float32], scale: Scale, *, rgb: bool, side: int) -> Picture:
    """(O, I, k, l) as tiles."""
    outputs, inputs, height, width = values.shape
    if rgb:
        tiles = [np.rint(255 * scale.shares(one)).astype(np.uint8).transpose(1, 2, 0) for one in values]
    else:
        tiles = list(scale.paint(values.reshape(-1, height, width)))
    single = rgb or inputs == 1
    columns = columns_for(outputs, height=height, width=width) if single else inputs
    rows = -(-len(tiles) // columns)
    pixels = _pixels(side, rows * height, columns * width)
    # grey is 0 in RGB
    between = PAPER if rgb else EDGE
    return tiled(tiles, columns=columns, pixels=pixels, gap=max(1, pixels // 3), between=between)


def _pixels(side: int, height: int, width: int) -> int:
    """Of a weight, so that all fit."""
    return max(1, min(LARGEST, side // max(height, width)))


def _strongest(rows: Tensor, most: int) -> Tensor:
    """The numbers of the rows with the largest norm, in ascending order."""
    norms: Tensor = torch.linalg.vector_norm(rows, dim=1)
    return norms.argsort(descending=True, stable=True)[:most].sort().values


def told(name: str, weights: Tensor, *, top: int | None = None) -> str:
    """A line about a layer: its name, and how many kernels it has; ``top``: the first ones of which are shown."""
    kernels, channels, height, width = weights.shape
    some, few = (f"{top} of " if top is not None and top < n else "" for n in (kernels, channels))
    over = f"each over {few}{channels} channel{'s' if channels > 1 else ''}"
    return f"{name}: {some}{kernels} kernels of {height}×{width}, {over}"
