"""A network of our own for segmentation: a glance at the whole scene, and a close look at what it left open."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from saccade.nn.init import initialize
from saccade.nn.resnet import BasicBlock, conv1x1, conv3x3

GRIDS = (1, 3, 6)
"""Sides of the grids into which the deepest map is averaged: the whole scene, and where in it."""


class Glance(nn.Module):
    """Two answers, and a gate that says where the second one counts.

    The eye takes in a scene at one glance, coarsely and with much context, and then jumps to where it is unsure and
    looks closely. So does this network:

    - *Detail*: two 3x3 convolutions of stride 2 keep edges, at 1/4 of the image.
    - *Context*: residual stages at 1/8, 1/16 and 1/32, where a convolution costs little and sees much; the deepest map
      also averaged over the whole scene and over two grids (pyramid pooling, arXiv 1612.01105); then back to 1/8, with
      the maps of the way down added through 1x1 projections (feature pyramid, arXiv 1612.03144). From there the
      *glance*: logits at 1/8.
    - *Look*: at 1/4, detail plus context, two 3x3 convolutions, and logits that are added to those of the glance,
      multiplied by the gate: the entropy of the glance's own answer as a fraction of the largest possible, log C.

    The insides of road and sky are decided by context alone: there the gate is closed, the answer is a smooth one that
    no texture can disturb, and the look gets no gradient, so that its few weights are spent on what the glance leaves
    open: borders, poles, people far away. The gate has no weights and lets no gradient through: the glance cannot
    learn to seem unsure, and it learns from the final logits, to which it is added, like any shortcut. Only the look
    computes at 1/4 and nothing at full size, which is what most of a U-Net's time goes into.

    BatchNorm follows every convolution but those of the pooled maps, which are as small as one position an image, and
    those that give logits.
    """

    stride: ClassVar[int] = 32
    head_names: ClassVar[tuple[str, ...]] = ("look_head", "glance_head")

    def __init__(self, classes: int, *, width: int = 32) -> None:
        """A network for ``classes`` classes, at least 2; ``width``: channels of the first convolution, scaling all.

        All numbers of channels are multiples of 8.
        """
        super().__init__()
        stem, fine, c8, c16, c32 = (max(8, round(n * width / 32 / 8) * 8) for n in (32, 64, 96, 160, 192))
        self.detail = nn.Sequential(_conv_norm_relu(3, stem, stride=2), _conv_norm_relu(stem, fine, stride=2))
        self.context8, self.context16, self.context32 = _stage(fine, c8), _stage(c8, c16), _stage(c16, c32)
        self.scene = Scene(c32, c8)
        self.lateral16, self.lateral8 = _conv_norm(c16, c8), _conv_norm(c8, c8)
        self.merge = nn.Sequential(nn.ReLU(inplace=True), _conv_norm_relu(c8, c8))
        self.glance_head = nn.Conv2d(c8, classes, 1)
        self.fine, self.coarse = _conv_norm(fine, fine), _conv_norm(c8, fine)
        self.look = nn.Sequential(nn.ReLU(inplace=True), _conv_norm_relu(fine, fine), _conv_norm_relu(fine, stem))
        self.look_head = nn.Conv2d(stem, classes, 1)
        initialize(self, "kaiming_normal", "out")

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) images, H and W multiples of 32, to (B, classes, H, W) logits."""
        return _enlarged(self._answers(image)[0], 4)

    def both(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """What ``forward`` gives, and the logits of the glance alone, both (B, classes, H, W)."""
        logits, glance = self._answers(image)
        return _enlarged(logits, 4), _enlarged(glance, 4)

    def _answers(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Final logits and those of the glance, both (B, classes, H / 4, W / 4)."""
        detail = self.detail(image)
        context = self._context(detail)
        glance = _enlarged(self.glance_head(context), 2)
        look = self.look_head(self.look(self.fine(detail) + _enlarged(self.coarse(context), 2)))
        return glance + uncertainty(glance.detach()) * look, glance

    def _context(self, detail: Tensor) -> Tensor:
        """(B, fine, H / 4, W / 4) to (B, c8, H / 8, W / 8)."""
        at8 = self.context8(detail)
        at16 = self.context16(at8)
        back = self.lateral16(at16) + _enlarged(self.scene(self.context32(at16)), 2)
        merged: Tensor = self.merge(self.lateral8(at8) + _enlarged(back, 2))
        return merged


class Scene(nn.Module):
    """A map beside its own averages over grids, from the whole map to a sixth of it, through one 3x3 convolution."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        part = channels // 4
        self.parts = nn.ModuleList(conv1x1(channels, part) for _ in GRIDS)
        self.together = _conv_norm_relu(channels + part * len(GRIDS), out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to (B, out, H, W)."""
        seen = [x]
        for grid, part in zip(GRIDS, self.parts, strict=True):
            pooled = F.relu(part(averaged(x, grid)))
            seen.append(F.interpolate(pooled, size=x.shape[2:], mode="bilinear", align_corners=False))
        together: Tensor = self.together(torch.cat(seen, dim=1))
        return together


def uncertainty(logits: Tensor) -> Tensor:
    """Entropy of the softmax over the classes, as a fraction of the largest possible one, log C.

    Args:
        logits: (B, C, H, W), C at least 2.

    Returns:
        (B, 1, H, W) in [0, 1]: 0 where one class has all of it, 1 where all have the same.
    """
    logs = logits.log_softmax(dim=1)
    entropy = -(logs.exp() * logs).sum(dim=1, keepdim=True)
    return (entropy / math.log(logits.shape[1])).clamp(0.0, 1.0)  # rounding may leave it by a hair


def averaged(x: Tensor, grid: int) -> Tensor:
    """(B, C, H, W) to (B, C, grid, grid): means of windows that cover the map, those of adaptive average pooling.

    By products of matrices: on a GPU torch's own pooling has no gradient that is the same each time.
    """
    rows, columns = (_windows(side, grid, x) for side in x.shape[2:])
    return rows @ x @ columns.T


def _windows(side: int, grid: int, like: Tensor) -> Tensor:
    """(grid, side): how much each position counts in each mean; windows overlap where ``grid`` is no divisor."""
    bounds = [(i * side // grid, -(-(i + 1) * side // grid)) for i in range(grid)]
    rows = [[1 / (end - start) if start <= n < end else 0.0 for n in range(side)] for start, end in bounds]
    return torch.tensor(rows, dtype=like.dtype, device=like.device)


def _stage(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(channels, out, stride=2), BasicBlock(out, out))


def _conv_norm(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(conv1x1(channels, out), nn.BatchNorm2d(out))


def _conv_norm_relu(channels: int, out: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(conv3x3(channels, out, stride=stride), nn.BatchNorm2d(out), nn.ReLU(inplace=True))


def _enlarged(x: Tensor, factor: int) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
