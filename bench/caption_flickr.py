"""The four course networks on a few hundred photographs, from random weights, and the same caption for every image.

    python bench/caption_flickr.py ../shared/data/flickr1k

Trains rnn, gru, lstm and attention on images, each for the same time and once a seed, and scores the validation split
once. The baseline says one caption for every image: of all training captions the one with the highest CIDEr-D on the
training images. Leave the machine alone meanwhile. The table goes to stdout, progress to stderr.
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
    "data.format=coco",
    "data.image_size=96",
    "data.resize=squash",
    "data.normalize=imagenet",
    "data.augment.crop=[0.7, 1.0]",
    "data.scenes.train=1200",  # what the preset says of scenes means nothing here
    "data.scenes.size=64",
    "task.min_count=3",
    "task.max_length=20",
    "task.concepts=10",
    "model.embedding=300",
    "model.hidden=512",
    "optim.lr=1e-3",
    "optim.weight_decay=0.05",
    "model.backbone_lr=4",
)
"""What is changed of ``scenes-caption``, whose encoder is the smallest."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="the folder of the data set, with captions in COCO's layout")
    parser.add_argument("--time", default="3min", help="for each training, as trainer.max_time")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, from 0")
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=NETWORKS, help="only these")
    given = parser.parse_args()
    print("| | " + " | ".join(SHOWN.values()) + " | different captions |\n|---|---|---|---|---|")
    caption, numbers = baseline(given.root)
    print(f'| "{caption}" | ' + " | ".join(f"{numbers[key]:.3f}" for key in SHOWN) + " | 1 |", flush=True)
    with tempfile.TemporaryDirectory(prefix="saccade-flickr-") as folder:
        for name in given.networks:
            settings = [f"data.root={given.root}", f"trainer.max_time={given.time}", f"model.name={name}", *SETTINGS]
            found = [scored([*settings, f"seed={seed}"], Path(folder)) for seed in range(given.seeds)]
            print(f"| {name} | " + " | ".join(told([each[key] for each in found]) for key in (*SHOWN, "n")) + " |")


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


def scored(settings: Sequence[str], runs: Path) -> dict[str, float]:
    """The metrics of one training on the validation split, and ``n`` different captions."""
    evaluation = saccade.train("scenes-caption", *settings, runs=runs).evaluation("val")
    return {**evaluation.metrics()["metrics"], "n": evaluation.predictions()["caption"].n_unique()}


def told(values: Sequence[float]) -> str:
    """Mean and standard deviation over the seeds."""
    digits = 0 if values[0] > 10 else 3
    spread = f" +- {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"


if __name__ == "__main__":
    main()
