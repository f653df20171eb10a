"""Pictures of filters while a network learns."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from saccade.explain.film import FRAMES, animate, epoch_picture, filmed_filters
from saccade.nn.small import SmallCNN


def learn(network: nn.Module, folder: Path, *, epochs: int, every: int) -> list[str]:
    with filmed_filters(folder, network, every=every) as begun:
        for epoch in range(1, epochs + 1):
            if begun is not None:
                begun(epoch)
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.add_(0.1 * epoch)
    return sorted(path.name for path in folder.glob("*")) if folder.exists() else []


def test_every_epoch_and_all_of_them_as_an_animation(tmp_path: Path) -> None:
    network = SmallCNN(3)
    first = epoch_picture(network, "start of epoch 1")
    names = learn(network, tmp_path, epochs=3, every=1)
    assert names == ["epoch-001.png", "epoch-002.png", "epoch-003.png", "epochs.png"]
    with Image.open(tmp_path / "epoch-001.png") as image:
        assert (np.asarray(image) == first).all(), "as they are when the epoch starts"
    with Image.open(tmp_path / "epochs.png") as film:
        assert film.n_frames == 3
        for frame, name in enumerate(names[:3]):
            film.seek(frame)
            with Image.open(tmp_path / name) as image:
                assert (np.asarray(film.convert("RGB")) == np.asarray(image)).all()


def test_every_second_epoch(tmp_path: Path) -> None:
    assert learn(SmallCNN(3), tmp_path, epochs=5, every=2) == [
        "epoch-001.png", "epoch-003.png", "epoch-005.png", "epochs.png",
    ]  # fmt: skip


def test_nothing_is_drawn_unless_asked_for(tmp_path: Path) -> None:
    assert learn(SmallCNN(3), tmp_path, epochs=2, every=0) == []
    assert learn(nn.Linear(2, 2), tmp_path, epochs=2, every=1) == []


def test_one_picture_is_no_animation(tmp_path: Path) -> None:
    assert learn(SmallCNN(3), tmp_path, epochs=1, every=1) == ["epoch-001.png"]


def test_a_long_training_makes_no_long_animation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first, the last and others evenly between them, in the order of their numbers; others are not opened."""
    # not by its name, as `saccade.explain` is the function once it was used
    monkeypatch.setattr(sys.modules[animate.__module__], "FRAMES", 4)
    numbers = (1, 2, 3, 998, 999, 1000, 1001)
    for k, number in enumerate(numbers):
        Image.new("RGB", (8, 8), (30 * k, 0, 0)).save(tmp_path / f"epoch-{number:03d}.png")
    (tmp_path / "epoch-002.png").write_text("nobody opens it")
    animate(tmp_path)
    with Image.open(tmp_path / "epochs.png") as film:
        assert film.n_frames == 4
        found = []
        for frame in range(4):
            film.seek(frame)
            found.append(film.convert("RGB").getpixel((0, 0)))
    assert found == [(30 * k, 0, 0) for k in (0, 2, 4, 6)]


def test_the_animation_is_of_sixty_pictures_at_most(tmp_path: Path) -> None:
    for number in range(1, 71):
        Image.new("RGB", (4, 4), (3 * number, 0, 0)).save(tmp_path / f"epoch-{number:03d}.png")
    animate(tmp_path)
    with Image.open(tmp_path / "epochs.png") as film:
        assert film.n_frames == FRAMES == 60


def test_a_training_that_stops_leaves_what_there_is(tmp_path: Path) -> None:
    def stop() -> None:
        with filmed_filters(tmp_path, SmallCNN(3), every=1) as begun:
            assert begun is not None
            begun(1)
            begun(2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch-001.png", "epoch-002.png", "epochs.png"]


def test_the_network_is_only_looked_at(tmp_path: Path) -> None:
    network = SmallCNN(3)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    epoch_picture(network, "")
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())
