"""Initial weights: their variance against the formulas, and torch's own functions on the same seed."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from saccade.nn.backbones import build
from saccade.nn.init import Fan, Scheme, fans, initialize, variance

SCHEMES: tuple[Scheme, ...] = ("kaiming_normal", "kaiming_uniform", "xavier_normal", "xavier_uniform")

LAYERS: dict[str, tuple[Callable[[], nn.Module], int, int]] = {
    "linear": (lambda: nn.Linear(200, 300), 200, 300),
    "conv 5x3": (lambda: nn.Conv2d(16, 80, (5, 3)), 16 * 15, 80 * 15),
    "conv 1d": (lambda: nn.Conv1d(64, 128, 7, bias=False), 64 * 7, 128 * 7),
    "conv 3d": (lambda: nn.Conv3d(8, 96, 3), 8 * 27, 96 * 27),
    "strided": (lambda: nn.Conv2d(64, 96, 3, stride=2, padding=1), 64 * 9, 96 * 9),
    "4 groups": (lambda: nn.Conv2d(64, 256, 3, groups=4), 16 * 9, 64 * 9),
    "depthwise": (lambda: nn.Conv2d(4096, 4096, 3, groups=4096), 9, 9),
    "transposed": (lambda: nn.ConvTranspose2d(96, 40, 3, padding=1), 96 * 9, 40 * 9),
    "transposed, strided": (lambda: nn.ConvTranspose2d(64, 128, 3, stride=2, output_padding=1), 64 * 9, 128 * 9),
    "transposed, 4 groups": (lambda: nn.ConvTranspose2d(256, 64, 3, groups=4), 64 * 9, 16 * 9),
    "transposed 1d": (lambda: nn.ConvTranspose1d(64, 128, 7), 64 * 7, 128 * 7),
    "transposed 3d": (lambda: nn.ConvTranspose3d(96, 8, 3), 96 * 27, 8 * 27),
}
"""A layer, the inputs that an output of it sums up, and the outputs that an input goes into (borders left out)."""


CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@pytest.mark.parametrize("name", LAYERS)
def test_fans_are_counted_on_the_layer_itself(name: str) -> None:
    """Ones in, ones as weights: an output counts its inputs, and the gradient of an input counts its outputs."""
    make, fan_in, fan_out = LAYERS[name]
    layer = make()
    assert fans(layer) == (fan_in, fan_out)
    if isinstance(layer, nn.Linear):
        x = torch.ones(1, 200, requires_grad=True)
    elif isinstance(layer, CONVOLUTIONS):
        # large enough for a pixel in the middle to be seen from everywhere; a stride thins that out on purpose
        layer.stride = (1,) * len(layer.kernel_size)
        layer.output_padding = (0,) * len(layer.kernel_size)
        x = torch.ones(1, layer.in_channels, *(2 * k + 1 for k in layer.kernel_size), requires_grad=True)
    for parameter in layer.parameters():
        nn.init.constant_(parameter, float(parameter.dim() > 1))
    out: Tensor = layer(x)
    assert out.max() == fan_in
    out.sum().backward()
    assert x.grad is not None
    assert x.grad.max() == fan_out


def expected(scheme: str, fan: str, fan_in: int, fan_out: int) -> float:
    """He et al. 2015, equations 10 and 14; Glorot and Bengio 2010, equation 16."""
    if scheme.startswith("kaiming"):
        return 2 / {"in": fan_in, "out": fan_out}[fan]
    return 2 / (fan_in + fan_out)


@pytest.mark.parametrize("fan", ["in", "out"])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", LAYERS)
def test_mean_and_variance(name: str, scheme: Scheme, fan: Fan) -> None:
    """Within 5 standard errors: that of a variance is v sqrt(2 / n) for normal and less for uniform numbers."""
    make, fan_in, fan_out = LAYERS[name]
    torch.manual_seed(0)
    layer = make()
    for parameter in layer.parameters():
        nn.init.constant_(parameter, 7.0)
    initialize(layer, scheme, fan)
    weight = layer.get_parameter("weight").detach().double()
    v, n = expected(scheme, fan, fan_in, fan_out), weight.numel()
    assert variance(layer, scheme, fan) == pytest.approx(v, rel=1e-12)
    assert float(weight.var()) == pytest.approx(v, rel=5 * math.sqrt(2 / n))
    assert abs(float(weight.mean())) < 5 * math.sqrt(v / n)
    furthest = float(weight.abs().max()) / math.sqrt(v)
    assert (furthest <= math.sqrt(3) + 1e-6) == scheme.endswith("uniform")
    if getattr(layer, "bias", None) is not None:
        assert not layer.get_parameter("bias").any()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["linear", "conv 5x3", "strided"])
def test_the_numbers_are_torchs_where_there_are_no_groups(name: str, scheme: Scheme) -> None:
    kind = scheme.partition("_")[0]
    for fan in ("in", "out"):
        torch.manual_seed(1)
        layer = LAYERS[name][0]()
        reference = torch.empty_like(layer.get_parameter("weight"))
        options = {"mode": f"fan_{fan}", "nonlinearity": "relu"} if kind == "kaiming" else {}
        torch.manual_seed(2)
        getattr(nn.init, f"{scheme}_")(reference, **options)
        torch.manual_seed(2)
        initialize(layer, scheme, fan)  # type: ignore[arg-type]
        torch.testing.assert_close(layer.get_parameter("weight").detach(), reference, rtol=1e-6, atol=0)


def test_torch_has_the_fans_of_a_transposed_convolution_the_wrong_way_round() -> None:
    """Which Xavier, taking the sum of the two, does not show; the draw of Kaiming's is that of the other fan."""
    for scheme, fan, mode in (("xavier_normal", "in", None), ("kaiming_normal", "in", "fan_out")):
        torch.manual_seed(1)
        layer = nn.ConvTranspose2d(96, 40, 3)
        reference = torch.empty_like(layer.weight)
        torch.manual_seed(2)
        getattr(nn.init, f"{scheme}_")(reference, **({"mode": mode, "nonlinearity": "relu"} if mode else {}))
        torch.manual_seed(2)
        initialize(layer, scheme, fan)  # type: ignore[arg-type]
        torch.testing.assert_close(layer.weight.detach(), reference, rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", ["small_cnn", "resnet18", "mobilenetv3_small_050", "vit_tiny_patch16_224"])
def test_every_convolution_and_linear_layer_is_drawn_and_nothing_else(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, classes=5, image_size=32)
    before = {key: value.clone() for key, value in network.named_parameters()}
    initialize(network, "xavier_uniform")
    drawn = set()
    for layer_name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            drawn.add(f"{layer_name}.weight")
            limit = math.sqrt(6 / sum(fans(layer)))  # Glorot and Bengio 2010, equation 16
            assert 0.9 * limit < float(layer.weight.detach().abs().max()) <= limit * (1 + 1e-6)
            if layer.bias is not None:
                drawn.add(f"{layer_name}.bias")
                assert not layer.bias.any()
    for key, value in network.named_parameters():
        if key not in drawn:
            assert torch.equal(value, before[key]), key


def test_kaiming_keeps_the_variance_through_twenty_layers_and_xavier_halves_it() -> None:
    """What the factor 2 is for: a ReLU drops half of the second moment (He et al. 2015, section 2.2)."""
    torch.manual_seed(0)
    network = nn.Sequential(*(layer for _ in range(20) for layer in (nn.Linear(512, 512), nn.ReLU())))
    x = torch.randn(256, 512)
    moments = {}
    for scheme in SCHEMES:
        initialize(network, scheme)
        moments[scheme] = float(network(x).detach().square().mean()) * 2  # the last ReLU has dropped half already
    for scheme, moment in moments.items():
        assert math.log2(moment) == pytest.approx(0 if scheme.startswith("kaiming") else -20, abs=1.5)
