"""A network converted, held to what it was, and its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from saccade.data.listing import Listing
from saccade.data.wording import counted
from saccade.engine import checkpoint
from saccade.engine.module import Module
from saccade.errors import ConfigError, RunError
from saccade.nn.conversion import Conversion, convert
from saccade.nn.standardize import Compensation
from saccade.surgery.difference import Difference, difference
from saccade.tasks.base import Task

LARGEST_RELATIVE = 1e-5
"""Of outputs in float32; more than that is not the rounding of a few more operations."""
ANOTHER_NETWORK = 1e-2
"""Beyond this it is no rounding at all: the new network computes something else."""


@dataclass(frozen=True)
class Surgery:
    """What became of a network."""

    network: nn.Module  # the new one
    converted: tuple[str, ...]  # names of its convolutions
    refused: Mapping[str, str]  # those that are as they were, by name, and why
    difference: Difference  # of its outputs from those of the old one


def convert_network(
    task: Task, network: nn.Module, listing: Listing, *, to: Conversion, compensate: Compensation, name: str
) -> Surgery:
    """Convert a copy of a task's network, and compare the two on the images of a listing.

    Args:
        task: of the network.
        network: stays as it is.
        listing: the images.
        to: what its convolutions become.
        compensate: for weight-standardized, what changes in BatchNorm.
        name: what the network is called in messages.

    Raises:
        ConfigError: nothing in it can be converted.
        DataError: an image cannot be read.
        RunError: outputs that are not finite, or those of another network.
    """
    try:
        made = convert(network, *task.example_inputs()[:1], to=to, compensate=compensate, name=name)
    except ConfigError as error:
        raise ConfigError(f"--to: {error}") from error
    apart = difference(task, network, made.network, listing)
    if apart.relative > ANOTHER_NETWORK:
        raise RunError(
            f"--to: what {name} becomes is not the same network: the outputs differ by {apart.relative:.1e} (relative, "
            f"in norm) on {counted(apart.images, 'validation image')}, so that no run was made; it may use its weights "
            "in a way that torch.fx does not see"
        )
    return Surgery(made.network, made.converted, made.refused, apart)


def note(surgery: Surgery, origin: Mapping[str, Any]) -> str:
    """What a reader of the new run's numbers must know; ``origin``: run, checkpoint, epoch, to, perhaps compensate."""
    how = f", compensated in the {origin['compensate']} of its BatchNorms" if "compensate" in origin else ""
    n = counted(len(surgery.converted), "convolution")
    return (
        f"Nothing was trained here: the network is that of {origin['run']}, {origin['checkpoint']} (epoch "
        f"{origin['epoch']}), with {n} made {origin['to']} by saccade convert{how}. Its outputs on the validation "
        f"images are {surgery.difference.relative:.1e} (relative, in norm) from those of the old one."
    )


def save_network(task: Task, network: nn.Module, about: Mapping[str, Any], folder: Path) -> None:
    """Write ``best.ckpt`` and ``last.ckpt`` of a converted network, without anything to resume.

    Args:
        task: of the new run.
        network: its network.
        about: what the checkpoint of the old network says of itself: epoch and threshold still hold.
        folder: of checkpoints.
    """
    content = Module(task, network).untrained()
    content["saccade"] |= {key: about.get(key) for key in ("epoch", "threshold")}
    for name in ("last.ckpt", "best.ckpt"):
        checkpoint.save(content, folder / name)
