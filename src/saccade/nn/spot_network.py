"""The network of FOTS (Liu et al. 2018, arXiv 1801.01671): where words are, and what they say, from one map.

Letters: B images, H x W pixels, (h, w) cells of the map, h = ceil(H / 4) and w = ceil(W / 4), F channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from saccade.errors import ConfigError
from saccade.nn.encoders import Encoder, require_encoder
from saccade.nn.image_encoders import load_encoder
from saccade.nn.roi_rotate import MAX_WIDTH, roi_rotate
from saccade.nn.weights import load_weights, read_state_dict
from saccade.nn.word_reader import WordReader
from saccade.quads import STRIDE

STRIDES = (STRIDE, 8, 16, 32)
"""Pixels that a cell of the four maps of an encoder stands for."""

SMALL = "small_spot"
"""The encoder of ours; all other names are timm's."""

MOMENTUM, SMALL_MOMENTUM = 0.003, 0.1
"""Of the BatchNorms after the encoder, unless said otherwise: of FOTS, and behind ``small_spot``.

With 0.003 what evaluation sees is half of it older than 230 steps: too slow where all of training has some hundreds.
"""


class Spotted(NamedTuple):
    """What the network says of B images."""

    features: Tensor  # (B, F, h, w), what words are read from
    score_logits: Tensor  # (B, 1, h, w) float32: is the cell in a word
    rbox: Tensor  # (B, 5, h, w) float32: pixels to top, bottom, left and right side of it, and its angle in radians
    reader: WordReader | None = None

    def read(self, quads: Sequence[Tensor], *, max_width: int = MAX_WIDTH) -> tuple[Tensor, Tensor]:
        """What stands in the quads (K, 4, 2) of each image, in pixels.

        Returns:
            log_probs: (R, columns of the widest, S + 1) of the R words of all images, image by image.
            widths: (R,) int64 on the CPU, columns of each.
        """
        assert self.reader is not None, "the network was made without an alphabet"
        strip, widths = roi_rotate(self.features, quads, max_width=max_width)
        return self.reader(strip, widths), widths


