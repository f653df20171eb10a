"""Our ResNets against torchvision's, which ours are named after, and, where torchvision has no such thing, timm's."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import Tensor, nn
from torchvision.models import get_model

from saccade.nn.resnet import RESNETS

CLASSES = 11
SIZE = 96
DILATE = (False, True, True)


def lively(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network with statistics, scales and shifts of a network that has been trained."""
    generator = torch.Generator().manual_seed(seed)
    for key, value in network.state_dict().items():
        if value.dim() == 1 and value.is_floating_point():
            low = -0.1 if key.endswith(("bias", "running_mean")) else 0.5
            value.copy_(torch.rand(value.shape, generator=generator) * (0.2 if low < 0 else 0.5) + low)
    return network.eval()


def outputs_agree(ours: nn.Module, reference: nn.Module) -> None:
    """With equal weights to 1e-6 of the largest logit, the rounding of float32 at work in another order."""
    ours.eval().load_state_dict(reference.state_dict())
    image = torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        found, expected = ours(image), reference(image)
    assert float(expected.std()) > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6 * float(expected.abs().max()))


@pytest.mark.parametrize("name", RESNETS)
def test_equal_weights_give_torchvisions_output(name: str) -> None:
    torch.manual_seed(0)
    outputs_agree(RESNETS[name](CLASSES), lively(get_model(name, num_classes=CLASSES)))


@pytest.mark.parametrize("name", ["resnet50", "resnet101", "resnet152"])
@pytest.mark.slow
def test_dilated_like_torchvisions(name: str) -> None:
    reference = lively(get_model(name, num_classes=CLASSES, replace_stride_with_dilation=list(DILATE)))
    outputs_agree(RESNETS[name](CLASSES, dilate=DILATE), reference)


@pytest.mark.parametrize("name", ["resnet18", "resnet34"])
def test_dilated_basic_blocks_like_timms(name: str) -> None:
    """torchvision's BasicBlock knows no dilation."""
    reference = lively(timm.create_model(name, num_classes=CLASSES, output_stride=8))
    outputs_agree(RESNETS[name](CLASSES, dilate=DILATE), reference)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_group_norm_like_torchvisions(name: str) -> None:
    reference = lively(
        get_model(name, num_classes=CLASSES, norm_layer=lambda channels: nn.GroupNorm(32, channels)),
    )
    outputs_agree(RESNETS[name](CLASSES, norm="group"), reference)


@pytest.mark.parametrize("zero_init", [False, True])
@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_the_same_seed_draws_torchvisions_initial_weights(name: str, zero_init: bool) -> None:
    states: list[dict[str, Tensor]] = []
    for make in (
        lambda: RESNETS[name](CLASSES, zero_init_last=zero_init),
        lambda: get_model(name, num_classes=CLASSES, zero_init_residual=zero_init),
    ):
        torch.manual_seed(3)
        states.append(make().state_dict())
    assert list(states[0]) == list(states[1])
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


def test_gradients_are_torchvisions() -> None:
    torch.manual_seed(0)
    reference = lively(get_model("resnet50", num_classes=CLASSES)).train()
    ours = RESNETS["resnet50"](CLASSES).train()
    ours.load_state_dict(reference.state_dict())
    image, target = torch.randn(4, 3, 64, 64), torch.arange(4)
    for network in (ours, reference):
        nn.functional.cross_entropy(network(image), target).backward()
    for (name, mine), theirs in zip(ours.named_parameters(), reference.parameters(), strict=True):
        assert mine.grad is not None
        assert theirs.grad is not None
        largest = float(theirs.grad.abs().max())
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=0, atol=1e-4 * largest, msg=name)
    for (name, mine), theirs in zip(ours.named_buffers(), reference.buffers(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6, msg=name)
