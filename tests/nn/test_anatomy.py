"""Shapes, parameters and multiply-adds of layers, by hand, against torch's own counts, and against torchvision's."""

from __future__ import annotations

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn

from saccade.nn.anatomy import amount, anatomy, formula, short
from saccade.nn.backbones import ONE_SIZE, OWN, build


def image(size: int = 224) -> Tensor:
    return torch.zeros(1, 3, size, size, device="meta")


def test_a_small_network_by_hand() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(128, 4))
    found = anatomy(network, torch.zeros(1, 3, 8, 8), name="small")
    rows = [(x.name, x.kind, x.output, x.formula, x.parameters, x.multiply_adds) for x in found.layers]
    assert rows == [
        ("", "Sequential", (4,), "", 0, 0),
        ("0", "Conv2d", (8, 4, 4), "8·3·3·3 + 8", 224, 4 * 4 * 8 * 3 * 9),
        ("1", "BatchNorm2d", (8, 4, 4), "2·8", 16, 0),
        ("2", "Flatten", (128,), "", 0, 0),
        ("3", "Linear", (4,), "128·4 + 4", 516, 128 * 4),
    ]
    assert [layer.depth for layer in found.layers] == [0, 1, 1, 1, 1]
    assert [layer.units for layer in found.layers] == [4, 8 * 4 * 4, 8 * 4 * 4, 128, 4]
    assert (found.image, found.output, found.parameters, found.trainable) == ((3, 8, 8), (4,), 756, 756)
    assert found.multiply_adds == 3456 + 512
    assert found.megabytes == pytest.approx(756 * 4 / 1e6)
    assert found.lost is None


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Conv2d(3, 16, 5), "16·3·5·5 + 16"),
        (nn.Conv2d(8, 16, 3, groups=4, bias=False), "16·2·3·3"),
        (nn.ConvTranspose2d(8, 4, 2), "8·4·2·2 + 4"),
        (nn.Linear(512, 64), "512·64 + 64"),
        (nn.Linear(512, 64, bias=False), "512·64"),
        (nn.BatchNorm2d(64), "2·64"),
        (nn.GroupNorm(4, 64), "2·64"),
        (nn.LayerNorm(96), "2·96"),
        (nn.BatchNorm2d(64, affine=False), ""),
        (nn.ReLU(), ""),
        (nn.PReLU(), "1"),
        (nn.Embedding(10, 4), "10·4"),
        (nn.LSTM(4, 4), ""),
    ],
)
def test_formulas(module: nn.Module, expected: str) -> None:
    assert formula(module) == expected
    parts = [part.split("·") for part in expected.split(" + ") if part]
    if expected:
        product = [torch.tensor([int(n) for n in part]).prod().item() for part in parts]
        assert sum(product) == sum(p.numel() for p in module.parameters())


TIMMS = ("mobilenetv3_small_100", "vit_tiny_patch16_224", "convnext_atto", "swin_tiny_patch4_window7_224")


@pytest.mark.parametrize("name", [*OWN, *TIMMS])
def test_counts_are_torchs(name: str) -> None:
    size = ONE_SIZE.get(name, 224)
    with torch.device("meta" if name in OWN else "cpu"):  # some versions of timm cannot make every network on meta
        network = build(name, classes=7, image_size=size)
    found = anatomy(network, torch.zeros(1, 3, size, size, device=next(network.parameters()).device), name=name)
    assert found.parameters == sum(p.numel() for p in network.parameters())
    assert found.output == (7,)
    assert sum(layer.inside for layer in found.layers if layer.depth == 1) + 1 + sum(
        layer.depth == 1 for layer in found.layers
    ) == len(found.layers)


# GFLOPS of torchvision's model cards, which are multiply-adds in 10^9, at the size of each network.
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("alexnet", 224), ("vgg16", 224), ("resnet18", 224), ("resnet50", 224), ("resnext50_32x4d", 224),
        ("mobilenet_v3_large", 224), ("densenet121", 224), ("efficientnet_b0", 224), ("convnext_tiny", 224),
        ("vit_b_16", 224),
    ],
)  # fmt: skip
def test_multiply_adds_are_those_that_torchvision_publishes(name: str, size: int) -> None:
    weights = torchvision.models.get_model_weights(name).DEFAULT
    with torch.device("meta"):
        network = torchvision.models.get_model(name)
    found = anatomy(network, image(size), name=name)
    assert found.multiply_adds / 1e9 == pytest.approx(weights.meta["_ops"], abs=0.006)
    assert found.parameters == weights.meta["num_params"]


