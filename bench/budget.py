"""A few minutes on this machine: the small presets, each without one of its choices, and a ResNet-18, by the clock.

    python bench/budget.py DATA

Trains each arm for the same time, one after the other, from random weights, on dogs (accuracy) and flickr1k (mAP), once
a seed, and scores the validation split once. Leave the machine alone meanwhile. The table goes to stdout, progress to
stderr.
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
    "images of 128 pixels": ("data.image_size=128",),
    "ResNet-18 instead of small_cnn": ("model.name=resnet18",),
    "no random changes of the images": ("data.augment.crop=null", "data.augment.flip=0", "data.augment.jitter=0"),
    "no dropout, smoothing, little weight decay": ("model.drop_rate=0", "optim.weight_decay=0.001"),
    "a constant rate": ("optim.schedule=constant", "optim.lr=1e-3"),
    "ResNet-18 at 128 pixels": (
        "model.name=resnet18",
        "data.image_size=128",
        "model.drop_rate=0",
        "optim.weight_decay=0.01",
        "data.augment.jitter=0",
    ),
}
"""What each arm changes of the preset."""
CLASSIFY_ALONE = {"no dropout, smoothing, little weight decay": ("task.label_smoothing=0",)}


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
                if name == "dogs":
                    settings += CLASSIFY_ALONE.get(arm, ())
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
