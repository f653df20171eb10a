"""Weight standardisation of a trained network, made good in the BatchNorm behind each convolution.

The standardised convolution gives y / n_c in channel c where the old one gave y, as its bias is divided by n_c, too.
BatchNorm, with the running mean m and variance v, the scale g, the shift b and eps, goes on to compute
g (y - m) / sqrt(v + eps) + b in evaluation. Of y / n_c it makes the same

- with m / n_c and (v + eps) / n_c^2 - eps for m and v (``statistics``), as then both the numerator and the root are
  divided by n_c;
- with g n_c and b + g m (n_c - 1) / sqrt(v + eps) for g and b (``affine``), as g n_c (y / n_c - m) is g (y - n_c m),
  from which g (y - m) is g m (n_c - 1) away.

docs/convert.md derives it, and says which of the two a training survives.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from saccade.nn.conv_chains import Chain
from saccade.nn.standardized_conv import StandardizedConv2d

Compensation = Literal["statistics", "affine"]


@torch.no_grad()
def standardize(
    network: nn.Module, chains: Sequence[Chain], compensate: Compensation, *, compensated: bool = False
) -> dict[str, str]:
    """Put a StandardizedConv2d in the place of the convolution of each chain.

    Args:
        network: is changed.
        chains: of the network.
        compensate: what changes in each BatchNorm so that the outputs in evaluation stay the same.
        compensated: the parameters are changed so already, or will be loaded; only the layers are exchanged.

    Returns:
        Those that stay as they are, by the name of the convolution, and why.
    """
    refused = {}
    for chain in chains:
        conv, norm = network.get_submodule(chain.conv), network.get_submodule(chain.norm)
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        if reason := _obstacle(conv, norm, chain.norm, compensate):
            refused[chain.conv] = reason
            continue
        made = StandardizedConv2d.of(conv)
        if not compensated:
            # the numbers that the convolution will divide by, as exact ones: their own rounding then cancels out
            divisors = made.divisors().double()
            if made.bias is not None:
                made.bias.copy_(made.bias.double() / divisors)
            (_in_statistics if compensate == "statistics" else _in_affine)(norm, divisors)
        network.set_submodule(chain.conv, made)
    return refused


def _obstacle(conv: nn.Conv2d, norm: nn.BatchNorm2d, name: str, compensate: Compensation) -> str | None:
    """Why a convolution of a chain is left alone; the same for any values of the parameters."""
    if isinstance(conv, StandardizedConv2d):
        return "is weight-standardized already"
    if conv.weight[0].numel() == 1:
        return "has filters of a single weight, which has no deviation"
    if compensate == "affine" and not norm.affine:
        return f"is followed by {name}, which has no scale and shift to compensate in"
    return None


def _in_statistics(norm: nn.BatchNorm2d, divisors: Tensor) -> None:
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    mean.copy_(mean.double() / divisors)
    # below 0 where n > 1 and the variance is next to nothing, and always above -eps
    variance.copy_((variance.double() + norm.eps) / divisors.square() - norm.eps)


def _in_affine(norm: nn.BatchNorm2d, divisors: Tensor) -> None:
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    scale = norm.weight.double()
    shift = scale * mean.double() * (divisors - 1) / (variance.double() + norm.eps).sqrt()
    norm.bias.copy_(norm.bias.double() + shift)
    norm.weight.copy_(scale * divisors)