def test_our_resnets_cost_what_torchvisions_do() -> None:
    for name in ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"):
        with torch.device("meta"):
            network = build(name, classes=1000)
        published = torchvision.models.get_model_weights(name).DEFAULT.meta["_ops"]
        assert anatomy(network, image(), name=name).multiply_adds / 1e9 == pytest.approx(published, abs=0.006)


class Tied(nn.Module):
    """The same weights twice, a module that runs twice, one that never runs, and weights of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.never = nn.Linear(3, 3)
        self.act = nn.ReLU()
        self.one = nn.Conv2d(3, 3, 1)
        self.two = nn.Conv2d(3, 3, 1)
        self.two.weight = self.one.weight
        self.last = nn.Linear(3, 4)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.act(self.two(self.act(self.one(x))))
        return {"logits": self.last(x.mean(dim=(2, 3))) * self.scale}


def test_what_is_shared_runs_twice_or_never_runs() -> None:
    found = anatomy(Tied(), torch.zeros(1, 3, 4, 4), name="tied")
    rows = {layer.name: layer for layer in found.layers}
    assert list(rows) == ["", "one", "two", "act", "last", "never"]  # in the order in which they run last
    assert (rows["one"].parameters, rows["two"].parameters) == (12, 3)
    assert (rows["act"].calls, rows["never"].calls, rows["never"].output) == (2, 0, None)
    assert rows["never"].units is None
    assert (rows[""].parameters, rows[""].output, rows[""].formula) == (4, (4,), "4")
    assert found.parameters == sum(p.numel() for p in Tied().parameters()) == 4 + 12 + 12 + 3 + 16


def test_the_network_stays_as_it_was() -> None:
    network = build("small_cnn", classes=3).train()
    network.head.eval()  # type: ignore[union-attr]
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    anatomy(network, torch.rand(1, 3, 32, 32), name="x")
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


class Undecided(nn.Module):
    """Needs values to find its way, which the meta device has not."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv(x)
        return found if found.sum() > 0 else -found


def test_a_network_that_needs_values_is_really_run() -> None:
    found = anatomy(Undecided(), torch.zeros(1, 3, 8, 8), name="x")
    assert found.layers[0].receptive_field == (3, 3)
    assert found.multiply_adds == 6 * 6 * 4 * 3 * 9


def test_a_recurrent_layer_is_counted() -> None:
    network = nn.Sequential(nn.Flatten(2), nn.LSTM(16, 8, batch_first=True))
    found = anatomy(network, torch.zeros(1, 3, 4, 4), name="x")
    assert found.multiply_adds == 3 * 4 * 8 * (16 + 8)  # three steps, four gates


def test_attention_counts_its_products() -> None:
    network = timm.create_model("vit_tiny_patch16_224", num_classes=2)
    found = anatomy(network, torch.zeros(1, 3, 224, 224), name="vit")
    inside = [layer for layer in found.layers if layer.name == "blocks.0.attn"]
    assert inside[0].multiply_adds == 2 * 197 * 197 * 192  # queries by keys, and the result by values


def test_frozen_parameters_and_the_short_form() -> None:
    network = build("small_cnn", classes=3)
    network.requires_grad_(False)
    network.head.requires_grad_(True)  # type: ignore[union-attr]
    found = anatomy(network, torch.zeros(1, 3, 64, 64), name="small_cnn")
    assert found.trainable == 128 * 3 + 3
    assert short(found) == (
        "small_cnn: 144 K parameters (387 trainable), 34.8 M multiply-adds for an image of 3×64×64, output 3"
    )


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0"), (999, "999"), (1000, "1.00 K"), (9994, "9.99 K"), (9996, "10.0 K"), (144984, "145 K"),
        (999400, "999 K"), (999600, "1.00 M"), (34_800_000, "34.8 M"), (4_089_184_256, "4.09 G"),
    ],
)  # fmt: skip
def test_amounts_have_three_digits(number: int, expected: str) -> None:
    assert amount(number) == expected
