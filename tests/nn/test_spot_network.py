"""The network that finds and reads words: the form of FOTS, any size of image, and what its numbers can say."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from saccade.errors import CheckpointError, ConfigError
from saccade.losses.spot import ctc
from saccade.nn.backbones import head_names, is_head
from saccade.nn.spot_network import (
    SmallSpot,
    SpotNetwork,
    TimmMaps,
    load_spot_encoder,
    require_spot_encoder,
    spot_encoder,
)
from saccade.quads import encode, restore

TINY = ("small_spot", "test_resnet", "test_convnext")
"""Ours; one of timm that rounds sizes up; one that rounds them down."""


def size(*modules: nn.Module | None) -> int:
    return sum(p.numel() for module in modules if module is not None for p in module.parameters())


def quad(x0: float, y0: float, x1: float, y1: float) -> Tensor:
    return torch.tensor([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]])


def test_the_network_of_the_notes_has_its_numbers_of_parameters() -> None:
    """ResNet-50, a neck of 128, 64 and 32 channels, six 1x1 filters, and a reader of 68 characters and the blank."""
    with torch.device("meta"):
        network = SpotNetwork("resnet50", reach=640, alphabet=68)
    assert size(network.encoder) == 23_508_032
    assert size(network.merges, network.last) == 648_608
    assert size(network.score, network.distances, network.angle) == 198
    assert size(network.reader) == 2_251_973
    assert size(network) == 23_508_032 + 648_608 + 198 + 2_251_973


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_the_merges_take_the_four_stages(name: str) -> None:
    with torch.device("meta"):
        network = SpotNetwork(name, reach=640)
    wide = 1 if name != "resnet50" else 4
    assert network.encoder.channels == tuple(wide * c for c in (64, 128, 256, 512))
    given = [merge[0].in_channels for merge in network.merges]  # type: ignore[index]
    assert given == [wide * (512 + 256), 128 + wide * 128, 64 + wide * 64]
    assert size(network.reader) == 0


@pytest.mark.parametrize(
    ("name", "given", "momentum"),
    [("test_resnet", None, 0.003), ("small_spot", None, 0.1), ("test_resnet", 0.02, 0.02)],
)
def test_statistics_after_the_encoder_move_at_their_own_pace(name: str, given: float | None, momentum: float) -> None:
    network = SpotNetwork(name, reach=64, alphabet=3, momentum=given)
    norms = [m for part in (network.merges, network.last) for m in part.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 7
    assert {(norm.momentum, norm.eps) for norm in norms} == {(momentum, 1e-5)}
    ours, fresh = network.encoder, spot_encoder(name)
    assert [getattr(m, "momentum", None) for m in ours.modules()] == [
        getattr(m, "momentum", None) for m in fresh.modules()
    ]


def test_it_is_the_form_of_the_notes_where_maps_double() -> None:
    """Concatenation, 1x1 and 3x3 convolution, twice the size with aligned corners, written out."""
    torch.manual_seed(0)
    network = SpotNetwork("test_resnet", reach=640).eval()
    image = torch.randn(2, 3, 64, 96)
    c2, c3, c4, x = network.encoder(image)
    for merge, tap in zip(network.merges, (c4, c3, c2), strict=True):
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        x = torch.cat([x, tap], dim=1)
        for conv, norm in ((merge[0], merge[1]), (merge[3], merge[4])):  # type: ignore[index]
            x = F.relu(norm(F.conv2d(x, conv.weight, conv.bias, padding=conv.kernel_size[0] // 2)))
    x = F.relu(network.last[1](F.conv2d(x, network.last[0].weight, network.last[0].bias, padding=1)))
    logits = [F.conv2d(x, head.weight, head.bias) for head in (network.score, network.distances, network.angle)]
    said = network(image)
    torch.testing.assert_close(said.features, x)
    torch.testing.assert_close(said.score_logits, logits[0])
    torch.testing.assert_close(said.rbox[:, :4], logits[1].sigmoid() * 640)
    torch.testing.assert_close(said.rbox[:, 4:], (logits[2].sigmoid() - 0.5) * math.pi)


@pytest.mark.parametrize("name", TINY)
def test_every_size_of_image_has_a_cell_for_each_four_pixels_begun(name: str) -> None:
    """None is a multiple of 32 less one block, as a known resize made of those that were one, and 1260 is no crash."""
    network = SpotNetwork(name, reach=64, widths=(16, 8, 8)).eval()
    for height, width in ((32, 64), (37, 61), (1, 1), (5, 130), (36, 28), (63, 39)):
        features, score, rbox, _ = network(torch.rand(1, 3, height, width))
        cells = (math.ceil(height / 4), math.ceil(width / 4))
        assert features.shape == (1, 8, *cells)
        assert score.shape == (1, 1, *cells)
        assert rbox.shape == (1, 5, *cells)


def test_a_map_of_the_image_of_1260_pixels() -> None:
    with torch.device("meta"):
        network = SpotNetwork("resnet50", reach=640).eval()
        assert network(torch.rand(1, 3, 1260, 2240)).features.shape == (1, 32, 315, 560)


@pytest.mark.parametrize("degrees", [-89.9, -60, -45.1, 0, 45.1, 89.9])
def test_the_angles_of_the_head_are_those_of_the_targets(degrees: float) -> None:
    """A head from -45 to 45 degrees beside targets from -90 to 90 could not learn five of these."""
    theta = math.radians(degrees)
    u, v = np.array([math.cos(theta), math.sin(theta)]), np.array([-math.sin(theta), math.cos(theta)])
    corner = np.array([50.0, 70.0])
    rectangle = np.stack([corner, corner + 80 * u, corner + 80 * u + 20 * v, corner + 20 * v])
    point = (corner + 30 * u + 5 * v)[None]
    wanted = torch.tensor(encode(rectangle, point)[0])
    network = SpotNetwork("small_spot", reach=100).double().eval()
    with torch.no_grad():
        for head, value in ((network.distances, wanted[:4] / 100), (network.angle, wanted[4:] / math.pi + 0.5)):
            head.weight.zero_()
            head.bias.copy_(torch.logit(value))
        rbox = network(torch.rand(1, 3, 32, 32, dtype=torch.float64)).rbox[0, :, 0, 0]
    np.testing.assert_allclose(restore(point, rbox[None].numpy())[0], rectangle, atol=1e-9)


def test_no_weights_say_a_distance_or_an_angle_out_of_range() -> None:
    network = SpotNetwork("small_spot", reach=77).eval()
    with torch.no_grad():
        for sign in (-1, 1):
            for head in (network.distances, network.angle):
                head.bias.fill_(sign * 1e4)
            rbox = network(torch.rand(1, 3, 32, 32)).rbox
            torch.testing.assert_close(rbox[:, :4], torch.full_like(rbox[:, :4], 77.0 if sign > 0 else 0.0))
            torch.testing.assert_close(rbox[:, 4:], torch.full_like(rbox[:, 4:], sign * math.pi / 2))


def test_half_precision_does_not_round_distances() -> None:
    torch.manual_seed(0)
    network = SpotNetwork("small_spot", reach=640).eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        said = network(torch.rand(1, 3, 64, 64))
    assert said.features.dtype == torch.bfloat16
    assert said.score_logits.dtype == said.rbox.dtype == torch.float32
    distances = torch.sigmoid(F.conv2d(said.features.float(), network.distances.weight, network.distances.bias)) * 640
    torch.testing.assert_close(said.rbox[:, :4], distances)
    assert float((said.rbox - said.rbox.bfloat16()).abs().max()) > 0.3, "numbers that half precision would not tell"


def test_the_head_is_everything_but_the_encoder() -> None:
    network = SpotNetwork("small_spot", reach=64, alphabet=5)
    names = [name for name, _ in network.named_parameters()]
    assert {name for name in names if not is_head(name, head_names(network))} == {
        name for name in names if name.startswith("encoder.")
    }


@pytest.mark.parametrize("name", TINY)
def test_the_gradient_of_what_words_say_reaches_the_first_convolution(name: str) -> None:
    """Recognition teaches the shared convolutions, the point of the paper."""
    torch.manual_seed(0)
    network = SpotNetwork(name, reach=64, alphabet=5, hidden=16).train()
    said = network(torch.rand(2, 3, 64, 96))
    log_probs, widths = said.read([quad(8, 8, 80, 32), quad(4, 30, 60, 50)])
    lengths = torch.tensor([3, 2])
    loss = ctc(log_probs, widths, torch.tensor([1, 2, 3, 4, 5]), lengths, torch.tensor([1, 1]))
    loss.mean().backward()
    first = next(m for m in network.encoder.modules() if isinstance(m, nn.Conv2d))
    assert first.weight.grad is not None
    assert bool((first.weight.grad != 0).any())
    assert bool(torch.isfinite(first.weight.grad).all())
    assert network.score.weight.grad is None


def test_a_batch_without_words_is_no_special_case() -> None:
    """All weights get a gradient, so that several processes with and without words can train together."""
    network = SpotNetwork("small_spot", reach=64, alphabet=5, hidden=16).train()
    said = network(torch.rand(2, 3, 32, 32))
    log_probs, widths = said.read([torch.zeros(0, 4, 2), torch.zeros(0, 4, 2)])
    assert log_probs.shape == (0, 1, 6)
    none = torch.zeros(0, dtype=torch.int64)
    loss = ctc(log_probs, widths, none, none, torch.tensor([0, 0]))
    assert loss.weight.tolist() == [0, 0]
    (said.score_logits.mean() + said.rbox.mean() + loss.mean()).backward()
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in network.parameters())


def test_weights_of_a_file_are_those_of_the_maps(tmp_path: Path) -> None:
    whole = timm.create_model("test_resnet", num_classes=3)
    torch.save(whole.state_dict(), tmp_path / "a.pth")
    encoder = spot_encoder("test_resnet")
    load_spot_encoder(encoder, "test_resnet", tmp_path / "a.pth")
    image = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(encoder.eval()(image)[-1], whole.eval().forward_features(image))
    ours, other = SmallSpot(), SmallSpot()
    torch.save(ours.state_dict(), tmp_path / "b.pth")
    load_spot_encoder(other, "small_spot", tmp_path / "b.pth")
    torch.testing.assert_close(other.eval()(image), ours.eval()(image))
    with pytest.raises(CheckpointError, match=r"a\.pth does not fit the network"):
        load_spot_encoder(other, "small_spot", tmp_path / "a.pth")


def test_maps_with_channels_last_are_turned() -> None:
    encoder = TimmMaps("mambaout_femto").eval()
    with torch.no_grad():
        maps = encoder(torch.rand(1, 3, 64, 96))
    sizes = [(1, c, 64 // s, 96 // s) for c, s in zip(encoder.channels, (4, 8, 16, 32), strict=True)]
    assert [tuple(each.shape) for each in maps] == sizes


def test_of_maps_with_one_stride_the_deepest_is_taken() -> None:
    """DenseNet and the like; VGG has six, of which the first two are not wanted."""
    assert TimmMaps("vgg11").channels == (256, 512, 512, 512)


def test_encoders_that_do_not_do() -> None:
    with pytest.raises(ConfigError, match=r"test_vit has maps of 1/16 of the image, and spotting needs .* resnet50"):
        spot_encoder("test_vit")
    with pytest.raises(ConfigError, match=r"no encoder is called 'small_spt'; did you mean small_spot"):
        require_spot_encoder("small_spt")
    with pytest.raises(ConfigError, match=r"small_spot has no published weights; set model\.pretrained=false"):
        SpotNetwork("small_spot", reach=64, pretrained=True)
    require_spot_encoder("small_spot")
    require_spot_encoder("resnet50")
