"""Receptive fields against what gradients show: with positive weights, the input pixels on which an output depends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from saccade.nn.anatomy import anatomy
from saccade.nn.backbones import build
from saccade.nn.receptive.reach import Lost, Reach, Whole, both, enlarged, repeated, transposed, window


class Function(nn.Module):
    """A network of modules and the function that runs them."""

    def __init__(self, run: Callable[..., Tensor], **modules: nn.Module) -> None:
        super().__init__()
        self.run = run
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, image: Tensor) -> Tensor:
        return self.run(self, image)


def conv(kernel: int | tuple[int, int], channels: int = 2, out: int = 2, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(channels, out, kernel, **options)


def up(kernel: int, stride: int, padding: int = 0) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(2, 2, kernel, stride, padding)


def positive(network: nn.Module) -> nn.Module:
    """All weights positive, so that no two paths from a pixel cancel; running statistics are those of a fresh norm."""
    for parameter in network.parameters():
        nn.init.constant_(parameter, 1.0 / max(parameter[0].numel(), 1))
    return network.eval().double()


def measured(network: nn.Module, size: int) -> tuple[int, int]:
    """Height and width of the span of pixels with a gradient, the largest over outputs away from the border."""
    image = torch.ones(1, 2, size, size, dtype=torch.float64, requires_grad=True)
    map_ = positive(network)(image).sum(dim=1)[0]
    spans = []
    middle = [range(n // 2 - min(4, n // 4), n // 2 + min(4, n // 4) + 1) for n in map_.shape]
    for y in middle[0]:
        for x in middle[1]:
            (gradient,) = torch.autograd.grad(map_[y, x], image, retain_graph=True)
            touched = gradient[0].abs().sum(dim=0).nonzero()
            spans.append((touched.amax(dim=0) - touched.amin(dim=0) + 1).tolist())
    return max(span[0] for span in spans), max(span[1] for span in spans)


def told(network: nn.Module, size: int) -> tuple[Any, ...] | None:
    return anatomy(network.float(), torch.zeros(1, 2, size, size), name="x").layers[0].receptive_field


def unet(n: Any, image: Tensor) -> Tensor:
    down = n.down(n.first(image))
    return n.last(torch.cat([n.up(n.deep(down)), n.first(image)], dim=1))


def channels_last(n: Any, image: Tensor) -> Tensor:
    return n.conv(n.linear(n.norm(image.permute(0, 2, 3, 1))).permute(0, 3, 1, 2))


def option_a(n: Any, image: Tensor) -> Tensor:
    return n.wide(n.conv(image) + F.pad(image[:, :, ::2, ::2], (0, 0, 0, 0, 1, 1)))


LOCAL = {
    "one": nn.Sequential(conv(3, padding=1)),
    "two": nn.Sequential(conv(3, padding=1), nn.ReLU(inplace=True), conv(3, padding=1)),
    "strided": nn.Sequential(conv(5, stride=2, padding=2), nn.BatchNorm2d(2), conv(3, padding=1)),
    "even": nn.Sequential(conv(2, stride=2), conv(4)),
    "dilated": nn.Sequential(conv(3, padding=4, dilation=4), conv(3, stride=3)),
    "lying": nn.Sequential(conv((1, 7)), conv((3, 1), stride=(2, 1)), conv((1, 3))),
    "grouped": nn.Sequential(conv(3, groups=2), conv(1)),
    "pooled": nn.Sequential(conv(3), nn.AvgPool2d(3, 2, 1, ceil_mode=True), conv(3)),
    "gap": nn.Sequential(conv(1, stride=2), conv(3)),
    "padded": nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), conv(3, stride=2), conv(3)),
    "reflected": nn.Sequential(conv(3, stride=2), nn.ReflectionPad2d(1), conv(3)),
    "adaptive": nn.Sequential(nn.AdaptiveAvgPool2d(16), conv(3)),
    "transposed 2": nn.Sequential(conv(3, stride=2), up(2, 2), conv(3)),
    "transposed 4": nn.Sequential(conv(2, stride=2), conv(2, stride=2), up(4, 4), conv(3), conv(2, stride=2)),
    "transposed overlapping": nn.Sequential(conv(3, stride=2), up(4, 2, 1), conv(3), up(3, 2, 1), conv(5)),
    "nearest": nn.Sequential(conv(3, stride=2), nn.Upsample(scale_factor=4, mode="nearest"), conv(3)),
    "bilinear": nn.Sequential(conv(3, stride=2), nn.Upsample(scale_factor=2, mode="bilinear"), conv(3)),
    "bicubic": nn.Sequential(conv(3, stride=3), nn.Upsample(scale_factor=3, mode="bicubic"), conv(2)),
    "bilinear 3": nn.Sequential(conv(3, stride=3), nn.Upsample(scale_factor=3, mode="bilinear"), conv(2)),
    "uneven branches": Function(
        lambda n, image: n.last(n.right(image)[..., 1:, 1:] + n.left(image)[..., :-1, :-1]),
        left=conv(1), right=conv(1), last=conv(3),
    ),
    "branches": Function(
        lambda n, image: n.last(n.one(image) + n.two(image)),
        one=conv(5, stride=2, padding=2), two=conv(2, stride=2), last=conv(3),
    ),
    "beside": Function(
        lambda n, image: n.last(torch.cat([n.one(image), n.two(image)], dim=1)),
        one=conv((1, 5), padding=(0, 2)), two=conv((3, 1), padding=(1, 0)), last=conv(3, channels=4),
    ),
    "option a": Function(option_a, conv=conv(3, out=4, stride=2, padding=1), wide=conv(3, channels=4)),
    "unet": Function(
        unet,
        first=conv(3, padding=1), down=conv(2, stride=2), deep=conv(3, padding=1), up=up(2, 2),
        last=conv(3, channels=4),
    ),
    "channels last": Function(
        channels_last, norm=nn.LayerNorm(2), linear=nn.Linear(2, 2), conv=nn.Sequential(conv(3), conv(3))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in LOCAL if name not in ("uneven branches", "channels last")])
def test_is_what_gradients_show(name: str) -> None:
    assert told(LOCAL[name], 48) == measured(LOCAL[name], 48)


def test_deterministic_algorithms_change_nothing() -> None:
    torch.use_deterministic_algorithms(True)
    try:
        assert told(LOCAL["bilinear"], 48) == measured(LOCAL["bilinear"], 48)
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_norm_of_channels_leaves_the_field_as_it_is() -> None:
    # in measuring it would stand in the way: the gradient of a norm of two equal channels is zero
    assert told(LOCAL["channels last"], 48) == (5, 5)


def test_a_crop_is_not_followed_because_its_mean_would_not_be_the_whole_image() -> None:
    assert told(LOCAL["uneven branches"], 48) == (None, None)
    crop = Function(lambda n, image: image[:, :, :8].mean(dim=(2, 3)))
    assert told(crop, 48) == (None, "whole image")


def test_our_cifar_resnet_against_gradients() -> None:
    network = build("cifar_resnet20", classes=2)
    network.conv1 = nn.Conv2d(2, 16, 3, padding=1, bias=False)  # type: ignore[assignment]
    trunk = nn.Sequential(network.conv1, network.bn1, network.layer1, network.layer2, network.layer3)  # type: ignore[arg-type]
    found = told(trunk, 176)
    image = torch.ones(1, 2, 176, 176, dtype=torch.float64, requires_grad=True)
    positive(trunk)(image)[0, :, 22, 22].sum().backward()
    assert image.grad is not None
    touched = image.grad[0].abs().sum(dim=0).nonzero()
    span = tuple((touched.amax(dim=0) - touched.amin(dim=0) + 1).tolist())
    assert found == span == (81, 81)


def attention(n: Any, image: Tensor) -> Tensor:
    tokens = n.patches(image).flatten(2).transpose(1, 2)
    return n.attention(tokens, tokens, tokens, need_weights=False)[0]


def windows(n: Any, image: Tensor) -> Tensor:
    map_ = n.patches(image)
    tokens = map_.view(1, 2, 4, 3, 4, 3).permute(0, 2, 4, 3, 5, 1).reshape(16, 9, 2)
    return n.attention(tokens, tokens, tokens, need_weights=False)[0]


def squeeze(n: Any, image: Tensor) -> Tensor:
    return image * torch.sigmoid(n.conv(image.mean(dim=(2, 3), keepdim=True)))


WHOLE = {
    "global mean": Function(lambda n, image: image.mean(dim=(2, 3))),
    "global maximum": Function(lambda n, image: image.amax(dim=(-2, -1))),
    "adaptive": nn.AdaptiveAvgPool2d(1),
    "linear": nn.Sequential(nn.Flatten(), nn.Linear(2 * 48 * 48, 3)),
    "group norm": nn.GroupNorm(1, 2),
    "instance norm": nn.InstanceNorm2d(2),
    "layer norm over all": nn.LayerNorm([2, 48, 48]),
    "squeeze and excitation": Function(squeeze, conv=conv(1)),
    "attention": Function(
        attention, patches=conv(4, stride=4), attention=nn.MultiheadAttention(2, 1, batch_first=True)
    ),
    "softmax": Function(lambda n, image: image.flatten(2).softmax(dim=-1)),
    "tokens mixed": nn.Sequential(conv(8, stride=8), nn.Flatten(2), nn.Linear(36, 36)),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
def test_what_sees_the_whole_image(name: str) -> None:
    assert told(WHOLE[name], 48) == ("whole image", "whole image")


def test_a_mean_over_rows_sees_whole_columns() -> None:
    assert told(nn.Sequential(conv(3), Function(lambda n, image: image.mean(dim=2))), 48) == ("whole image", 3)


def written(n: Any, image: Tensor) -> Tensor:
    out = torch.zeros(1, 2, *image.shape[2:], device=image.device)
    out[:, :, 1:] = image[:, :, :-1]
    return out


LOST = {
    "windows": Function(windows, patches=conv(4, stride=4), attention=nn.MultiheadAttention(2, 1, batch_first=True)),
    "roll": Function(lambda n, image: image.roll((3, 3), dims=(2, 3))),
    "unfold": nn.Unfold(3),
    "pixel shuffle": nn.PixelUnshuffle(2),
    "written into": Function(written),
    "corners aligned": nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
    "holes": up(1, 2),
    "transform": Function(lambda n, image: torch.fft.fft2(image).real),
    "scales": Function(lambda n, image: image[:, :, :24, :24] + F.avg_pool2d(image, 2)),
}


@pytest.mark.parametrize("name", LOST)
def test_what_is_not_followed_is_not_guessed(name: str) -> None:
    found = anatomy(LOST[name], torch.zeros(1, 2, 48, 48), name="x")
    assert found.layers[0].receptive_field == (None, None)
    assert found.lost is not None


def test_behind_what_is_not_followed_a_mean_still_sees_the_whole_image() -> None:
    network = nn.Sequential(LOST["roll"], conv(3), nn.AdaptiveAvgPool2d(1))
    fields = [layer.receptive_field for layer in anatomy(network, torch.zeros(1, 2, 48, 48), name="x").layers]
    assert fields == [("whole image",) * 2, (None, None), (None, None), ("whole image",) * 2]


def largest(network: nn.Module, size: int) -> int:
    layers = anatomy(network, torch.zeros(1, 3, size, size, device="meta"), name="x").layers
    return max(f for layer in layers for f in layer.receptive_field or () if isinstance(f, int))


# Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019, table 1.
def test_published() -> None:
    with torch.device("meta"):
        assert largest(torchvision.models.alexnet().features, 224) == 195
        assert largest(torchvision.models.vgg16().features, 224) == 212
        assert largest(torchvision.models.inception_v3(init_weights=False), 299) == 1311


def resnet(blocks: tuple[int, ...], convolutions: int, *, first_strided: bool) -> int:
    """By hand: (k - 1) x jump is added by each convolution; the stem gives 11 at jump 4."""
    field, jump = 11, 4
    for stage, count in enumerate(blocks):
        for block in range(count):
            stride = 2 if stage and not block else 1
            for number in range(convolutions):
                field += 2 * jump * (stride if first_strided and number == 0 else 1)
                jump *= stride if number == 0 else 1
    return field


@pytest.mark.parametrize(
    ("name", "blocks", "convolutions", "expected"),
    [
        ("resnet18", (2, 2, 2, 2), 2, 435),
        ("resnet34", (3, 4, 6, 3), 2, 899),
        ("resnet50", (3, 4, 6, 3), 1, 427),
        ("resnet101", (3, 4, 23, 3), 1, 971),
        ("resnet152", (3, 8, 36, 3), 1, 1451),
    ],
)
def test_resnets_with_the_stride_on_the_3x3(
    name: str, blocks: tuple[int, ...], convolutions: int, expected: int
) -> None:
    assert resnet(blocks, convolutions, first_strided=False) == expected
    with torch.device("meta"):
        assert largest(build(name, classes=2), 224) == expected


# The published 483 and 1027 are those of the original networks, with the stride on the first 1x1 of a stage.
@pytest.mark.parametrize(("name", "expected"), [("resnet50", 483), ("resnet101", 1027), ("resnet152", 1507)])
def test_resnets_with_the_stride_on_the_1x1_as_published(name: str, expected: int) -> None:
    with torch.device("meta"):
        network = build(name, classes=2)
    for stage in (network.layer2, network.layer3, network.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)  # type: ignore[index, union-attr]
    assert largest(network, 224) == expected


# The arithmetic itself, worked by hand.


def test_a_window_widens_and_a_stride_spreads() -> None:
    first = window(Reach(), 3, stride=2, padding=1)
    assert (first.first, first.last, first.step, first.size) == ((-1,), (1,), 2, 3)
    assert window(first, 3, padding=1).size == 3 + 2 * 2
    assert first.at(5) == (9, 11)


def test_upsampled_positions_alternate() -> None:
    coarse = window(Reach(), 2, stride=2)  # position i sees pixels 2i and 2i + 1
    fine = repeated(coarse, 2)
    assert (fine.first, fine.last, fine.step) == ((0, 0), (1, 1), 2)
    assert window(fine, 2).first == (0, 0)
    assert window(fine, 2).last == (1, 3)  # two positions fall on one coarse position, or on two
    assert enlarged(coarse, 2, neighbours=(0, 1)).last == (1, 3)
    assert transposed(coarse, 2, stride=2, padding=0, dilation=1) == fine


def test_together() -> None:
    lost = Lost("fold")
    assert both(Reach(), window(Reach(), 3, padding=1)) == Reach((-1,), (1,), 1)
    assert both(Reach(), Reach((0,), (0,), 2)) == Lost("maps of different scales together", covers=True)
    assert both(lost, Reach()) == both(Reach(), lost) == lost
    assert both(lost, Whole()) == both(Whole(), Reach()) == Whole()
