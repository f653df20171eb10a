"""Weights from torchvision's, timm's and other people's files."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

from saccade.errors import CheckpointError
from saccade.nn.backbones import build
from saccade.nn.small import SmallCNN
from saccade.nn.weights import load_weights, read_state_dict

State = dict[str, Tensor]


def lively(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network with statistics and scales that differ from those of a fresh BatchNorm."""
    generator = torch.Generator().manual_seed(seed)
    for key, value in network.state_dict().items():
        if key.endswith(("running_var", "norm.weight", "bn1.weight", "bn2.weight")):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
        elif key.endswith("running_mean"):
            value.copy_(torch.rand(value.shape, generator=generator) - 0.5)
    return network.eval()


@pytest.fixture(scope="module", params=["resnet18", "resnet18.a1_in1k", "densenet121"])
def theirs(request: pytest.FixtureRequest) -> tuple[str, nn.Module]:
    """A network of torchvision's with random weights and 11 classes."""
    torch.manual_seed(0)
    make: Callable[..., nn.Module] = getattr(torchvision.models, request.param.split(".")[0])
    return request.param, lively(make(weights=None, num_classes=11))


def write(path: Path, state: State) -> Path:
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".bin"])
@pytest.mark.slow
def test_torchvisions_weights_give_the_network_the_same_output(
    tmp_path: Path, theirs: tuple[str, nn.Module], suffix: str
) -> None:
    name, reference = theirs
    ours, image = build(name, classes=11).eval(), torch.rand(2, 3, 64, 64)
    assert not torch.allclose(ours(image), reference(image), atol=1e-2)
    read = read_state_dict(write(tmp_path / f"w{suffix}", reference.state_dict()))
    assert load_weights(ours, read, source="w", keep_head=True) == []
    torch.testing.assert_close(ours(image), reference(image), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("classes", [3, 11])
def test_a_head_that_is_not_kept_is_left_as_it_is_and_reported(theirs: tuple[str, nn.Module], classes: int) -> None:
    """Also where its size agrees: eleven classes there are not eleven classes here."""
    name, reference = theirs
    ours = build(name, classes=classes).eval()
    head = "fc" if name.startswith("resnet") else "classifier"
    before = ours.state_dict()[f"{head}.weight"].clone()
    left = load_weights(ours, reference.state_dict(), source="w", keep_head=False)
    assert left == [f"{head}.weight", f"{head}.bias"]
    assert torch.equal(ours.state_dict()[f"{head}.weight"], before)
    image, features = torch.rand(2, 3, 64, 64), []
    for network, layer in ((ours, ours.get_submodule(head)), (reference, reference.get_submodule(head))):
        layer.register_forward_pre_hook(lambda _, given: features.append(given[0]))
        network(image)
    torch.testing.assert_close(features[0], features[1], rtol=1e-6, atol=1e-6)


def test_a_head_to_be_kept_must_have_the_size(theirs: tuple[str, nn.Module]) -> None:
    name, reference = theirs
    ours = build(name, classes=3)
    before = {key: value.clone() for key, value in ours.state_dict().items()}
    with pytest.raises(CheckpointError) as raised:
        load_weights(ours, reference.state_dict(), source="old.pth", keep_head=True)
    assert str(raised.value) == (
        "model.head: is keep, and the head in old.pth has 11 outputs where the data have 3 classes; "
        "set model.head=replace for a fresh head"
    )
    assert all(torch.equal(value, before[key]) for key, value in ours.state_dict().items())


def test_torchvisions_published_densenet_names_are_understood(tmp_path: Path) -> None:
    """densenet121-a639ec97.pth and its sisters write norm.1 and conv.2; torchvision renames them when it loads them."""
    torch.manual_seed(0)
    reference = lively(torchvision.models.densenet121(weights=None, num_classes=11))
    old = {}
    for key, value in reference.state_dict().items():
        for kind in ("norm1", "norm2", "conv1", "conv2"):
            if ".denselayer" in key:
                key = key.replace(f".{kind}.", f".{kind[:-1]}.{kind[-1]}.")
        if not key.endswith("num_batches_tracked"):  # older than torch 0.4.1
            old[key] = value
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    ours, image = build("densenet121", classes=11).eval(), torch.rand(1, 3, 64, 64)
    assert load_weights(ours, read_state_dict(write(tmp_path / "w.pth", old)), source="w", keep_head=True) == []
    torch.testing.assert_close(ours(image), reference(image), rtol=1e-6, atol=1e-6)


# Wrappings, on the small network because it is quick.


@pytest.fixture
def small() -> nn.Module:
    torch.manual_seed(1)
    return lively(SmallCNN(4))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3, "hyper_parameters": {"lr": 0.1}},
        lambda state: {"model": state},
        lambda state: {"state_dict": {"model": state}},
        lambda state: {"tensors": state, "saccade": {"classes": ["a"]}},
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {f"model.{key}": value for key, value in state.items()},
        lambda state: {f"network.{key}": value for key, value in state.items()},
        lambda state: {"state_dict": {f"module.model.{key}": value for key, value in state.items()}},
        lambda state: {**state, "note": "trained on a Tuesday", "epoch": 3},
    ],
)
def test_wrappers_are_taken_off(tmp_path: Path, small: nn.Module, wrap: Callable[[State], dict[str, Any]]) -> None:
    torch.save(wrap(small.state_dict()), tmp_path / "w.ckpt")
    read = read_state_dict(tmp_path / "w.ckpt")
    assert read.keys() == small.state_dict().keys()
    assert all(torch.equal(read[key], value) for key, value in small.state_dict().items())


