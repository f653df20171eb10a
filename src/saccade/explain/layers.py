"""The layers of a network by name, and the maps that they make.

Letters: B images, C channels, H x W pixels, (h, w) places of a map.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from saccade.errors import ConfigError
from saccade.nn.padded import Padded
from saccade.nn.spot_network import STRIDES, SpotNetwork

MOST = 8
"""Layers that are taken where none is named."""

T = TypeVar("T")


class Map(NamedTuple):
    """What a layer gives of one image."""

    channels: int
    height: int
    width: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width


def named_layers(
    network: nn.Module, names: Sequence[str], kinds: tuple[type[nn.Module], ...] = (nn.Module,)
) -> dict[str, nn.Module]:
    """The layers of these dotted names; ``kinds``: of these classes alone.

    Raises:
        ConfigError: no such layer; the nearest names are told.
    """
    known = {name: module for name, module in network.named_modules() if name and isinstance(module, kinds)}
    for name in names:
        if name in known:
            continue
        # summary draws a tree, of which someone may take the last level alone
        near = [path for path in known if path.endswith(f".{name}")][:3]
        near = near or difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there is {', '.join(list(known)[:8])}, for example"
        what = "layer" if kinds == (nn.Module,) else "convolution"
        raise ConfigError(f"--layer: no {what} is called {name!r}; {hint}")
    return {name: known[name] for name in names}


def copied(output: Any) -> Any:
    """What a layer gave, as it is now: a ReLU that follows may write over it."""
    return output.detach().clone() if isinstance(output, Tensor) else output


def shaped(output: Any) -> tuple[int, ...]:
    """The shape of what a layer gave; of what is no tensor, none."""
    return tuple(output.shape) if isinstance(output, Tensor) else ()


@contextmanager
def listening(layers: Mapping[str, nn.Module], kept: Callable[[Any], Any] = copied) -> Iterator[dict[str, Any]]:
    """What each layer gives, by name, in the order in which they finish, filled in when the network runs.

    Of a layer that runs several times, the last.

    Args:
        layers: by name.
        kept: what is kept of what a layer gives.
    """
    found: dict[str, Any] = {}

    def keep(name: str, module: nn.Module, args: Any, output: Any) -> None:
        found.pop(name, None)  # so that it stands in the order of its last run
        found[name] = kept(output)

    handles = [layer.register_forward_hook(partial(keep, name)) for name, layer in layers.items()]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def maps(network: nn.Module, ask: Callable[[Tensor], Any], image: Tensor) -> dict[str, Map]:
    """Layers that give a map of the image, with its size, in the order in which they finish.

    Args:
        network: has the layers.
        ask: runs it.
        image: (1, 3, H, W).
    """
    inside = {name: module for name, module in network.named_modules() if name}
    # shapes alone: all maps of a large image together would be gigabytes
    with listening(inside, shaped) as found:
        ask(image)
    covered = canvas(network, (image.shape[2], image.shape[3]))
    return {name: Map(*shape[1:]) for name, shape in found.items() if is_map(shape, covered)}


def is_map(shape: Sequence[int], covered: tuple[int, int]) -> bool:
    """Whether a shape is (B, C, h, w) of more than one place, laid out as the height and width that it covers.

    Maps with channels last, or of attention, are none: their sides do not go together with those of the image. The
    shorter side may be a cell more or less than the longer one says. The other way round an image four times as wide
    as high would make four cells of one that was rounded up.
    """
    if len(shape) != 4 or shape[2] * shape[3] < 2:
        return False
    (height, width), (h, w) = covered, shape[2:]
    return abs(h - w * height / width) <= 1 or abs(w - h * width / height) <= 1


def last_map(network: nn.Module, found: Mapping[str, Map], *, dense: bool) -> str:
    """The layer whose map Grad-CAM is of, where none is named.

    The last map before the network pools all places; where its answer is itself a map (``dense``), which the last map
    would merely repeat, the last of those with the most channels: the bottom of a U, or the end of an encoder.

    Raises:
        ConfigError: the network has no map, or none but that of the patches that it goes on to compare as words.
    """
    if not found or _is_transformer(network):
        what = "of the image but that of its patches" if found else "of the image"
        raise ConfigError(
            f"--method: gradcam weighs the channels of a map, and no layer of this network gives a map {what}; use "
            "occlusion or integrated-gradients, or name a layer with --layer"
        )
    most = max(each.channels for each in found.values()) if dense else 0
    return [name for name, each in found.items() if each.channels >= most][-1]


def stages(found: Mapping[str, Map]) -> list[str]:
    """The layers where maps of one size end, at most ``MOST``, evenly chosen."""
    ends = [[name for name, _ in group][-1] for _, group in groupby(found.items(), key=lambda pair: pair[1].size)]
    return evenly(ends, MOST)


def evenly(all_of_them: Sequence[T], most: int) -> list[T]:
    """At most ``most`` of them, with the first and the last."""
    if len(all_of_them) <= most:
        return list(all_of_them)
    return [all_of_them[round(i * (len(all_of_them) - 1) / (most - 1))] for i in range(most)]


def canvas(network: nn.Module, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width that maps cover of an image of this size: with what is added to it at the right and below."""
    if isinstance(network, Padded):
        multiple, at_least = network.multiple, network.at_least
    elif isinstance(network, SpotNetwork):
        multiple, at_least = STRIDES[0], STRIDES[-1]
    else:
        return size
    height, width = (-(-max(side, at_least) // multiple) * multiple for side in size)
    return height, width


def _is_transformer(network: nn.Module) -> bool:
    """Whether one convolution cuts the image into patches, and attention does the rest."""
    kinds = [type(module).__name__ for module in network.modules()]
    return kinds.count("Conv2d") == 1 and any("Attention" in kind for kind in kinds)
