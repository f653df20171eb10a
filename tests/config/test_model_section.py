"""Rules that tie the keys of the model section together, and the pad of the augmentation to its crop."""

from __future__ import annotations

from pathlib import Path

import pytest

from saccade.config.load import load
from saccade.errors import ConfigError


def refused(*settings: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load("folder-classify", ["data.root=x", "model.pretrained=false", *settings])
    return str(raised.value)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            ["model.head=keep"],
            "model.head (command line): is keep, and the network starts from random weights; "
            "set model.head=replace, or model.weights to the file whose head is meant",
        ),
        (
            ["model.init=xavier_normal", "model.weights=w.pth"],
            "model.init (command line): is xavier_normal, and model.weights is set; "
            "set model.init=default or model.weights=null",
        ),
        (
            ["model.init=kaiming_uniform", "model.pretrained=true"],
            "model.init (command line): is kaiming_uniform, and model.pretrained is true; "
            "set model.init=default or model.pretrained=false",
        ),
        (
            ["model.init_fan=out"],
            "model.init_fan (command line): is out, which Kaiming alone knows, and model.init is default; "
            "set model.init=kaiming_normal or model.init_fan=in",
        ),
        (
            ["model.init=xavier_uniform", "model.init_fan=out"],
            "model.init_fan (command line): is out, which Kaiming alone knows, and model.init is xavier_uniform; "
            "set model.init=kaiming_normal or model.init_fan=in",
        ),
        (
            ["model.compensate=affine"],
            "model.compensate (command line): is affine, which weight-standardized alone knows, and model.convert is "
            "null; set model.convert=weight-standardized or model.compensate=statistics",
        ),
        (
            ["model.compensate=affine", "model.convert=folded"],
            "model.compensate (command line): is affine, which weight-standardized alone knows, and model.convert is "
            "folded; set model.convert=weight-standardized or model.compensate=statistics",
        ),
        (
            ["data.augment.pad=4"],
            "data.augment.pad (command line): is 4, and data.augment.crop cuts at random too; "
            "set data.augment.crop=null or data.augment.pad=0",
        ),
    ],
)
def test_what_does_not_go_together(settings: list[str], text: str) -> None:
    assert refused(*settings) == text


@pytest.mark.parametrize(
    "settings",
    [
        ["model.head=keep", "model.weights=w.pth"],
        ["model.head=keep", "model.pretrained=true"],
        ["model.init=kaiming_normal", "model.init_fan=out"],
        ["model.init=xavier_uniform"],
        ["data.augment.pad=4", "data.augment.crop=null"],
    ],
)
def test_what_goes_together(settings: list[str]) -> None:
    model = load("folder-classify", ["data.root=x", "model.pretrained=false", *settings]).model
    assert f"model.head={model.head}" in [*settings, "model.head=replace"]
    assert model.init_fan == ("out" if "model.init_fan=out" in settings else "in")


def test_a_head_is_replaced_unless_it_is_to_be_kept(tmp_path: Path) -> None:
    config = load("folder-classify", ["data.root=x", "model.pretrained=false", f"model.weights={tmp_path}/w.pth"])
    assert config.model.head == "replace"


def test_the_cifar_recipe_is_that_of_the_paper() -> None:
    """arXiv 1512.03385, section 4.2: 45,000 images, batches of 128, tenths after 32,000 and 48,000 of 64,000 steps."""
    config = load("cifar10-resnet20")
    steps_an_epoch = 45_000 / 128
    assert [round(steps / steps_an_epoch) for steps in (32_000, 48_000, 64_000)] == [
        *config.optim.step_epochs,
        config.trainer.max_epochs,
    ]
    assert config.data.holdout == pytest.approx(5_000 / 50_000)


@pytest.mark.parametrize("layers", [18, 34, 50, 101, 152])
def test_the_imagenet_recipes_differ_in_the_network_alone(layers: int) -> None:
    config, first = load(f"imagenet-resnet{layers}").model_dump(), load("imagenet-resnet18").model_dump()
    assert config["model"].pop("name") == f"resnet{layers}"
    assert config.pop("name") == f"imagenet-resnet{layers}"
    del first["name"], first["model"]["name"]
    assert config == first
    assert (config["optim"]["step_epochs"], config["trainer"]["max_epochs"]) == ((30, 60), 90)
