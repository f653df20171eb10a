"""The network of ``data.features`` is that of the config, and its mistakes are told by the config's keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from detectors import Planted
from saccade.config.schema import Config
from saccade.errors import CheckpointError, ConfigError
from saccade.nn import encoders
from saccade.nn.detector_features import DetectorFeatures
from saccade.tasks import image_features
from saccade.tasks.image_features import (
    ImageFeatures,
    feature_network,
    feature_transform,
    network_as_trained,
    recipe,
    settled,
)


def config(features: dict[str, Any], **data: Any) -> Config:
    section = {"format": "coco", "root": "x", "image_size": 64, "features": {"path": "f", **features}, **data}
    return Config.model_validate({"name": "x", "task": {"name": "caption"}, "data": section})


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "a.pth")
    return tmp_path / "a.pth"


@pytest.mark.parametrize("pool", ["none", "max", "mean"])
def test_a_map_as_float16_holds_it(weights: Path, pool: str) -> None:
    network = feature_network(config({"network": "test_resnet", "weights": weights, "pool": pool}))
    image = torch.rand(2, 3, 64, 64)
    every = network.network(image)  # type: ignore[operator]
    expected = {"none": every, "max": every.max(dim=1)[0][:, None], "mean": (every.sum(dim=1) / 4)[:, None]}[pool]
    found = network(image, torch.tensor([[64, 64], [64, 64]]))
    assert found.shape == (2, 4 if pool == "none" else 1, 96)
    assert found.dtype == torch.float32
    assert torch.equal(found, found.half().float())
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert network.regions(image, torch.empty(0)).boxes is None


def test_images_of_unlike_sizes_are_seen_without_their_padding() -> None:
    """C5 of the planted detector is every 32nd pixel: a box over the left half of an image says what lies there."""
    network = ImageFeatures(DetectorFeatures(Planted([[0, 0, 32, 32]], [[0.9, 0]]), regions=1))  # type: ignore[arg-type]
    padded = torch.zeros(2, 3, 100, 100)
    padded[0, :, :64, :64] = 0.25
    padded[1] = 0.5
    features, boxes = network.regions(padded, torch.tensor([[64, 64], [100, 100]]))
    assert features.flatten().tolist() == [0.25] * 3 + [0.5] * 3
    assert boxes is not None
    assert boxes[:, 0].tolist() == [[0, 0, 0.5, 0.5]] * 2


def test_pooled_regions_have_no_boxes() -> None:
    detector = DetectorFeatures(Planted([[0, 0, 32, 32]], [[0.9, 0]]), regions=2)  # type: ignore[arg-type]
    network = ImageFeatures(detector, pool="mean")
    features, boxes = network.regions(torch.rand(1, 3, 64, 64), torch.tensor([[64, 64]]))
    assert features.shape == (1, 3)
    assert boxes is None


def test_transforms() -> None:
    pixels = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    of_boxes = feature_transform(config({"pretrained": True}))(Image.fromarray(pixels))
    assert of_boxes.numpy() == pytest.approx(pixels.transpose(2, 0, 1) / 255, rel=1e-6)
    normalize = {"mean": [0.5] * 3, "std": [0.25] * 3}
    of_maps = feature_transform(config({"network": "test_resnet"}, normalize=normalize))
    assert torch.allclose(
        of_maps(Image.new("RGB", (90, 70), (255, 0, 0))).amax(dim=(1, 2)), torch.tensor([2.0, -2, -2])
    )
    assert of_maps(Image.new("RGB", (90, 70))).shape == (3, 64, 64)


def test_what_numbers_depend_on(weights: Path) -> None:
    import hashlib

    checksum = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert recipe(config({"network": "test_resnet", "weights": weights, "pool": "max"})) == {
        "network": "test_resnet",
        "weights": {"sha256": checksum},
        "pool": "max",
        "image_size": 64,
        "resize": "crop",
        "resize_crop": 0.875,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
    }
    assert recipe(config({"pretrained": True, "regions": 36, "size": 600})) == {
        "network": "fasterrcnn_resnet50_fpn_v2",
        "weights": {"published": "fasterrcnn_resnet50_fpn_v2_coco-dd69338a.pth"},
        "pool": "none",
        "regions": 36,
        "size": 600,
    }
    squashed = recipe(config({"network": "resnet50", "pretrained": True}, resize="squash"))
    assert squashed["weights"] == {"published": "resnet50.a1_in1k"}
    assert "resize_crop" not in squashed


def test_a_file_that_is_the_published_one_counts_as_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision's file is named by the first digits of its checksum."""
    path = tmp_path / "a.pth"
    path.write_bytes(b"x")
    asked = {"weights": path, "network": "fasterrcnn_resnet50_fpn"}
    assert list(recipe(config(asked))["weights"]) == ["sha256"]
    monkeypatch.setattr(image_features, "sha256", lambda _: "258fb6c6" + 56 * "0")
    found = recipe(config(asked))
    assert found["weights"] == {"published": "fasterrcnn_resnet50_fpn_coco-258fb6c6.pth"}
    assert found == recipe(config({"pretrained": True, "network": "fasterrcnn_resnet50_fpn"}))
    assert list(recipe(config({**asked, "network": "fasterrcnn_resnet50_fpn_v2"}))["weights"]) == ["sha256"]


