"""The memory of a training step of the network that finds and reads words, against 12 GB.

    python bench/spot_memory.py [--encoder resnet50] [--side 640] [--batch 8] [--words 16] [--columns 128] [--finds]

Adam in float32; the score by hard examples, the boxes by the hardest and some others, and as many words in each image
as --words says, all of --columns columns, which is as wide as a word may be: of words in photographs 99 % are narrower
than half of that. --finds leaves out the reading. With a GPU the peak is what torch.cuda.max_memory_allocated measures
of the second step.

Without one, bytes are counted, not measured: the convolutions run on the meta device, which computes nothing, and the
reading on the CPU. Counted are weights, their gradients and the optimiser's state; what the forward pass saves for the
backward pass, each storage once; and as the peak the most bytes that tensors held at any one time. A GPU's kernels may
work in other ways and need room of their own, and its driver takes some hundreds of MB in addition, which torch does
not count either.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.optim import Optimizer

from caption_memory import live, measured, state_of
from saccade.losses import spot
from saccade.nn.spot_network import SpotNetwork, Spotted

ALPHABET = 68
LETTERS = 8
"""Of each word."""
LIMIT = 12e9


class OnCPU(torch.autograd.Function):
    """Numbers for a tensor of the meta device, which has none; its gradient has none either."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Zeros."""
        return torch.zeros(x.shape, dtype=x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """A gradient of the same size."""
        return gradient.to("meta")


def step_of(
    network: SpotNetwork, image: Tensor, optimizer: Optimizer, *, words: int, columns: int
) -> Callable[[], None]:
    """A training step."""
    images, side = len(image), image.shape[2]
    target = torch.zeros(images, 7, -(-side // 4), -(-side // 4), device=image.device)
    quad = torch.tensor([[0.0, 0.0], [columns, 0.0], [columns, 8.0], [0.0, 8.0]])
    quads = [quad.expand(words, 4, 2) + side / 4] * images
    labels = torch.arange(images * words * LETTERS) % ALPHABET + 1
    lengths, counts = torch.full((images * words,), LETTERS), torch.full((images,), words)
    generator = torch.Generator()

    def step() -> None:
        optimizer.zero_grad()
        said = network(image)
        score, care = target[:, :1], target[:, 1:2]
        losses = [
            spot.hard_cross_entropy(said.score_logits, score, care, generator=generator).mean(),
            spot.geometry(said.rbox, target[:, 2:], score > 0, generator=generator).mean(),
        ]
        if network.reader is not None:
            features = OnCPU.apply(said.features) if image.is_meta else said.features
            log_probs, widths = Spotted(features, said.score_logits, said.rbox, said.reader).read(quads)
            losses.append(spot.ctc(log_probs, widths, labels, lengths, counts).mean())
        torch.autograd.backward(losses)
        optimizer.step()

    return step


def counted(encoder: str, side: int, batch: int, *, words: int, columns: int, reads: bool) -> tuple[int, int, int]:
    """Bytes of weights, gradients and state; of what is saved; and at the peak."""
    device = torch.device("cuda" if torch.cuda.is_available() else "meta")
    with device:
        network = SpotNetwork(encoder, reach=side, alphabet=ALPHABET if reads else None).train()
    if device.type == "meta" and network.reader is not None:
        network.reader.to_empty(device="cpu")
        for p in network.reader.parameters():
            torch.nn.init.zeros_(p)
    network.to(memory_format=torch.channels_last)
    image = torch.rand(batch, 3, side, side, device=device).contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), foreach=False)
    step = step_of(network, image, optimizer, words=words, columns=columns)
    saved: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        saved[storage._cdata] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        step()
    own = [*network.parameters(), *network.buffers()]
    for tensor in (*own, image):
        saved.pop(tensor.untyped_storage()._cdata, None)
    kept = weight([*own, *state_of(optimizer)])
    gradients = weight(p.grad for p in network.parameters())
    optimizer.zero_grad()
    peak = measured(step) if device.type == "cuda" else kept + weight([image]) + live(step)
    return kept + gradients, sum(saved.values()), peak


def weight(tensors: Iterable[Any]) -> int:
    """Bytes of tensors that share nothing."""
    return sum(x.untyped_storage().nbytes() for x in tensors if isinstance(x, Tensor))


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", nargs="*", default=["resnet50"], help="small_spot, or timm's backbones")
    parser.add_argument("--side", type=int, default=640, help="of the images, in pixels")
    parser.add_argument("--batch", type=int, default=8, help="images")
    parser.add_argument("--words", type=int, default=16, help="of each image")
    parser.add_argument("--columns", type=int, default=128, help="of each word")
    parser.add_argument("--finds", action="store_true", help="no words are read")
    given = parser.parse_args()
    there = torch.cuda.is_available()
    print("measured by torch.cuda.max_memory_allocated" if there else "no GPU here: bytes are counted, not measured")
    print("| encoder | images | words | weights, gradients, state | saved | peak | of 12 GB |")
    print("|---|---|---|---|---|---|---|")
    for encoder in given.encoder:
        settings = {"words": given.words, "columns": given.columns, "reads": not given.finds}
        found = counted(encoder, given.side, given.batch, **settings)
        cells = " | ".join(f"{size / 1e9:.2f}" for size in found)
        words = 0 if given.finds else given.batch * given.words
        print(f"| {encoder} | {given.batch} of {given.side} | {words} | {cells} | {found[2] / LIMIT:.2f} |", flush=True)


if __name__ == "__main__":
    main()
