"""Features that are computed once: the same training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from saccade.commands.train import train
from saccade.config.load import load
from saccade.engine import checkpoint
from saccade.engine.features import obstacle
from saccade.engine.module import Module
from saccade.errors import ConfigError
from saccade.runs import Run

FROZEN = [
    "model.pretrained=false",
    "model.freeze=backbone",
    "data.augment.crop=null",
    "data.augment.flip=0",
    "data.image_size=32",
    "data.holdout=0.25",
    "loader.batch_size=4",
    "loader.workers=0",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=3",
    "optim.lr=0.01",
]


@pytest.fixture
def trained(tmp_path: Path, classes_on_disk: Path) -> Callable[..., Run]:
    def start(*overrides: str, name: str = "run") -> Run:
        given = [f"data.root={classes_on_disk}", *FROZEN, *overrides]
        return train("folder-classify", given, runs=tmp_path / "runs", name=name)

    return start


def numbers(run: Run) -> list[float]:
    rows = run.epochs()
    return [value for row in rows for part in ("train", "holdout") for value in row[part].values()]


@pytest.mark.parametrize(
    "model",
    [
        "small_cnn",
        pytest.param("resnet18", marks=pytest.mark.slow),
        pytest.param("mobilenetv3_small_050", marks=pytest.mark.slow),
    ],
)
def test_the_result_is_the_same_as_without(
    trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    seen: list[tuple[int, ...]] = []
    forward = Module.forward

    def noted(self: Module, image: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(image.shape[1:]))
        return forward(self, image)

    monkeypatch.setattr(Module, "forward", noted)
    plain = trained(f"model.name={model}", "model.cache_features=false", name="plain")
    assert set(seen) == {(3, 32, 32)}
    in_training = len(seen)
    seen.clear()
    cached = trained(f"model.name={model}", name="cached")
    images = [shape for shape in seen if len(shape) == 3]
    # train and holdout once, then the final scoring of val
    assert len(images) == 3 + 1 + 2
    assert len(images) < in_training
    assert numbers(cached) == pytest.approx(numbers(plain), rel=1e-5, abs=1e-6)
    one, other = (checkpoint.load(run.checkpoints / "last.ckpt")["state_dict"] for run in (plain, cached))
    assert one.keys() == other.keys()
    for key, value in one.items():
        torch.testing.assert_close(other[key], value, rtol=1e-4, atol=1e-6)
    a, b = (run.evaluation("val").metrics()["metrics"] for run in (plain, cached))
    assert a == pytest.approx(b, rel=1e-4, abs=1e-6)


@pytest.mark.slow
def test_frozen_batchnorm_keeps_its_statistics(trained: Callable[..., Run]) -> None:
    run = trained("model.name=resnet18", "model.cache_features=false", "trainer.keep_checkpoints=all")
    first, last = (checkpoint.load(run.checkpoint_of(k))["state_dict"] for k in (1, 3))
    for key, value in first.items():
        assert torch.equal(value, last[key]) != key.startswith("network.fc."), key


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("model.freeze=none", "model.freeze is not backbone"),
        ("model.freeze=2", "model.freeze is not backbone"),
        ("data.augment.flip=0.5", "data.augment changes the images"),
        ("data.augment.mixup=0.2", "data.augment changes the images"),
        ("model.drop_rate=0.1", "model.drop_rate is not 0"),
        ("data.progressive=[16]", "data.progressive changes the image size"),
        ("trainer.devices=2", "trainer.devices is not 1"),
    ],
)
def test_what_changes_from_epoch_to_epoch_is_not_kept(setting: str, reason: str) -> None:
    given: list[Any] = [*FROZEN, "model.cache_features=auto"]
    assert obstacle(load("folder-classify", given)) is None
    found = obstacle(load("folder-classify", [*given, setting]))
    assert found is not None
    assert reason in found


def test_asked_for_where_it_cannot_be_is_an_error(trained: Callable[..., Run]) -> None:
    with pytest.raises(ConfigError, match=r"model.cache_features: is true, and data.augment changes the images"):
        trained("model.name=small_cnn", "model.cache_features=true", "data.augment.jitter=0.1")


@pytest.mark.slow
def test_a_network_without_a_single_head_does_without(trained: Callable[..., Run]) -> None:
    """dla34 ends in a 1x1 convolution."""
    run = trained("model.name=dla34", "trainer.max_epochs=1")
    assert len(run.epochs()) == 1
    with pytest.raises(ConfigError, match=r"model.cache_features: is true, and dla34 has no single head"):
        trained("model.name=dla34", "trainer.max_epochs=1", "model.cache_features=true")
