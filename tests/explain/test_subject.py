"""What is looked into, with an image that is normalised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from saccade.errors import DataError
from saccade.explain.explain import explain
from saccade.explain.options import METHODS, Fill, Options, Request

from .tiny import Linear, Pooled, classifier

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's."""


@pytest.fixture
def image(tmp_path: Path) -> str:
    """8 x 8 pixels of one colour."""
    Image.new("RGB", (8, 8), (204, 51, 102)).save(tmp_path / "a.png")
    return str(tmp_path / "a.png")


RGB = (0.8, 0.2, 0.4)
"""Of the image."""


def test_colours_are_normalised() -> None:
    subject = classifier(Pooled(), mean=MEAN, std=STD)
    for fill, value in (("grey", 0.5), (None, 0.5), ("black", 0.0), ("white", 1.0)):
        expected = [(value - mean) / std for mean, std in zip(MEAN, STD, strict=True)]
        assert subject.colour(fill).tolist() == pytest.approx(expected, abs=1e-6)  # type: ignore[arg-type]  # a Fill
    assert subject.colour("mean").tolist() == [0, 0, 0]


def test_the_image_as_the_network_sees_it_and_as_it_is_drawn(image: str) -> None:
    subject = classifier(Pooled(), mean=MEAN, std=STD)
    seen = subject.read(image)
    expected = [(value - mean) / std for value, mean, std in zip(RGB, MEAN, STD, strict=True)]
    assert seen[0, :, 3, 5].tolist() == pytest.approx(expected, abs=1e-5)
    assert subject.rgb(seen)[0, :, 3, 5].tolist() == pytest.approx(RGB, abs=1e-6)
    assert torch.allclose(subject.normalised(subject.rgb(seen)), seen, atol=1e-5)
    assert (subject.picture(seen) == (204, 51, 102)).all()


@pytest.mark.parametrize(("fill", "covered"), [("grey", 0.5), ("mean", None), ("white", 1.0)])
def test_occlusion_of_a_normalised_image_by_hand(image: str, tmp_path: Path, fill: Fill, covered: float | None) -> None:
    """Logits w x of the red of one quarter: covering it takes w times 16 pixels times (red - fill) / std away."""
    weights = torch.zeros(3, 3, 8, 8)
    weights[1, 0, 4:, :4] = 0.05
    subject = classifier(Linear(weights), mean=MEAN, std=STD)
    request = Request("occlusion", "dog", options=Options(patch=4, stride=4, fill=fill))
    found = explain(subject, [image], request, tmp_path / "e", facts={})
    to = 0.0 if covered is None else (covered - MEAN[0]) / STD[0]
    before, after = (0.05 * 16 * value for value in ((RGB[0] - MEAN[0]) / STD[0], to))
    # one logit against two of 0
    fall = 1 / (1 + 2 * np.exp(-before)) - 1 / (1 + 2 * np.exp(-after))
    expected = np.zeros((1, 8, 8))
    expected[0, 4:, :4] = fall
    assert np.load(found.folder / found.found[0]["numbers"]) == pytest.approx(expected, abs=1e-5)


def nowhere(network: Pooled) -> None:
    """All weights are no numbers."""
    for parameter in network.parameters():
        nn.init.constant_(parameter, float("nan"))


def at_the_end(network: Pooled) -> None:
    """One logit is infinite, and all maps are well."""
    nn.init.constant_(network.head.bias[1:2], float("inf"))


@pytest.mark.parametrize("method", METHODS)
def test_a_network_that_has_diverged(image: str, tmp_path: Path, method: str) -> None:
    network = Pooled(channels=4)
    nowhere(network)
    with pytest.raises(DataError, match=r"not finite \(NaN or infinite\): the training has diverged"):
        explain(classifier(network), [image], Request(method), tmp_path / "e", facts={})
    assert not (tmp_path / "e").exists(), "nothing is written"


@pytest.mark.parametrize("method", ["occlusion", "gradcam", "integrated-gradients", "confused-logits"])
def test_an_answer_that_is_no_number(image: str, tmp_path: Path, method: str) -> None:
    network = Pooled(channels=4)
    at_the_end(network)
    with pytest.raises(DataError, match=r"the network's answer is not finite"):
        explain(classifier(network), [image], Request(method), tmp_path / "e", facts={})
    assert not (tmp_path / "e").exists()
