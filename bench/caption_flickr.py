"""Four networks on a few hundred photographs, and the same caption for every image.

    python bench/caption_flickr.py FLICKR WEIGHTS

Trains rnn, gru, lstm and attention on the 8 x 8 positions that a ResNet-20 of CIFAR-10 makes of each image, each for
as many epochs and once a seed, and scores the validation split once. The baseline says one caption for every image: of
all training captions the one with the highest CIDEr-D on the training images. The table goes to stdout, progress to
stderr.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev

import saccade
from saccade.data.coco_captions import read
from saccade.files import cache_folder
from saccade.metrics.captions.meteor import if_installed
from saccade.metrics.captions.scores import caption_scores
from saccade.metrics.captions.tokenizer import tokenize
from saccade.report.constant import constant_caption

NETWORKS = ("rnn", "gru", "lstm", "attention")
SHOWN = {"bleu4": "BLEU-4", "meteor": "METEOR", "cider": "CIDEr-D"}
SETTINGS = (
    "name=flickr",
    "data.train=train",
    "data.val=val",
    "data.holdout=0.1",
    "data.image_size=32",
    "data.resize=squash",
    "data.features.network=cifar_resnet20",
    "data.features.pretrained=false",
    "task.min_count=3",
    "task.max_length=20",
    "loader.batch_size=16",
    "loader.workers=0",
    "model.layers=null",
    "model.embedding=128",
    "model.hidden=256",
    "optim.lr=3e-3",
    "optim.weight_decay=0.05",
    "optim.schedule=onecycle",
    "trainer.monitor=loss",  # CIDEr-D of 70 images says little of an epoch
)
"""What is changed of ``coco-caption-...``: smaller layers, and other features."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="the folder of the data set, with captions in COCO's layout")
    parser.add_argument("weights", type=Path, help="of a ResNet-20 for CIFAR-10")
    parser.add_argument("--epochs", type=int, default=30, help="of each training")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, from 0")
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=NETWORKS, help="only these")
    given = parser.parse_args()
    print("| | " + " | ".join(SHOWN.values()) + " | different captions |\n|---|---|---|---|---|")
    caption, numbers = baseline(given.root)
    print(f'| "{caption}" | ' + " | ".join(f"{numbers[key]:.3f}" for key in SHOWN) + " | 1 |", flush=True)
    with tempfile.TemporaryDirectory(prefix="saccade-flickr-") as folder:
        settings = [
            f"data.root={given.root}",
            f"data.features.path={folder}/features",
            f"data.features.weights={given.weights.resolve()}",
            f"trainer.max_epochs={given.epochs}",
            *SETTINGS,
        ]
        for name in given.networks:
            runs = [(f"coco-caption-{name}", [*settings, f"seed={seed}"]) for seed in range(given.seeds)]
            found = [scored(preset, of_seed, Path(folder)) for preset, of_seed in runs]
            print(f"| {name} | " + " | ".join(told([each[key] for each in found]) for key in SHOWN), end=" | ")
            print(", ".join(f"{each['n']:.0f}" for each in found), "|", flush=True)


def baseline(root: Path) -> tuple[str, dict[str, float]]:
    """The one caption, and what it is worth on the validation images."""
    train, val = (read(root, split).captions for split in ("train", "val"))
    assert train is not None
    assert val is not None
    words, _ = constant_caption([[tokenize(text).split() for text in train.of(i)] for i in range(len(train))])
    caption = " ".join(map(str, words))
    references = [val.of(i) for i in range(len(val))]
    meteor = if_installed(cache_folder(), lambda _: None)
    return caption, caption_scores([caption] * len(val), references, meteor=meteor).metrics


def scored(preset: str, settings: Sequence[str], runs: Path) -> dict[str, float]:
    """The metrics of one training on the validation split, and ``n`` different captions."""
    evaluation = saccade.train(preset, *settings, runs=runs).evaluation("val")
    return {**evaluation.metrics()["metrics"], "n": evaluation.predictions()["caption"].n_unique()}


def told(values: Sequence[float]) -> str:
    """Mean and standard deviation over the seeds."""
    spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    return f"{mean(values):.3f}{spread}"


if __name__ == "__main__":
    main()
