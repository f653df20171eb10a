"""Decoders of segmentation_models_pytorch: every one, encoders of both sources, and what is said of mistakes."""

from __future__ import annotations

import socket
from typing import Any, NoReturn

import pytest
import segmentation_models_pytorch as smp
import timm
import torch
from segmentation_models_pytorch.encoders import encoders
from torch import Tensor, nn

from saccade.errors import CheckpointError, ConfigError
from saccade.nn.decoders import DECODERS, LEAST, smp_network


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights never ask anybody for anything."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_these_are_all_decoders_but_the_one_for_vision_transformers() -> None:
    assert set(DECODERS) == set(smp.MODEL_ARCHITECTURES_MAPPING) - {"dpt"}


@pytest.mark.parametrize("decoder", DECODERS)
def test_every_decoder_answers_at_full_size(decoder: str) -> None:
    network = smp_network(decoder, "resnet18", 5).eval()
    least = max(LEAST.get(decoder, 1), 32)
    assert network(torch.rand(1, 3, least, 2 * least)).shape == (1, 5, least, 2 * least)
    names = {name.split(".")[0] for name, _ in network.named_parameters()}
    assert names - {"encoder"} <= set(network.head_names)  # type: ignore[arg-type]
    assert least % int(network.stride) == 0  # type: ignore[arg-type]


def test_the_smallest_image_of_pan_is_the_smallest() -> None:
    network = smp_network("pan", "resnet18", 2).eval()
    with pytest.raises(RuntimeError, match="too small"):
        network(torch.rand(1, 3, LEAST["pan"] - 16, LEAST["pan"]))


@pytest.mark.parametrize("encoder", ["resnet18", "mobilenet_v2"])
def test_it_is_their_network_to_the_bit(encoder: str) -> None:
    torch.manual_seed(1)
    network = smp_network("fpn", encoder, 4).eval()
    torch.manual_seed(1)
    reference = smp.FPN(encoder, encoder_weights=None, classes=4).eval()
    image = torch.rand(1, 3, 64, 96)
    assert torch.equal(network(image), reference(image))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("resnet18", "ResNetEncoder"),
        ("tu-resnet18", "TimmUniversalEncoder"),
        ("resnet18.a1_in1k", "TimmUniversalEncoder"),
        ("mobilenetv3_small_050", "TimmUniversalEncoder"),
        ("mobilenet_v2", "MobileNetV2Encoder"),
    ],
)
def test_a_name_that_both_have_is_their_own_and_all_others_are_timms(name: str, kind: str) -> None:
    assert type(smp_network("linknet", name, 2).encoder).__name__ == kind


@pytest.mark.parametrize(
    ("decoder", "encoder", "message"),
    [
        ("unett", "resnet18", "model.name: segmentation_models_pytorch has no decoder 'unett'; did you mean smp_unet"),
        ("dpt", "resnet18", "model.name: segmentation_models_pytorch has no decoder 'dpt'; "),
        ("zzz", "resnet18", "model.name: segmentation_models_pytorch has no decoder 'zzz'; it has smp_unet, smp_"),
        ("unet", "mobilnet_v2", "model.encoder: no encoder is called 'mobilnet_v2'; did you mean mobilenet_v2"),
        ("unet", "tu-resnet19", "model.encoder: no encoder is called 'resnet19'; did you mean resnet1"),
        ("unetplusplus", "mit_b0", "model.encoder: mit_b0 does not go with unetplusplus (UnetPlusPlus is not support"),
        ("deeplabv3", "vgg11_bn", "model.encoder: vgg11_bn does not go with deeplabv3 ('VGG' models do not support"),
        ("pan", "tu-vgg11", "model.encoder: tu-vgg11 does not go with pan (AssertionError)"),
        ("fpn", "vit_tiny_patch16_224", "model.encoder: vit_tiny_patch16_224 does not go with fpn ("),
        (
            "fpn",
            "swin_tiny_patch4_window7_224",
            "model.encoder: swin_tiny_patch4_window7_224 does not go with fpn (Input height (128) doesn't match",
        ),
    ],
)
def test_mistakes_end_in_one_sentence(decoder: str, encoder: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        smp_network(decoder, encoder, 3)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


# Published weights, without a download.


def test_published_weights_of_their_own_encoder_arrive(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(9)
    weights = smp.Unet("mobilenet_v2", encoder_weights=None).encoder.state_dict()
    file, asked = tmp_path / "model.safetensors", []
    save_file(weights, file)

    def cached(*given: Any, **named: Any) -> str:
        asked.append((*given, named))
        return str(file)

    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: str(file))
    monkeypatch.setattr("huggingface_hub.hf_hub_download", cached)
    found = smp_network("unet", "mobilenet_v2", 3, pretrained=True).get_submodule("encoder").state_dict()
    assert all(torch.equal(found[key], value) for key, value in weights.items())
    entry = encoders["mobilenet_v2"]["pretrained_settings"]["imagenet"]
    assert asked == [(entry["repo_id"], "model.safetensors", {"revision": entry["revision"]})]


@pytest.mark.parametrize("decoder", ["unet", "deeplabv3", "pspnet"])
def test_published_weights_of_timms_encoder_arrive(monkeypatch: pytest.MonkeyPatch, decoder: str) -> None:
    """Also where the stride is changed (DeepLab), and where the last stages are left out (PSPNet)."""
    torch.manual_seed(9)
    weights: dict[str, Tensor] = timm.create_model("resnet18.a1_in1k", pretrained=False).state_dict()
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: "/cache/model.safetensors")
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", lambda *_, **__: dict(weights))
    found = smp_network(decoder, "resnet18.a1_in1k", 3, pretrained=True).get_submodule("encoder.model").state_dict()
    assert len(found) > 50
    assert all(torch.equal(value, weights[key]) for key, value in found.items())


def test_an_encoder_without_published_weights_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(encoders, "resnet18", {**encoders["resnet18"], "pretrained_settings": {}})
    with pytest.raises(ConfigError) as raised:
        smp_network("unet", "resnet18", 3, pretrained=True)
    assert str(raised.value) == (
        "model.pretrained: segmentation_models_pytorch has no published weights for resnet18; "
        "set model.pretrained=false"
    )
    name = next(name for name in timm.list_models("resnet*") if not timm.is_model_pretrained(name))
    with pytest.raises(ConfigError, match=rf"^model\.pretrained: timm has no published weights for {name}; set"):
        smp_network("unet", name, 3, pretrained=True)


@pytest.mark.parametrize("name", ["mobilenet_v2", "tu-resnet18.a1_in1k"])
def test_without_a_network_it_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def offline(*_: Any, **__: Any) -> NoReturn:
        raise OSError("no address")

    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", offline)
    with pytest.raises(CheckpointError) as raised:
        smp_network("unet", name, 3, pretrained=True)
    said = str(raised.value)
    assert said.startswith(f"model.pretrained: the weights of {name.removeprefix('tu-')} could not be downloaded (no a")
    assert said.endswith("or train from random weights with model.pretrained=false")
    assert "\n" not in said
    assert "model.weights" not in said


def test_gradients_reach_every_weight_that_the_decoder_uses() -> None:
    network = smp_network("deeplabv3plus", "resnet18", 3).train()
    nn.functional.cross_entropy(network(torch.rand(2, 3, 64, 64)), torch.randint(0, 3, (2, 64, 64))).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []
