"""Fully convolutional networks: the rows of their table, counts by hand, initial weights, backbones of timm."""

from __future__ import annotations

import math
from typing import Any

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from saccade.errors import CheckpointError, ConfigError
from saccade.nn.anatomy import anatomy
from saccade.nn.encoders import Encoder
from saccade.nn.fcn import FCNBasic, FCNDecoder, FCNOnBackbone

ENCODER = [(3, 32), (32, 64), (64, 128), (128, 256), (256, 512)]
DECODER = [(512, 512), (512, 256), (256, 128), (128, 64), (64, 32)]
"""Channels in and out of the 3x3 convolutions, as the baseline is told."""


def count(pairs: list[tuple[int, int]]) -> int:
    """Weights and biases of a 3x3 convolution, scale and shift of a norm."""
    return sum(9 * given * out + out + 2 * out for given, out in pairs)


def test_parameters_by_hand() -> None:
    network = FCNBasic(21)
    assert (count(ENCODER), count(DECODER)) == (1_570_560, 3_928_992)
    assert sum(p.numel() for p in network.encoder.parameters()) == 1_570_560
    assert sum(p.numel() for p in network.decoder.parameters()) == 3_928_992
    assert sum(p.numel() for p in network.parameters()) == 5_499_552 + 32 * 21 + 21 == 5_500_245


def test_maps_and_order_of_the_layers() -> None:
    network, sizes = FCNBasic(4).eval(), []
    for stage in (*network.encoder, *network.decoder):
        assert isinstance(stage, nn.Sequential)
        kinds = [type(layer) for layer in stage]
        assert kinds[1:] == [nn.ReLU, nn.BatchNorm2d]
        stage.register_forward_hook(lambda _, __, out: sizes.append(tuple(out.shape[1:])))
    assert network(torch.rand(2, 3, 64, 96)).shape == (2, 4, 64, 96)
    down = [(out, 64 >> i, 96 >> i) for i, (_, out) in enumerate(ENCODER, start=1)]
    up = [(out, 64 >> i, 96 >> i) for i, (_, out) in zip((4, 3, 2, 1, 0), DECODER, strict=True)]
    assert sizes == down + up


def test_it_is_the_arithmetic_of_its_weights() -> None:
    torch.manual_seed(0)
    network, image = FCNBasic(3).eval(), torch.rand(1, 3, 32, 64)
    x = image
    for conv, _, _ in network.encoder:  # type: ignore[misc]
        x = F.conv2d(x, conv.weight, conv.bias, stride=2, padding=1).clamp_min(0) / math.sqrt(1 + 1e-5)
    for conv, _, _ in network.decoder:  # type: ignore[misc]
        x = F.conv_transpose2d(x, conv.weight, conv.bias, stride=2, padding=1, output_padding=1)
        x = x.clamp_min(0) / math.sqrt(1 + 1e-5)
    x = torch.einsum("bchw,kc->bkhw", x, network.classifier.weight[:, :, 0, 0])
    torch.testing.assert_close(network(image), x, rtol=1e-4, atol=1e-5)


def test_initial_weights_are_xaviers_and_biases_0() -> None:
    """Glorot and Bengio 2010, equation 16; the variance within 5 standard errors of that of n uniform numbers."""
    torch.manual_seed(0)
    layers = [m for m in FCNBasic(21).modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    expected = [*ENCODER, *DECODER]
    assert len(layers) == 11
    for layer, (given, out) in zip(layers, expected, strict=False):
        assert (layer.in_channels, layer.out_channels) == (given, out)
        weight, v = layer.weight.detach().double(), 2 / (9 * (given + out))
        assert float(weight.var()) == pytest.approx(v, rel=5 * math.sqrt(0.8 / weight.numel()))
        assert float(weight.abs().max()) <= math.sqrt(3 * v) * (1 + 1e-6)
    assert not any(layer.bias.any() for layer in layers if layer.bias is not None)


def test_gradients_reach_every_weight_and_evaluation_is_repeatable() -> None:
    torch.manual_seed(0)
    network = FCNBasic(3)
    F.cross_entropy(network(torch.rand(2, 3, 64, 64)), torch.randint(0, 3, (2, 64, 64))).backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in network.parameters())
    network.eval()
    image = torch.rand(1, 3, 32, 32)
    assert torch.equal(network(image), network(image))


def test_the_receptive_field_is_followed_through_transposed_convolutions() -> None:
    """Down, five 3x3 of stride 2: 1 + 2 (1 + 2 + 4 + 8 + 16) = 63; the last pixels of 32 see two neighbours as well."""
    found = anatomy(FCNBasic(3), torch.zeros(1, 3, 128, 128), name="x")
    assert found.lost is None
    encoder = next(layer for layer in found.layers if layer.name == "encoder")
    assert encoder.receptive_field == (63, 63)
    network = FCNBasic(3).double().eval()
    for parameter in network.parameters():
        nn.init.constant_(parameter, 1.0 / parameter[0].numel())
    image = torch.rand(1, 3, 32, 192, dtype=torch.float64, requires_grad=True)
    map_ = network(image)[0, 0, 16]
    spans = []
    for x in range(80, 112):  # all that may differ: the pattern comes again after 32 pixels
        touched = torch.autograd.grad(map_[x], image, retain_graph=True)[0][0].abs().sum(dim=(0, 1)).nonzero()
        spans.append(int(touched.max() - touched.min()) + 1)
    assert found.layers[0].receptive_field == (max(spans), max(spans)) == (95, 95)


