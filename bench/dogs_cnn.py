"""What separates the preset dogs-cnn from the bare recipe of the course: mean and spread over seeds.

    python bench/dogs_cnn.py DATA/dogs

Each arm has what the one before it has, and one thing more. The numbers are accuracies on the validation split, which
chooses nothing; the seconds are those of a whole `saccade.train`, scoring and report included. The table goes to
stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import saccade

BARE = {
    "data.augment.crop": "null",
    "data.augment.flip": "0",
    "data.augment.jitter": "0",
    "data.resize_crop": "1.0",
    "task.label_smoothing": "0",
    "optim.weight_decay": "0.001",
    "trainer.monitor": "metric",
    "trainer.max_epochs": "30",
}
STEPS = {
    "the bare recipe, 30 epochs": (),
    "+ random crops, flips and colours, 80 epochs": (
        "data.augment.crop",
        "data.augment.flip",
        "data.augment.jitter",
        "trainer.max_epochs",
    ),
    "+ label smoothing 0.1, weight decay 0.02": ("task.label_smoothing", "optim.weight_decay"),
    "+ the loss chooses the epoch": ("trainer.monitor",),
    "+ scored at the scale of the random crops: dogs-cnn": ("data.resize_crop",),
}
"""What each arm no longer has from ``BARE``."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="holds train/<breed>/* and val/<breed>/*")
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, from 0")
    parser.add_argument("--arms", nargs="*", type=int, default=list(range(len(STEPS))), help="only these, from 0")
    given = parser.parse_args()
    print("| | accuracy | seconds |\n|---|---|---|")
    left = dict(BARE)
    with tempfile.TemporaryDirectory(prefix="saccade-dogs-") as folder:
        for number, (arm, dropped) in enumerate(STEPS.items()):
            left = {key: value for key, value in left.items() if key not in dropped}
            if number not in given.arms:
                continue
            settings = [
                f"data.root={given.root}",
                "loader.workers=0",
                *(f"{key}={value}" for key, value in left.items()),
            ]
            values, seconds = [], []
            for seed in range(given.seeds):
                start = time.perf_counter()
                run = saccade.train("dogs-cnn", *settings, f"seed={seed}", runs=folder)
                seconds.append(time.perf_counter() - start)
                values.append(run.evaluation("val").metrics()["metrics"]["accuracy"])
            spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
            print(f"| {arm} | {statistics.fmean(values):.3f}{spread} | {statistics.median(seconds):.0f} |", flush=True)


if __name__ == "__main__":
    main()
