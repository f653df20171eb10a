"""Initial weights by formula: Kaiming (He et al. 2015, arXiv 1502.01852) and Xavier (Glorot and Bengio 2010)."""

from __future__ import annotations

import math
from typing import Literal

from torch import nn

Scheme = Literal["kaiming_normal", "kaiming_uniform", "xavier_normal", "xavier_uniform"]
Fan = Literal["in", "out"]

_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, *_TRANSPOSED)


def initialize(network: nn.Module, scheme: Scheme, fan: Fan = "in") -> None:
    """Draw the weight of every convolution, transposed or not, and linear layer anew, and set their biases to 0.

    The weights have mean 0 and, with the fans of the layer, variance 2 / fan (Kaiming; ``fan`` says which of the two)
    or 2 / (fan in + fan out) (Xavier, which leaves ``fan`` unused). Norms and everything else stay as they are.
    """
    for layer in network.modules():
        if not isinstance(layer, _LAYERS):
            continue
        std = math.sqrt(variance(layer, scheme, fan))
        if scheme.endswith("normal"):
            nn.init.normal_(layer.weight, 0.0, std)
        else:
            bound = math.sqrt(3.0) * std  # the variance of U(-a, a) is a^2 / 3
            nn.init.uniform_(layer.weight, -bound, bound)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def variance(layer: nn.Module, scheme: Scheme, fan: Fan = "in") -> float:
    """The variance from which ``initialize`` draws the weights of a convolution or linear layer."""
    fan_in, fan_out = fans(layer)
    if scheme.startswith("xavier"):
        return 2.0 / (fan_in + fan_out)
    return 2.0 / (fan_in if fan == "in" else fan_out)


def fans(layer: nn.Module) -> tuple[int, int]:
    """How many inputs an output of the layer sums up, and how many outputs an input goes into.

    Strides are left out, as everybody does: they thin out the second number of a convolution, and the first one of a
    transposed convolution. Where a convolution has groups, the second is smaller than in ``torch.nn.init``: an input
    goes to its own only. For a transposed convolution ``torch.nn.init`` has the two the wrong way round.
    """
    weight = layer.get_parameter("weight")  # (out, in / groups, kernel ...); transposed: (in, out / groups, kernel ...)
    kernel = math.prod(weight.shape[2:])
    groups = getattr(layer, "groups", 1)
    few, many = weight.shape[1] * kernel, weight.shape[0] // groups * kernel
    return (many, few) if isinstance(layer, _TRANSPOSED) else (few, many)
