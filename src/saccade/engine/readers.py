"""How many processes read images."""

from __future__ import annotations

import os

import torch

from saccade.config.schema import Config


def workers(config: Config) -> int:
    """Number of reading processes for each device: as given, or one a core for a GPU, one for two cores otherwise.

    Where the cores also compute, more readers than that make both wait for each other.
    """
    if config.loader.workers != "auto":
        return config.loader.workers
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    on_gpu = config.trainer.accelerator != "cpu" and torch.cuda.is_available()
    devices = config.trainer.devices if isinstance(config.trainer.devices, int) else torch.cuda.device_count() or 1
    return max(1, min(16, (cores if on_gpu else cores // 2) // devices))
