"""What methods hand on beside heat: where a captioning network looked."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from saccade.explain.explain import explain
from saccade.explain.methods import _attention, _looks
from saccade.explain.options import Options, Request
from saccade.explain.targets import Targets

from .tiny import Linear, classifier

WEIGHTS = torch.tensor([[0.0, 1.0, 0.0, 0.0], [0.1, 0.2, 0.3, 0.4]])


def words(weights: Tensor | None) -> Targets:
    """Two words, each the sum of all values of the image."""

    def answers(said: Any) -> Tensor:
        found: Tensor = said.sum(dim=1, keepdim=True).expand(-1, 2)
        return found

    return Targets(("red", "sun"), answers, lambda said: answers(said).sigmoid(), answer="red sun", weights=weights)


def test_looks_by_hand() -> None:
    """Four regions, row by row: the second is the upper right quarter."""
    first, second = _looks(words(WEIGHTS), (4, 4))
    assert (first.title, second.title) == ("attention: red", "attention: sun")
    # bilinear from the middles of the quarters, which lie between pixels
    along = np.array([0.0, 0.25, 0.75, 1.0])
    assert first.values.tolist() == pytest.approx(np.outer(1 - along, along))
    rows = np.outer(1 - along, 0.1 + 0.1 * along) + np.outer(along, 0.3 + 0.1 * along)
    assert second.values == pytest.approx(rows, abs=1e-6)
    assert (first.scale.low, first.scale.high) == (0.0, 1.0)


def test_what_is_no_square_grid_is_not_drawn_but_told() -> None:
    assert _looks(words(None), (4, 4)) == []
    assert _attention(words(None)) is None
    other = words(torch.tensor([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]]))
    assert _looks(other, (4, 4)) == []
    found = _attention(other)
    assert found is not None
    assert found.shape == (2, 3)


@pytest.mark.parametrize("method", ["occlusion", "integrated-gradients"])
def test_the_weights_are_written(tmp_path: Path, method: str) -> None:
    Image.new("RGB", (8, 8), (200, 40, 30)).save(tmp_path / "a.png")
    subject = classifier(Linear(torch.zeros(3, 3, 8, 8)))
    asked = partial(lambda said, wanted, weights: words(weights), weights=WEIGHTS)
    object.__setattr__(subject, "asked", asked)
    options = Options(patch=4, stride=4) if method == "occlusion" else Options()
    found = explain(subject, [str(tmp_path / "a.png")], Request(method, options=options), tmp_path / "e", facts={})
    told = found.found[0]["attention"]
    assert told["numbers"] == "000-a-attention.npy"
    assert told["values"] == "weights, of sum 1: targets, height, width of the grid of regions"
    weights = np.load(found.folder / told["numbers"])
    assert weights.dtype == np.float32
    assert weights == pytest.approx(WEIGHTS.numpy().reshape(2, 2, 2))
