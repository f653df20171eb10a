"""What conversion does to the outputs of networks, and to a training after it.

    python bench/surgery.py outputs DATA
    python bench/surgery.py training DATA

``DATA`` holds ``weights/resnet20_cifar10.safetensors``, ``cifar10_test500`` and, for the second, ``flickr1k``.

*outputs* prints two tables. First, for networks with random weights and BatchNorms that fit them, how far the outputs
in evaluation mode are from those before, in float32 and in float64, as the norm of the difference over the norm; beside
it how far the unconverted network in float32 is from itself in float64, which is what rounding alone does. Then, for
published weights of a ResNet-20 on 500 photographs, how many answers stay the same, and how far the outputs are apart
in evaluation and in training mode.

*training* goes on from those weights, converted before the first step, for a few epochs beside the same without
conversion, and prints the metric of the validation images after each epoch: mean and spread over seeds. Two data sets:
CIFAR-10's own classes with the head that comes with the weights, and labels of photographs with a fresh head.
The tables go to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn

import saccade
from saccade.data import folder
from saccade.data.images import read_rgb
from saccade.data.transforms import IMAGENET_MEAN, IMAGENET_STD, evaluation_transform
from saccade.errors import ConfigError
from saccade.nn.backbones import build
from saccade.nn.conversion import Conversion, Converted, convert
from saccade.nn.standardize import Compensation
from saccade.nn.standardized_conv import StandardizedConv2d
from saccade.nn.weights import load_weights, read_state_dict

WAYS: dict[str, tuple[Conversion, Compensation]] = {
    "statistics": ("weight-standardized", "statistics"),
    "affine": ("weight-standardized", "affine"),
    "folded": ("folded", "statistics"),
}
NETWORKS: tuple[str, ...] = (
    "cifar_resnet20",
    "resnet18",
    "resnet34",
    "resnet50",
    "mobilenetv2_100",
    "densenet121",
    "efficientnet_b0",
    "convnext_tiny",
)
SIDE = 64
ARMS: dict[str, tuple[str, ...]] = {
    "unconverted": (),
    "statistics": ("model.convert=weight-standardized", "model.compensate=statistics"),
    "affine": ("model.convert=weight-standardized", "model.compensate=affine"),
}
DATA: dict[str, tuple[str, str, tuple[str, ...]]] = {
    # data set: preset, its metric, what it needs
    "cifar10_test500": (
        "folder-classify",
        "accuracy",
        ("data.val_fraction=0.4", "model.head=keep", "task.label_smoothing=0", "optim.lr=0.01"),
    ),
    "flickr1k": ("voc-multilabel", "map", ("model.head=replace", "optim.lr=0.02")),
}
SETTINGS = (
    "model.name=cifar_resnet20",
    "model.pretrained=false",
    "data.image_size=32",
    "data.resize=squash",
    "data.augment.crop=null",
    "data.normalize=imagenet",
    "data.holdout=0",
    "loader.batch_size=32",
    "loader.workers=0",
    "optim.name=sgd",
    "optim.schedule=cosine",
    "optim.warmup_epochs=0",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("outputs", "training"))
    parser.add_argument("root", type=Path, help="holds weights and data")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, from 0")
    parser.add_argument("--data", nargs="*", choices=tuple(DATA), default=tuple(DATA))
    parser.add_argument("--networks", nargs="*", default=NETWORKS, help="of the first table; none: the second alone")
    parser.add_argument("--limit", type=int, help="batches of an epoch, to try it")
    given = parser.parse_args()
    weights = given.root / "weights" / "resnet20_cifar10.safetensors"
    if given.part == "outputs":
        random_networks(given.networks)
        published_network(weights, given.root / "cifar10_test500")
        return
    for name in given.data:
        more = () if given.limit is None else (f"trainer.limit_batches={given.limit}",)
        training(name, given.root, (f"model.weights={weights}", *more), epochs=given.epochs, seeds=given.seeds)


@torch.no_grad()
def random_networks(names: Sequence[str]) -> None:
    """The first table."""
    print("| network | converted | refused | float32 itself | statistics | affine | folded | float64, the largest |")
    print("|---|---|---|---|---|---|---|---|")
    for name in names:
        network = fitted(name)
        exact, images = deepcopy(network).double(), torch.randn(8, 3, SIDE, SIDE)
        before, wide = network(images), exact(images.double())
        try:
            made = {way: converted(network, way, name) for way in WAYS}
        except ConfigError as error:
            print(f"| {name} | 0 | all: {str(error).splitlines()[1].strip()}, and so on | | | | | |", flush=True)
            continue
        apart = {way: relative(each.network(images), before) for way, each in made.items()}
        most = max(relative(converted(exact, way, name).network(images.double()), wide) for way in WAYS)
        counts = f"{len(made['folded'].converted)} | {len(made['folded'].refused)}"
        cells = " | ".join(f"{value:.1e}" for value in (relative(before, wide), *apart.values(), most))
        print(f"| {name} | {counts} | {cells} |", flush=True)
    print()


def fitted(name: str) -> nn.Module:
    """Random weights, and BatchNorms that fit them about as well as those of a trained network do."""
    torch.manual_seed(0)
    network = build(name, classes=10, image_size=SIDE)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 1.0)
        nn.init.normal_(norm.bias, 0.0, 0.2)
        norm.momentum = None  # the mean of all batches
    for _ in range(2):
        network.train()(torch.randn(16, 3, SIDE, SIDE))
    for norm in norms:
        mean, variance = norm.running_mean, norm.running_var
        assert mean is not None
        assert variance is not None
        mean += 0.1 * variance.sqrt() * torch.randn_like(mean)
        variance *= torch.empty_like(variance).uniform_(0.75, 1.75)
    return network.eval()


def converted(network: nn.Module, way: str, name: str) -> Converted:
    to, compensate = WAYS[way]
    image = torch.zeros(1, 3, SIDE, SIDE, dtype=next(network.parameters()).dtype)
    return convert(network, image, to=to, compensate=compensate, name=name)


def relative(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected.double()).norm() / expected.double().norm())


@torch.no_grad()
def published_network(weights: Path, root: Path) -> None:
    """The second table."""
    network = build("cifar_resnet20", classes=10, image_size=32).eval()
    load_weights(network, read_state_dict(weights), source=str(weights), keep_head=True)
    images, targets = photographs(root)
    before, batches = network(images), torch.split(images, 100)
    in_training = [deepcopy(network).train()(batch) for batch in batches]
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    few = sum(int((norm.running_var < 10 * norm.eps).sum()) for norm in norms if norm.running_var is not None)
    filters = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    n = torch.cat([StandardizedConv2d.of(each).divisors() for each in filters]).sort().values
    print(f"{len(n)} filters, n from {n[0]:.4f} over {n.median():.3f} (median) to {n[-1]:.3f}; {few} channels have a")
    print("running variance below ten times eps\n")
    print("| 500 photographs | same answer | right | evaluation, relative | largest | training mode, relative |")
    print("|---|---|---|---|---|---|")
    right = int((before.argmax(dim=1) == targets).sum())
    print(f"| unconverted | 500 | {right} | | | |")
    for way in WAYS:
        made = converted(network, way, "cifar_resnet20").network
        after = made(images)
        same = int((after.argmax(dim=1) == before.argmax(dim=1)).sum())
        right = int((after.argmax(dim=1) == targets).sum())
        trained = torch.cat([deepcopy(made).train()(batch) for batch in batches])
        moved = relative(trained, torch.cat(in_training))
        largest = float((after - before).abs().max())
        print(f"| {way} | {same} | {right} | {relative(after, before):.1e} | {largest:.1e} | {moved:.1e} |", flush=True)


def photographs(root: Path) -> tuple[Tensor, Tensor]:
    """(N, 3, 32, 32) normalised images of a tree of classes, and (N,) positions of their classes."""
    listing = folder.read(root, ".", classes=None)
    transform = evaluation_transform(32, resize="squash", crop_share=1.0, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    images = torch.stack([transform(read_rgb(listing.root / name)) for name in listing.images])
    return images, torch.from_numpy(listing.targets)


def training(name: str, root: Path, settings: Sequence[str], *, epochs: int, seeds: int) -> None:
    """A table of one data set: a row a way, a column an epoch, beginning with the untrained network."""
    preset, metric, needed = DATA[name]
    titles = " | ".join(["before", *(f"epoch {epoch}" for epoch in range(1, epochs + 1))])
    print(f"| {name}, {metric} | {titles} |\n|---|{'---|' * (epochs + 1)}")
    with tempfile.TemporaryDirectory(prefix="saccade-surgery-") as runs:
        for arm, conversion in ARMS.items():
            curves = []
            for seed in range(seeds):
                given = [f"data.root={root / name}", *SETTINGS, *needed, *conversion, *settings, f"seed={seed}"]
                untrained = saccade.train(preset, *given, "trainer.max_epochs=0", runs=runs)
                trained = saccade.train(preset, *given, f"trainer.max_epochs={epochs}", runs=runs)
                first = untrained.evaluation("val").metrics()["metrics"][metric]
                curves.append([first, *(row["val"][metric] for row in trained.epochs())])
            cells = [spread(values) for values in zip(*curves, strict=True)]
            print(f"| {arm} | {' | '.join(cells)} |", flush=True)
    print()


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation (of a sample) as ``0.812 ± 0.031``."""
    mean = f"{statistics.fmean(values):.3f}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):.3f}"


if __name__ == "__main__":
    main()
