"""Files of torchvision's networks in timm's networks of other key names: equal outputs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import get_model

from saccade.errors import CheckpointError
from saccade.nn.backbones import build
from saccade.nn.torchvision_names import SAME, from_torchvision
from saccade.nn.weights import load_weights

CLASSES = 7
QUICK = {  # the smallest of most kinds, with an image size
    "convnext_tiny": 64,
    "efficientnet_b0": 64,
    "inception_v3": 96,
    "mnasnet_050": 64,
    "mobilenetv2_100": 64,
    "swin_tiny_patch4_window7_224": 224,
    "vgg11": 64,  # in `make test-slow` alone: its 129 million weights take seconds
}


def theirs(name: str) -> nn.Module:
    """torchvision's network with weights without repetitions, and statistics unlike those of a fresh one."""
    torch.manual_seed(0)
    initial = {"init_weights": False} if name.startswith(("vgg", "inception")) else {}
    network: nn.Module = get_model(SAME[name], weights=None, num_classes=CLASSES, **initial)
    for key, value in network.state_dict().items():
        if key.endswith("running_var"):
            value.copy_(torch.rand(value.shape) + 0.5)
        elif value.is_floating_point():
            value.add_(0.02 * torch.randn(value.shape))
    return network.eval()


def outputs_agree(name: str, size: int) -> None:
    reference = theirs(name)
    ours = build(name, classes=CLASSES, image_size=size).eval()
    state = from_torchvision(reference.state_dict(), ours, name)
    assert load_weights(ours, state, source="w", keep_head=True) == []
    image = torch.randn(2, 3, size, size)
    with torch.inference_mode():
        expected: Tensor = reference(image)
        assert expected.std() > 1e-3
        torch.testing.assert_close(ours(image), expected, rtol=1e-5, atol=2e-5 * float(expected.abs().max()))


@pytest.mark.parametrize(
    ("name", "size"),
    [pytest.param(*pair, marks=pytest.mark.slow if pair[0] == "vgg11" else ()) for pair in QUICK.items()],
)
@pytest.mark.slow
def test_the_same_output(name: str, size: int) -> None:
    outputs_agree(name, size)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SAME if name not in QUICK])
def test_the_same_output_of_all(name: str) -> None:
    outputs_agree(name, 224)


def test_timms_own_tag_and_names_are_left_alone() -> None:
    ours = build("mobilenetv2_100", classes=3)
    state = ours.state_dict()
    assert from_torchvision(state, ours, "mobilenetv2_100").keys() == state.keys()
    assert from_torchvision(theirs("mobilenetv2_100").state_dict(), ours, "mobilenetv2_100.ra_in1k").keys() == {
        key for key in state if not key.endswith("num_batches_tracked")
    }
    resnet = get_model("resnet18", weights=None)
    assert from_torchvision(resnet.state_dict(), resnet, "resnet18").keys() == resnet.state_dict().keys()


@pytest.mark.slow
def test_a_transformer_of_another_image_size_is_refused() -> None:
    ours, state = build("vit_base_patch32_224", classes=3, image_size=64), theirs("vit_base_patch32_224").state_dict()
    with pytest.raises(CheckpointError, match="missing in the file: cls_token, pos_embed"):
        load_weights(ours, from_torchvision(state, ours, "vit_base_patch32_224"), source="w", keep_head=False)


def test_another_head_is_left_and_the_rest_loaded() -> None:
    reference, ours = theirs("mobilenetv2_100"), build("mobilenetv2_100", classes=3)
    state = from_torchvision(reference.state_dict(), ours, "mobilenetv2_100")
    assert load_weights(ours, state, source="w", keep_head=False) == ["classifier.weight", "classifier.bias"]
    assert torch.equal(ours.get_parameter("conv_head.weight"), reference.get_parameter("features.18.0.weight"))


def test_an_unlike_twin_is_refused_with_its_keys() -> None:
    """MobileNetV3's BatchNorm adds 1e-3 in torchvision and 1e-5 in timm: 0.1 % of the output."""
    state = get_model("mobilenet_v3_small", weights=None).state_dict()
    ours = build("mobilenetv3_small_100", classes=1000)
    with pytest.raises(CheckpointError, match=r"missing in the file: conv_stem\.weight"):
        load_weights(ours, from_torchvision(state, ours, "mobilenetv3_small_100"), source="w", keep_head=True)
