"""How long saccade takes to answer, and to reach its first optimiser step, as ratios to importing its libraries.

    python bench/startup.py

Each command is a process of its own; medians of several runs that take turns, so that a noisy machine disturbs all
alike.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MAIN = "import sys; from saccade.cli import main; sys.argv = ['saccade', *sys.argv[1:]]; main()"
# Ends the process right after the first optimiser step: what is measured is the way there. The process that it is
# compared with ends the same way, without the second that the interpreter takes to tidy up.
FIRST_STEP = (
    "import os, sys\n"
    "def stop(*_): os._exit(0)\n"
    "from torch.optim.optimizer import register_optimizer_step_post_hook\n"
    "register_optimizer_step_post_hook(stop)\n" + MAIN
)
SCENES = ["data.scenes.train=600", "data.scenes.val=100"]


def seconds(*command: str, cwd: Path | None = None) -> float:
    """Wall time of a Python process."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", *command], check=True, capture_output=True, cwd=cwd)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        cwd = Path(folder)
        subprocess.run(
            [sys.executable, "-c", MAIN, "data", "check", "scenes-multilabel", *SCENES],
            cwd=cwd,
            check=True,
            capture_output=True,
        )
        cases = {
            "import torch": ["import torch"],
            "import torch, lightning": ["import os, torch, lightning.pytorch; os._exit(0)"],
            "saccade --help": [MAIN, "--help"],
            "saccade presets": [MAIN, "presets"],
            "saccade config check": [MAIN, "config", "check", "scenes-multilabel"],
            "train small_cnn to its first step": [FIRST_STEP, "train", "scenes-multilabel", *SCENES],
            "train resnet18 to its first step": [
                FIRST_STEP,
                "train",
                "scenes-multilabel",
                "model.name=resnet18",
                *SCENES,
            ],
        }
        times: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(5):
            for name, command in cases.items():
                times[name].append(seconds(*command, cwd=cwd))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, value in medians.items():
        print(f"{name:<36} {value:6.2f} s")
    for name in ("saccade --help", "saccade presets", "saccade config check"):
        print(f"{name} / import torch: {medians[name] / medians['import torch']:.2f} (aim: at most 0.25)")
    for name in ("train small_cnn to its first step", "train resnet18 to its first step"):
        ratio = medians[name] / medians["import torch, lightning"]
        print(f"{name} / import torch and Lightning: {ratio:.2f} (aim: at most 1.5)")


if __name__ == "__main__":
    main()
