"""Networks by name, their heads, what freezing leaves alone, and what is said when weights cannot be had."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
import timm
import torch
from torch import nn

from saccade.errors import CheckpointError, ConfigError
from saccade.nn.backbones import ONE_SIZE, OWN, backbone_to_eval, build, freeze_backbone, head_names, is_head
from saccade.nn.resnet import ResNet

HEADS = {
    "small_cnn": ("head",),
    "dogs_cnn": ("linear2",),
    "resnet18": ("fc",),
    "resnet50": ("fc",),
    "cifar_resnet20": ("linear",),
    "resnet18.a1_in1k": ("fc",),
    "densenet121": ("classifier",),
    "mobilenetv3_small_050": ("classifier",),
    "convnext_atto": ("head.fc",),
    "regnetx_002": ("head.fc",),
    "vit_tiny_patch16_224": ("head",),
    "deit_tiny_distilled_patch16_224": ("head", "head_dist"),
}


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.slow
def test_the_head_is_all_that_depends_on_the_number_of_classes(name: str) -> None:
    """Found by comparing the shapes of two networks, whatever timm says of its heads."""
    size = ONE_SIZE.get(name, 224)
    three, five = (
        {k: v.shape for k, v in build(name, classes=n, image_size=size).state_dict().items()} for n in (3, 5)
    )
    network = build(name, classes=3, image_size=size)
    assert head_names(network) == HEADS[name]
    assert {key for key in three if three[key] != five[key]} == {key for key in three if is_head(key, HEADS[name])}
    assert all(three[f"{head}.weight"][0] == 3 for head in HEADS[name])


@pytest.mark.parametrize("name", ["small_cnn", "resnet18", "mobilenetv3_small_050"])
def test_a_network_gives_a_logit_a_class(name: str) -> None:
    network = build(name, classes=7).eval()
    assert network(torch.rand(2, 3, 64, 64)).shape == (2, 7)


@pytest.mark.parametrize("name", OWN)
def test_the_head_of_our_own_is_one_linear_layer_whose_output_is_the_networks(name: str) -> None:
    network = build(name, classes=3, image_size=32).eval()
    (head,) = head_names(network)
    layer, seen = network.get_submodule(head), []
    assert isinstance(layer, nn.Linear)
    layer.register_forward_hook(lambda _, given, out: seen.extend([given[0], out]))
    out = network(torch.rand(2, 3, 32, 32))
    assert seen[1] is out
    assert torch.equal(layer(seen[0]), out)


def test_head_is_matched_by_whole_names() -> None:
    assert is_head("head.weight", ("head",))
    assert is_head("head.fc.bias", ("head.fc",))
    assert not is_head("head_norm.weight", ("head",))
    assert not is_head("head.norm.weight", ("head.fc",))
    assert not is_head("backbone.head.weight", ("head",))


def test_drop_rate_arrives() -> None:
    assert build("resnet18", classes=2, drop_rate=0.3).drop_rate == 0.3
    assert build("resnet18.a1_in1k", classes=2, drop_rate=0.3).drop_rate == 0.3


@pytest.mark.parametrize("name", ["small_cnn", "dogs_cnn", "resnet18", "cifar_resnet20"])
def test_our_own_drop_out_before_the_head_in_training_only(name: str) -> None:
    network = build(name, classes=3, image_size=32, drop_rate=0.5).eval()
    seen = []
    network.get_submodule(head_names(network)[0]).register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    torch.manual_seed(0)
    image = torch.rand(16, 3, 32, 32)
    network(image)
    network.training = True  # the network alone: its BatchNorm stays as it is
    network(image)
    plain, dropped = seen
    there = plain != 0
    assert 0.4 < float((dropped[there] != 0).float().mean()) < 0.6
    torch.testing.assert_close(dropped[dropped != 0], 2 * plain[dropped != 0])


# Freezing.


def requiring(network: nn.Module) -> list[str]:
    return [name for name, parameter in network.named_parameters() if parameter.requires_grad]


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("small_cnn", ["head.weight", "head.bias"]),
        ("resnet18", ["fc.weight", "fc.bias"]),
        ("densenet121", ["classifier.weight", "classifier.bias"]),
        ("convnext_atto", ["head.fc.weight", "head.fc.bias"]),
        ("deit_tiny_distilled_patch16_224", ["head.weight", "head.bias", "head_dist.weight", "head_dist.bias"]),
    ],
)
def test_freezing_leaves_the_head_alone_to_learn(name: str, head: list[str]) -> None:
    network = build(name, classes=3)
    everything = [key for key, _ in network.named_parameters()]
    freeze_backbone(network, frozen=True)
    assert requiring(network) == head
    freeze_backbone(network, frozen=False)
    assert requiring(network) == everything


def a_step(network: nn.Module) -> None:
    """One step of SGD, with momentum and weight decay on every parameter, on inputs far from the running statistics."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(torch.rand(4, 3, 32, 32) * 5 + 3), torch.tensor([0, 1, 2, 0]))
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("name", ["small_cnn", "resnet18", "cifar_resnet20", "mobilenetv3_small_050"])
def test_a_frozen_backbone_stays_to_the_bit(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, classes=3)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    network.train()
    freeze_backbone(network, frozen=True)
    backbone_to_eval(network)
    a_step(network)
    changed = {key for key, value in network.state_dict().items() if not torch.equal(value, before[key])}
    heads = head_names(network)
    assert changed == {f"{heads[0]}.weight", f"{heads[0]}.bias"}


