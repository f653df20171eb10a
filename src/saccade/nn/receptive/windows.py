"""Operations that slide over the image: convolution, pooling, upsampling."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from saccade.nn.receptive.call import Call, unknown
from saccade.nn.receptive.mapped import Mapped
from saccade.nn.receptive.reach import Seen, enlarged, repeated, transposed, window


def convolution(call: Call) -> Mapped:
    """A convolution in one to three dimensions, transposed or not."""
    kernel = call.given["weight"].shape[2:]
    n = len(kernel)
    found = call.source
    if call.given["groups"] > 1 and found.axes_of(-n - 1):
        return unknown(call)
    change = transposed if call.given["transposed"] else window
    stride, padding, dilation = call.ints("stride", n, 1), call.ints("padding", n, 0), call.ints("dilation", n, 1)
    found = _slid(found, change, list(kernel), stride=stride, padding=padding, dilation=dilation)
    return found.reduced([-n - 1], call.shape, "convolution")


def pool(call: Call) -> Mapped:
    """The mean or maximum of a window."""
    n = int(re.findall(r"(\d)d", call.name)[0])
    kernel = call.ints("kernel_size", n, 1)
    stride = call.ints("stride", n, 0) if call.given.get("stride") else kernel
    padding, dilation = call.ints("padding", n, 0), call.ints("dilation", n, 1)
    return _slid(call.source, window, kernel, stride=stride, padding=padding, dilation=dilation)


def _slid(
    found: Mapped,
    change: Callable[..., Seen],
    kernel: list[int],
    *,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
) -> Mapped:
    """A window slid along the last dimensions, one for each number of ``kernel``."""
    for axis, (k, s, p, d) in enumerate(zip(kernel, stride, padding, dilation, strict=True)):
        if (k, s, p) != (1, 1, 0):
            step = partial(change, kernel=k, stride=s, padding=p, dilation=d)
            found = found.along(axis - len(kernel), step, "sliding window")
    return found


def adaptive_pool(call: Call) -> Mapped:
    """Windows that share the map among a given number of outputs; often one, for the whole map."""
    found = call.source
    n = int(call.name[-2])
    for dim in range(-n, 0):
        size, wanted = found.length(dim), call.shape[dim]
        if wanted == 1:
            found = found.mixed([dim], call.name)
        elif size % wanted == 0:
            found = found.along(dim, partial(window, kernel=size // wanted, stride=size // wanted), call.name)
        else:
            found = found.lost(call.name, found.axes_of(dim), covers=True)
    return found


NEIGHBOURS = {"linear": (0, 1), "bilinear": (0, 1), "bicubic": (-1, 2)}


def upsample(call: Call) -> Mapped:
    """Interpolation to a multiple of the size."""
    found = call.source
    kind = call.name.removeprefix("upsample_").rstrip("123d")
    for dim in range(2 - len(call.shape), 0):
        size, wanted = found.length(dim), call.shape[dim]
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
