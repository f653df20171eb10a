"""BatchNorm folded into the convolution before it, for inference: one operation instead of two, and less memory.

With the running mean m and variance v, the scale g, the shift b and eps, BatchNorm makes g (y - m) / sqrt(v + eps) + b
of the output y = W x + a of a convolution. With s = g / sqrt(v + eps) that is the convolution (s W) x + s (a - m) + b.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from saccade.nn.conv_chains import Chain
from saccade.nn.standardized_conv import StandardizedConv2d


@torch.no_grad()
def fold_norms(network: nn.Module, chains: Sequence[Chain]) -> None:
    """Put a convolution with a bias in the place of each chain's; nothing is left where its BatchNorm was.

    Of timm's BatchNormAct2d the dropout and the activation stay. A standardised convolution becomes a plain one. In
    training the network then is another: no batch is normalised any more.

    Args:
        network: is changed.
        chains: of the network.
    """
    for chain in chains:
        conv, norm = network.get_submodule(chain.conv), network.get_submodule(chain.norm)
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        network.set_submodule(chain.conv, _folded(conv, norm))
        behind = [module for module in norm.children() if not isinstance(module, nn.Identity)]
        network.set_submodule(chain.norm, nn.Sequential(*behind) if behind else nn.Identity())


def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d) -> nn.Conv2d:
    """The convolution that computes what both did in evaluation."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    factor = _or(norm.weight, 1.0, mean) / (variance.double() + norm.eps).sqrt()
    weight = conv.standardized() if isinstance(conv, StandardizedConv2d) else conv.weight
    bias = factor * (_or(conv.bias, 0.0, mean) - mean.double()) + _or(norm.bias, 0.0, mean)
    made = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,  # type: ignore[arg-type]  # torch's own type of what it keeps is wider
        stride=conv.stride,  # type: ignore[arg-type]
        padding=conv.padding,  # type: ignore[arg-type]
        dilation=conv.dilation,  # type: ignore[arg-type]
        groups=conv.groups,
        padding_mode=conv.padding_mode,
        device="meta",
    )
    learns, like = conv.weight.requires_grad, conv.weight
    made.weight = nn.Parameter((weight.double() * factor[:, None, None, None]).to(like.dtype), learns)
    made.bias = nn.Parameter(bias.to(like.dtype), learns)
    return made.train(conv.training)


def _or(values: Tensor | None, otherwise: float, like: Tensor) -> Tensor:
    """The values, or as many as of ``like`` of the other one, in float64."""
    return torch.full_like(like, otherwise, dtype=torch.float64) if values is None else values.double()