def test_without_evaluation_mode_the_running_statistics_would_move() -> None:
    """What backbone_to_eval is for: frozen weights alone do not keep a BatchNorm."""
    network = build("small_cnn", classes=3).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    freeze_backbone(network, frozen=True)
    a_step(network)
    changed = {key.rpartition(".")[2] for key, v in network.state_dict().items() if not torch.equal(v, before[key])}
    assert changed == {"running_mean", "running_var", "num_batches_tracked", "weight", "bias"}


def test_thawed_everything_learns_again() -> None:
    torch.manual_seed(0)
    network = build("small_cnn", classes=3)
    freeze_backbone(network, frozen=True)
    backbone_to_eval(network)
    freeze_backbone(network, frozen=False)
    network.train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    a_step(network)
    assert not [key for key, value in network.state_dict().items() if torch.equal(value, before[key])]


def test_evaluation_mode_is_for_all_but_the_head_and_the_network_itself() -> None:
    network = build("deit_tiny_distilled_patch16_224", classes=3).train()
    backbone_to_eval(network)
    assert {name for name, module in network.named_modules() if module.training} == {"", "head", "head_dist"}


# Names that are not, and weights that cannot be had.


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet81", "did you mean resnet18 or "),
        ("smal_cnn", "did you mean small_cnn"),
        ("ResNet18", "did you mean resnet18 or "),
        ("densnet121", "did you mean densenet121 or "),
        ("zzzzqqqq", "timm.list_models() names those of timm"),
        ("", "timm.list_models() names those of timm"),
        ("hf_hub:timm/resnet18.a1_in1k", ""),
    ],
)
def test_an_unknown_network_is_named_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(ConfigError) as raised:
        build(name, classes=2)
    assert str(raised.value).startswith(f"model.name: no network is called {name!r}; {hint}")
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(
    not timm.is_model("qwen3_vit_88m_enc"), reason="this timm is older than its encoders without a head"
)
def test_an_encoder_without_a_head_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^model\.name: qwen3_vit_88m_enc is an encoder without a head for classes"):
        build("qwen3_vit_88m_enc", classes=2)


@pytest.mark.parametrize("name", ["small_cnn", "dogs_cnn", "cifar_resnet20"])
def test_our_own_network_has_no_published_weights(name: str) -> None:
    with pytest.raises(ConfigError) as raised:
        build(name, classes=2, pretrained=True)
    expected = f"model.pretrained: {name} has no published weights; set model.pretrained=false"
    assert str(raised.value) == expected


