"""A tensor on its way through a network: which of its dimensions run over the image, and what its elements see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod

from saccade.nn.receptive.reach import Lost, Reach, Seen, Whole, both, unless_whole

Axes = tuple[int, ...]
"""Axes of the image, 0 its height and 1 its width."""


@dataclass(frozen=True)
class Part:
    """A factor of a dimension: positions along ``axes`` of the image, or, without axes, channels and the like."""

    axes: Axes
    length: int


@dataclass(frozen=True)
class Mapped:
    """What is known of a tensor: the parts of each dimension, slowest first, and what each axis sees."""

    dims: tuple[tuple[Part, ...], ...]
    seen: tuple[Seen, ...]

    @staticmethod
    def image(shape: Sequence[int]) -> Mapped:
        """The image itself, (B, C, H, W) or another number of axes after the first two dimensions."""
        dims = [(Part((), n),) if d < 2 else (Part((d - 2,), n),) for d, n in enumerate(shape)]
        return Mapped(tuple(dims), tuple(Reach() for _ in shape[2:]))

    def axes_of(self, *dims: int) -> Axes:
        """The axes that run along these dimensions."""
        return tuple(sorted({axis for dim in dims for part in self.dims[dim] for axis in part.axes}))

    def length(self, dim: int) -> int:
        """Positions along a dimension."""
        return _length(self.dims[dim])

    def places(self, axis: int) -> tuple[int, ...]:
        """The dimensions along which an axis runs, counted from the last, -1."""
        rank = len(self.dims)
        return tuple(dim - rank for dim in range(rank) if axis in self.axes_of(dim))

    def changed(self, axes: Iterable[int], change: Callable[[Reach], Seen]) -> Mapped:
        """With what these axes see changed, where it is a span of pixels."""
        chosen = set(axes)
        return replace(
            self, seen=tuple(unless_whole(s, change) if axis in chosen else s for axis, s in enumerate(self.seen))
        )

    def lost(self, operation: str, axes: Iterable[int] | None = None, *, covers: bool = False) -> Mapped:
        """With these axes, or all, lost; the whole image stays the whole image."""
        chosen = range(len(self.seen)) if axes is None else axes
        return self.changed(chosen, lambda _: Lost(operation, covers))

    def resized(self, shape: Sequence[int]) -> Mapped:
        """With the sizes that an operation gave; the number of dimensions is the same."""
        dims = [
            parts if _length(parts) == n else (Part(self.axes_of(d), n),)
            for d, (parts, n) in enumerate(zip(self.dims, shape, strict=True))
        ]
        return replace(self, dims=tuple(dims))

    def blurred(self, shape: Sequence[int], operation: str, *, covers: bool = False) -> Mapped:
        """Behind an operation that is not followed: any dimension may run along any axis."""
        everything = tuple(range(len(self.seen)))
        return replace(self.lost(operation, covers=covers), dims=tuple((Part(everything, n),) for n in shape))

    def along(self, dim: int, change: Callable[[Reach], Seen], operation: str) -> Mapped:
        """With an axis changed by what slides along ``dim``.

        Something that slides over positions of several axes at once, or over what holds no axis any more, is lost.
        """
        axes = self.axes_of(dim)
        if len(axes) == 1 and len(self.dims[dim]) == 1 and len(self.places(axes[0])) == 1:
            return self.changed(axes, change)
        nowhere = [axis for axis in range(len(self.seen)) if not self.places(axis)]
        return self.lost(operation, axes or nowhere)

    def mixed(self, dims: Iterable[int], operation: str) -> Mapped:
        """With each element depending on all others along ``dims``, as a mean or softmax over them."""
        rank = len(self.dims)
        over = sorted({dim % rank for dim in dims})
        rest = self.axes_of(*(dim for dim in range(rank) if dim not in over))
        several = [dim for dim in over if self.length(dim) > 1]
        axes = self.axes_of(*several)
        complete = {axis for axis in axes if axis not in rest}
        seen = [completed(s) if axis in complete else s for axis, s in enumerate(self.seen)]
        return replace(self, seen=tuple(seen)).lost(operation, [axis for axis in axes if axis in rest], covers=True)

    def reduced(self, dims: Iterable[int], shape: Sequence[int], operation: str) -> Mapped:
        """Behind a reduction over ``dims``, kept with length 1 or not."""
        rank = len(self.dims)
        over = {dim % rank for dim in dims}
        mixed = self.mixed(over, operation)
        if len(shape) == rank:
            gone = [dim for dim in over if mixed.length(dim) > 1]
            one = [(Part((), 1),) if dim in gone else parts for dim, parts in enumerate(mixed.dims)]
        else:
            one = [parts for dim, parts in enumerate(mixed.dims) if dim not in over]
        return replace(mixed, dims=tuple(one))

    def reshaped(self, shape: Sequence[int]) -> Mapped:
        """Behind a view: the parts in their order fill the new dimensions; an axis that is cut into parts is lost."""
        parts = [part for parts in self.dims for part in parts if part.length != 1]
        dims: list[tuple[Part, ...]] = []
        cut: set[int] = set()
        for size in shape:
            own: list[Part] = []
            need = size
            while need > 1:
                part = parts.pop(0)
                if need % part.length:
                    if part.length % need:
                        return self.blurred(shape, "view", covers=True)
                    parts.insert(0, Part(part.axes, part.length // need))
                    part = Part(part.axes, need)
                    cut.update(part.axes)
                own.append(part)
                need //= part.length
            dims.append(tuple(own) or (Part((), 1),))
        return replace(self, dims=tuple(dims)).lost("view", cut, covers=True)


def together(maps: Sequence[Mapped], shape: Sequence[int]) -> Mapped:
    """Behind an operation element by element, dimensions aligned from the last and those of length 1 spread."""
    first, *others = (_aligned(each, shape) for each in maps)
    for other in others:
        seen = []
        for axis, (a, b) in enumerate(zip(first.seen, other.seen, strict=True)):
            joined = both(a, b)
            apart = first.places(axis) != other.places(axis) and isinstance(joined, Reach)
            seen.append(Lost("maps of different layouts together", covers=True) if apart else joined)
        dims = [_fuller(one, two) for one, two in zip(first.dims, other.dims, strict=True)]
        first = Mapped(tuple(dims), tuple(seen))
    return first


def _aligned(map_: Mapped, shape: Sequence[int]) -> Mapped:
    missing = len(shape) - len(map_.dims)
    dims = [(Part((), 1),)] * missing + list(map_.dims)
    spread = [(Part((), n),) if _length(parts) == 1 != n else parts for parts, n in zip(dims, shape, strict=True)]
    return replace(map_, dims=tuple(spread))


def _fuller(one: tuple[Part, ...], other: tuple[Part, ...]) -> tuple[Part, ...]:
    """The parts of the dimension that runs along more axes."""
    axes = [{axis for part in parts for axis in part.axes} for parts in (one, other)]
    if axes[0] == axes[1] or not axes[1]:
        return one
    if not axes[0]:
        return other
    return (Part(tuple(sorted(axes[0] | axes[1])), _length(one)),)


def completed(seen: Seen) -> Seen:
    """What an element sees that depends on all positions together."""
    return seen if isinstance(seen, Lost) and not seen.covers else Whole()


def _length(parts: tuple[Part, ...]) -> int:
    return prod(part.length for part in parts)
