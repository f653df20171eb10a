"""One operation as PyTorch's dispatcher sees it, and what is known of its tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from saccade.nn.receptive.mapped import Mapped
from saccade.nn.receptive.reach import both


@dataclass(frozen=True)
class Call:
    """One operation: its name without overload, its arguments by the names of its schema, what is known of them."""

    name: str
    given: dict[str, Any]
    shape: tuple[int, ...]  # of the (first) result
    maps: MutableMapping[Tensor, Mapped]

    def map(self, argument: str) -> Mapped | None:
        """What is known of a tensor among the arguments; None where it does not depend on the image."""
        value = self.given.get(argument)
        return self.maps.get(value) if isinstance(value, Tensor) else None

    @property
    def source(self) -> Mapped:
        """What is known of the tensor that is worked on."""
        found = self._source
        assert found is not None, self.name
        return found

    @property
    def one_source(self) -> bool:
        """Whether of all tensors only the one that is worked on depends on the image: not its weights, say."""
        return self._source is not None and len(self.all_maps) == 1

    @property
    def _source(self) -> Mapped | None:
        return self.map("self") or self.map("input")

    @property
    def all_maps(self) -> list[Mapped]:
        """What is known of all tensors that depend on the image."""
        return [found for tensor in tensors(self.given.values()) if (found := self.maps.get(tensor)) is not None]

    def ints(self, argument: str, n: int, default: int) -> list[int]:
        """A number for each of ``n`` axes, given as such, as one for all, or left out."""
        value = self.given.get(argument)
        values = [value] if isinstance(value, int) else list(value or [])
        return [default] * n if not values else values * n if len(values) == 1 else values

    def dims(self) -> list[int]:
        """The dimensions of a reduction; all where none are given."""
        value = self.given.get("dim")
        every = list(range(len(self.source.dims)))
        return every if value is None or value == [] else [value] if isinstance(value, int) else list(value)


Rule = Callable[[Call], Mapped]
"""From an operation to what is known of its result."""


def tensors(values: Iterable[Any]) -> Iterable[Tensor]:
    """All tensors among values and in lists of them."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors(value)


def unknown(call: Call) -> Mapped:
    """What is left of an operation that is not followed."""
    return joined(call.all_maps).blurred(call.shape, call.name)


def joined(maps: list[Mapped]) -> Mapped:
    """The first, with what all of them see."""
    first = maps[0]
    for other in maps[1:]:
        first = replace(first, seen=tuple(both(a, b) for a, b in zip(first.seen, other.seen, strict=True)))
    return first
