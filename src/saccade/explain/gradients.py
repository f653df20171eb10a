"""Grad-CAM and integrated gradients, both by Captum.

Letters: K things that are explained, H x W pixels, (h, w) places of a layer's map.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from saccade.errors import SaccadeError

STEPS = (32, 64, 128, 256)
"""Points on the way from the baseline to the image: more where the sum does not come out with fewer."""
TOLERANCE = 0.01
"""Share of the difference of outputs by which the sum of integrated gradients may be off."""

UNUSED = ("appears to not have been used in the graph", "element 0 of tensors does not require grad")
"""What torch says of a layer beside the way to the answer: with weights that learn, and with frozen ones."""


class UnrelatedError(SaccadeError):
    """A layer that the answer does not depend on."""


def gradcam(logits: Callable[[Tensor], Tensor], image: Tensor, layer: nn.Module, *, targets: int = 1) -> Tensor:
    """(K, h, w), 0 or more (Selvaraju et al. 2017, arXiv 1610.02391, equations 1 and 2).

    The channels of the layer's map are added, each weighted by the mean of the gradient over its places, and what is
    negative is cut off.

    Args:
        logits: (1, 3, H, W) to (1, K).
        image: (1, 3, H, W).
        layer: has the map.
        targets: K.

    Raises:
        UnrelatedError: the logits are not made of the layer's map.
    """
    from captum.attr import LayerGradCam

    method = LayerGradCam(logits, layer)
    try:
        found = [method.attribute(image, target=k, relu_attributions=True).detach() for k in range(targets)]
    except RuntimeError as error:
        if not any(words in str(error) for words in UNUSED):
            raise
        raise UnrelatedError("the answer does not depend on the layer") from None
    return torch.cat(found)[:, 0]


def spread(heat: Tensor, canvas: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """(K, h, w) to (K, H, W): stretched over the canvas, which is as large as the image or larger, bilinear."""
    stretched = F.interpolate(heat[:, None], size=canvas, mode="bilinear", align_corners=False)
    return stretched[:, 0, : size[0], : size[1]]


class Integrated(NamedTuple):
    """Integrated gradients of one thing, and how well they add up."""

    values: Tensor  # (3, H, W)
    difference: float  # of the outputs for image and baseline
    error: float  # sum of the values, minus the difference
    steps: int

    def told(self) -> dict[str, float]:
        """How well they add up, for JSON."""
        return {"difference": self.difference, "sum_minus_difference": self.error, "steps": self.steps}


def integrated_gradients(
    logits: Callable[[Tensor], Tensor], image: Tensor, *, baseline: Tensor, target: int = 0, batch: int = 32
) -> Integrated:
    """Sundararajan et al. 2017 (arXiv 1703.01365, section 3): gradients between baseline and image, times the way.

    By completeness their sum is the difference of the two outputs. ``STEPS`` are tried until it is, to ``TOLERANCE``.

    Args:
        logits: (B, 3, H, W) to (B, K).
        image: (1, 3, H, W).
        baseline: (3,) the colour of the image with nothing in it.
        target: which of the K.
        batch: images that go through the network at once.
    """
    from captum.attr import IntegratedGradients

    method = IntegratedGradients(logits)
    empty = baseline[None, :, None, None].expand_as(image)
    with torch.no_grad():
        difference = float((logits(image) - logits(empty))[0, target])
    for steps in STEPS:
        found = method.attribute(image, empty, target=target, n_steps=steps, internal_batch_size=batch)
        error = float(found.detach().cpu().sum(dtype=torch.float64)) - difference  # Apple's GPUs have no float64
        if abs(error) <= TOLERANCE * abs(difference):
            break
    return Integrated(found[0].detach().float(), difference, error, steps)


def recurrent_gradients(network: nn.Module) -> AbstractContextManager[object]:
    """Where gradients of recurrent layers can be had in evaluation mode: with torch's own kernels, not with cuDNN's."""
    recurrent = any(isinstance(module, nn.RNNBase) for module in network.modules())
    flags: AbstractContextManager[object] = torch.backends.cudnn.flags(enabled=not recurrent)
    return flags
