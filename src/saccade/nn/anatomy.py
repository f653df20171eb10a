"""What a network is made of: output shape, parameters, multiply-adds and receptive field of each layer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from math import inf, prod
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from saccade.nn.modes import evaluating
from saccade.nn.receptive.call import tensors
from saccade.nn.receptive.follower import Follower
from saccade.nn.receptive.reach import Lost, Reach, Seen

Field = int | Literal["whole image"] | None
"""Pixels along one axis; None where it is not known."""


@dataclass(frozen=True)
class Layer:
    """One module; numbers are its own, without those of the modules in it."""

    name: str  # dotted, "" for the network itself
    kind: str  # the name of its class
    calls: int  # in one forward pass; output and receptive field are those of the last one
    output: tuple[int, ...] | None  # without the batch; None where it was not called
    formula: str  # of its parameters, such as 16·3·5·5 + 16
    parameters: int  # those shared with an earlier layer are counted there
    trainable: int
    multiply_adds: int
    receptive_field: tuple[Field, ...] | None  # height and width; None where it was not called or sees no image
    inside: int = 0  # how many of the layers that follow are in it

    @property
    def depth(self) -> int:
        """0 for the network itself, 1 for what it is made of, and so on."""
        return self.name.count(".") + 1 if self.name else 0

    @property
    def units(self) -> int | None:
        """How many numbers (neurons) it puts out for one image; None where it was not called."""
        return None if self.output is None else prod(self.output)


@dataclass(frozen=True)
class Anatomy:
    """A network, layer by layer, in the order in which they run last; each is followed by the layers in it."""

    name: str
    image: tuple[int, ...]  # (C, H, W)
    layers: tuple[Layer, ...]
    lost: str | None  # the first layer of which a receptive field is not known, and the operation that is to blame

    @property
    def asleep(self) -> list[str]:
        """Parts of the network with parameters in which nothing was called."""
        parts = {i: self.layers[i : i + 1 + part.inside] for i, part in enumerate(self.layers) if part.depth == 1}
        return [
            inside[0].name
            for inside in parts.values()
            if any(layer.parameters for layer in inside) and not any(layer.calls for layer in inside)
        ]

    @property
    def output(self) -> tuple[int, ...] | None:
        """Shape of what the network answers for one image."""
        return self.layers[0].output

    @property
    def parameters(self) -> int:
        """All of them."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def trainable(self) -> int:
        """Those that training changes."""
        return sum(layer.trainable for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Of convolutions and products of matrices, for one image."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def megabytes(self) -> float:
        """Size of the parameters in float32, in 10^6 bytes."""
        return self.parameters * 4 / 1e6


def anatomy(network: nn.Module, image: Tensor, *more: Tensor, name: str) -> Anatomy:
    """Run one image through the network, without gradients and in evaluation mode, and note what happens.

    Nothing is computed: the pass runs on the meta device, of shapes without values, except for a network that needs
    values to find its way. The network is left as it was.

    Args:
        network: on any device.
        image: (1, C, H, W) on the same device.
        more: what else the network takes.
        name: what the network is called.
    """
    meta = {key: tensor.to("meta") for key, tensor in [*network.named_parameters(), *network.named_buffers()]}
    try:
        record = _listened(network, (image.to("meta"), *(x.to("meta") for x in more)), meta)
    except RuntimeError:  # it asked a tensor without values for one; whatever else is wrong, the real run says so
        record = _listened(network, (image, *more), {})
    return Anatomy(name, tuple(image.shape[1:]), tuple(_layers(network, record)), record.lost)


def _listened(network: nn.Module, inputs: tuple[Tensor, ...], instead: dict[str, Tensor]) -> _Record:
    """One pass, with other tensors in the place of the network's own."""
    record = _Record(network)
    with record.listening(), evaluating(network), _any_algorithm(), torch.no_grad(), record.follower:
        record.follower.start(inputs[0])
        functional_call(network, instead, inputs)
    return record


def short(found: Anatomy) -> str:
    """One line: network, parameters, multiply-adds, shape of the answer."""
    frozen = "" if found.trainable == found.parameters else f" ({amount(found.trainable)} trainable)"
    return (
        f"{found.name}: {amount(found.parameters)} parameters{frozen}, {amount(found.multiply_adds)} multiply-adds "
        f"for an image of {times(found.image)}, output {times(found.output or ())}"
    )


def amount(number: int) -> str:
    """A number with three digits and K, M or G."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("K", 1e3)):
        if number >= size * 0.9995:
            value = number / size
            return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"
    return str(number)


def times(shape: tuple[int, ...]) -> str:
    """A shape as 64×112×112."""
    return "×".join(map(str, shape))


def formula(module: nn.Module) -> str:
    """How the module's own parameters are counted; empty where there are none, or many."""
    shapes = [tuple(p.shape) for p in module.parameters(recurse=False)]
    if not shapes or len(shapes) > 2:
        return ""
    if len(shapes) == 2 and shapes[0] == shapes[1] and len(shapes[0]) == 1:
        return f"2·{shapes[0][0]}"  # scale and shift of a norm
    if isinstance(module, nn.Linear):
        shapes[0] = shapes[0][::-1]  # inputs times outputs, as one writes it
    return " + ".join("·".join(map(str, shape)) or "1" for shape in shapes)


@dataclass
class _Noted:
    """What the hooks saw of a module."""

    order: int = 0  # of its last call among all calls
    calls: int = 0
    shape: tuple[int, ...] | None = None
    seen: tuple[Seen, ...] | None = None
    multiply_adds: int = 0


@dataclass
class _Record:
    """Listens to a forward pass."""

    network: nn.Module
    noted: dict[nn.Module, _Noted] = field(default_factory=dict)
    running: list[_Noted] = field(default_factory=list)
    calls: int = 0
    lost: str | None = None

    def __post_init__(self) -> None:
        self.noted = {module: _Noted() for module in self.network.modules()}
        self.follower = Follower(self._count)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hooks on every module, for as long as the pass takes."""
        handles = []
        for name, module in self.network.named_modules():
            handles.append(module.register_forward_pre_hook(self._enter))
            handles.append(module.register_forward_hook(partial(self._leave, name)))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _count(self, multiply_adds: int) -> None:
        self.running[-1].multiply_adds += multiply_adds

    def _enter(self, module: nn.Module, args: Any) -> None:
        noted = self.noted[module]
        noted.calls += 1
        self.calls += 1
        noted.order = self.calls
        self.running.append(noted)

    def _leave(self, name: str, module: nn.Module, args: Any, result: Any) -> None:
        noted = self.running.pop()
        values = list(result.values()) if isinstance(result, dict) else [result]
        first = next(iter(tensors(values)), None)
        if first is None:
            return
        noted.shape = tuple(first.shape[1:] if first.shape[0] == 1 else first.shape)
        noted.seen = self.follower.seen(first)
        lost = next((each for each in noted.seen or () if isinstance(each, Lost)), None)
        if lost is not None and self.lost is None:
            self.lost = f"{name or 'the network itself'} ({lost.operation})"


def _layers(network: nn.Module, record: _Record) -> Iterator[Layer]:
    counted: set[nn.Parameter] = set()

    def walk(name: str, module: nn.Module) -> Iterator[Layer]:
        noted = record.noted[module]
        own = [p for p in module.parameters(recurse=False) if p not in counted]
        counted.update(own)
        layer = partial(
            Layer,
            name,
            type(module).__name__,
            noted.calls,
            noted.shape,
            formula(module) if own else "",
            sum(p.numel() for p in own),
            sum(p.numel() for p in own if p.requires_grad),
            noted.multiply_adds,
            None if noted.seen is None else tuple(_field(each) for each in noted.seen),
        )
        children = [(f"{name}.{key}" if name else key, child) for key, child in module.named_children()]
        children.sort(key=lambda pair: _last_call(pair[1], record))
        inside = [each for pair in children for each in walk(*pair)]
        yield layer(len(inside))
        yield from inside

    yield from walk("", network)


def _last_call(module: nn.Module, record: _Record) -> float:
    """When it, or something in it, was called last; what was never called stands at the end."""
    order = max(record.noted[each].order for each in module.modules())
    return order if order > 0 else inf


def _field(seen: Seen) -> Field:
    return seen.size if isinstance(seen, Reach) else None if isinstance(seen, Lost) else "whole image"


@contextmanager
def _any_algorithm() -> Iterator[None]:
    """Asked for deterministic algorithms, torch takes enlarging on the meta device apart into arithmetic on indices."""
    before = torch.get_deterministic_debug_mode()
    torch.set_deterministic_debug_mode("default")
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