# On a backbone.

BACKBONES = {"resnet18": (512, 32), "convnext_atto": (320, 32), "mobilenetv3_small_050": (288, 32)}
"""Channels and stride of the deepest map, from their papers (MobileNet: 576 at half the width)."""


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_takes_the_place_of_the_encoder(name: str) -> None:
    torch.manual_seed(0)
    network = FCNOnBackbone(name, 5).eval()
    channels, stride = BACKBONES[name]
    assert (network.encoder.channels, network.stride) == (channels, stride)
    assert network(torch.rand(1, 3, 64, 96)).shape == (1, 5, 64, 96)
    pairs = [(channels, 512), *DECODER[1:]]
    assert sum(p.numel() for p in network.decoder.parameters()) == count(pairs)
    head = [p for key, p in network.named_parameters() if key.startswith(network.head_names)]
    assert sum(p.numel() for p in head) == count(pairs) + 33 * 5


def test_the_map_is_timms_deepest_and_its_weights_are_as_timm_draws_them() -> None:
    torch.manual_seed(3)
    network = FCNOnBackbone("resnet18", 5).eval()
    torch.manual_seed(3)
    reference = timm.create_model("resnet18", features_only=True, pretrained=False).eval()
    image = torch.rand(1, 3, 64, 64)
    assert torch.equal(network.encoder(image), reference(image)[-1])
    assert network.training is False
    assert FCNOnBackbone("resnet18", 5).training


@pytest.mark.skipif(not timm.is_model("mambaout_femto"), reason="this timm is older than the network")
def test_maps_with_channels_last_are_turned() -> None:
    assert Encoder("mambaout_femto").eval()(torch.rand(1, 3, 64, 96)).shape == (1, 288, 2, 3)


@pytest.mark.parametrize("stages", [1, 4, 6])
def test_the_decoder_has_as_many_stages_as_it_is_told(stages: int) -> None:
    decoder = FCNDecoder(24, stages).eval()
    side = 2**stages
    assert decoder.out == 1024 >> stages
    assert decoder(torch.rand(1, 24, 1, 2)).shape == (1, decoder.out, side, 2 * side)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet43", r"no encoder is called 'resnet43'; did you mean resnet\d+ or "),
        ("", r"no encoder is called ''; timm.list_models\(\) names those of timm"),
        ("resnet18.nobody", r"resnet18.nobody gives no maps of the image \(Invalid pretrained tag"),
        ("vit_tiny_patch16_224", r"vit_tiny_patch16_224 does not map images of any size to 1/16 of it \(Input height"),
        ("inception_v3", r"inception_v3 does not map images of any size to 1/32 of it \("),
    ],
)
def test_what_cannot_be_an_encoder_is_refused_in_one_sentence(name: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        FCNOnBackbone(name, 3)
    assert str(raised.value).startswith("model.encoder: ")
    assert "\n" not in str(raised.value)
    raised.match(message)


def test_a_backbone_without_maps_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_maps(*_: Any, **__: Any) -> nn.Module:
        raise RuntimeError("features_only not implemented for this model.")

    monkeypatch.setattr("timm.create_model", no_maps)
    with pytest.raises(ConfigError) as raised:
        FCNOnBackbone("resnet18", 3)
    assert str(raised.value) == (
        "model.encoder: resnet18 gives no maps of the image (features_only not implemented for this model); "
        "choose another, such as resnet34"
    )


def published_weights(monkeypatch: pytest.MonkeyPatch, name: str) -> dict[str, Tensor]:
    """Weights that stand for the published ones, which timm finds in the cache."""
    torch.manual_seed(7)
    weights = timm.create_model(name, pretrained=False).state_dict()
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: "/cache/model.safetensors")
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", lambda *_, **__: dict(weights))
    return weights


def test_published_weights_arrive_in_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = published_weights(monkeypatch, "resnet18")
    network = FCNOnBackbone("resnet18", 3, pretrained=True)
    found = network.encoder.body.state_dict()
    assert found.keys() == {key for key in weights if not key.startswith("fc.")}
    assert all(torch.equal(value, weights[key]) for key, value in found.items())


def test_an_encoder_without_published_weights_says_so() -> None:
    name = next(name for name in timm.list_models("resnet*") if not timm.is_model_pretrained(name))
    with pytest.raises(ConfigError, match=rf"^model\.pretrained: timm has no published weights for {name}; set"):
        FCNOnBackbone(name, 3, pretrained=True)


def test_without_a_network_the_message_does_not_speak_of_the_file_of_a_whole_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise OSError("no address")

    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", offline)
    with pytest.raises(CheckpointError) as raised:
        FCNOnBackbone("resnet18.a1_in1k", 3, pretrained=True)
    assert str(raised.value) == (
        "model.pretrained: the weights of resnet18.a1_in1k could not be downloaded (no address). Without a network: "
        "fetch huggingface.co/timm/resnet18.a1_in1k elsewhere and copy that machine's cache of the hub (HF_HOME) to "
        "here, or train from random weights with model.pretrained=false"
    )
