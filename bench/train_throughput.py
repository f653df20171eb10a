"""Images a second of ``saccade train`` beside a bare training loop and beside a plain torchvision loop, in one run.

    python bench/train_throughput.py DATA/dogs

ResNet-18 at 224 pixels, batch 16, SGD, from the JPEGs of a folder with ``train/<class>/*``; random crop and flip.
Three loops take turns, an epoch each, several times over:

- bare: forward, backward and step on one batch that stays in memory: no image is read. In both memory layouts.
- torchvision: ImageFolder + DataLoader with the same transforms, the loop as the tutorials write it.
- saccade: ``saccade train``, timed from the first to the last training step of an epoch within the run.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import timm
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from saccade.commands import train as command
from saccade.data.transforms import IMAGENET_MEAN, IMAGENET_STD
from saccade.engine.module import Module

BATCH, STEPS, ROUNDS = 16, 20, 3
WORKERS = len(os.sched_getaffinity(0))


def network(classes: int, *, channels_last: bool) -> torch.nn.Module:
    """A fresh ResNet-18."""
    torch.manual_seed(0)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model: torch.nn.Module = timm.create_model("resnet18", num_classes=classes).train().to(memory_format=layout)
    return model


def loop(model: torch.nn.Module, batches: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> float:
    """Images a second of STEPS plain steps, after two to warm up."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    started, images = 0.0, 0
    for step, (image, target) in enumerate(batches):
        if step == 2:
            started, images = time.perf_counter(), 0
        optimizer.zero_grad()
        F.cross_entropy(model(image), target).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        images += len(image)
        if step == STEPS + 1:
            break
    return images / (time.perf_counter() - started)


def bare(classes: int, *, channels_last: bool) -> float:
    """One resident batch, again and again."""
    layout = torch.channels_last if channels_last else torch.contiguous_format
    image = torch.randn(BATCH, 3, 224, 224).contiguous(memory_format=layout)
    target = torch.randint(classes, (BATCH,))
    return loop(network(classes, channels_last=channels_last), iter([(image, target)] * (STEPS + 2)))


def plain(root: Path, classes: int) -> float:
    """ImageFolder and DataLoader."""
    steps = [
        v2.RandomResizedCrop(224, scale=(0.35, 1.0)),
        v2.RandomHorizontalFlip(),
        v2.PILToTensor(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
    ]
    data = ImageFolder(str(root / "train"), v2.Compose(steps))
    loader = DataLoader(data, BATCH, shuffle=True, num_workers=WORKERS, drop_last=True)
    return loop(network(classes, channels_last=False), iter(loader))


def ours(root: Path, folder: Path) -> float:
    """``saccade train`` on the same images, same batch, same number of steps."""
    times: list[float] = []
    original = Module.on_train_batch_end if hasattr(Module, "on_train_batch_end") else None

    def note(self: Module, *args: Any) -> None:
        times.append(time.perf_counter())
        if len(times) == STEPS + 2:
            self.trainer.should_stop = True
            self.trainer.limit_val_batches = 1

    Module.on_train_batch_end = note  # type: ignore[assignment,method-assign]
    settings = [
        f"data.root={root}",
        "data.holdout=0",
        "model.pretrained=false",
        f"loader.batch_size={BATCH}",
        f"loader.workers={WORKERS}",
        "optim.name=sgd",
        "optim.lr=0.01",
        "optim.warmup_epochs=0",
        "trainer.max_epochs=1",
        "trainer.accelerator=cpu",
    ]
    try:
        command.train("folder-classify", settings, runs=folder)
    finally:
        if original is not None:
            Module.on_train_batch_end = original  # type: ignore[method-assign]
    return STEPS * BATCH / (times[STEPS + 1] - times[1])


def main() -> None:
    """Measure in turns and print medians and ratios."""
    root = Path(sys.argv[1])
    classes = len(list((root / "train").iterdir()))
    rates: dict[str, list[float]] = {"bare": [], "bare, channels last": [], "torchvision": [], "saccade": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            rates["bare"].append(bare(classes, channels_last=False))
            rates["bare, channels last"].append(bare(classes, channels_last=True))
            rates["torchvision"].append(plain(root, classes))
            rates["saccade"].append(ours(root, Path(folder)))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    for name, value in medians.items():
        print(f"{name:<20} {value:7.1f} images/s   of {[round(v, 1) for v in rates[name]]}")
    print(f"saccade / bare                {medians['saccade'] / medians['bare']:.3f} (aim: at least 0.93)")
    print(
        f"saccade / bare, channels last {medians['saccade'] / medians['bare, channels last']:.3f} (aim: at least 0.93)"
    )
    print(f"saccade / torchvision         {medians['saccade'] / medians['torchvision']:.3f} (aim: at least 1.0)")


if __name__ == "__main__":
    main()
