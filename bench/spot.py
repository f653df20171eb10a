"""How many images a second a trained network finds and reads words in, and what the time goes to.

    python bench/spot.py runs/scenes-spot/001 [--images 100] [--rounds 5] [--threads 1] [--device cpu] [key=value ...]

Images of the run's validation split, one at a time, read before anything is measured. Parts of an image's time:
network (convolutions and heads), restore (from cells to quads), NMS (locality-aware, compiled), reading (RoIRotate, the
reader, greedy CTC or the words of task.lexicon), and the rest, such as the mean score inside each quad. Rounds go
through all images; printed are the median over the rounds, and the share of each part within its round.

Only of a trained network do the shares say anything: one with random weights finds text nowhere, or everywhere.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import nn

from saccade import quads
from saccade.commands.opening import config_of
from saccade.data.images import read_rgb
from saccade.decode import lanms, words
from saccade.engine import trainer
from saccade.engine.evaluation import checkpoint_path, split_of, without_weights
from saccade.runs import Run
from saccade.tasks.spot import Spot

PARTS = ("network", "restore", "NMS", "reading", "the rest")


class Parts:
    """Seconds of each part, added up."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.seconds = dict.fromkeys(PARTS, 0.0)

    def timed(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """``work``, whose time is added to ``part``."""

        @wraps(work)
        def measured(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            result = work(*args, **kwargs)
            self.wait()
            self.seconds[part] += time.perf_counter() - start
            return result

        return measured

    def wait(self) -> None:
        """Until the device has done all that it was told."""
        if self.device != "cpu":
            torch.cuda.synchronize()

    @contextmanager
    def watching(self, task: Spot) -> Any:
        """While inside, the steps of finding are measured."""
        with (
            mock.patch.object(words, "restore", self.timed("restore", quads.restore)),
            mock.patch.object(words, "lanms", self.timed("NMS", lanms.lanms)),
            mock.patch.object(task.finder, "read", self.timed("reading", task.finder.read)),
        ):
            yield


@torch.inference_mode()
def one_round(task: Spot, network: nn.Module, images: list[torch.Tensor], device: str) -> tuple[dict[str, float], int]:
    """Seconds of each part for all images, and how many words were found."""
    parts, found = Parts(device), 0
    see = parts.timed("network", network)
    with parts.watching(task):
        start = time.perf_counter()
        for image in images:
            found += len(task.finder(see(image), (1.0, 1.0)).texts[0])
        total = time.perf_counter() - start
    parts.seconds["the rest"] = total - sum(parts.seconds.values())
    return parts.seconds, found


def load(given: argparse.Namespace) -> tuple[Spot, nn.Module, list[torch.Tensor]]:
    """The task, its network, and images as it sees them."""
    run = Run.open(given.run)
    config = config_of(run, given.overrides)
    task, network = trainer.build_task(without_weights(config))
    assert isinstance(task, Spot), "the run is of another task"
    trainer.load_network(task, network, checkpoint_path(run, "best"))
    listing, see = split_of(run, config, "val"), task.transform()
    images = [
        see(read_rgb(listing.root / name)).unsqueeze(0).to(given.device) for name in listing.images[: given.images]
    ]
    return task, network.eval().to(given.device), images


def report(given: argparse.Namespace) -> None:
    """Measure and print."""
    task, network, images = load(given)
    one_round(task, network, images[:3], given.device)  # compiles what is compiled
    rounds = [one_round(task, network, images, given.device) for _ in range(given.rounds)]
    totals = [sum(seconds.values()) for seconds, _ in rounds]
    sizes = sorted({tuple(image.shape[2:]) for image in images})
    shown = " and ".join(
        f"{height} x {width}" for height, width in (sizes if len(sizes) < 3 else sizes[:: len(sizes) - 1])
    )
    print(f"{len(images)} images of {shown} pixels, {rounds[0][1] / len(images):.1f} words found in each")
    print(f"{len(images) / statistics.median(totals):.1f} images a second")
    for part in PARTS:
        share = statistics.median(seconds[part] / total for (seconds, _), total in zip(rounds, totals, strict=True))
        each = statistics.median(seconds[part] for seconds, _ in rounds) / len(images)
        print(f"{part:>10} {1000 * each:8.2f} ms {100 * share:6.1f} %")


def main() -> None:
    """Read the arguments, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="run folder of the task spot")
    parser.add_argument("overrides", nargs="*", help="such as task.lexicon=words.txt or data.longer_side=1280")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, help="of torch")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    report(given)


if __name__ == "__main__":
    main()
