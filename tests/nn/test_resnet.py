"""Our ResNets: shapes and counts by hand from Table 1 of the paper, initial weights, dilation, norms."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from saccade.nn.resnet import RESNETS, BasicBlock, Bottleneck, conv1x1, conv3x3, norm_layer

NAMES = tuple(RESNETS)
MILLIONS = {"resnet18": 11.69, "resnet34": 21.80, "resnet50": 25.56, "resnet101": 44.55, "resnet152": 60.19}
"""Parameters with 1000 classes, as docs/networks.md has them."""


def map_sizes(network: nn.Module, image: Tensor) -> dict[str, tuple[int, ...]]:
    """(C, H, W) after each stage."""
    found = {}
    for name in ("conv1", "maxpool", "layer1", "layer2", "layer3", "layer4"):
        network.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: found.update({name: tuple(out.shape[1:])})
        )
    network(image)
    return found


def by_hand(name: str, classes: int) -> int:
    """Weights of the rows of Table 1: k k in out for a convolution, 2 for each channel of a norm."""
    depths = {"18": (2, 2, 2, 2), "34": (3, 4, 6, 3), "50": (3, 4, 6, 3), "101": (3, 4, 23, 3), "152": (3, 8, 36, 3)}
    layers = name.removeprefix("resnet")
    total, channels = 7 * 7 * 3 * 64 + 2 * 64, 64
    for width, blocks in zip((64, 128, 256, 512), depths[layers], strict=True):
        out = width if int(layers) < 50 else 4 * width
        for _ in range(blocks):
            if int(layers) < 50:
                total += 9 * channels * width + 9 * width * width + 4 * width
            else:
                total += channels * width + 9 * width * width + width * out + 4 * width + 2 * out
            if channels != out:
                total += channels * out + 2 * out
            channels = out
    return total + (channels + 1) * classes


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.slow
def test_the_number_of_parameters_is_that_of_table_1(name: str) -> None:
    for classes in (1000, 5):
        network = RESNETS[name](classes)
        assert sum(p.numel() for p in network.parameters()) == by_hand(name, classes)
    assert round(by_hand(name, 1000) / 1e6, 2) == MILLIONS[name]


@pytest.mark.parametrize(("name", "layers"), [(name, int(name.removeprefix("resnet"))) for name in NAMES])
@pytest.mark.slow
def test_the_name_counts_the_layers(name: str, layers: int) -> None:
    """Convolutions and linear layers on the longest way; shortcuts are not counted."""
    network = RESNETS[name](2)
    counted = [n for n, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear) and "downsample" not in n]
    assert len(counted) == layers


@pytest.mark.parametrize(("name", "expansion"), [("resnet18", 1), ("resnet50", 4)])
def test_output_sizes_are_those_of_table_1(name: str, expansion: int) -> None:
    found = map_sizes(RESNETS[name](3).eval(), torch.zeros(1, 3, 224, 224))
    assert found == {
        "conv1": (64, 112, 112),
        "maxpool": (64, 56, 56),
        "layer1": (64 * expansion, 56, 56),
        "layer2": (128 * expansion, 28, 28),
        "layer3": (256 * expansion, 14, 14),
        "layer4": (512 * expansion, 7, 7),
    }


@pytest.mark.parametrize("size", [(32, 32), (33, 65), (7, 7)])
def test_any_size_gives_logits(size: tuple[int, int]) -> None:
    assert RESNETS["resnet18"](4).eval()(torch.rand(2, 3, *size)).shape == (2, 4)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_dilation_refines_the_map_and_says_the_same_at_the_old_places(name: str) -> None:
    """The holes of the spread convolutions are where the strided ones see nothing (arXiv 1511.07122)."""
    torch.manual_seed(0)
    plain = RESNETS[name](3).eval().double()
    spread = RESNETS[name](3, dilate=(False, True, True)).eval().double()
    spread.load_state_dict(plain.state_dict())
    image, maps = torch.randn(1, 3, 96, 96, dtype=torch.float64), []
    for network in (plain, spread):
        network.layer4.register_forward_hook(lambda _, __, out: maps.append(out))
        network(image)
    coarse, fine = maps
    assert coarse.shape[2:] == (3, 3)
    assert fine.shape[2:] == (12, 12)
    torch.testing.assert_close(fine[:, :, ::4, ::4], coarse, rtol=1e-9, atol=1e-9)


def test_helpers() -> None:
    x = torch.zeros(1, 4, 9, 9)
    assert conv3x3(4, 6)(x).shape == conv3x3(4, 6, dilation=3)(x).shape == (1, 6, 9, 9)
    assert conv3x3(4, 6, stride=2)(x).shape == conv1x1(4, 6, stride=2)(x).shape == (1, 6, 5, 5)
    assert conv1x1(4, 6)(x).shape == (1, 6, 9, 9)
    assert conv3x3(4, 6).bias is None
    assert conv1x1(4, 6).bias is None


# Initial weights.


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_initial_variance_is_2_by_fan_out(name: str) -> None:
    """He et al. 2015 (arXiv 1502.01852), equation 14; 5 standard errors of the variance of n normal numbers."""
    torch.manual_seed(0)
    network = RESNETS[name](10)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1]
            tolerance = 5 * math.sqrt(2 / module.weight.numel())
            assert float(module.weight.detach().double().var()) == pytest.approx(2 / fan_out, rel=tolerance)
        elif isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert (module.bias == 0).all()


@pytest.mark.parametrize("norm", ["batch", "group"])
@pytest.mark.parametrize(("block", "last"), [(BasicBlock, "bn2"), (Bottleneck, "bn3")])
def test_zero_initialised_branches_leave_the_shortcut(
    block: type[BasicBlock] | type[Bottleneck], last: str, norm: str
) -> None:
    name = "resnet18" if block is BasicBlock else "resnet50"
    torch.manual_seed(0)
    network = RESNETS[name](3, norm=norm, zero_init_last=True)
    zero = {key.rpartition(".")[0] for key, p in network.named_parameters() if key.endswith("weight") and not p.any()}
    assert zero == {f"{key}.{last}" for key, module in network.named_modules() if isinstance(module, block)}
    x = torch.rand(2, 64 * block.expansion, 8, 8)
    torch.testing.assert_close(network.layer1[1](x), x, rtol=0, atol=0)
    assert not any((p == 0).all() for key, p in RESNETS[name](3).named_parameters() if key.endswith("weight"))


# Norms.


def test_group_norm_is_its_definition() -> None:
    """Wu and He 2018, equations 1 to 3: mean and variance over 64 / 32 channels and all pixels of one image."""
    x = torch.randn(3, 64, 5, 7) * 3 + 1
    norm = norm_layer("group", 64)
    grouped = x.view(3, 32, -1)
    mean, var = grouped.mean(dim=2, keepdim=True), grouped.var(dim=2, keepdim=True, unbiased=False)
    torch.testing.assert_close(norm(x), ((grouped - mean) / (var + 1e-5).sqrt()).view_as(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_with_group_norm_the_rest_of_the_batch_does_not_matter(name: str) -> None:
    torch.manual_seed(0)
    images = torch.randn(3, 3, 64, 64)
    for norm, independent in (("group", True), ("batch", False)):
        network = RESNETS[name](4, norm=norm).train()
        assert network.state_dict().keys() >= {"bn1.weight", "layer1.0.bn2.bias", "layer2.0.downsample.1.weight"}
        assert any("running" in key for key in network.state_dict()) != independent
        together, alone = network(images)[:2], network(images[:2])
        assert torch.allclose(together, alone, rtol=1e-3, atol=1e-4) == independent


def test_dropout_is_before_the_head_and_in_training_only() -> None:
    network = RESNETS["resnet18"](4, drop_rate=0.5).eval()
    image, seen = torch.rand(2, 3, 64, 64), []
    network.fc.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    torch.manual_seed(0)
    assert torch.equal(network(image), network(image))
    network.training = True  # the network alone: its BatchNorm stays as it is
    network(image)
    kept = seen[2] != 0
    assert 0.35 < float(kept[seen[0] != 0].float().mean()) < 0.65
    torch.testing.assert_close(seen[2][kept], 2 * seen[0][kept])
