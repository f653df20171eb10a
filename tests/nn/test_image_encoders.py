"""Encoders are networks without their heads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from saccade.errors import CheckpointError, ConfigError
from saccade.nn.cifar_resnet import CIFAR_RESNETS
from saccade.nn.image_encoders import image_encoder, load_encoder, require_image_encoder
from saccade.nn.small import SmallCNN


def test_ours_with_the_weights_of_a_whole_network(tmp_path: Path) -> None:
    """Its head on what the encoder gives is what the whole network says."""
    image = torch.rand(2, 3, 40, 32)
    for name, whole in (("small_cnn", SmallCNN(5)), ("cifar_resnet32", CIFAR_RESNETS["cifar_resnet32"](5))):
        whole.train()
        whole(torch.rand(8, 3, 32, 32))  # statistics that random weights have not
        torch.save(whole.eval().state_dict(), tmp_path / "a.pth")
        encoder, channels = image_encoder(name)
        load_encoder(encoder, name, tmp_path / "a.pth")
        maps = encoder.eval()(image)
        assert maps.shape[1] == channels
        if isinstance(whole, SmallCNN):
            logits = F.linear(maps.amax(dim=(2, 3)), whole.head.weight, whole.head.bias)
        else:
            logits = F.linear(maps.mean(dim=(2, 3)), whole.linear.weight, whole.linear.bias)
        torch.testing.assert_close(logits, whole(image))


def test_weights_of_another_network(tmp_path: Path) -> None:
    torch.save(SmallCNN(5).state_dict(), tmp_path / "a.pth")
    encoder, _ = image_encoder("cifar_resnet20")
    with pytest.raises(CheckpointError, match=r"a\.pth does not fit the network"):
        load_encoder(encoder, "cifar_resnet20", tmp_path / "a.pth")


def test_no_such_encoder() -> None:
    with pytest.raises(ConfigError, match=r"model\.encoder: no encoder is called 'resnt18'; did you mean"):
        image_encoder("resnt18")
    with pytest.raises(ConfigError, match=r"model\.encoder"):
        image_encoder("small_cnn", pretrained=True)
    with pytest.raises(ConfigError, match=r"'cifar_resnet2'; did you mean cifar_resnet"):
        require_image_encoder("cifar_resnet2")
    require_image_encoder("cifar_resnet56")
