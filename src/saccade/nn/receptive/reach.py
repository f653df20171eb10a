"""What one axis of a map sees of the image: the arithmetic of receptive fields (Araujo et al., Distill 2019)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd, lcm


@dataclass(frozen=True)
class Reach:
    """First and last pixel that each position of an axis depends on, borders of the image ignored.

    Position ``i`` depends on pixels ``first[i]`` to ``last[i]``; after ``len(first)`` positions the pattern comes
    again, ``step`` pixels further. Without upsampling all positions are alike, and the pattern is one long.
    """

    first: tuple[int, ...] = (0,)
    last: tuple[int, ...] = (0,)
    step: int = 1

    @property
    def size(self) -> int:
        """Pixels from the first to the last: the receptive field; where positions differ, the largest."""
        return max(last - first for first, last in zip(self.first, self.last, strict=True)) + 1

    def at(self, position: int) -> tuple[int, int]:
        """First and last pixel of any position, also of one outside the map."""
        again, place = divmod(position, len(self.first))
        return self.first[place] + again * self.step, self.last[place] + again * self.step


@dataclass(frozen=True)
class Whole:
    """Every position depends on the whole image."""


@dataclass(frozen=True)
class Lost:
    """What a position depends on is not known: the operation named here is not followed."""

    operation: str
    covers: bool = False  # whether all positions together still see the whole image


Seen = Reach | Whole | Lost
"""What one axis of a map sees."""


def window(reach: Reach, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1) -> Reach:
    """Behind a convolution or pooling: position ``i`` takes ``kernel`` inputs from ``i * stride - padding`` on."""
    period = len(reach.first) // gcd(len(reach.first), stride)
    step = reach.step * period * stride // len(reach.first)
    return _gathered(reach, [[i * stride - padding + t * dilation for t in range(kernel)] for i in range(period)], step)


def transposed(reach: Reach, kernel: int, *, stride: int, padding: int, dilation: int) -> Reach | Lost:
    """Behind a transposed convolution: ``o`` takes each input ``i`` with ``o = i * stride - padding + tap``."""
    taps = [t * dilation - padding for t in range(kernel)]
    inputs = [
        [(o - tap) // stride for tap in taps if (o - tap) % stride == 0] for o in range(len(reach.first) * stride)
    ]
    return _gathered(reach, inputs, reach.step) if all(inputs) else Lost("transposed convolution with holes")


def enlarged(reach: Reach, factor: int, *, neighbours: tuple[int, int]) -> Reach:
    """Behind upsampling by a whole factor, pixel centres aligned.

    ``neighbours``: inputs taken, counted from the last one at or before the position: (0, 1) for bilinear.
    """
    inputs = []
    for o in range(len(reach.first) * factor):
        before, beside = divmod(2 * o + 1 - factor, 2 * factor)  # the floor of (o + 1/2) / factor - 1/2, and the rest
        inputs.append([before + n for n in neighbours] if beside else [before])
    return _gathered(reach, inputs, reach.step)


def repeated(reach: Reach, factor: int) -> Reach:
    """Behind upsampling by the nearest input."""
    return _gathered(reach, [[o // factor] for o in range(len(reach.first) * factor)], reach.step)


def both(one: Seen, other: Seen) -> Seen:
    """Where two maps of the same shape come together, position by position."""
    if isinstance(one, Whole) or isinstance(other, Whole):
        return Whole()
    if isinstance(one, Lost):
        return one
    if isinstance(other, Lost):
        return other
    period = lcm(len(one.first), len(other.first))
    step = one.step * period // len(one.first)
    if step != other.step * period // len(other.first):
        return Lost("maps of different scales together", covers=True)
    pairs = [(one.at(i), other.at(i)) for i in range(period)]
    return Reach(tuple(min(a[0], b[0]) for a, b in pairs), tuple(max(a[1], b[1]) for a, b in pairs), step)


def unless_whole(seen: Seen, change: Callable[[Reach], Seen]) -> Seen:
    """Apply ``change`` where there is something to change."""
    return change(seen) if isinstance(seen, Reach) else seen


def _gathered(reach: Reach, inputs: Sequence[Sequence[int]], step: int) -> Reach:
    spans = [[reach.at(i) for i in positions] for positions in inputs]
    return Reach(
        tuple(min(first for first, _ in span) for span in spans),
        tuple(max(last for _, last in span) for span in spans),
        step,
    )
