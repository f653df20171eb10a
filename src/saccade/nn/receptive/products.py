"""Products of matrices, with weights or, in attention, of two tensors that both depend on the image."""

from __future__ import annotations

from saccade.nn.receptive.call import Call, joined, unknown
from saccade.nn.receptive.mapped import Mapped, Part, completed
from saccade.nn.receptive.reach import Lost, Reach, Seen, both

MATRICES = {
    "mm": ("self", "mat2"),
    "bmm": ("self", "mat2"),
    "addmm": ("mat1", "mat2"),
    "baddbmm": ("batch1", "batch2"),
}


def matmul(call: Call) -> Mapped:
    """(n, k) times (k, m), or a batch of such: the sum over k of what both see."""
    names = MATRICES[call.name]
    if len(call.all_maps) > sum(call.map(name) is not None for name in names):
        return unknown(call)  # what is added on top depends on the image too
    one, other = (_operand(call, name) for name in names)
    batch = other.dims[:-2] if other.axes_of(*range(len(other.dims) - 2)) else one.dims[:-2]
    seen = [_product(one, other, axis) for axis in range(max(len(one.seen), len(other.seen)))]
    return Mapped((*batch, one.dims[-2], other.dims[-1]), tuple(seen))


def _operand(call: Call, name: str) -> Mapped:
    found = call.map(name)
    return found if found is not None else Mapped(tuple((Part((), n),) for n in call.given[name].shape), ())


def _product(one: Mapped, other: Mapped, axis: int) -> Seen:
    known = [each.seen[axis] for each in (one, other) if each.seen]
    seen = both(known[0], known[-1])
    inside = axis in one.axes_of(-1) or axis in other.axes_of(-2)
    row, column = axis in one.axes_of(-2), axis in other.axes_of(-1)
    batch = [axis in each.axes_of(*range(len(each.dims) - 2)) for each in (one, other)]
    if not inside and not (row and column):
        apart = len(known) == 2 and (row or column or batch[0] != batch[1])
        return _in_part(seen) if apart else seen
    # a sum over all positions, or the product of every position with every other, sees the whole image, unless the axis
    # also runs along what is not summed over
    return _in_part(seen) if any(batch) or (inside and (row or column)) else completed(seen)


def _in_part(seen: Seen) -> Seen:
    return Lost("matmul over part of the image", covers=True) if isinstance(seen, Reach) else seen


def attention(call: Call) -> Mapped:
    """Queries (..., n, k), keys and values (..., m, k): each query sees all values."""
    query, key, value = (_operand(call, name) for name in ("query", "key", "value"))
    maps = [each for each in (query, key, value) if each.seen]
    batch = {axis for each in maps for axis in each.axes_of(*range(len(each.dims) - 2))}
    over = {axis for each in maps for axis in each.axes_of(-2)}
    seen = [
        completed(each) if axis in over and axis not in batch else _in_part(each)
        for axis, each in enumerate(joined(maps).seen)
    ]
    return Mapped((*query.dims[:-1], value.dims[-1]), tuple(seen))
