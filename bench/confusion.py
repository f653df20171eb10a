"""The share of the confusion matrix in an evaluation: network + update, on one batch that stays in memory.

    python bench/confusion.py [--size 360 480] [--batch 8] [--classes 12] [--device cpu]

The network is a U-Net of four levels at half resolution, about as small as one that is worth its numbers; the larger
the network, the smaller the share. Masks are blocks of classes with a tenth of the pixels called wrong and a border of
void. Prints milliseconds an image and the ratio to network + update: of our update, of what else could count (to pick
out the valid pixels by a mask, torchmetrics' matrix), and of the IoUs of each image that predictions.parquet holds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.classification import MulticlassConfusionMatrix

from saccade.metrics.segmentation import VOID, ious, pixel_confusion
from saccade.metrics.stateful_segment import SegmentMetrics

ROUNDS = 7


class SmallUNet(nn.Module):
    """(B, 3, H, W) -> (B, classes, H, W); half resolution within, H and W multiples of 8."""

    def __init__(self, classes: int, width: int = 16) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(4)]
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.down = nn.ModuleList(double(a, b) for a, b in zip([width, *widths], widths, strict=False))
        self.up = nn.ModuleList(double(a + b, a) for a, b in pairwise(widths))
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Scores at the size of the image."""
        x, skips = self.stem(image), []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        for block, skip in zip(reversed(self.up), reversed(skips[:-1]), strict=True):
            x = block(torch.cat([skip, F.interpolate(x, size=skip.shape[2:])], dim=1))
        return F.interpolate(self.head(x), size=image.shape[2:], mode="bilinear")


def double(inside: int, outside: int) -> nn.Sequential:
    """Two 3x3 convolutions."""
    layers: list[nn.Module] = []
    for a, b in ((inside, outside), (outside, outside)):
        layers += [nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def masks(batch: int, height: int, width: int, classes: int) -> tuple[Tensor, Tensor]:
    """(B, H, W) uint8 predictions and targets."""
    g = torch.Generator().manual_seed(0)
    blocks = torch.randint(0, classes, (batch, 1, 12, 16), generator=g).float()
    predicted = F.interpolate(blocks, size=(height, width)).squeeze(1).to(torch.uint8)
    mask = predicted.clone()
    wrong = torch.rand(mask.shape, generator=g) < 0.1
    mask[wrong] = torch.randint(0, classes, (int(wrong.sum()),), generator=g, dtype=torch.uint8)
    mask[:, : height // 20] = VOID
    return predicted, mask


def picked(predicted: Tensor, mask: Tensor, classes: int) -> Tensor:
    """The matrix of the valid pixels alone."""
    valid = mask != VOID
    cells = mask[valid].long() * classes + predicted[valid]
    return torch.bincount(cells, minlength=classes**2).view(classes, classes)


def milliseconds(work: Callable[[], Any], device: str) -> float:
    """The median of ROUNDS runs, after one to warm up."""
    taken = []
    for _ in range(ROUNDS + 1):
        wait(device)
        start = time.perf_counter()
        work()
        wait(device)
        taken.append(1e3 * (time.perf_counter() - start))
    return statistics.median(taken[1:])


def wait(device: str) -> None:
    """Until the GPU has done what was asked of it."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


@torch.inference_mode()
def report(given: argparse.Namespace) -> None:
    """Measure and print."""
    (height, width), batch, classes, device = given.size, given.batch, given.classes, given.device
    model = SmallUNet(classes).eval().to(device)
    image = torch.randn(batch, 3, height, width, device=device)
    predicted, mask = (x.to(device) for x in masks(batch, height, width, classes))
    ours = SegmentMetrics([str(i) for i in range(classes)]).to(device)
    theirs = MulticlassConfusionMatrix(classes, ignore_index=VOID, validate_args=False).to(device)
    ours.update(predicted, mask)
    assert torch.equal(ours.confusion, picked(predicted, mask, classes))
    pairs = list(zip(mask.cpu().numpy(), predicted.cpu().numpy(), strict=True))
    network = milliseconds(lambda: model(image).argmax(dim=1).to(torch.uint8), device)
    update = milliseconds(lambda: ours.update(predicted, mask), device)
    row("", "ms an image", "ratio")
    for what, taken in (
        ("network and argmax", network),
        ("update", update),
        ("valid pixels picked out", milliseconds(lambda: picked(predicted, mask, classes), device)),
        ("torchmetrics", milliseconds(lambda: theirs.update(predicted, mask), device)),
        ("IoUs of each image", milliseconds(lambda: [ious(pixel_confusion(*pair, classes)) for pair in pairs], device)),
    ):
        row(what, f"{taken / batch:.3f}", f"{taken / (network + update):.4f}")


def row(*cells: str) -> None:
    """Print one row of the table."""
    print("".join(f"{cell:>{width}}" for cell, width in zip(cells, (26, 14, 10), strict=True)))


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=2, default=(360, 480), help="height and width")
    parser.add_argument("--batch", type=int, default=8, help="images a batch")
    parser.add_argument("--classes", type=int, default=12, help="number of classes")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    report(parser.parse_args())


if __name__ == "__main__":
    main()