OURS = "resnet18, resnet34, resnet50, resnet101, resnet152"


@pytest.mark.parametrize("name", ["small_cnn", "cifar_resnet20", "resnet18.a1_in1k", "densenet121"])
@pytest.mark.parametrize(
    ("key", "default", "settings"),
    [("norm", "batch", {"norm": "group"}), ("zero_init_last", "false", {"zero_init_last": True})],
)
def test_settings_of_our_resnets_are_refused_elsewhere(
    name: str, key: str, default: str, settings: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError) as raised:
        build(name, classes=2, **settings)
    value = str(settings[key]).lower()
    assert str(raised.value) == (
        f"model.{key}: is {value}, which only our own {OURS} know, and model.name is {name}; "
        f"set model.{key}={default} or model.name to one of them"
    )


def test_settings_of_our_resnets_arrive() -> None:
    network = build("resnet50", classes=2, norm="group", zero_init_last=True, drop_rate=0.1)
    assert isinstance(network, ResNet)
    assert isinstance(network.bn1, nn.GroupNorm)
    assert not network.layer4[2].bn3.weight.any()
    assert network.drop_rate == 0.1


def test_a_network_of_one_size_says_which() -> None:
    with pytest.raises(ConfigError) as raised:
        build("dogs_cnn", classes=2, image_size=224)
    assert str(raised.value) == (
        "data.image_size: is 224, and dogs_cnn takes images of 32x32 pixels only; set data.image_size=32"
    )


# Published weights, without a download: timm's networks are made with random weights in their place.


def with_timms(monkeypatch: pytest.MonkeyPatch, name: str) -> nn.Module:
    """timm's network with weights that stand for the published ones, which timm finds in the cache."""
    torch.manual_seed(0)
    source = timm.create_model(name, pretrained=False).eval()
    for key, value in source.state_dict().items():
        if key.endswith(("running_var", "running_mean")):
            value.copy_(torch.rand(value.shape) + 0.5)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: "/cache/model.safetensors")
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", lambda *_, **__: source.state_dict())
    return source


@pytest.mark.parametrize("name", ["resnet18", "resnet18.a1_in1k"])
@pytest.mark.parametrize(("classes", "keep_head"), [(1000, True), (1000, False), (5, False)])
def test_published_weights_arrive_with_their_head_only_where_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, name: str, classes: int, keep_head: bool
) -> None:
    source = with_timms(monkeypatch, name)
    network = build(name, classes=classes, pretrained=True, keep_head=keep_head).eval()
    assert isinstance(network, ResNet) == (name == "resnet18")
    weights, published = network.state_dict(), source.state_dict()
    assert weights.keys() == published.keys()
    for key, value in weights.items():
        assert torch.equal(value, published[key]) if key[:3] != "fc." else True
    assert (classes == 1000 and torch.equal(weights["fc.weight"], published["fc.weight"])) == keep_head
    assert weights["fc.weight"].std() > 0
    if keep_head:
        image = torch.rand(2, 3, 64, 64)
        torch.testing.assert_close(network(image), source(image), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["resnet18", "densenet121"])
def test_a_published_head_of_another_size_cannot_be_kept(name: str) -> None:
    with pytest.raises(CheckpointError) as raised:
        build(name, classes=5, pretrained=True, keep_head=True)
    assert str(raised.value) == (
        f"model.head: is keep, and the head of {name}'s published weights has 1000 outputs where the data have "
        "5 classes; set model.head=replace for a fresh head"
    )


def test_published_weights_are_for_batch_norm() -> None:
    with pytest.raises(ConfigError) as raised:
        build("resnet18", classes=5, pretrained=True, norm="group")
    assert str(raised.value) == (
        "model.norm: is group, and the published weights of resnet18 are for batch; "
        "set model.norm=batch or model.pretrained=false"
    )


