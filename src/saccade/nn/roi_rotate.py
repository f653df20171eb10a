"""RoIRotate (Liu et al. 2018, arXiv 1801.01671, section 3.3): level pictures of words, cut out of a map of the image.

Letters: B images, C channels, (h, w) cells of the map, K words of an image, R of all images, n columns of all words of
an image, N of all images. A cell (i, j) of the map, whose middle is (i + .5, j + .5), stands for the point (4 i, 4 j)
of the image.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from saccade.quads import STRIDE, laid

HEIGHT = 8
"""Rows of a crop."""

MAX_WIDTH = 128
"""Columns of the widest crop, unless said otherwise."""

_ROUNDING = 1e-3
"""Of a column: as much more than a whole number comes from the rounding of coordinates."""


def roi_rotate(
    features: Tensor, quads: Sequence[Tensor], height: int = HEIGHT, max_width: int = MAX_WIDTH
) -> tuple[Tensor, Tensor]:
    """The words as crops of one height, side by side, through which gradients reach the map.

    A word gets ``columns`` by its own aspect, whatever the others are like; what is outside the map is 0.

    Args:
        features: (B, C, h, w) of any float type.
        quads: of each image (K, 4, 2) corners of its words in pixels of the image; K may be 0. No gradient goes there.
        height: rows of a crop.
        max_width: columns of the widest.

    Returns:
        strip: (height, N, C) the columns of all words, image by image. float32, or float64 where the map is.
        widths: (R,) int64 on the CPU, the columns of each word, from 1 to ``max_width``; their sum is N.
    """
    # in half precision a cell far to the right would be known to a few cells only
    maps = torch.split(features if features.dtype == torch.float64 else features.float(), 1)
    strips, widths = [], []
    for one, corners in zip(maps, quads, strict=True):
        level = turned(corners.detach().double().cpu())
        wide = columns(level, height, max_width)
        widths.append(wide)
        if len(level):
            strips.append(sampled(one, points(level, wide, height)))
    if not strips:
        strips = [maps[0].new_zeros(height, 0, features.shape[1])]
    return torch.cat(strips, dim=1), torch.cat(widths)


def widened(quads: Tensor, outward: Tensor) -> Tensor:
    """(K, 4, 2) quads with each side moved, parallel to the word or across it.

    ``outward``: (K, 4) how far the left end, the right end, the top and the bottom move out, as shares of each quad's
    height; negative ones move in.
    """
    top, bottom = quads[:, 1] - quads[:, 0], quads[:, 2] - quads[:, 3]
    left, right = quads[:, 3] - quads[:, 0], quads[:, 2] - quads[:, 1]
    height = ((left.norm(dim=1) + right.norm(dim=1)) / 2)[:, None]
    along, down = height * F.normalize(top + bottom, dim=1), height * F.normalize(left + right, dim=1)
    before, after, above, below = (share[:, None] for share in outward.unbind(dim=1))
    start, end, up, down = -before * along, after * along, -above * down, below * down
    return quads + torch.stack([start + up, end + up, end + down, start + down], dim=1)


def turned(quads: Tensor) -> Tensor:
    """(K, 4, 2) quads on the CPU as ``quads.laid`` lays them: the longer side of tall ones becomes the width.

    What was at the top comes to the left: letters one below the other keep their order, and so does text that runs
    downwards. Text that runs upwards, and whose corners do not say so, comes out from its end to its beginning.
    """
    return torch.from_numpy(laid(quads.numpy())).to(quads)


def columns(quads: Tensor, height: int = HEIGHT, max_width: int = MAX_WIDTH) -> Tensor:
    """(K,) int64 columns of words ``height`` rows high, of the same aspect as the quads (K, 4, 2), rounded up.

    A word that would be wider than ``max_width`` is squeezed to it as a whole: nothing of it is cut off.
    """
    width, tall = _sides(quads)
    # within float64 for any quad; one without a height is as wide as may be
    exact = height * width / tall.clamp_min(1e-6)
    return (exact - _ROUNDING).ceil().clamp(1, max_width).long()


def points(quads: Tensor, widths: Tensor, height: int = HEIGHT) -> Tensor:
    """(height, n, 2) points of the image, x and y, where the columns of all words are read, one word after the other.

    The middle of the pixel (row i, column j) of a crop W wide is ((j + .5) / W, (i + .5) / height) of the way from the
    first corner along the two sides. For a rectangle that is the inverse of moving its first corner to 0, turning it
    level and scaling it, which the matrix printed in the paper is not; in other quads, bilinear between the corners.

    Args:
        quads: (K, 4, 2) float64.
        widths: (K,) int64, of sum n.
        height: rows.
    """
    word = torch.repeat_interleave(torch.arange(len(quads)), widths)
    first = widths.cumsum(0) - widths
    column = torch.arange(len(word), dtype=quads.dtype) - first[word] + 0.5
    x = (column / widths[word])[:, None]
    y = ((torch.arange(height, dtype=quads.dtype) + 0.5) / height)[:, None, None]
    top_left, top_right, bottom_right, bottom_left = quads[word].unbind(dim=1)
    top, bottom = torch.lerp(top_left, top_right, x), torch.lerp(bottom_left, bottom_right, x)
    return top + y * (bottom - top)


def sampled(features: Tensor, at: Tensor) -> Tensor:
    """(1, C, h, w) map at (height, n, 2) points of the image to (height, n, C), bilinear, 0 outside."""
    where = at / STRIDE + 0.5
    # the gradient of grid_sample has no deterministic kernel on a GPU
    if features.is_cuda and torch.are_deterministic_algorithms_enabled():
        return by_index(features, where)
    return by_grid_sample(features, where)


def by_grid_sample(features: Tensor, where: Tensor) -> Tensor:
    """``sampled`` of places on the map, in cells."""
    size = torch.tensor([features.shape[3], features.shape[2]]).to(where)
    grid = (2 * where / size - 1).to(features)
    strip = F.grid_sample(features, grid[None], mode="bilinear", padding_mode="zeros", align_corners=False)
    return strip.squeeze(0).permute(1, 2, 0)


def by_index(features: Tensor, where: Tensor) -> Tensor:
    """The same by picking out the four cells around each place: what deterministic kernels there are for."""
    rows, wide = features.shape[2:]
    low = (where - 0.5).floor()
    part = where - 0.5 - low
    cells = features[0].flatten(1).t()
    total = cells.new_zeros(())
    for dx in (0, 1):
        for dy in (0, 1):
            x, y = low[..., 0] + dx, low[..., 1] + dy
            share = (part[..., 0] if dx else 1 - part[..., 0]) * (part[..., 1] if dy else 1 - part[..., 1])
            share = share * ((x >= 0) & (x < wide) & (y >= 0) & (y < rows))
            cell = (y.clamp(0, rows - 1) * wide + x.clamp(0, wide - 1)).long()
            total = total + cells[cell.to(cells.device)] * share.to(cells)[..., None]
    return total


def _sides(quads: Tensor) -> tuple[Tensor, Tensor]:
    """(K,) each: width and height, the mean of two opposite sides."""
    length = (quads.roll(-1, dims=1) - quads).norm(dim=2)
    return (length[:, 0] + length[:, 2]) / 2, (length[:, 1] + length[:, 3]) / 2
