"""The difference of two networks over a split, recomputed by NumPy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from saccade.commands.opening import config_of
from saccade.commands.train import train
from saccade.engine import trainer
from saccade.engine.evaluation import split_of
from saccade.errors import RunError
from saccade.runs import Run
from saccade.samples import SampleKey
from saccade.surgery.difference import difference
from trees import SMALL, class_tree


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, nn.Module, Any]:
    """Task, network and validation images of a run; batches of 4 of its 6 images."""
    folder = tmp_path_factory.mktemp("difference")
    root = class_tree(folder / "classes")
    settings = [f"data.root={root}", *SMALL, "data.holdout=0", "trainer.max_epochs=0"]
    run = Run(train("folder-classify", settings, runs=folder / "runs").path)
    config = config_of(run)
    task, network = trainer.build_task(config)
    return task, network, split_of(run, config, "val")


class Off(nn.Module):
    """A network and, on top of what it says, a number that depends on the image."""

    def __init__(self, network: nn.Module, off: float, *, pairs: bool = False) -> None:
        super().__init__()
        self.network, self.off, self.pairs = network, off, pairs

    def forward(self, image: Tensor) -> Any:
        said = self.network(image) + self.off * image.mean(dim=(1, 2, 3))[:, None]
        return (said[:, :1], [said[:, 1:]]) if self.pairs else said


@pytest.mark.parametrize("pairs", [False, True])
def test_numbers_are_those_of_numpy(opened: tuple[Any, nn.Module, Any], pairs: bool) -> None:
    task, network, listing = opened
    first, second = Off(network, 0.0, pairs=pairs), Off(network, 1e-3, pairs=pairs)
    found = difference(task, first, second, listing)
    images = torch.stack([task.dataset(listing, training=False)[SampleKey(0, i)].image for i in range(6)])
    with torch.no_grad():
        before = network.eval()(images).double().numpy()
    apart = 1e-3 * images.double().mean(dim=(1, 2, 3))[:, None].expand(6, 3).numpy()
    assert found.images == 6
    assert found.max_abs == pytest.approx(np.abs(apart).max(), rel=1e-3)
    assert found.mean_abs == pytest.approx(np.abs(apart).mean(), rel=1e-3)
    parts = [(before[:, :1], apart[:, :1]), (before[:, 1:], apart[:, 1:])] if pairs else [(before, apart)]
    shares = [np.linalg.norm(off) / np.linalg.norm(whole) for whole, off in parts]
    assert found.relative == pytest.approx(max(shares), rel=1e-3)
    assert not pairs or max(shares) > 1.1 * min(shares)


class Scales(nn.Module):
    """Scores in [0, 1] and distances of some hundred pixels, as a network that spots text gives them."""

    def __init__(self, of_scores: float, of_distances: float) -> None:
        super().__init__()
        self.factors = of_scores, of_distances

    def forward(self, image: Tensor) -> Any:
        return image.sigmoid() * self.factors[0], 300 * (image.abs() + 1) * self.factors[1]


def test_large_numbers_do_not_hide_small_ones(opened: tuple[Any, nn.Module, Any]) -> None:
    task, _, listing = opened
    assert difference(task, Scales(1.0, 1.0), Scales(1.1, 1.0), listing).relative == pytest.approx(0.1, rel=1e-4)
    assert difference(task, Scales(1.0, 1.0), Scales(1.1, 1.2), listing).relative == pytest.approx(0.2, rel=1e-4)


def test_the_same_network_twice_is_not_apart(opened: tuple[Any, nn.Module, Any]) -> None:
    task, network, listing = opened
    found = difference(task, network, network, listing)
    assert (found.max_abs, found.mean_abs, found.relative) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("before", "after", "whose"), [(np.nan, 0.0, "run's own network"), (0.0, np.inf, "converted network")]
)
def test_numbers_that_are_not_finite_are_told(
    opened: tuple[Any, nn.Module, Any], before: float, after: float, whose: str
) -> None:
    task, network, listing = opened
    with pytest.raises(RunError, match=f"^the {whose} gives numbers that are not finite on the validation images"):
        difference(task, Off(network, before), Off(network, after), listing)


def test_a_run_in_half_precision_is_compared_in_float32(opened: tuple[Any, nn.Module, Any], tmp_path: Path) -> None:
    task, network, listing = opened
    section = task.config.trainer.model_copy(update={"precision": "bf16-mixed", "devices": 2})
    half = type(task)(task.config.model_copy(update={"trainer": section}))
    found = difference(half, Off(network, 0.0), Off(network, 1e-3), listing)
    assert found == difference(task, Off(network, 0.0), Off(network, 1e-3), listing)
