"""How long occlusion takes beside the forward passes that it needs, and how well heat finds the objects of scenes.

    .venv/bin/python bench/explain.py [folder]

Trains ``scenes-multilabel`` for ten epochs on 1,000 scenes in ``folder`` (or in a temporary one) unless one is there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import saccade
from saccade.commands.opening import config_of
from saccade.commands.subject import subject_of
from saccade.data.scenes import draw_scene
from saccade.engine import trainer
from saccade.engine.evaluation import without_weights
from saccade.explain.occlusion import occlusion, patch_for
from saccade.explain.subject import Subject
from saccade.explain.untouched import untouched
from saccade.runs import Run

SCENES = 100
ROUNDS = 30
SETTINGS = ["data.scenes.train=1000", "data.scenes.val=64", "trainer.max_epochs=10", "trainer.accelerator=cpu"]


def main() -> None:
    """Print both."""
    with TemporaryDirectory() as spare:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else spare)
        made = sorted(folder.glob("scenes-multilabel/*/checkpoints/best.ckpt"))
        data = f"data.root={folder / 'data'}"
        run: Run = (
            saccade.Run.open(made[-1].parents[1])
            if made
            else saccade.train("scenes-multilabel", data, *SETTINGS, runs=folder)
        )
        task, network = trainer.build_task(without_weights(config_of(run)))
        trainer.load_network(task, network, run.checkpoints / "best.ckpt")
        with untouched(network):
            speed(subject_of(task, network))
        for method in ("occlusion", "gradcam"):
            found = factors(run, folder, method)
            low, middle, high = np.quantile(found, (0.1, 0.5, 0.9))
            spread = f"{middle:.1f} (10 % below {low:.1f}, 10 % above {high:.1f})"
            print(f"{method}: share of heat in the mask over the mask's share {spread}, {len(found)} scenes")


def speed(subject: Subject) -> None:
    """Occlusion of an image against as many forward passes, in turn, so that what else runs slows both down."""
    image = torch.rand(1, 3, 64, 64)
    patch, grey = patch_for(64, 64, side=None, stride=None), subject.colour("grey")
    places, targets = len(patch.places(64, 64)), subject.targets(image, None)
    batches = torch.split(image.repeat(places, 1, 1, 1), subject.batch)

    @torch.no_grad()
    def forward() -> None:
        for batch in batches:
            subject.ask(batch)

    def occlude() -> None:
        occlusion(subject.probabilities(targets), image, patch, fill=grey, batch=subject.batch)

    pairs = np.array([(seconds(forward), seconds(occlude)) for _ in range(ROUNDS)])
    fastest, ratios = pairs.min(axis=0), pairs[:, 1] / pairs[:, 0]
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
    print(
        f"{places} places: forward {fastest[0]:.3f} s, occlusion {fastest[1]:.3f} s at best; of {ROUNDS} times in turn "
        f"{middle:.2f} times as long (a quarter below {low:.2f}, a quarter above {high:.2f})"
    )


def seconds(work: Callable[[], None]) -> float:
    """How long it takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def factors(run: Run, folder: Path, method: str) -> list[float]:
    """Of scenes with one object that is named first: the share of heat in its mask, over the share of its pixels."""
    found = []
    for index in range(SCENES):
        pixels, scene = draw_scene(77, index, size=64, split="test", max_objects=1)
        file = folder / "scene.png"
        Image.fromarray(pixels).save(file)
        explained = saccade.explain(run, [str(file)], method=method)
        if explained.found[0]["targets"][0]["name"] != scene.objects[0].shape:
            continue
        mask = scene.mask(0)
        heat = torch.from_numpy(np.load(explained.folder / explained.found[0]["numbers"]))[None]
        wide = F.interpolate(heat, size=mask.shape, mode="bilinear")[0, 0].clamp_min(0).numpy()
        found.append(float(wide[mask].sum() / wide.sum() / mask.mean()))
    return found


if __name__ == "__main__":
    main()
