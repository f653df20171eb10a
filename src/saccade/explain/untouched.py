"""A network that is looked into stays what it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """In evaluation mode and with frozen weights for as long as it is looked into; then as before, after errors too.

    Frozen weights keep no gradients, and what comes before a layer that is asked for its gradient needs no memory.
    """
    modes = [(module, module.training) for module in network.modules()]
    learned = [(parameter, parameter.requires_grad) for parameter in network.parameters()]
    try:
        network.eval()
        network.requires_grad_(False)
        yield
    finally:
        for module, training in modes:
            module.training = training
        for parameter, requires_grad in learned:
            parameter.requires_grad_(requires_grad)
