"""What each aten operation does to what its result sees of the image.

An operation without a rule loses the receptive field rather than guess it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from saccade.nn.mapped import Mapped, Part, completed, together
from saccade.nn.reach import Lost, Seen, Whole, both, enlarged, repeated, transposed, window


@dataclass(frozen=True)
class Call:
    """One operation: its name without overload, its arguments by the names of its schema, what is known of them."""

    name: str
    given: dict[str, Any]
    shape: tuple[int, ...]  # of the (first) result
    maps: WeakTensorKeyDictionary

    def map(self, argument: str) -> Mapped | None:
        """What is known of a tensor among the arguments; None where it does not depend on the image."""
        value = self.given.get(argument)
        return self.maps.get(value) if isinstance(value, Tensor) else None

    @property
    def source(self) -> Mapped:
        """What is known of the first tensor."""
        found = self.map("self") or self.map("input")
        assert found is not None, self.name
        return found

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


def tensors(values: Iterable[Any]) -> Iterable[Tensor]:
    """All tensors among values and in lists of them."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors(value)


def _unknown(call: Call) -> Mapped:
    return _joined(call.all_maps).blurred(call.shape, call.name)


def _joined(maps: list[Mapped]) -> Mapped:
    """The first, with what all of them see."""
    joined = maps[0]
    for other in maps[1:]:
        joined = replace(joined, seen=tuple(both(a, b) for a, b in zip(joined.seen, other.seen, strict=True)))
    return joined


def _elementwise(call: Call) -> Mapped:
    return together(call.all_maps, call.shape)


def _convolution(call: Call) -> Mapped:
    kernel = call.given["weight"].shape[2:]
    n = len(kernel)
    found = call.source
    if call.map("weight") is not None or (call.given["groups"] > 1 and found.axes_of(-n - 1)):
        return _unknown(call)
    change = transposed if call.given["transposed"] else window
    stride, padding, dilation = call.ints("stride", n, 1), call.ints("padding", n, 0), call.ints("dilation", n, 1)
    found = _slid(found, change, list(kernel), stride=stride, padding=padding, dilation=dilation)
    return found.reduced([-n - 1], call.shape, "convolution")


def _pool(call: Call) -> Mapped:
    n = int(re.findall(r"(\d)d", call.name)[0])
    kernel = call.ints("kernel_size", n, 1)
    stride = call.ints("stride", n, 0) if call.given.get("stride") else kernel
    padding, dilation = call.ints("padding", n, 0), call.ints("dilation", n, 1)
    return _slid(call.source, window, kernel, stride=stride, padding=padding, dilation=dilation)


def _slid(
    found: Mapped, change: Callable[..., Seen], kernel: list[int], *, stride: list[int], padding: list[int],
    dilation: list[int],
) -> Mapped:  # fmt: skip
    """A window slid along the last dimensions, one for each number of ``kernel``."""
    for axis, (k, s, p, d) in enumerate(zip(kernel, stride, padding, dilation, strict=True)):
        if (k, s, p) != (1, 1, 0):
            step = partial(change, kernel=k, stride=s, padding=p, dilation=d)
            found = found.along(axis - len(kernel), step, "sliding window")
    return found


