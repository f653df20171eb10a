"""The one builder of segmentation networks: a contract for all of them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from saccade.errors import ConfigError
from saccade.nn.anatomy import anatomy
from saccade.nn.backbones import backbone_to_eval, freeze_backbone, head_names, is_head
from saccade.nn.decoders import DECODERS
from saccade.nn.glance import Glance
from saccade.nn.segmenters import SEGMENTERS, build_segmenter

SMALL: dict[str, dict[str, Any]] = {
    "fcn": {"encoder": "mobilenetv3_small_050"},
    "unet": {"depth": 2, "width": 8},
    "glance": {"width": 8},
    **{f"smp_{decoder}": {"encoder": "mobilenetv3_small_050"} for decoder in DECODERS},
}
"""Settings that make the networks small."""

QUICK = ("fcn_basic", "fcn", "unet", "glance", "smp_unet", "smp_deeplabv3plus")
EACH = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in SEGMENTERS]
"""All of them; most of those that are not ours in `make test-slow` alone."""

HEADS = {
    "fcn_basic": ("inner.classifier",),
    "fcn": ("inner.decoder", "inner.classifier"),
    "unet": ("inner.classifier",),
    "glance": ("inner.look_head", "inner.glance_head"),
    **{f"smp_{decoder}": ("inner.decoder", "inner.segmentation_head") for decoder in DECODERS},
}


def make(name: str, classes: int = 3) -> nn.Module:
    torch.manual_seed(0)
    return build_segmenter(name, classes=classes, **SMALL.get(name, {}))


def without_memory(name: str, classes: int = 3) -> nn.Module:
    settings = SMALL.get(name, {})
    # some versions of timm cannot make every network on meta; they can make this one
    with torch.device("meta"):
        return build_segmenter(
            name, classes=classes, **{**settings, **({"encoder": "resnet18"} if "encoder" in settings else {})}
        )


def final(said: Tensor | tuple[Tensor, ...]) -> Tensor:
    """The answer of a network in training, without those on the way."""
    return said[0] if isinstance(said, tuple) else said


def test_the_names() -> None:
    assert SEGMENTERS[:4] == ("fcn_basic", "fcn", "unet", "glance")
    assert SEGMENTERS[4:] == tuple(f"smp_{decoder}" for decoder in DECODERS)


@pytest.mark.parametrize("name", EACH)
def test_every_network_takes_every_size(name: str) -> None:
    network = make(name, 4).eval()
    for n, size in ((2, (37, 53)), (1, (1, 1))):
        image = torch.rand(n, 3, *size)
        logits = network(image)
        assert logits.shape == (n, 4, *size)
        assert bool(logits.isfinite().all())
        assert torch.equal(network(image), logits)


@pytest.mark.parametrize("name", EACH)
def test_a_padded_image_is_answered_as_the_image_with_its_border_repeated(name: str) -> None:
    network, image = make(name).eval(), torch.rand(1, 3, 120, 150)  # 120 is a multiple of some of the strides
    by_hand = image[:, :, torch.arange(128).clamp(max=119)][..., torch.arange(160).clamp(max=149)]
    multiple = network.multiple
    rows, columns = (-(-side // multiple) * multiple for side in (max(120, network.at_least), 150))  # type: ignore[operator]
    whole = by_hand[:, :, :rows, :columns]
    expected = network.inner(whole)  # type: ignore[operator]
    assert torch.equal(network(whole), expected)
    assert torch.equal(network(image), expected[:, :, :120, :150])


@pytest.mark.parametrize("name", ["fcn_basic", "fcn", "unet", "glance", "smp_fpn", "smp_pan"])
def test_gradients_reach_the_head_and_the_first_layer(name: str) -> None:
    network = make(name).train()
    F.cross_entropy(final(network(torch.rand(2, 3, 70, 70))), torch.randint(0, 3, (2, 70, 70))).backward()
    parameters = dict(network.named_parameters())
    first = next(iter(parameters))
    learning = {key for key, p in parameters.items() if p.grad is not None and bool(p.grad.any())}
    assert first in learning
    assert all(any(is_head(key, (head,)) for key in learning) for head in HEADS[name])


# The head.


@pytest.mark.parametrize("name", EACH)
def test_all_that_depends_on_the_number_of_classes_is_in_the_head(name: str) -> None:
    networks = [without_memory(name, classes) for classes in (3, 5)]
    three, five = ({k: v.shape for k, v in network.state_dict().items()} for network in networks)
    heads = head_names(networks[0])
    assert heads == HEADS[name]
    assert {key for key in three if three[key] != five[key]} <= {key for key in three if is_head(key, heads)}


@pytest.mark.parametrize("name", ["fcn_basic", "unet", "glance"])
def test_the_head_of_a_network_without_an_encoder_is_nothing_else(name: str) -> None:
    three, five = ({k: v.shape for k, v in without_memory(name, n).state_dict().items()} for n in (3, 5))
    assert {key for key in three if three[key] != five[key]} == {key for key in three if is_head(key, HEADS[name])}


@pytest.mark.parametrize("name", EACH)
def test_a_frozen_backbone_stays_to_the_bit(name: str) -> None:
    network = make(name).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    freeze_backbone(network, frozen=True)
    backbone_to_eval(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        said = final(network(torch.rand(2, 3, 64, 64) * 5 + 3))
        F.cross_entropy(said, torch.randint(0, 3, (2, 64, 64))).backward()
        optimizer.step()
    changed = {key for key, value in network.state_dict().items() if not torch.equal(value, before[key])}
    assert changed
    assert all(is_head(key, HEADS[name]) for key in changed)
    assert all(any(is_head(key, (head,)) for key in changed) for head in HEADS[name])
    if name == "fcn" or name.startswith("smp_"):
        assert all(key.startswith("inner.encoder.") for key in before if not is_head(key, HEADS[name]))


# Without memory.


@pytest.mark.parametrize("name", EACH)
def test_made_without_memory_and_looked_at(name: str) -> None:
    """What the anatomy counts is what there is; receptive fields may be lost, where a padded map is cropped."""
    network, image = without_memory(name), torch.zeros(1, 3, 128, 160, device="meta")
    assert {p.device.type for p in network.parameters()} == {"meta"}
    found = anatomy(network, image, name=name)
    assert found.output == (3, 128, 160)
    assert found.parameters == sum(p.numel() for p in network.parameters())
    assert found.multiply_adds > 1e6


@pytest.mark.parametrize(("name", "seen"), [("fcn_basic", (95, 95)), ("unet", (44, 44)), ("fcn", None)])
def test_receptive_fields_are_followed_where_nothing_is_cropped(name: str, seen: tuple[int, int] | None) -> None:
    """The U-Net of depth 2: 32 down (140 at depth 4), widened by the way up as at depth 4 (204)."""
    found = anatomy(make(name), torch.zeros(1, 3, 128, 160), name=name)
    assert seen is None or found.lost is None
    assert found.layers[0].receptive_field == (seen or ("whole image", "whole image"))
    cropped = anatomy(make(name), torch.zeros(1, 3, 128, 150), name=name)
    assert cropped.output == (3, 128, 150)


def test_the_glance_sees_the_whole_image_also_where_it_is_cropped() -> None:
    found = anatomy(make("glance"), torch.zeros(1, 3, 100, 150), name="glance")
    assert found.layers[0].receptive_field == ("whole image", "whole image")


# Settings.


def test_settings_arrive() -> None:
    unet = build_segmenter("unet", classes=2, depth=3, width=4)
    assert (unet.multiple, len(unet.inner.down), unet.inner.classifier.in_channels) == (8, 4, 4)  # type: ignore[arg-type, union-attr]
    with torch.device("meta"):
        plain = build_segmenter("unet", classes=2)
        glance = build_segmenter("glance", classes=2)
    assert plain.inner.classifier.in_channels == 64  # type: ignore[union-attr]
    expected = sum(p.numel() for p in Glance(2).parameters())
    assert sum(p.numel() for p in glance.parameters()) == expected
    assert build_segmenter("smp_pan", classes=2, encoder="resnet18").at_least == 128


def test_logits_on_the_way_are_those_of_the_glance_only() -> None:
    image = torch.rand(1, 3, 37, 53)
    glance = make("glance").eval()
    logits = glance.all_logits(image)  # type: ignore[operator]
    assert [tuple(each.shape) for each in logits] == [(1, 3, 37, 53)] * 2
    assert torch.equal(logits[0], glance(image))
    assert not torch.equal(logits[0], logits[1])
    assert len(make("unet").eval().all_logits(image)) == 1  # type: ignore[operator]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("unett", {}, "model.name: no segmentation network is called 'unett'; did you mean unet"),
        ("fcn-basic", {}, "model.name: no segmentation network is called 'fcn-basic'; did you mean fcn_basic"),
        ("smp_deeplab", {}, "model.name: no segmentation network is called 'smp_deeplab'; did you mean smp_deeplabv3"),
        ("qqqq", {}, "model.name: no segmentation network is called 'qqqq'; choose one of fcn_basic, fcn, unet, "),
        ("unet", {"pretrained": True}, "model.pretrained: unet has no published weights; set model.pretrained=false"),
        (
            "glance",
            {"encoder": "resnet18"},
            "model.encoder: is resnet18, which only fcn or smp_... know, and model.name is glance; "
            "set model.encoder=resnet34 or model.name to fcn or smp_...",
        ),
        (
            "glance",
            {"depth": 3},
            "model.depth: is 3, which only unet knows, and model.name is glance; "
            "set model.depth=4 or model.name to unet",
        ),
        (
            "fcn_basic",
            {"width": 32},
            "model.width: is 32, which only unet or glance know, and model.name is fcn_basic; "
            "set model.width=null or model.name to unet or glance",
        ),
    ],
)
def test_what_is_refused(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        build_segmenter(name, classes=3, **settings)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)
