"""Transfer from CIFAR-10 to photographs of dogs and cats, beside random weights: mean and spread over seeds.

    python bench/transfer.py DATA DATA/weights/resnet20_cifar10.safetensors

Trains a CIFAR-10 ResNet-20 at 32 pixels on dogs and on cats_dogs: from published weights with everything learning, from
published weights with everything frozen but the new head, and from random weights. All have the same settings but for
those (a head alone learns at a higher rate); the seed draws the holdout, the head (or all weights), the order and the
random changes of the images. The numbers are those of the validation split, which chooses nothing. The table goes to
stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import saccade

DATA = {
    # data set: preset, its headline, what it needs at 32 pixels
    "dogs": ("folder-classify", "accuracy", ("task.label_smoothing=0",)),
    "cats_dogs": ("cats-dogs", "positive_ap", ("task.class_weights=balanced",)),
}
HEAD_RATE = "optim.lr=2e-2"  # a linear layer by itself bears, and needs, a higher rate than a network
UNCHANGED = ("data.augment.crop=null", "data.augment.flip=0")
SETTINGS = (
    "model.name=cifar_resnet20",
    "model.pretrained=false",
    "data.image_size=32",
    "data.resize=squash",
    "data.augment.crop=[0.5,1.0]",
    "data.normalize=imagenet",
    "loader.batch_size=32",
    "loader.workers=0",
    "optim.name=adamw",
    "optim.lr=1e-3",
    "optim.schedule=cosine",
    "optim.warmup_epochs=1",
    "trainer.max_epochs=15",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="holds the folders dogs and cats_dogs")
    parser.add_argument("weights", type=Path, help="weights of the CIFAR-10 ResNet-20")
    parser.add_argument("--seeds", type=int, default=5, help="number of seeds, from 0")
    parser.add_argument("--arms", nargs="*", help="only the rows of these names")
    given = parser.parse_args()
    published = f"model.weights={given.weights}"
    frozen = (published, "model.freeze=backbone", HEAD_RATE)
    arms = {
        "published weights, everything learns": (published,),
        "published weights, the head alone learns": frozen,
        "the same, without random changes (features computed once)": (*frozen, *UNCHANGED),
        "random weights": (),
    }
    arms = {name: settings for name, settings in arms.items() if not given.arms or name in given.arms}
    print("| | dogs, accuracy | cats and dogs, AP of dog |\n|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="saccade-transfer-") as folder:
        for arm, settings in arms.items():
            cells = [
                spread(
                    [
                        measured(name, given.root, [*settings, f"seed={seed}"], Path(folder))
                        for seed in range(given.seeds)
                    ]
                )
                for name in DATA
            ]
            print(f"| {arm} | {' | '.join(cells)} |", flush=True)


def measured(name: str, root: Path, settings: Sequence[str], runs: Path) -> float:
    """The headline of one training on its validation split."""
    preset, headline, needed = DATA[name]
    run = saccade.train(preset, f"data.root={root / name}", *SETTINGS, *needed, *settings, runs=runs)
    value: float = run.evaluation("val").metrics()["metrics"][headline]
    return value


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation (of a sample) as ``0.812 ± 0.031``."""
    mean = f"{statistics.fmean(values):.3f}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):.3f}"


if __name__ == "__main__":
    main()
