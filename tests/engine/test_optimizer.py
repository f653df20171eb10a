"""Schedules against their formulas, worked out here from the definitions."""

from __future__ import annotations

import math

import pytest
import torch

from saccade.config.schema import Optim
from saccade.engine.optimizer import WARMUP_START, build_optimizer, build_schedule
from saccade.nn.caption_network import CaptionNetwork
from saccade.nn.captioners import CAPTIONERS, Sizes, build_captioner
from saccade.nn.small import SmallCNN


def rates(optim: Optim, *, steps: int, steps_per_epoch: int) -> list[float]:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=optim.lr, momentum=0.9)
    schedule = build_schedule(optimizer, optim, steps=steps, steps_per_epoch=steps_per_epoch)
    seen = []
    for _ in range(steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


def test_constant() -> None:
    assert rates(Optim(lr=0.5, schedule="constant"), steps=4, steps_per_epoch=2) == [0.5] * 4


def test_plateau_is_constant_until_a_score_says_otherwise() -> None:
    assert rates(Optim(lr=0.5, schedule="plateau"), steps=4, steps_per_epoch=2) == [0.5] * 4


def test_step_falls_after_the_named_epochs() -> None:
    found = rates(Optim(lr=1.0, schedule="step", step_epochs=(1, 3), gamma=0.1), steps=8, steps_per_epoch=2)
    assert found == pytest.approx([1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01])


def test_cosine_is_half_a_wave_from_the_peak_to_zero() -> None:
    found = rates(Optim(lr=2.0, schedule="cosine"), steps=10, steps_per_epoch=5)
    assert found == pytest.approx([1 + math.cos(math.pi * t / 10) for t in range(10)])


def test_warmup_rises_in_a_line_and_the_schedule_follows_it() -> None:
    found = rates(Optim(lr=1.0, schedule="cosine", warmup_epochs=1.0), steps=12, steps_per_epoch=4)
    rising = [WARMUP_START + (1 - WARMUP_START) * t / 4 for t in range(4)]
    falling = [(1 + math.cos(math.pi * t / 8)) / 2 for t in range(8)]
    assert found == pytest.approx(rising + falling)


def test_step_epochs_count_from_the_start_also_after_a_warmup() -> None:
    optim = Optim(lr=1.0, schedule="step", step_epochs=(2,), gamma=0.5, warmup_epochs=1.0)
    found = rates(optim, steps=6, steps_per_epoch=2)
    assert found[2:] == pytest.approx([1, 1, 0.5, 0.5])


def test_onecycle_peaks_at_the_rate_after_three_tenths() -> None:
    found = rates(Optim(lr=1.0, schedule="onecycle"), steps=100, steps_per_epoch=10)
    assert max(found) == pytest.approx(1.0)
    assert found.index(max(found)) == 29  # torch's pct_start of 0.3, counted from step 0
    assert found[0] == pytest.approx(1 / 25)
    assert found[-1] < 1e-4


def config(**sections: dict[str, object]):  # type: ignore[no-untyped-def]
    from saccade.config.schema import Config

    return Config.model_validate(
        {"name": "t", "task": {"name": "classify"}, "data": {"format": "folder", "root": "x"}, **sections}
    )


def test_groups_hold_every_parameter_once_and_decay_only_matrices() -> None:
    network = SmallCNN(3)
    optimizer = build_optimizer(
        network,
        config(optim={"lr": 1e-2, "weight_decay": 0.1}, model={"name": "small_cnn", "backbone_lr": 0.1}),
    )
    grouped = [p for group in optimizer.param_groups for p in group["params"]]
    assert sorted(map(id, grouped)) == sorted(map(id, network.parameters()))
    for group in optimizer.param_groups:
        assert all((p.ndim > 1) == (group["weight_decay"] > 0) for p in group["params"])
        in_head = any(p is q for p in group["params"] for q in network.head.parameters())
        assert group["lr"] == pytest.approx(1e-2 if in_head else 1e-3)


@pytest.mark.parametrize("name", CAPTIONERS)
def test_biases_are_not_decayed_whatever_their_shape(name: str) -> None:
    """Those of recurrent cells are rows, (1, H)."""
    sizes = {"hidden": 8} if name == "transformer" else {"hidden": 8, "embedding": 6}
    network = CaptionNetwork(build_captioner(name, vocabulary=9, feature_size=4, regions=3, sizes=Sizes(**sizes)))
    optimizer = build_optimizer(network, config(optim={"weight_decay": 0.1}))
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert {key: decays[id(p)] for key, p in network.named_parameters()} == {
        key: 0.1 if p.ndim > 1 and "bias" not in key else 0.0 for key, p in network.named_parameters()
    }


@pytest.mark.parametrize(
    ("name", "kind"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
def test_names_are_torch_optimisers(name: str, kind: type) -> None:
    assert type(build_optimizer(SmallCNN(2), config(optim={"name": name}, model={"name": "small_cnn"}))) is kind
