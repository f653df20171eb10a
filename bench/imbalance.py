"""Ways to help a rare class, side by side, on 200 cats and 10 dogs: a table with mean and spread over seeds.

    python bench/imbalance.py DATA/cats_dogs DATA/weights/resnet20_cifar10.safetensors

Trains the preset cats-dogs at 32 pixels, from the weights of a CIFAR-10 ResNet-20 with all layers learning, once a seed
for each arm; the arms differ in one setting. The seed draws the holdout, the head, the order and the random changes of
the images. Everything is measured on the validation split, which chooses nothing. The table goes to stdout.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import saccade

ARMS: dict[str, tuple[str, ...]] = {
    "nothing": (),
    "loss weight 20 for dog": ("task.class_weights={dog: 20.0}",),
    "loss weights, balanced": ("task.class_weights=balanced",),
    "loss weights, effective number": ("task.class_weights=effective",),
    "balanced sampling": ("loader.sampler=balanced",),
    "focal loss": ("task.loss=focal",),
    "threshold from the holdout": ("task.threshold=holdout",),
}
COLUMNS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "positive_precision": "precision of dog",
    "positive_recall": "recall of dog",
    "positive_f1": "F1 of dog",
    "positive_ap": "AP of dog",
}
Numbers = Mapping[str, float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="holds train/cat, train/dog, val/cat, val/dog")
    parser.add_argument("weights", type=Path, help="weights of the CIFAR-10 ResNet-20")
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, from 0")
    parser.add_argument("--arms", nargs="*", choices=ARMS, default=list(ARMS), help="only these")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings for all arms")
    given = parser.parse_args()
    settings = [
        f"data.root={given.root}",
        "data.image_size=32",
        "model.name=cifar_resnet20",
        "model.pretrained=false",
        f"model.weights={given.weights}",
        "optim.lr=1e-3",
        "loader.workers=0",
        *given.set,
    ]
    with tempfile.TemporaryDirectory(prefix="saccade-imbalance-") as folder:
        found = {
            arm: [measured([*settings, *ARMS[arm], f"seed={seed}"], Path(folder)) for seed in range(given.seeds)]
            for arm in given.arms
        }
    print("\n".join(table(found)))


def measured(settings: Sequence[str], runs: Path) -> dict[str, float]:
    """The numbers of one training on its validation split, and the share of cats in it."""
    scored: dict[str, Any] = saccade.train("cats-dogs", *settings, runs=runs).evaluation("val").metrics()
    cats = scored["per_class"]["cat"]["n_positive"] / scored["n"]
    return {**{name: scored["metrics"][name] for name in COLUMNS}, "cats": cats}


def table(found: Mapping[str, Sequence[Numbers]]) -> list[str]:
    """The lines of a Markdown table: mean and standard deviation (of a sample) of each number over the seeds."""
    lines = ["| | " + " | ".join(COLUMNS.values()) + " |", "|---|" + "---|" * len(COLUMNS)]
    cats = next(iter(found.values()))[0]["cats"]
    always = {"accuracy": cats, "balanced_accuracy": 0.5, "positive_ap": 1 - cats}
    lines.append("| always saying cat | " + " | ".join(f"{always.get(name, 0.0):.3f}" for name in COLUMNS) + " |")
    for arm, runs in found.items():
        cells = (spread([numbers[name] for numbers in runs]) for name in COLUMNS)
        lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    return lines


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation as ``0.812 ± 0.031``; of one value the value."""
    mean = f"{statistics.fmean(values):.3f}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):.3f}"


if __name__ == "__main__":
    main()