def test_a_config_that_only_names_the_folder_is_settled_by_what_is_in_it(weights: Path) -> None:
    normalize = {"mean": [0.5] * 3, "std": [0.25] * 3}
    for features, data in (
        ({"network": "test_resnet", "weights": weights, "pool": "max"}, {"resize": "squash", "normalize": normalize}),
        ({"network": "test_resnet", "weights": weights}, {"image_size": 32, "resize_crop": 0.5}),
        ({"weights": weights, "regions": 36, "size": 600}, {}),
    ):
        asked = config(features, **data)
        made, alone = {**recipe(asked), "grid": [2, 2]}, config({})
        content = alone.model_dump()
        content["data"] |= settled(alone, made, (3, 4))
        section = Config.model_validate(content).data.features
        assert (section.shape, section.made) == ((3, 4), made)
        assert (section.weights, section.pretrained) == (None, False)
        content["data"]["features"]["weights"] = weights
        assert recipe(Config.model_validate(content)) == recipe(asked)


def test_features_of_other_images_are_made_as_those_of_the_training(weights: Path, tmp_path: Path) -> None:
    own = {"network": "test_resnet", "weights": weights}
    made = {**recipe(config(own)), "grid": [2, 2]}
    image, size = torch.rand(1, 3, 64, 64), torch.tensor([[64, 64]])
    expected = feature_network(config(own))(image, size)
    assert torch.equal(network_as_trained(config({**own, "made": made}))(image, size), expected)
    other = tmp_path / "b.pth"
    torch.save(timm.create_model("test_resnet").state_dict(), other)
    for features, said in (
        (
            {**own, "made": {"source": "a/{split}.tsv", "pool": "none"}},
            r"from features of a/\{split\}\.tsv, which were",
        ),
        ({"network": "test_resnet", "made": made}, r"set data\.features\.pretrained=true for the published ones, or"),
        ({**own, "weights": other, "made": made}, r"made with weights \{'sha256': '.*these would be made with weights"),
        ({"weights": weights, "made": made}, r"network test_resnet, .* these would be made with network fasterrcnn"),
    ):
        with pytest.raises(ConfigError, match=said):
            network_as_trained(config(features))


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ({}, r"data\.features: fasterrcnn_resnet50_fpn_v2 has random weights, .*set data\.features\.pretrained=true"),
        ({"network": "resnet18"}, r"resnet18 has random weights, whose features are worth nothing"),
        ({"network": "resnet19", "pretrained": True}, r"data\.features\.network: no network is called 'resnet19'; did"),
        (
            {"network": "fastrcnn_resnet50_fpn", "pretrained": True},
            r"data\.features\.network: no network is called 'fastrcnn_resnet50_fpn'; did you mean fasterrcnn_resnet50",
        ),
        (
            {"network": "fasterrcnn_resnet101_fpn", "pretrained": True},
            r"data\.features\.network: no detector is called 'fasterrcnn_resnet101_fpn'; did you mean fasterrcnn_res",
        ),
        (
            {"network": "gmlp_ti16_224", "pretrained": True},
            r"data\.features\.network: gmlp_ti16_224 does not map images",
        ),
    ],
)
def test_no_network(features: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "published", lambda name, **_: encoders.maps(name))
    with pytest.raises(ConfigError, match=said):
        feature_network(config(features))


def test_weights_that_are_missing_or_do_not_fit(weights: Path) -> None:
    asked = config({"network": "test_convnext", "weights": weights})
    with pytest.raises(CheckpointError, match=r"^data\.features\.weights: .*choose the data\.features\.network that"):
        feature_network(asked)
    weights.unlink()
    for refuses in (feature_network, recipe):
        with pytest.raises(CheckpointError, match=r"^data\.features\.weights: .*a\.pth not found"):
            refuses(asked)


def test_published_weights_that_cannot_be_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", offline)
    with pytest.raises(CheckpointError, match=r"^data\.features\.pretrained: .*no route to host") as caught:
        feature_network(config({"network": "resnet18", "pretrained": True}))
    assert "model." not in str(caught.value).replace("model.safetensors", "")
    assert str(caught.value).endswith("or set data.features.pretrained=false data.features.weights=PATH_OF_A_FILE")


def test_a_normalisation_that_is_still_to_be_measured(weights: Path) -> None:
    asked = config({"network": "test_resnet", "weights": weights}, normalize="measured")
    for refuses in (feature_transform, recipe):
        with pytest.raises(ConfigError, match=r"data\.normalize: is measured"):
            refuses(asked)
    recipe(config({"pretrained": True}, normalize="measured"))  # a detector has its own
    assert image_features.require_weights(asked.data.features) is None