def _adaptive_pool(call: Call) -> Mapped:
    found = call.source
    n = int(call.name[-2])
    for dim in range(-n, 0):
        size, wanted = _length(found, dim), call.shape[dim]
        if wanted == 1:
            found = found.mixed([dim], call.name)
        elif size % wanted == 0:
            found = found.along(dim, partial(window, kernel=size // wanted, stride=size // wanted), call.name)
        else:
            found = found.lost(call.name, found.axes_of(dim), covers=True)
    return found


NEIGHBOURS = {"linear": (0, 1), "bilinear": (0, 1), "bicubic": (-1, 2)}


def _upsample(call: Call) -> Mapped:
    found = call.source
    kind = call.name.removeprefix("upsample_").rstrip("123d")
    for dim in range(2 - len(call.shape), 0):
        size, wanted = _length(found, dim), call.shape[dim]
        if size == wanted:
            continue
        if wanted % size or call.given.get("align_corners"):
            found = found.lost(call.name, found.axes_of(dim), covers=True)
        elif kind == "nearest":
            found = found.along(dim, partial(repeated, factor=wanted // size), call.name)
        else:
            step = partial(enlarged, factor=wanted // size, neighbours=NEIGHBOURS[kind])
            found = found.along(dim, step, call.name)
    return found


def _length(found: Mapped, dim: int) -> int:
    return prod(part.length for part in found.dims[dim])


def _reduce(call: Call) -> Mapped:
    return call.source.reduced(call.dims(), call.shape, call.name)


def _softmax(call: Call) -> Mapped:
    return call.source.mixed(call.dims(), call.name)


def _layer_norm(call: Call) -> Mapped:
    return call.source.mixed(range(-len(call.given["normalized_shape"]), 0), call.name)


def _group_norm(call: Call) -> Mapped:
    return call.source.mixed(range(1, len(call.shape)), call.name)


def _batch_norm(call: Call) -> Mapped:
    found = call.source
    if not call.given.get("training", False):
        return found
    return found.mixed([dim for dim in range(len(call.shape)) if dim != 1], call.name)


def _view(call: Call) -> Mapped:
    return call.source.reshaped(call.shape)


def _permute(call: Call) -> Mapped:
    found = call.source
    rank = len(found.dims)
    if call.name == "permute":
        order = [dim % rank for dim in call.given["dims"]]
    else:
        order = list(range(rank))
        one, other = (0, rank - 1) if call.name == "t" else (call.given["dim0"] % rank, call.given["dim1"] % rank)
        order[one], order[other] = order[other], order[one]
    return replace(found, dims=tuple(found.dims[dim] for dim in order))


def _pick(call: Call) -> Mapped:
    """One position (select), or each by itself (unbind), of a dimension that goes away."""
    found = call.source
    dim = call.given.get("dim", 0) % len(found.dims)
    found = found.lost(call.name, found.axes_of(dim))
    return replace(found, dims=(*found.dims[:dim], *found.dims[dim + 1 :]))


def _slice(call: Call) -> Mapped:
    found = call.source
    dim = call.given.get("dim", 0) % len(found.dims)
    size, step = _length(found, dim), call.given.get("step", 1)
    if not found.axes_of(dim) or size == call.shape[dim]:
        return found
    start = call.given.get("start") or 0
    if call.shape[dim] < size // step:  # part of the image is cut off
        return found.lost(call.name, found.axes_of(dim))
    return found.along(dim, partial(window, kernel=1, stride=step, padding=-start), call.name)


def _split(call: Call) -> Mapped:
    found = call.source
    return found.lost(call.name, found.axes_of(call.given.get("dim", 0)))


def _cat(call: Call) -> Mapped:
    """Maps beside each other along channels, or tokens without a place in the image beside those of the image."""
    maps = call.all_maps
    along = {axis for found in maps for axis in found.axes_of(call.given.get("dim", 0))}
    layouts = {tuple(found.places(axis) for axis in range(len(found.seen))) for found in maps}
    return _unknown(call) if len(maps) > 1 and (along or len(layouts) > 1) else _joined(maps)


def _pad(call: Call) -> Mapped:
    found = call.source
    given = call.given.get("pad", call.given.get("padding"))
    for place, (before, after) in enumerate(zip(given[::2], given[1::2], strict=True)):
        dim = -place - 1
        if (before, after) != (0, 0) and found.axes_of(dim):
            found = found.along(dim, partial(window, kernel=1, padding=before), call.name)
    return found


def _roll(call: Call) -> Mapped:
    found = call.source
    return found.lost(call.name, found.axes_of(*(call.given.get("dims") or range(len(found.dims)))), covers=True)


MATRICES = {
    "mm": ("self", "mat2"),
    "bmm": ("self", "mat2"),
    "addmm": ("mat1", "mat2"),
    "baddbmm": ("batch1", "batch2"),
}


def _matmul(call: Call) -> Mapped:
    """(n, k) times (k, m), or a batch of such: the sum over k of what both see."""
    names = MATRICES[call.name]
    if len(call.all_maps) > sum(call.map(name) is not None for name in names):
        return _unknown(call)  # what is added on top depends on the image too
    one, other = (_operand(call, name) for name in names)
    batch = other.dims[:-2] if other.axes_of(*range(len(other.dims) - 2)) else one.dims[:-2]
    seen = [_product(one, other, axis) for axis in range(max(len(one.seen), len(other.seen)))]
    return Mapped((*batch, one.dims[-2], other.dims[-1]), tuple(seen))


def _operand(call: Call, name: str) -> Mapped:
    found = call.map(name)
    return found if found is not None else Mapped(tuple((Part((), n),) for n in call.given[name].shape), ())


def _product(one: Mapped, other: Mapped, axis: int) -> Seen:
    seen = [each.seen[axis] for each in (one, other) if each.seen]
    joined = both(seen[0], seen[-1])
    inside = axis in one.axes_of(-1) or axis in other.axes_of(-2)
    row, column = axis in one.axes_of(-2), axis in other.axes_of(-1)
    batch = any(axis in each.axes_of(*range(len(each.dims) - 2)) for each in (one, other))
    if not inside and not (row and column):
        return joined
    # a sum over all positions, or the product of every position with every other, sees the whole image, unless the axis
    # also runs along what is not summed over
    if batch or (inside and (row or column)):
        return joined if isinstance(joined, Whole | Lost) else Lost(PART, covers=True)
    return completed(joined)


PART = "matmul over part of the image"


def _attention(call: Call) -> Mapped:
    """Queries (..., n, k), keys and values (..., m, k): each query sees all values."""
    query, key, value = (_operand(call, name) for name in ("query", "key", "value"))
    maps = [each for each in (query, key, value) if each.seen]
    batch = {axis for each in maps for axis in each.axes_of(*range(len(each.dims) - 2))}
    over = {axis for each in maps for axis in each.axes_of(-2)}
    seen = []
    for axis, joined in enumerate(_joined(maps).seen):
        if axis in over and axis not in batch:
            seen.append(completed(joined))
        else:
            seen.append(joined if isinstance(joined, Whole | Lost) else Lost(PART, covers=True))
    return Mapped((*query.dims[:-1], value.dims[-1]), tuple(seen))


RULES: dict[str, Rule] = {
    **dict.fromkeys(("hardswish", "clone", "alias", "detach", "contiguous", "_to_copy", "dropout"), _elementwise),
    **dict.fromkeys(("expand", "copy", "lift_fresh", "relu6", "hardtanh"), _elementwise),
    **dict.fromkeys(("convolution", "_convolution"), _convolution),
    **dict.fromkeys(("mean", "sum", "amax", "amin", "logsumexp", "linalg_vector_norm", "norm"), _reduce),
    **dict.fromkeys(("max", "min", "var", "std", "var_mean", "prod"), _reduce),
    **dict.fromkeys(("_softmax", "_log_softmax", "_safe_softmax"), _softmax),
    **dict.fromkeys(("native_batch_norm", "cudnn_batch_norm", "_native_batch_norm_legit"), _batch_norm),
    **dict.fromkeys(("_native_batch_norm_legit_no_training", "_batch_norm_no_update"), _batch_norm),
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    **dict.fromkeys(("view", "_unsafe_view", "_reshape_alias", "reshape", "squeeze", "unsqueeze"), _view),
    **dict.fromkeys(("permute", "transpose", "t"), _permute),
    **dict.fromkeys(("select", "unbind"), _pick),
    "slice": _slice,
    **dict.fromkeys(("split", "split_with_sizes", "chunk"), _split),
    "cat": _cat,
    **dict.fromkeys(("constant_pad_nd", "reflection_pad2d", "replication_pad2d"), _pad),
    "roll": _roll,
    **dict.fromkeys(MATRICES, _matmul),
    **{
        f"_scaled_dot_product_{kind}": _attention
        for kind in ("flash_attention_for_cpu", "flash_attention", "efficient_attention", "cudnn_attention")
    },
}
"""The rule of each operation, by its name without overload; those that work element by element need none."""


def rule(func: Any, name: str) -> Rule:
    """The rule of an operation."""
    if name in RULES:
        return RULES[name]
    if torch.Tag.pointwise in func.tags:
        return _elementwise
    pooling = re.fullmatch(r"(max|avg)_pool[123]d(_with_indices)?", name)
    if pooling is not None:
        return _pool
    if re.fullmatch(r"_?adaptive_(max|avg)_pool[123]d", name):
        return _adaptive_pool
    if re.fullmatch(r"upsample_(nearest|bilinear|linear|bicubic)[123]?d?", name):
        return _upsample
    return _unknown
