"""The files of an explanation, and a network that stays what it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from saccade.errors import ConfigError, DataError
from saccade.explain.explain import Explained, explain
from saccade.explain.options import METHODS, Options, Request, check
from saccade.explain.untouched import untouched

from .tiny import CLASSES, Pooled, classifier


@pytest.fixture
def images(tmp_path: Path) -> list[str]:
    """A red one, a green one, one that is no image."""
    for name, rgb in (("red", (220, 40, 30)), ("green", (30, 200, 60))):
        Image.new("RGB", (16, 12), rgb).save(tmp_path / f"{name}.png")
    (tmp_path / "text.png").write_text("no image")
    return [str(tmp_path / f"{name}.png") for name in ("red", "green")]


@pytest.fixture
def network() -> Pooled:
    """In training mode but for a part of it, with a part that is frozen, with gradients, and a hook of its own."""
    torch.manual_seed(0)
    network = Pooled(channels=4, norm=True)
    network(torch.rand(4, 3, 8, 8)).sum().backward()
    network.norm.eval()
    network.conv.requires_grad_(False)
    network.head.register_forward_hook(lambda *_: None)
    return network


def state(network: nn.Module) -> dict[str, Any]:
    """All of a network that may not change."""
    return {
        "weights": {name: value.clone() for name, value in network.state_dict().items()},
        "gradients": {name: None if p.grad is None else p.grad.clone() for name, p in network.named_parameters()},
        "learned": [p.requires_grad for p in network.parameters()],
        "modes": [module.training for module in network.modules()],
        "hooks": [
            [list(getattr(module, kind)) for kind in vars(module) if kind.endswith("_hooks")]
            for module in network.modules()
        ],
    }


def assert_same(before: dict[str, Any], after: dict[str, Any]) -> None:
    for kind in ("weights", "gradients"):
        assert before[kind].keys() == after[kind].keys()
        for name, value in before[kind].items():
            assert (value is None and after[kind][name] is None) or torch.equal(value, after[kind][name]), name
    for kind in ("learned", "modes", "hooks"):
        assert before[kind] == after[kind], kind


def run(network: nn.Module, files: list[str], folder: Path, method: str, **asked: Any) -> Explained:
    options = {key: asked.pop(key) for key in list(asked) if key in vars(Options())}
    request = Request(method, options=Options(**options), **asked)
    return explain(classifier(network), files, request, folder, facts={"checkpoint": "best.ckpt"})


ASKED = {"confused-logits": {"margin": 1.0}}


@pytest.mark.parametrize("method", METHODS)
def test_nothing_of_the_network_changes(network: Pooled, images: list[str], tmp_path: Path, method: str) -> None:
    before = state(network)
    run(network, images, tmp_path / "e", method, **ASKED.get(method, {}))
    assert_same(before, state(network))


@pytest.mark.parametrize("method", [name for name in METHODS if name != "filters"])
def test_nothing_changes_either_where_it_fails(
    network: Pooled, images: list[str], tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, calls = state(network), []

    def fails(*_: Any) -> None:
        calls.append(1)
        if len(calls) >= 2:
            raise RuntimeError("in the middle of it")

    handle = network.relu.register_forward_hook(fails)
    with pytest.raises(RuntimeError, match="in the middle of it"):
        run(network, images, tmp_path / "e", method, **ASKED.get(method, {}))
    handle.remove()
    assert_same(before, state(network))
    assert not (tmp_path / "e").exists(), "no half of an explanation is left"


def test_while_it_is_looked_into_it_evaluates_and_learns_nothing(network: Pooled) -> None:
    with untouched(network):
        assert not any(module.training for module in network.modules())
        assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_files(network: Pooled, images: list[str], tmp_path: Path) -> None:
    found = run(network, images, tmp_path / "e", "occlusion", patch=4, stride=2, target="owl")
    assert found.folder == tmp_path / "e" / "occlusion" / "001"
    names = ["000-red.npy", "000-red.png", "001-green.npy", "001-green.png", "about.json"]
    assert sorted(path.name for path in found.folder.iterdir()) == names
    about = json.loads((found.folder / "about.json").read_text())
    assert about == found.about
    assert about["method"] == "occlusion"
    assert about["target"] == "owl"
    assert about["options"] == {"patch": 4, "stride": 2}
    assert about["checkpoint"] == "best.ckpt"
    entry = about["found"][0]
    assert (entry["image"], entry["input"], entry["picture"]) == (images[0], [8, 8], "000-red.png")
    values = np.load(found.folder / "000-red.npy")
    assert values.shape == (1, 8, 8)
    assert values.dtype == np.float32
    with torch.no_grad():
        subject = classifier(network.eval())
        probability = subject.ask(subject.read(images[0])).softmax(dim=1)[0, 2]
    assert entry["targets"] == [{"name": "owl", "probability": pytest.approx(float(probability), abs=1e-6)}]


def test_each_call_gets_a_number_of_its_own(network: Pooled, images: list[str], tmp_path: Path) -> None:
    folders = [run(network, images, tmp_path / "e", "gradcam").folder.name for _ in range(2)]
    (tmp_path / "e" / "gradcam" / "010").mkdir()
    folders.append(run(network, images, tmp_path / "e", "gradcam").folder.name)
    assert folders == ["001", "002", "011"]


@pytest.mark.parametrize(
    ("method", "shapes"),
    [
        ("gradcam", [(1, 8, 8)]),
        ("integrated-gradients", [(1, 3, 8, 8)]),
        ("confused-logits", [(4, 3, 8, 8)]),
        ("features", [(4, 8, 8)]),
    ],
)
def test_the_numbers(
    network: Pooled, images: list[str], tmp_path: Path, method: str, shapes: list[tuple[int, ...]]
) -> None:
    found = run(network, images[:1], tmp_path / "e", method, **ASKED.get(method, {}))
    assert [np.load(found.folder / entry["numbers"]).shape for entry in found.found] == shapes
    for entry in found.found:
        with Image.open(found.folder / entry["picture"]) as picture:
            assert min(picture.size) > 100


def test_filters_need_no_image(network: Pooled, tmp_path: Path) -> None:
    found = run(network, [], tmp_path / "e", "filters")
    assert [entry["layer"] for entry in found.found] == ["conv"]
    weights = np.load(found.folder / found.found[0]["numbers"])
    assert np.array_equal(weights, network.conv.weight.detach().numpy())
    with pytest.raises(DataError, match="the network has no convolution"):
        run(nn.Linear(2, 2), [], tmp_path / "e", "filters")
    with pytest.raises(ConfigError, match="--layer: no convolution is called 'head'"):
        run(network, [], tmp_path / "e", "filters", layers=("head",))


def test_layers_that_are_chosen(network: Pooled, images: list[str], tmp_path: Path) -> None:
    found = run(network, images[:1], tmp_path / "e", "gradcam", layers=("conv", "relu"))
    assert [entry["picture"] for entry in found.found] == ["000-red-conv.png", "000-red-relu.png"]
    assert found.about["layers"] == ["conv", "relu"]
    for method in ("gradcam", "features"):
        with pytest.raises(ConfigError, match=r"--layer: head gives no map of the image .* the last layer with one is"):
            run(network, images, tmp_path / "e", method, layers=("head",))
        with pytest.raises(ConfigError, match="no layer is called 'relv'; did you mean relu"):
            run(network, images, tmp_path / "e", method, layers=("relv",))


def test_an_image_that_cannot_be_read_is_named(network: Pooled, images: list[str], tmp_path: Path) -> None:
    text = str(tmp_path / "text.png")
    found = run(network, [text, *images], tmp_path / "e", "gradcam")
    assert found.images == images
    assert [failure["image"] for failure in found.failures] == [text]
    assert "cannot be read as an image" in found.failures[0]["reason"]
    with pytest.raises(DataError, match=r"text\.png: cannot be read as an image"):
        run(network, [text], tmp_path / "other", "gradcam")
    assert not (tmp_path / "other").exists()


def test_images_whose_answer_is_clear(network: Pooled, images: list[str], tmp_path: Path) -> None:
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias[:] = torch.tensor([2.0, 1.0, 0.0])
    with pytest.raises(
        DataError, match=r"no image is confused; the nearest to it is .*: cat 0.665, dog 0.245 are 0.421"
    ):
        run(network, images, tmp_path / "e", "confused-logits")
    found = run(network, images, tmp_path / "e", "confused-logits", margin=0.5)
    assert [each["name"] for each in found.found[0]["targets"]] == ["cat", "dog"]
    assert found.failures == []


def test_a_constant_image_is_explained_by_zeros(network: Pooled, tmp_path: Path) -> None:
    """Grey under a grey patch, and grey against a grey baseline."""
    Image.new("RGB", (8, 8), (255, 255, 255)).save(tmp_path / "white.png")
    for method in ("occlusion", "integrated-gradients"):
        found = run(network, [str(tmp_path / "white.png")], tmp_path / "e", method, fill="white")
        assert (np.load(found.folder / found.found[0]["numbers"]) == 0).all()


def test_a_patch_larger_than_the_image(network: Pooled, images: list[str], tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"--patch or explain.patch: is 9, and the network sees an image of 8x8 pixels"
    ):
        run(network, images, tmp_path / "e", "occlusion", patch=9)
    assert not (tmp_path / "e").exists()


def test_a_class_that_there_is_not(network: Pooled, images: list[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--target: no class is called 'own'; did you mean 'owl'"):
        run(network, images, tmp_path / "e", "gradcam", target="own")
    assert CLASSES[2] == "owl"


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request("grad-cam"), "--method: there is no 'grad-cam'; choose one of filters, features, occlusion, gradcam"),
        (Request("gradcam", options=Options(patch=3)), "--patch: gradcam has no such setting; it knows --target, --la"),
        (Request("filters", target="cat"), "--target: filters has no such setting; it knows --layer, --top, --colours"),
        (Request("occlusion", layers=("a",)), "--layer: occlusion has no such setting"),
        (Request("occlusion", options=Options(patch=0)), "--patch: is 0, and it takes 1 pixel or more"),
        (Request("occlusion", options=Options(stride=-1)), "--stride: is -1, and it takes 1 pixel or more"),
        (Request("features", options=Options(top=0)), "--top: is 0, and it takes 1 or more"),
        (Request("confused-logits", options=Options(margin=1.5)), "--margin: is 1.5, and it takes 0 to 1"),
    ],
)
def test_settings_that_do_not_hold(request_: Request, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        check(request_)
    assert str(error.value).startswith(message)


def test_all_of_them_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as error:
        check(Request("gradcam", options=Options(patch=0, margin=0.1)))
    told = [line.partition(":")[0] for line in str(error.value).splitlines()]
    assert told == ["--patch", "--margin", "--patch"]


@pytest.mark.parametrize("name", ["a b/ü?.jpg", "..", "x" * 300])
def test_names_of_files_are_plain(
    network: Pooled, images: list[str], tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = classifier(network)
    odd = str(Path(images[0]).with_name("odd") / name)
    read: Callable[[str], torch.Tensor] = subject.read
    monkeypatch.setattr(type(subject), "read", lambda self, file: read(images[0]))
    found = explain(subject, [odd], Request("gradcam"), tmp_path / "e", facts={})
    assert len(list(found.folder.glob("*.png"))) == 1
    assert found.found[0]["image"] == odd
