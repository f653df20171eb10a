"""What each aten operation does to what its result sees of the image.

An operation without a rule loses the receptive field rather than guess it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from saccade.nn.receptive.call import Call, Rule, joined, unknown
from saccade.nn.receptive.mapped import Mapped, Part, together
from saccade.nn.receptive.products import MATRICES, attention, matmul
from saccade.nn.receptive.reach import window
from saccade.nn.receptive.windows import adaptive_pool, convolution, pool, upsample


def _elementwise(call: Call) -> Mapped:
    return together(call.all_maps, call.shape)


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
    size, step = found.length(dim), call.given.get("step", 1)
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
    return unknown(call) if len(maps) > 1 and (along or not _alike(maps)) else joined(maps)


def _stack(call: Call) -> Mapped:
    maps = call.all_maps
    found = joined(maps)
    place = call.given.get("dim", 0) % len(call.shape)
    dims = (*found.dims[:place], (Part((), call.shape[place]),), *found.dims[place:])
    return replace(found, dims=dims) if _alike(maps) else unknown(call)


def _alike(maps: Sequence[Mapped]) -> bool:
    """Whether the axes of the image run along the same dimensions in all of them."""
    return len({tuple(found.places(axis) for axis in range(len(found.seen))) for found in maps}) == 1


def _pad(call: Call) -> Mapped:
    found = call.source
    given = call.given["pad"] if "pad" in call.given else call.given["padding"]
    for place, (before, after) in enumerate(zip(given[::2], given[1::2], strict=True)):
        dim = -place - 1
        if (before, after) != (0, 0) and found.axes_of(dim):
            found = found.along(dim, partial(window, kernel=1, padding=before), call.name)
    return found


def _roll(call: Call) -> Mapped:
    found = call.source
    return found.lost(call.name, found.axes_of(*(call.given.get("dims") or range(len(found.dims)))), covers=True)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("hardswish", "clone", "alias", "detach", "contiguous", "_to_copy", "dropout"), _elementwise),
    **dict.fromkeys(("expand", "lift_fresh", "relu6", "hardtanh"), _elementwise),
    **dict.fromkeys(("convolution", "_convolution"), convolution),
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
    "stack": _stack,
    **dict.fromkeys(("constant_pad_nd", "reflection_pad2d", "replication_pad2d"), _pad),
    "roll": _roll,
    **dict.fromkeys(MATRICES, matmul),
    **{
        f"_scaled_dot_product_{kind}": attention
        for kind in ("flash_attention_for_cpu", "flash_attention", "efficient_attention", "cudnn_attention")
    },
}
"""The rule of each operation, by its name without overload; those that work element by element need none."""


OF_SEVERAL = (_elementwise, _cat, _stack, matmul, attention)
"""Rules for operations that bring several tensors together that depend on the image."""


def follow(func: Any, call: Call) -> Mapped:
    """What is known of the result of an operation."""
    rule = _rule(func, call.name)
    return rule(call) if rule in OF_SEVERAL or call.one_source else unknown(call)


def _rule(func: Any, name: str) -> Rule:
    if name in RULES:
        return RULES[name]
    if torch.Tag.pointwise in func.tags:
        return _elementwise
    if re.fullmatch(r"(max|avg)_pool[123]d(_with_indices)?", name):
        return pool
    if re.fullmatch(r"_?adaptive_(max|avg)_pool[123]d", name):
        return adaptive_pool
    if re.fullmatch(r"upsample_(nearest|bilinear|linear|bicubic)[123]?d?", name):
        return upsample
    return unknown