@pytest.mark.parametrize("prefix", ["module.", "model.", "network.", "module.model."])
def test_prefixes_are_taken_off_in_safetensors_too(tmp_path: Path, small: nn.Module, prefix: str) -> None:
    write(tmp_path / "w.safetensors", {prefix + key: value for key, value in small.state_dict().items()})
    assert read_state_dict(tmp_path / "w.safetensors").keys() == small.state_dict().keys()


def test_a_prefix_that_not_all_keys_have_belongs_to_the_names(tmp_path: Path) -> None:
    state = {"model.a": torch.zeros(1), "b": torch.zeros(1)}
    assert read_state_dict(write(tmp_path / "w.pth", state)).keys() == state.keys()


def test_half_precision_is_widened(tmp_path: Path, small: nn.Module) -> None:
    halves = {k: v.half() if v.is_floating_point() else v for k, v in small.state_dict().items()}
    ours = SmallCNN(4)
    assert load_weights(ours, read_state_dict(write(tmp_path / "w.pth", halves)), source="w", keep_head=True) == []
    assert ours.head.weight.dtype == torch.float32
    torch.testing.assert_close(ours.head.weight, small.get_parameter("head.weight"), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("drop", ["head.", "head.bias"])
def test_weights_without_a_head_or_with_half_of_one(small: nn.Module, drop: str) -> None:
    ours = SmallCNN(4)
    before = ours.head.weight.clone()
    state = {key: value for key, value in small.state_dict().items() if not key.startswith(drop)}
    with pytest.raises(CheckpointError, match=r"\n  \d missing in the file: head\.(weight, head\.)?bias$"):
        load_weights(ours, state, source="w", keep_head=True)
    assert load_weights(ours, state, source="w", keep_head=False) == ["head.weight", "head.bias"]
    assert torch.equal(ours.head.weight, before)
    assert torch.equal(ours.features[0][0].weight, small.get_parameter("features.0.0.weight"))


def test_a_head_of_another_kind_is_no_matter_of_its_size(small: nn.Module) -> None:
    state = {**small.state_dict(), "head.weight": torch.zeros(4, 64)}
    with pytest.raises(CheckpointError, match=r"of another shape: head\.weight \(4, 64\) in the file, \(4, 128\) in"):
        load_weights(SmallCNN(4), state, source="w", keep_head=True)


def test_a_head_of_many_layers_may_be_anything_where_it_is_not_wanted(small: nn.Module) -> None:
    state = {key: value for key, value in small.state_dict().items() if not key.startswith("head.")}
    state |= {"head.0.weight": torch.zeros(7, 128), "head.3.weight": torch.zeros(4, 7)}
    assert load_weights(SmallCNN(4), state, source="w", keep_head=False) == ["head.weight", "head.bias"]
    with pytest.raises(CheckpointError, match=r"2 not in the network: head\.0\.weight, head\.3\.weight"):
        load_weights(SmallCNN(4), state, source="w", keep_head=True)


def test_loading_leaves_the_given_tensors_alone(small: nn.Module) -> None:
    ours, state = SmallCNN(4), small.state_dict()
    load_weights(ours, state, source="w", keep_head=True)
    with torch.no_grad():
        ours.head.weight.add_(1)
    assert not torch.equal(ours.head.weight, state["head.weight"])


# What does not fit.


def test_every_kind_of_mismatch_is_listed_and_nothing_is_loaded(small: nn.Module) -> None:
    state = small.state_dict()
    del state["features.0.0.weight"], state["features.0.1.bias"]
    state["extra.weight"] = torch.zeros(2)
    state["features.2.0.weight"] = torch.zeros(5, 6, 3, 3)
    ours = SmallCNN(4)
    before = {key: value.clone() for key, value in ours.state_dict().items()}
    with pytest.raises(CheckpointError) as raised:
        load_weights(ours, state, source="old.pth", keep_head=True)
    assert str(raised.value) == (
        "model.weights: old.pth does not fit the network; choose the model.name that it was saved from\n"
        "  2 missing in the file: features.0.0.weight, features.0.1.bias\n"
        "  1 not in the network: extra.weight\n"
        "  1 of another shape: features.2.0.weight (5, 6, 3, 3) in the file, (32, 16, 3, 3) in the network"
    )
    assert all(torch.equal(value, before[key]) for key, value in ours.state_dict().items())


def test_long_lists_are_counted(small: nn.Module) -> None:
    with pytest.raises(CheckpointError) as raised:
        load_weights(small, {f"blocks.{i}": torch.zeros(1) for i in range(100)}, source="w", keep_head=False)
    missing, unexpected = str(raised.value).splitlines()[1:]
    n = len([key for key in small.state_dict() if "head" not in key and "tracked" not in key])
    assert missing.startswith(f"  {n} missing in the file: features.0.0.weight, ")
    assert missing.endswith(f", and {n - 8} more")
    named = ", ".join(f"blocks.{i}" for i in range(8))
    assert unexpected == f"  100 not in the network: {named}, and 92 more"


def test_a_resnet_does_not_fit_a_densenet() -> None:
    state = torchvision.models.resnet18(weights=None).state_dict()
    with pytest.raises(CheckpointError, match=r"missing in the file: features\.conv0\.weight"):
        load_weights(build("densenet121", classes=3), state, source="w", keep_head=False)


# What is no file of weights.


def refused(path: Path) -> str:
    with pytest.raises(CheckpointError) as raised:
        read_state_dict(path)
    message = str(raised.value)
    assert message.startswith(f"model.weights: {path} ")
    assert "\n" not in message
    return message.removeprefix(f"model.weights: {path} ")


class Bomb:
    """A pickle of it makes a file when it is read by pickle itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


UNSAFE = "cannot be read as weights (it is damaged, or holds Python objects other than tensors, which could run code "


@pytest.mark.parametrize("save", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value, protocol=2))])
def test_a_file_with_code_is_refused_and_the_code_not_run(tmp_path: Path, save: Callable[..., None]) -> None:
    sign = tmp_path / "sign"
    save({"state_dict": {"a": torch.zeros(1)}, "config": Bomb(sign)}, tmp_path / "w.pth")
    assert refused(tmp_path / "w.pth").startswith(UNSAFE)
    assert not sign.exists()


def test_a_whole_pickled_network_is_refused(tmp_path: Path) -> None:
    torch.save(SmallCNN(2), tmp_path / "w.pth")
    assert refused(tmp_path / "w.pth").startswith(UNSAFE)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ""])
@pytest.mark.parametrize(
    "content", [b"", b"weights", b"<html>\n<p>Not found</p>\n</html>", b"PK\x03\x04zip", bytes(64)]
)
def test_a_file_that_is_no_weights(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"w{suffix}").write_bytes(content)
    assert refused(tmp_path / f"w{suffix}").startswith("cannot be read as weights (")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_truncated_file(tmp_path: Path, small: nn.Module, suffix: str) -> None:
    path = write(tmp_path / f"w{suffix}", small.state_dict())
    whole = path.read_bytes()
    for share in (0.01, 0.5, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        assert refused(path).startswith("cannot be read as weights (")


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [torch.zeros(1)], torch.zeros(3), {"state_dict": {}}, "text", 7])
def test_a_file_without_named_tensors(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "w.pth")
    assert refused(tmp_path / "w.pth") == "holds no state dict; save one with torch.save(model.state_dict(), PATH)"


def test_a_safetensors_file_without_tensors(tmp_path: Path) -> None:
    save_file({}, tmp_path / "w.safetensors")
    assert refused(tmp_path / "w.safetensors").startswith("holds no state dict")


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    best = tmp_path / "run" / "checkpoints" / "best.ckpt"
    best.parent.mkdir(parents=True)
    best.touch()
    for path, what in (
        (tmp_path / "w.pth", "not found; name a .safetensors, .pth or .ckpt file"),
        (tmp_path, "is a folder; name a .safetensors, .pth or .ckpt file"),
        (tmp_path / "run", f"is a folder; name {best}"),
    ):
        with pytest.raises(CheckpointError) as raised:
            read_state_dict(path)
        assert str(raised.value) == f"model.weights: {path} {what}"
