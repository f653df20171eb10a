"""A few minutes on this machine: the small presets beside a ResNet-18, from random weights, by the clock.

    python bench/budget.py ../shared/data

Trains each arm for the same time, one after the other, on dogs (accuracy) and flickr1k (mAP), once a seed, and scores
the validation split once. Leave the machine alone meanwhile. The table goes to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import saccade

DATA = {"dogs": ("small-classify", "accuracy"), "flickr1k": ("small-multilabel", "map")}
ARMS: dict[str, tuple[str, ...]] = {
    "the preset": (),
    "ResNet-18 at 128 pixels": (
        "model.name=resnet18",
        "data.image_size=128",
        "model.drop_rate=0",
        "optim.lr=2e-3",
        "optim.weight_decay=0.01",
        "data.augment.jitter=0",
    ),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="holds the folders dogs and flickr1k")
    parser.add_argument("--time", default="7min", help="for each training, as trainer.max_time")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds, from 0")
    parser.add_argument("--arms", nargs="*", choices=ARMS, default=list(ARMS), help="only these")
    parser.add_argument("--data", nargs="*", choices=DATA, default=list(DATA), help="only these")
    given = parser.parse_args()
    print("| | " + " | ".join(f"{name}, {DATA[name][1]}" for name in given.data) + " |")
    print("|---|" + "---|" * len(given.data))
    with tempfile.TemporaryDirectory(prefix="saccade-budget-") as folder:
        for arm in given.arms:
            cells = []
            for name in given.data:
                settings = [f"data.root={given.root / name}", f"trainer.max_time={given.time}", *ARMS[arm]]
                values = [measured(name, [*settings, f"seed={seed}"], Path(folder)) for seed in range(given.seeds)]
                cells.append(", ".join(values))
            print(f"| {arm} | {' | '.join(cells)} |", flush=True)


def measured(name: str, settings: Sequence[str], runs: Path) -> str:
    """The headline of one training on its validation split, and how many epochs it made."""
    preset, headline = DATA[name]
    run = saccade.train(preset, *settings, runs=runs)
    value = run.evaluation("val").metrics()["metrics"][headline]
    return f"{value:.3f} ({len(run.epochs())} epochs)"


if __name__ == "__main__":
    main()
