"""The segmentation networks on CamVid from random weights, each for the same time, several seeds.

    python bench/segment_networks.py DATA/camvid_voc

Every arm is the preset camvid-own with another network. Scores the 101 validation images once, at 480x360. Without
--threads a training uses the whole machine: leave it alone meanwhile. What was measured is kept in --keep, and a second
call with the same folder goes on from there. The table goes to stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import torch

import saccade

ARMS: dict[str, tuple[str, ...]] = {
    "glance, width 32": (),
    "fcn_basic": ("model.name=fcn_basic", "model.width=null"),
    "unet, depth 4, width 16": ("model.name=unet", "model.depth=4", "model.width=16"),
    "fcn on resnet18": ("model.name=fcn", "model.encoder=resnet18", "model.width=null"),
    "smp_unet on resnet18": ("model.name=smp_unet", "model.encoder=resnet18", "model.width=null"),
    "smp_deeplabv3plus on resnet18": ("model.name=smp_deeplabv3plus", "model.encoder=resnet18", "model.width=null"),
}
"""What each arm changes of the preset."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="CamVid in the VOC layout")
    parser.add_argument("--time", default="30min", help="for each training, as trainer.max_time")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="*", choices=ARMS, default=list(ARMS), help="only these")
    parser.add_argument("--threads", type=int, help="of torch, to run two of these on two cores side by side")
    parser.add_argument("--keep", type=Path, help="folder in which what was measured is kept")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    with tempfile.TemporaryDirectory(prefix="saccade-segment-") as folder:
        for seed in given.seeds:
            for arm in given.arms:
                measured(arm, seed, given.root, given.time, given.keep or Path(folder))
        print(f"| network | weights | mean IoU, {given.time} | each seed | pixel accuracy | epochs |")
        print("|---|---|---|---|---|---|")
        for arm in given.arms:
            rows = [measured(arm, seed, given.root, given.time, given.keep or Path(folder)) for seed in given.seeds]
            print(line(arm, rows))


def line(arm: str, rows: list[dict[str, float]]) -> str:
    """A row of the table: means over the seeds, the standard deviation between them, and each of them."""
    ious = [row["miou"] for row in rows]
    spread = f" ± {statistics.stdev(ious):.3f}" if len(ious) > 1 else ""
    accuracy = statistics.mean(row["pixel_accuracy"] for row in rows)
    epochs = statistics.mean(row["epochs"] for row in rows)
    each = ", ".join(f"{iou:.3f}" for iou in ious)
    return (
        f"| {arm} | {rows[0]['parameters'] / 1e6:.2f} M | {statistics.mean(ious):.3f}{spread} | {each} | "
        f"{accuracy:.3f} | {epochs:.0f} |"
    )


def measured(arm: str, seed: int, root: Path, time: str, keep: Path) -> dict[str, float]:
    """One training and its numbers on the validation split; from the file where it was measured before."""
    file = keep / f"{arm.replace(' ', '-').replace(',', '')}-{time}-{seed}.json"
    if not file.is_file():
        settings = [f"data.root={root}", f"trainer.max_time={time}", *ARMS[arm], f"seed={seed}"]
        run = saccade.train("camvid-own", *settings, runs=keep / "runs")
        numbers = {
            **run.evaluation("val").metrics()["metrics"],
            "parameters": run.environment()["model"]["parameters"],
            "epochs": len(run.epochs()),
        }
        file.write_text(json.dumps(numbers, indent=2), encoding="utf-8")
    found: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    main()
