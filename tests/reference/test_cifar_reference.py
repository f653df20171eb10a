"""The CIFAR network against its authors' published weights and their score."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from saccade.nn.cifar_resnet import CIFAR_RESNETS
from saccade.runs import Run

WEIGHTS = "weights/resnet20_cifar10.safetensors"
"""The ResNet-20 of github.com/akamaster/pytorch_resnet_cifar10: 91.7 % of CIFAR-10's test images."""


@pytest.mark.real
def test_the_published_file_loads_with_every_name(real_data: Path) -> None:
    """The file is older than num_batches_tracked, on which no output depends."""
    network = CIFAR_RESNETS["cifar_resnet20"](10)
    weights = load_file(real_data / WEIGHTS)
    missing, unexpected = network.load_state_dict(weights, strict=False)
    assert unexpected == []
    assert all(key.endswith("num_batches_tracked") for key in missing)
    assert torch.equal(network.linear.weight, weights["linear.weight"])


@pytest.mark.real
def test_as_many_images_are_right_as_with_the_authors_code(
    real_data: Path, tmp_path: Path, saccade: Callable[..., Any]
) -> None:
    """395 of 500: what their code gets on these files, JPEG copies of test images. The classes are in order of name."""
    done = saccade(
        "train",
        "cifar10-resnet20",
        f"model.weights={real_data / WEIGHTS}",
        "model.head=keep",
        "trainer.max_epochs=0",
        "trainer.accelerator=cpu",
        "loader.workers=0",
        f"data.root={real_data / 'cifar10_test500'}",
        "data.val=.",
        "--runs",
        tmp_path,
    )
    assert done.code == 0, done.err
    scored = Run.open(done.out.splitlines()[-1]).evaluation("val")
    answers = scored.predictions()
    assert answers.height == scored.metrics()["n"] == 500
    assert (answers["target"] == answers["prediction"]).sum() == 395
    assert scored.metrics()["metrics"]["accuracy"] == 0.79
    assert scored.metrics()["classes"] == [
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ]  # fmt: skip
