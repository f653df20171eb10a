"""Features of a map are timm's own numbers, position by position."""

from __future__ import annotations

from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from saccade.errors import CheckpointError, ConfigError
from saccade.nn.map_features import MapFeatures


def file_of(name: str, path: Path) -> nn.Module:
    """A network of timm with statistics that random weights have not, saved to ``path``."""
    torch.manual_seed(0)
    network: nn.Module = timm.create_model(name, num_classes=7)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -1, 1)  # type: ignore[arg-type]
    torch.save(network.state_dict(), path)
    return network.eval()


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext"])
def test_features_are_those_of_the_network_in_the_file(tmp_path: Path, name: str) -> None:
    """timm takes these two apart in different ways: one keeps the names of its weights, the other changes them."""
    whole = file_of(name, tmp_path / "a.pth")
    network = MapFeatures(name, weights=tmp_path / "a.pth").train()
    image = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        expected = whole.forward_features(image)  # type: ignore[operator]
    found = network(image)
    assert network.grid(64, 96) == (2, 3)
    assert found.shape == (2, 6, network.channels)
    assert torch.allclose(found[:, 5], expected[:, :, 1, 2])
    assert torch.allclose(found[:, 2], expected[:, :, 0, 2])
    assert not found.requires_grad


def test_a_side_that_the_stride_does_not_divide() -> None:
    network = MapFeatures("test_resnet")
    assert network.grid(70, 32) == (3, 1)
    assert network(torch.rand(1, 3, 70, 32)).shape == (1, 3, network.channels)


def test_weights_that_do_not_fit(tmp_path: Path) -> None:
    file_of("test_convnext", tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"a\.pth does not fit the network(.|\n)*missing in the file"):
        MapFeatures("test_resnet", weights=tmp_path / "a.pth")


def test_a_network_without_maps_of_any_size() -> None:
    with pytest.raises(ConfigError, match="gmlp_ti16_224 does not map images of any size"):
        MapFeatures("gmlp_ti16_224")
