"""The filters of a network while it learns: a picture at the start of every N-th epoch, and at the end an animation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from PIL import Image
from torch import nn

from saccade.console import is_main_process
from saccade.explain import filters
from saccade.explain.layers import evenly
from saccade.explain.pictures import Panel, Picture, panels
from saccade.files import written_aside

LAYERS = 4
"""Convolutions that a picture shows: the first, the last, and others evenly between them."""
TOP = 12
"""Kernels and channels of each; of the first layer four times as many."""
SIDE = 240
"""Pixels that the grid of a layer is about wide or high."""
FRAMES = 60
"""Pictures that the animation has at most: the first, the last, and others evenly between them."""
MILLISECONDS = 400
"""That each picture of the animation stays."""


@contextmanager
def filmed_filters(folder: Path, network: nn.Module, *, every: int) -> Iterator[Callable[[int], None] | None]:
    """What to call with the number of each epoch, counted from 1, when it starts; None where nothing is drawn.

    It writes ``epoch-001.png`` and so on into ``folder``; when the block ends, also by an error, ``epochs.png``, an
    animation of them.

    Args:
        folder: of the pictures.
        network: as it is trained.
        every: draw the first epoch, and then every so many; 0 draws nothing.
    """
    if not every or not filters.convolutions(network):
        yield None
        return

    def draw(epoch: int) -> None:
        if (epoch - 1) % every == 0 and is_main_process():
            with written_aside(folder / f"epoch-{epoch:03d}.png") as aside:
                Image.fromarray(epoch_picture(network, f"start of epoch {epoch}")).save(aside, format="PNG")

    try:
        yield draw
    finally:
        if is_main_process():
            animate(folder)


@torch.no_grad()
def epoch_picture(network: nn.Module, title: str) -> Picture:
    """Some of the filters of some of the convolutions; of a size that does not change while the network learns."""
    layers = filters.convolutions(network)
    first, rows = next(iter(layers)), []
    for name in evenly(list(layers), LAYERS):
        weights = filters.kernels(layers[name])
        top = 4 * TOP if name == first else TOP
        # the same ones in each epoch, and not the largest of each
        found = filters.sheet(weights[:top, :top], first=name == first, top=top, side=SIDE)
        rows.append(Panel(found.picture, filters.told(name, weights, top=top), scale=found.scale))
    return panels([rows[:2], rows[2:]] if len(rows) > 2 else [rows], title=title)


def animate(folder: Path) -> None:
    """``epochs.png`` (APNG, which browsers play, without loss) of ``epoch-*.png``, if there are two or more."""
    frames = []
    # by number: epoch-1000 comes after epoch-999
    paths = sorted(folder.glob("epoch-*.png"), key=lambda path: (len(path.name), path.name))
    for path in evenly(paths, FRAMES):
        with Image.open(path) as image:
            frames.append(image.convert("RGB"))
    alike = [frame for frame in frames if frame.size == frames[0].size]
    if len(alike) > 1:
        with written_aside(folder / "epochs.png") as aside:
            alike[0].save(aside, format="PNG", save_all=True, append_images=alike[1:], duration=MILLISECONDS, loop=0)
