"""``environment.json``: where and on what a run was made."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from saccade.config.schema import Config
from saccade.data.listing import counts, fingerprint
from saccade.engine.resolve import Prepared
from saccade.tasks.labels import normalization

PACKAGES = (
    "saccade",
    "torch",
    "torchvision",
    "lightning",
    "timm",
    "torchmetrics",
    "numpy",
    "pillow",
    "polars",
)


def describe(prepared: Prepared, network: nn.Module) -> dict[str, Any]:
    """Versions, hardware, seed, and what was found in the data."""
    config = prepared.config
    return {
        "python": sys.version.split()[0],
        **{name: _version(name) for name in PACKAGES},
        "platform": platform.platform(),
        "cpu": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "device": _device(config),
        "git": _git_revision(),
        "seed": config.seed,
        "data": _data(prepared),
        "notes": list(_notes(prepared)),
        # measured for each fold by itself where there are several
        **({} if config.data.normalize == "measured" else {"normalize": _normalize(config)}),
        "model": {
            "name": config.model.name,
            "parameters": sum(p.numel() for p in network.parameters()),
            "head_only": config.model.freeze == "backbone",
        },
    }


def _normalize(config: Config) -> dict[str, list[float]]:
    mean, std = normalization(config)
    return {"mean": list(mean), "std": list(std)}


def _notes(prepared: Prepared) -> Iterator[str]:
    """What a reader of the numbers must know about how this run was trained."""
    section = prepared.config.trainer
    if section.overfit_batches is not None:
        yield (
            f"To debug, this run learned from {len(prepared.listings['train'])} training images by heart "
            f"(trainer.overfit_batches: {section.overfit_batches}) and chose its epoch on them: its numbers on other "
            "images mean nothing."
        )
    if section.limit_batches is not None:
        yield f"Each epoch took part of the training images only (trainer.limit_batches: {section.limit_batches})."
    if section.max_time is not None:
        yield (
            f"This run was trained by the clock (trainer.max_time: {section.max_time}), so how many steps it made "
            "depends on the machine and its load: it cannot be repeated to the bit."
        )


def _data(prepared: Prepared) -> dict[str, Any]:
    splits: Mapping[str, Any] = {
        name: {"n": len(listing), "classes": counts(listing), "fingerprint": fingerprint(listing)}
        for name, listing in prepared.listings.items()
    }
    return {
        **places(prepared.config),
        "classes": list(prepared.config.data.classes or ()),
        "splits": splits,
        "skipped": list(prepared.skipped),
    }


def places(config: Config) -> dict[str, str]:
    """Where the data are, and the stored features where there are such."""
    features = config.data.features.path
    root = {"root": str(config.data.root.resolve())}
    return root if features is None else {**root, "features": str(features.resolve())}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _device(config: Config) -> str:
    if torch.cuda.is_available() and config.trainer.accelerator in ("auto", "gpu"):
        return torch.cuda.get_device_name()
    return "cpu" if config.trainer.accelerator in ("auto", "cpu") else config.trainer.accelerator


def _git_revision() -> str | None:
    """Revision of the repository that the user works in, marked where files differ from it; None outside of one."""
    try:
        asked = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
            cwd=Path.cwd(),
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip() or None if asked.returncode == 0 else None
