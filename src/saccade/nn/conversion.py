"""A trained network made into another one that computes the same."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from saccade.errors import ConfigError
from saccade.nn.conv_chains import conv_chains
from saccade.nn.fold_norms import fold_norms
from saccade.nn.standardize import Compensation, standardize

Conversion = Literal["weight-standardized", "folded"]


@dataclass(frozen=True)
class Converted:
    """What became of a network."""

    network: nn.Module
    converted: tuple[str, ...]  # names of its convolutions, in the order of its modules
    refused: Mapping[str, str]  # those that are as they were, by name, and why


def convert(
    network: nn.Module,
    *inputs: Tensor,
    to: Conversion,
    compensate: Compensation = "statistics",
    compensated: bool = False,
    name: str,
) -> Converted:
    """A copy of the network with every convolution changed that can be; the network itself stays as it is.

    Which are changed depends on how the network is built and not on its weights.

    Args:
        network: in any mode, and its copy is in the same.
        inputs: what it is called with, of which only the shapes matter.
        to: ``weight-standardized`` or ``folded``.
        compensate: for the first, what changes in BatchNorm.
        compensated: for the first, whether the weights that the network has, or will be given, are so changed already.
        name: what the network is called in messages.

    Raises:
        ConfigError: none can be changed, or the network cannot be traced. Who asked for it adds by which setting.
    """
    made = deepcopy(network)
    chains = conv_chains(made, *inputs)
    found = chains.found
    if to == "folded":
        fold_norms(made, found)
        refused = dict(chains.refused)
    else:
        refused = {**chains.refused, **standardize(made, found, compensate, compensated=compensated)}
    converted = tuple(chain.conv for chain in found if chain.conv not in refused)
    if not converted:
        raise ConfigError(_nothing(name, to, refused))
    ordered = [key for key, _ in network.named_modules(remove_duplicate=False) if key in refused]
    return Converted(made, converted, {key: refused[key] for key in ordered})


def _nothing(name: str, to: Conversion, refused: Mapping[str, str]) -> str:
    """That nothing can be changed, with the first reasons."""
    if not refused:
        return f"{name} has no convolution that could be {to}"
    lines = [f"  {key} {reason}" for key, reason in list(refused.items())[:5]]
    more = [f"  and {len(refused) - 5} more"] if len(refused) > 5 else []
    one, several = f"the one convolution of {name} cannot", f"none of the {len(refused)} convolutions of {name} can"
    head = f"{several if len(refused) > 1 else one} be {to}:"
    return "\n".join([head, *lines, *more])