class SpotNetwork(nn.Module):
    """Shared convolutions, three 1x1 convolutions that say where words are, and a ``WordReader``.

    From the deepest of four maps on, a map is brought to the size of the one before, laid beside it, and merged by a
    1x1 and a 3x3 convolution, three times; a last 3x3 convolution follows.
    """

    head_names: ClassVar[tuple[str, ...]] = ("merges", "last", "score", "distances", "angle", "reader")

    def __init__(
        self,
        encoder: str,
        *,
        reach: float,
        alphabet: int | None = None,
        pretrained: bool = False,
        widths: tuple[int, int, int] = (128, 64, 32),
        hidden: int = 256,
        drop_rate: float = 0.0,
        momentum: float | None = None,
    ) -> None:
        """On the encoder of that name, ``small_spot`` or any timm backbone that halves the image up to five times.

        Args:
            encoder: its name.
            reach: the farthest that a side can be from a cell, in pixels: the side of the crops it is trained on.
            alphabet: S, characters to be told apart; None: words are found and not read.
            pretrained: the encoder starts from its published weights.
            widths: channels after each merge; the last is F.
            hidden: units of the reader's LSTM in each direction, by which all of it goes.
            drop_rate: dropout in the reader.
            momentum: of the BatchNorms between encoder and heads; None: as the encoder wants it.

        Raises:
            ConfigError: no such encoder, or one without the four maps, or without published weights.
            CheckpointError: they could not be downloaded.
        """
        super().__init__()
        self.reach = reach
        self.encoder = spot_encoder(encoder, pretrained=pretrained)
        pace = momentum or (SMALL_MOMENTUM if encoder == SMALL else MOMENTUM)
        self.merges = _merges(self.encoder.channels, widths, pace)
        channels = widths[-1]
        self.last = nn.Sequential(*_layers(channels, channels, 3, pace))
        self.score = nn.Conv2d(channels, 1, 1)
        self.distances = nn.Conv2d(channels, 4, 1)
        self.angle = nn.Conv2d(channels, 1, 1)
        self.reader = None if alphabet is None else WordReader(channels, alphabet, hidden=hidden, drop_rate=drop_rate)

    def forward(self, image: Tensor) -> Spotted:
        """(B, 3, H, W) images, normalised as the encoder wants them, of any H and W, to what is in them."""
        height, width = (-(-side // STRIDE) for side in image.shape[2:])
        *taps, x = self.encoder(_whole_cells(image))
        for merge, tap in zip(self.merges, reversed(taps), strict=True):
            # to the size that the map has, and not twice as large: 1260 pixels are 39.4 of the deepest cells
            x = F.interpolate(x, size=tap.shape[2:], mode="bilinear", align_corners=True)
            x = merge(torch.cat([x, tap], dim=1))
        x = self.last(x)[:, :, :height, :width]
        # half precision would tell a distance of 600 pixels to the nearest four
        with _without_autocast(x.device.type):
            wide = x if x.dtype == torch.float64 else x.float()
            distances = torch.sigmoid(self.distances(wide)) * self.reach
            angle = (torch.sigmoid(self.angle(wide)) - 0.5) * math.pi
            return Spotted(x, self.score(wide), torch.cat([distances, angle], dim=1), self.reader)


class TimmMaps(nn.Module):
    """The maps of a timm backbone at 1/4, 1/8, 1/16 and 1/32 of the image."""

    def __init__(self, name: str, *, pretrained: bool = False) -> None:
        super().__init__()
        self.backbone = Encoder(name, pretrained=pretrained)
        body = self.backbone.body
        strides: list[int] = body.feature_info.reduction()  # type: ignore[operator, union-attr]
        channels: list[int] = body.feature_info.channels()  # type: ignore[operator, union-attr]
        if not set(STRIDES) <= set(strides):
            found = ", ".join(f"1/{stride}" for stride in dict.fromkeys(strides))
            raise ConfigError(
                f"model.encoder: {name} has maps of {found} of the image, and spotting needs those of 1/4, 1/8, 1/16 "
                "and 1/32; choose another, such as resnet50"
            )
        # where several have a stride, the last is the deepest
        self._places = [len(strides) - 1 - strides[::-1].index(stride) for stride in STRIDES]
        self.channels = tuple(channels[place] for place in self._places)
        self._channels_last = getattr(body, "output_fmt", None) == "NHWC"

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) images to four maps, the largest first."""
        found = self.backbone.body(image)
        maps: list[Tensor] = [found[place] for place in self._places]
        return [each.permute(0, 3, 1, 2) for each in maps] if self._channels_last else maps


class SmallSpot(nn.Module):
    """A small encoder for a CPU: ten 3x3 convolutions, two of them at half the image's size (32 to 96 filters).

    Two for each of the four maps of 48, 48, 64 and 96 channels, the first of stride 2; BatchNorm and ReLU follow each.
    Letters are told apart at half the size: without the second convolution there, words are found as well, and are not
    learned to be read.
    """

    channels: ClassVar[tuple[int, ...]] = (48, 48, 64, 96)
    head_names: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv_norm_relu(3, 32, stride=2), _conv_norm_relu(32, 32))
        self.stages = nn.ModuleList(
            nn.Sequential(_conv_norm_relu(given, out, stride=2), _conv_norm_relu(out, out))
            for given, out in zip((32, *self.channels), self.channels, strict=False)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) images to four maps, the largest first."""
        x, maps = self.stem(image), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


def spot_encoder(name: str, *, pretrained: bool = False) -> TimmMaps | SmallSpot:
    """The encoder ``name``: (B, 3, H, W) images to four maps; ``channels`` are theirs.

    Raises:
        ConfigError: no such encoder, or one without the four maps, or without published weights.
        CheckpointError: they could not be downloaded.
    """
    if name != SMALL:
        require_spot_encoder(name)
        return TimmMaps(name, pretrained=pretrained)
    if pretrained:
        raise ConfigError(f"model.pretrained: {SMALL} has no published weights; set model.pretrained=false")
    return SmallSpot()


def require_spot_encoder(name: str) -> None:
    """That there is an encoder ``name``.

    Raises:
        ConfigError: there is none.
    """
    if name != SMALL:
        require_encoder(name, [SMALL])


def load_spot_encoder(encoder: TimmMaps | SmallSpot, name: str, path: Path) -> None:
    """Give what ``spot_encoder`` made of ``name`` the weights of a file: of the whole classifier, if it is timm's.

    Raises:
        CheckpointError: the file cannot be read, or does not fit.
    """
    if isinstance(encoder, SmallSpot):
        load_weights(encoder, read_state_dict(path), source=str(path), keep_head=True)
    else:
        load_encoder(encoder.backbone, name, path)


def _without_autocast(device: str) -> AbstractContextManager[object]:
    """In full precision; the meta device, which has no numbers, knows no other."""
    return torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()


def _whole_cells(image: Tensor) -> Tensor:
    """The image with its border repeated up to whole cells, and at least one of the deepest map.

    Some encoders would leave out what is less than a cell.
    """
    below, right = (max(-side % STRIDE, STRIDES[-1] - side) for side in image.shape[2:])
    return F.pad(image, (0, right, 0, below), mode="replicate") if below or right else image


def _merges(maps: tuple[int, ...], widths: tuple[int, ...], momentum: float) -> nn.ModuleList:
    """From the channels of an encoder's maps to those after each merge."""
    *taps, deepest = maps
    given = [tap + below for tap, below in zip(reversed(taps), (deepest, *widths), strict=False)]
    return nn.ModuleList(
        nn.Sequential(*_layers(both, out, 1, momentum), *_layers(out, out, 3, momentum))
        for both, out in zip(given, widths, strict=True)
    )


def _layers(channels: int, out: int, side: int, momentum: float) -> list[nn.Module]:
    conv = nn.Conv2d(channels, out, side, padding=side // 2)
    return [conv, nn.BatchNorm2d(out, momentum=momentum), nn.ReLU(inplace=True)]


def _conv_norm_relu(channels: int, out: int, *, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out), nn.ReLU(inplace=True))
