"""The CIFAR network against its authors' published weights and their score."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from saccade.commands.train import train
from saccade.data import folder
from saccade.data.images import read_rgb
from saccade.data.transforms import IMAGENET_MEAN, IMAGENET_STD, evaluation_transform
from saccade.nn.cifar_resnet import CIFAR_RESNETS
from saccade.nn.conversion import convert
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


WAYS: dict[str, dict[str, Any]] = {
    "statistics": {"to": "weight-standardized", "compensate": "statistics"},
    "affine": {"to": "weight-standardized", "compensate": "affine"},
    "folded": {"to": "folded"},
}


@pytest.fixture(scope="module")
def published(real_data: Path) -> tuple[nn.Module, Tensor, Tensor]:
    """The network in evaluation mode, (500, 3, 32, 32) normalised images, and (500,) positions of their classes."""
    network = CIFAR_RESNETS["cifar_resnet20"](10)
    network.load_state_dict(load_file(real_data / WEIGHTS), strict=False)
    listing = folder.read(real_data / "cifar10_test500", ".", classes=None)
    transform = evaluation_transform(32, resize="squash", crop_share=1.0, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    images = torch.stack([transform(read_rgb(listing.root / name)) for name in listing.images])
    return network.eval(), images, torch.from_numpy(listing.targets)


def relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.real
@pytest.mark.parametrize("way", WAYS)
@torch.no_grad()
def test_the_converted_network_gives_the_same_500_answers(
    way: str, published: tuple[nn.Module, Tensor, Tensor]
) -> None:
    network, images, targets = published
    made = convert(network, images[:1], name="cifar_resnet20", **WAYS[way])
    assert (len(made.converted), made.refused) == (19, {})
    before, after = network(images), made.network(images)
    assert torch.equal(after.argmax(dim=1), before.argmax(dim=1))
    assert int((after.argmax(dim=1) == targets).sum()) == 395
    assert relative(after, before) < 1e-5


@pytest.mark.real
@pytest.mark.parametrize(("way", "least", "most"), [("statistics", 0.0, 1e-3), ("affine", 0.5, 5.0)])
@torch.no_grad()
def test_in_training_mode_only_statistics_keeps_the_outputs(
    way: str, least: float, most: float, published: tuple[nn.Module, Tensor, Tensor]
) -> None:
    network, images, _ = published
    made = convert(network, images[:1], name="cifar_resnet20", **WAYS[way]).network
    in_training = [deepcopy(each).train() for each in (made, network)]
    after, before = (torch.cat([each(batch) for batch in torch.split(images, 100)]) for each in in_training)
    assert least < relative(after, before) < most


@pytest.mark.real
@pytest.mark.slow
def test_after_an_epoch_affine_has_broken_down_and_statistics_has_not(real_data: Path, tmp_path: Path) -> None:
    """A row of the table in docs/convert.md: 0.71, 0.71 and 0.15 over three seeds, with ten classes."""
    settings = [
        f"data.root={real_data / 'cifar10_test500'}",
        *("data.val_fraction=0.4", "data.holdout=0", "data.image_size=32", "data.resize=squash"),
        *("data.augment.crop=null", "data.normalize=imagenet", "task.label_smoothing=0"),
        *("model.name=cifar_resnet20", "model.pretrained=false", f"model.weights={real_data / WEIGHTS}"),
        *("model.head=keep", "optim.name=sgd", "optim.lr=0.01", "optim.schedule=cosine", "optim.warmup_epochs=0"),
        *("loader.batch_size=32", "loader.workers=0", "trainer.accelerator=cpu", "trainer.max_epochs=1"),
    ]
    found = {}
    for arm in ("unconverted", "statistics", "affine"):
        more = () if arm == "unconverted" else ("model.convert=weight-standardized", f"model.compensate={arm}")
        run = train("folder-classify", [*settings, *more], runs=tmp_path, name=arm)
        found[arm] = run.epochs()[0]["val"]["accuracy"]
    assert found["unconverted"] > 0.6
    assert abs(found["statistics"] - found["unconverted"]) < 0.05
    assert found["affine"] < 0.3
