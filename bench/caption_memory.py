"""The memory of a training step of the presets coco-caption-..., against 2.5 GB.

    python bench/caption_memory.py [--presets coco-caption-rnn ...] [--words 20 50] [--batch 128]

Random features and captions at full size: a vocabulary of 10,000, 10 boxes of 2048 numbers, every caption of the batch
as long as --words says, the preset's own batch unless --batch is given. In the second stage each image has five
captions, drawn from the network. With a GPU the peak is what torch.cuda.max_memory_allocated measures of the second
step.

Without one the step is taken on the CPU, and bytes are counted, not measured: weights, their gradients and the
optimiser's state; what the forward pass saves for the backward pass, each storage once; the batch; and as the peak the
most bytes that tensors held at any one time. A GPU's kernels may work in other ways and need room of their own, and
its driver takes some hundreds of MB in addition, which torch does not count either.
"""

from __future__ import annotations

import argparse
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from saccade.config import preset_names
from saccade.config.load import load
from saccade.config.schema import Config
from saccade.config.task_sections import CaptionTask
from saccade.data.captions import Captions
from saccade.data.listing import Listing
from saccade.data.paths import PathList
from saccade.data.vocabulary import END, SPECIAL, START
from saccade.engine.optimizer import build_optimizer
from saccade.samples import Batch
from saccade.tasks.caption import Caption

PRESETS = tuple(name for name in preset_names() if name.startswith("coco-caption-"))
SECOND_STAGE = ("coco-caption-updown", "coco-caption-transformer")
SECOND_BATCH = 16
"""Images, as the comments of these presets say."""
VOCABULARY, REGIONS, SIZE = 10_000, 10, 2048
REFERENCES = tuple(f"word{i} word{i + 1} word{i + 2}" for i in range(5))
LIMIT = 2.5e9
LATE = 1000
"""An epoch in which scheduled sampling has come to its largest probability."""


class Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Within the context, the bytes of all storages that are made and still there, and the most of them so far."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.most = 0
        self._seen: dict[int, weakref.ref[Any]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do the operation, and add what it made."""
        made = func(*args, **(kwargs or {}))
        known = {id(x.untyped_storage()) for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)}
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor) and id(tensor.untyped_storage()) not in known:
                self._add(tensor.untyped_storage())
        return made

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = id(storage), storage.nbytes()
        if key in self._seen:
            return

        def gone(_: Any) -> None:
            self.now -= size
            del self._seen[key]

        self._seen[key] = weakref.ref(storage, gone)
        self.now += size
        self.most = max(self.most, self.now)


def settled(preset: str, *overrides: str) -> Config:
    """The config of a preset as a training would have it, for data that is not there."""
    content = load(preset, overrides).model_dump()
    words = [*SPECIAL, *(f"word{i}" for i in range(VOCABULARY - len(SPECIAL)))]
    content["task"]["vocabulary"] = words
    content["data"]["features"]["shape"] = (REGIONS, SIZE)
    return Config.model_validate(content)


def in_second_stage(config: Config) -> Config:
    """Self-critical training after it, as the comments of its preset say."""
    content = config.model_dump()
    content["task"].update(loss="self_critical", scheduled_sampling=0.0, label_smoothing=0.0)
    content["model"].update(weights="first.ckpt", head="keep")  # never opened: what it holds weighs the same
    content["loader"]["batch_size"] = SECOND_BATCH
    return Config.model_validate(content)


def batch_of(images: int, words: int, device: torch.device) -> Batch:
    """Captions of ``words`` words each, their end not counted, with as many references as COCO has."""
    target = torch.randint(len(SPECIAL), VOCABULARY, (images, words + 2))
    target[:, 0], target[:, -1] = START, END
    image = torch.rand(images, REGIONS, SIZE)
    return Batch(torch.arange(images), image, target, references=(REFERENCES,) * images).to(device)


def listing_of(images: int) -> Listing:
    """The images of the batch as a training split."""
    captions = Captions.gathered(range(images), [REFERENCES] * images)
    names = PathList(f"{i}.jpg" for i in range(images))
    return Listing(Path(), names, np.zeros((images, 0), dtype=np.int8), (), captions=captions)


def bytes_of(tensors: Any) -> int:
    """Of all tensors, each storage once."""
    storages = {x.untyped_storage().data_ptr(): x.untyped_storage().nbytes() for x in tensors if isinstance(x, Tensor)}
    return sum(storages.values())


def state_of(optimizer: Optimizer) -> list[Tensor]:
    """The tensors that the optimiser keeps."""
    return [value for state in optimizer.state.values() for value in state.values()]


def step_of(task: Caption, network: nn.Module, batch: Batch, optimizer: Optimizer) -> Callable[[], None]:
    """A training step."""

    def step() -> None:
        optimizer.zero_grad()
        task.learn(network, batch, epoch=LATE).objective().backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def counted(first: Config, words: int, *, second: bool = False) -> tuple[int, int, int, int]:
    """Bytes of weights, gradients and state; of what is saved; of the batch; and at the peak."""
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = in_second_stage(first) if second else first
    network = Caption(first).model().to(device).train()
    batch, optimizer = batch_of(config.loader.batch_size, words, device), build_optimizer(network, config)
    saved: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    task = Caption(config)
    task.before_training({"train": listing_of(len(batch.index))})
    step = step_of(task, network, batch, optimizer)
    with saved_tensors_hooks(pack, lambda tensor: tensor):
        step()
    own = [*network.parameters(), *network.buffers()]
    for tensor in (*own, batch.image, batch.target):
        saved.pop(tensor.untyped_storage().data_ptr(), None)
    kept = bytes_of([*own, *state_of(optimizer)])
    gradients = bytes_of(p.grad for p in network.parameters())
    inputs = bytes_of((batch.image, batch.target))
    optimizer.zero_grad()
    peak = measured(step) if device.type == "cuda" else kept + inputs + live(step)
    return kept + gradients, sum(saved.values()), inputs, peak


def live(step: Callable[[], None]) -> int:
    """The most bytes that what a step makes holds at a time."""
    mode = Live()
    with mode:
        step()
    return mode.most


def measured(step: Callable[[], None]) -> int:
    """The most bytes of the GPU that tensors hold in a step, among them those that were there before."""
    torch.cuda.reset_peak_memory_stats()
    step()
    peak: int = torch.cuda.max_memory_allocated()
    return peak


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--presets", nargs="*", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--words", type=int, nargs="*", default=[20, 50], help="of each caption")
    parser.add_argument("--batch", type=int, help="images, instead of the preset's own number")
    given = parser.parse_args()
    there = torch.cuda.is_available()
    print("measured by torch.cuda.max_memory_allocated" if there else "no GPU here: bytes are counted, not measured")
    print("| preset | images | words | weights, gradients, state | saved | batch | peak | of 2.5 GB |")
    print("|---|---|---|---|---|---|---|---|")
    for preset in given.presets:
        config = settled(preset, *([f"loader.batch_size={given.batch}"] if given.batch else []))
        for words in given.words:
            line(preset, config.loader.batch_size, words, counted(config, words))
    for preset in given.presets:
        if preset in SECOND_STAGE:
            config = settled(preset)
            assert isinstance(config.task, CaptionTask)
            words = config.task.max_length
            line(f"{preset}, second stage", SECOND_BATCH, words, counted(config, words, second=True))


def line(name: str, images: int, words: int, found: tuple[int, int, int, int]) -> None:
    """A row of the table, in GB of 10^9 bytes."""
    cells = " | ".join(f"{size / 1e9:.2f}" for size in found)
    print(f"| {name} | {images} | {words} | {cells} | {found[3] / LIMIT:.2f} |", flush=True)


if __name__ == "__main__":
    main()