def test_a_network_of_timms_without_published_weights_says_so() -> None:
    name = next(name for name in timm.list_models("resnet*") if not timm.is_model_pretrained(name))
    with pytest.raises(ConfigError, match=rf"model\.pretrained: timm has no published weights for {name}; set"):
        build(name, classes=2, pretrained=True)


@pytest.fixture
def nothing_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)


WHERE = (
    "Without a network: fetch model.safetensors of huggingface.co/timm/resnet18.a1_in1k elsewhere and set "
    "model.pretrained=false model.weights=PATH_OF_THE_FILE, or train from random weights with model.pretrained=false"
)


def offline_message() -> str:
    with pytest.raises(CheckpointError) as raised:
        build("resnet18", classes=2, pretrained=True)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.usefixtures("nothing_cached")
def test_without_a_network_it_is_said_at_once_where_to_put_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's own client is real here and finds no address; on its own it tries six times within a minute."""

    def no_address(*_: Any, **__: Any) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def no_wait(seconds: float) -> NoReturn:
        raise AssertionError(f"waits {seconds} s for another try")

    monkeypatch.setattr(socket, "getaddrinfo", no_address)
    monkeypatch.setattr(time, "sleep", no_wait)
    for proxy in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    message = offline_message()
    assert message.startswith("model.pretrained: the weights of resnet18 could not be downloaded (")
    assert "for another try" not in message
    assert message.endswith(WHERE)


def hub_error() -> Exception:
    """What huggingface_hub raises where it finds neither the hub nor the file in its cache."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    return LocalEntryNotFoundError(
        "An error happened while trying to locate the file on the Hub and we cannot find the requested files in the "
        "local cache. Please check your connection and try again or make sure your Internet connection\nis on."
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (hub_error, "An error happened while trying to locate the file on the Hub"),
        (lambda: OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (lambda: TimeoutError(), "TimeoutError"),
        (lambda: RuntimeError("x" * 1000), "x" * 200),
    ],
)
def test_a_download_that_breaks_off_says_why_and_where_to_put_the_file(
    monkeypatch: pytest.MonkeyPatch, error: Callable[[], Exception], reason: str
) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise error()

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", lambda *_, **__: None)
    monkeypatch.setattr(timm, "create_model", fail)
    message = offline_message()
    assert message.startswith(f"model.pretrained: the weights of resnet18 could not be downloaded ({reason}")
    assert message.endswith(f"). {WHERE}")


def test_weights_in_the_cache_need_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any, **__: Any) -> NoReturn:
        pytest.fail("the hub was asked for a file that is there")

    made: dict[str, Any] = {}
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: "/cache/model.safetensors")
    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", never)
    monkeypatch.setattr(timm, "create_model", lambda name, **given: made.update(name=name, **given) or nn.Identity())
    build("densenet121", classes=2, pretrained=True, drop_rate=0.1)
    overlay = {"pretrained_cfg_overlay": None}
    assert made == {"name": "densenet121", "pretrained": True, "num_classes": 2, "drop_rate": 0.1, **overlay}


@pytest.mark.usefixtures("nothing_cached")
def test_a_hub_that_answers_with_an_error_leaves_the_word_to_the_download(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.errors import HfHubHTTPError

    def missing(*_: Any, **__: Any) -> NoReturn:
        raise HfHubHTTPError.__new__(HfHubHTTPError)

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", missing)
    monkeypatch.setattr(timm, "create_model", lambda *_, **__: nn.Identity())
    assert isinstance(build("densenet121", classes=2, pretrained=True), nn.Identity)


def test_a_bug_without_a_download_is_not_dressed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise TypeError("a bug")

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(TypeError, match="a bug"):
        build("densenet121", classes=2)


def test_a_transformer_is_built_for_the_image_size_of_the_config() -> None:
    network = build("vit_tiny_patch16_224", classes=3, image_size=64).eval()
    assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 3)
    with pytest.raises(AssertionError, match="doesn't match model"):
        network(torch.zeros(1, 3, 224, 224))
