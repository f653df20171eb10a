"""Confused logits: what would have to change in an image for its answer to be clear, one way and the other.

Letters: C classes, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from saccade.errors import DataError
from saccade.explain.heat import stretched
from saccade.explain.pictures import Floats, Panel, Picture, Scale, enlarged, panels
from saccade.explain.subject import as_picture

SURE = 0.9
"""The probability of a class at which its answer counts as clear."""
STEP = 1 / 255
"""Of a step along the gradient: its root mean square in RGB from 0 to 1, a grey level of 8 bits."""
MOST = 100
"""Steps after which it is given up."""
MARGIN = 0.1
"""By how much two probabilities may differ and still be confused, unless said otherwise."""


class ClearError(DataError):
    """An image of which the answer is clear."""

    def __init__(self, message: str, apart: float) -> None:
        super().__init__(message)
        self.apart = apart  # how far its two highest probabilities lie apart


class Change(NamedTuple):
    """An image changed towards a class."""

    number: int  # of the class
    gradient: Tensor  # (3, H, W) of the class's log-probability by the RGB values, at the image itself
    image: Tensor  # (3, H, W) RGB in [0, 1]
    probabilities: Tensor  # (C,) of the changed image
    steps: int
    size: float  # root mean square of the change, in RGB from 0 to 1


def two_highest(probabilities: Tensor) -> tuple[int, int]:
    """The classes of (C,) with the highest and the second-highest probability."""
    first, second = probabilities.topk(2).indices.tolist()
    return first, second


def require_confused(names: tuple[str, str], probabilities: Sequence[float], *, margin: float | None) -> None:
    """That two probabilities lie at most ``margin`` apart.

    Raises:
        ClearError: they do not.
    """
    margin, apart = MARGIN if margin is None else margin, probabilities[0] - probabilities[1]
    if apart > margin + 1e-6:  # 0.45 - 0.35 is a little more than 0.1
        said = ", ".join(f"{name} {value:.3f}" for name, value in zip(names, probabilities, strict=True))
        raise ClearError(f"{said} are {apart:.3f} apart, and --margin is {margin:g}", apart)


def towards(log_probabilities: Callable[[Tensor], Tensor], image: Tensor, index: int) -> Change:
    """Follow the gradient of a class's log-probability until the class is sure, or ``MOST`` steps are made.

    All steps are equally long, whatever the gradient's, and values stay within the range of colours.

    Args:
        log_probabilities: (1, 3, H, W) RGB in [0, 1] to (1, C).
        image: (1, 3, H, W) RGB in [0, 1].
        index: of the class.
    """
    changed, start, steps = image.detach().clone(), None, 0
    while True:
        changed.requires_grad_(True)
        with torch.enable_grad():
            said = log_probabilities(changed)
            (gradient,) = torch.autograd.grad(said[0, index], changed)
        changed, said = changed.detach(), said.detach()
        start = gradient if start is None else start
        length = gradient.square().mean().sqrt()
        if float(said[0, index].exp()) >= SURE or steps == MOST or not float(length) > 0:
            break
        changed = (changed + STEP * gradient / length).clamp(0, 1)
        steps += 1
    moved = float((changed - image).square().mean().sqrt())
    return Change(index, start[0], changed[0], said[0].exp(), steps, moved)


def drawn(image: Picture, names: tuple[str, str], before: Tensor, changes: Sequence[Change]) -> Picture:
    """The input, both gradients, and both changed inputs with their probabilities.

    Args:
        image: (H, W, 3) the input.
        names: of the two classes, the likelier one first.
        before: (C,) probabilities of the input.
        changes: to the one and to the other.
    """
    side = max(240, min(max(image.shape[:2]), 480))
    large = enlarged(image, side)
    pair = [change.number for change in changes]
    gradients = [change.gradient.sum(dim=0).cpu().numpy() for change in changes]
    scale = Scale.around_zero(np.stack(gradients), share=0.995)
    row = [Panel(large, "input", _said(names, before, pair))]
    for name, gradient in zip(names, gradients, strict=True):
        fine = scale.paint(stretched(gradient, (large.shape[0], large.shape[1])))
        row.append(Panel(fine, f"gradient to {name}", scale=scale))
    for name, change in zip(names, changes, strict=True):
        changed = enlarged(as_picture(change.image), side)
        title = f"to {name}: by {255 * change.size:.1f} of 255"
        row.append(Panel(changed, title, _said(names, change.probabilities, pair)))
    return panels([row], title=f"{names[0]} or {names[1]}?")


def values(changes: Sequence[Change]) -> Floats:
    """(4, 3, H, W): both gradients, both changed images."""
    found: Floats = torch.stack([*(c.gradient for c in changes), *(c.image for c in changes)]).cpu().numpy()
    return found


def told(names: tuple[str, str], before: Tensor, changes: Sequence[Change]) -> dict[str, Any]:
    """All numbers, for JSON."""
    pair = [change.number for change in changes]
    return {
        "values": "both gradients by RGB, both changed images in RGB from 0 to 1: colour, height, width of the input",
        "targets": [{"name": name, "probability": float(before[i])} for name, i in zip(names, pair, strict=True)],
        "changes": [
            {
                "to": name,
                "probabilities": [float(change.probabilities[i]) for i in pair],
                "steps": change.steps,
                "size": change.size,
            }
            for name, change in zip(names, changes, strict=True)
        ],
    }


def _said(names: tuple[str, str], probabilities: Tensor, pair: Sequence[int]) -> str:
    return ", ".join(f"{name} {float(probabilities[i]):.3f}" for name, i in zip(names, pair, strict=True))
