"""The settings with which people look for faults in a training, and checkpoints of every epoch."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from saccade.commands.evaluate import evaluate
from saccade.commands.resume import resume
from saccade.commands.train import train
from saccade.engine import checkpoint
from saccade.engine.module import Module
from saccade.errors import CheckpointError, ConfigError, DataError, SaccadeError
from saccade.runs import Run
from saccade.samples import Batch, ImageLoss, Learned
from saccade.tasks.base import Network, Task
from saccade.tasks.classify import Classify
from trees import SMALL, caption_tree

SETTINGS = [*SMALL, "data.holdout=0.25", "trainer.max_epochs=2", "optim.warmup_epochs=0"]


@pytest.fixture
def trained(tmp_path: Path, classes_on_disk: Path) -> Callable[..., Run]:
    def start(*overrides: str, name: str = "run") -> Run:
        given = [f"data.root={classes_on_disk}", *SETTINGS, *overrides]
        return train("folder-classify", given, runs=tmp_path / "runs", name=name)

    return start


def state(path: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = checkpoint.load(path)["state_dict"]
    return found


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


# Checkpoints of every epoch


def test_every_epoch_is_kept_and_training_goes_on_from_any(trained: Callable[..., Run]) -> None:
    whole = trained("trainer.max_epochs=4", "trainer.keep_checkpoints=all")
    assert [whole.checkpoint_of(k).is_file() for k in range(1, 6)] == [True] * 4 + [False]
    assert [checkpoint.load(whole.checkpoint_of(k))["saccade"]["epoch"] for k in range(1, 5)] == [1, 2, 3, 4]
    assert same(state(whole.checkpoint_of(4)), state(whole.checkpoints / "last.ckpt"))
    before = whole.metrics_file.read_bytes()
    branched = resume(whole.checkpoint_of(2))
    assert branched.path.parent == whole.path.parent
    assert branched.path != whole.path
    assert whole.metrics_file.read_bytes() == before
    assert branched.metrics_file.read_bytes() == before
    for name in ("last.ckpt", "best.ckpt", "epoch-001.ckpt", "epoch-004.ckpt"):
        assert same(state(branched.checkpoints / name), state(whole.checkpoints / name))
    assert branched.environment()["branched_from"] == f"{whole.path.name}, epoch 2"
    assert branched.environment()["selection"] == whole.environment()["selection"]


CAPTIONS = [
    *("task.min_count=1", "task.max_length=6", "task.concepts=0", "data.format=coco", "data.holdout=0.25"),
    *("data.image_size=32", "model.hidden=16", "loader.batch_size=4", "loader.workers=0"),
    *("trainer.accelerator=cpu", "trainer.max_epochs=2", "trainer.keep_checkpoints=all", "optim.warmup_epochs=0"),
]


@pytest.mark.usefixtures("without_meteor")
@pytest.mark.slow
def test_training_goes_on_from_an_epoch_also_without_the_run_that_it_is_of(tmp_path: Path) -> None:
    """What the config of a run refers to, here the words of captions, lies in the folder of the new run too."""
    given = [f"data.root={caption_tree(tmp_path / 'coco')}", *CAPTIONS]
    whole = train("scenes-caption", given, runs=tmp_path / "runs")
    branched = resume(whole.checkpoint_of(1))
    assert branched.path.name == "002"
    assert branched.config_file.read_bytes() == whole.config_file.read_bytes()
    assert branched.metrics_file.read_bytes() == whole.metrics_file.read_bytes()
    assert same(state(branched.checkpoints / "last.ckpt"), state(whole.checkpoints / "last.ckpt"))
    assert (branched.path / "vocabulary.json").read_bytes() == (whole.path / "vocabulary.json").read_bytes()
    before = whole.evaluation("val").predictions()
    shutil.rmtree(whole.path)
    assert evaluate(branched).predictions().equals(before)


@pytest.mark.usefixtures("without_meteor")
def test_a_training_that_cannot_go_on_leaves_no_folder(tmp_path: Path) -> None:
    given = [f"data.root={caption_tree(tmp_path / 'coco')}", *CAPTIONS]
    whole = train("scenes-caption", given, runs=tmp_path / "runs")
    with pytest.raises(ConfigError, match=r"model\.hidden"):
        resume(whole.checkpoint_of(1), ["model.hidden=8"])
    (whole.path / "vocabulary.json").unlink()
    with pytest.raises(DataError, match=r"vocabulary\.json: no such file"):
        resume(whole.checkpoint_of(1))
    assert [path.name for path in whole.path.parent.iterdir()] == ["001"]


def test_training_goes_on_from_nothing_but_the_checkpoint_of_an_epoch(trained: Callable[..., Run]) -> None:
    run = trained()
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["best.ckpt", "last.ckpt"]
    with pytest.raises(CheckpointError, match=r"best\.ckpt: training goes on from a run folder .*keep_checkpoints=all"):
        resume(run.checkpoints / "best.ckpt")


# Part of the data


@pytest.mark.slow
def test_overfitting_learns_the_same_few_images_in_order(trained: Callable[..., Run]) -> None:
    run = trained("trainer.overfit_batches=2", "trainer.max_epochs=30", "optim.lr=0.003")
    splits = run.environment()["data"]["splits"]
    assert splits["train"]["n"] == splits["overfit"]["n"] == 8
    assert splits["train"]["fingerprint"] == splits["overfit"]["fingerprint"]
    assert run.environment()["selection"]["split"] == "overfit"
    assert run.environment()["selection"]["best"] == 1.0
    assert run.epochs()[-1]["step"] == 60
    assert "learned from 8 training images by heart" in run.report_file.read_text()
    share = trained("trainer.overfit_batches=0.25", "trainer.max_epochs=1", name="share")
    whole = trained("trainer.max_epochs=1", name="whole")
    n = whole.environment()["data"]["splits"]["train"]["n"]
    assert share.environment()["data"]["splits"]["train"]["n"] == round(0.25 * n)


def test_limited_batches_bound_an_epoch_and_leave_scoring_whole(trained: Callable[..., Run]) -> None:
    whole, few = trained("trainer.max_epochs=1"), trained("trainer.limit_batches=2", name="few")
    assert [row["step"] for row in few.epochs()] == [2, 4]
    half = trained("trainer.limit_batches=0.5", "trainer.max_epochs=1", name="half")
    assert half.epochs()[0]["step"] == whole.epochs()[0]["step"] // 2
    assert few.evaluation("val").metrics()["n"] == whole.evaluation("val").metrics()["n"]


def test_a_share_of_less_than_one_batch_is_refused(trained: Callable[..., Run], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"limit_batches: a share of 0\.01 of the (\d+) batches .* set it to 0\.\d+ or"):
        trained("trainer.limit_batches=0.01")
    assert not list(tmp_path.rglob("config.yaml"))


def test_epochs_between_are_not_scored(trained: Callable[..., Run]) -> None:
    run = trained("trainer.max_epochs=5", "trainer.check_val_every_n_epoch=2")
    assert ["holdout" in row for row in run.epochs()] == [False, True, False, True, False]
    assert all(row["train"]["loss"] > 0 for row in run.epochs())
    assert run.environment()["selection"]["best_epoch"] in (2, 4)
    assert checkpoint.load(run.checkpoints / "last.ckpt")["saccade"]["epoch"] == 5
    with pytest.raises(
        ConfigError, match=r"check_val_every_n_epoch \(command line\): is 3, and trainer.max_epochs is 2"
    ):
        trained("trainer.check_val_every_n_epoch=3")


def test_a_dry_run_trains_one_batch_and_leaves_nothing(
    trained: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[str] = []
    for name in ("training_step", "validation_step"):
        step = getattr(Module, name)
        monkeypatch.setattr(
            Module, name, lambda self, *given, name=name, step=step: (batches.append(name), step(self, *given))[1]
        )
    run = trained("trainer.fast_dev_run=true")
    assert batches == ["training_step", "validation_step"]
    assert not run.path.exists()
    assert not (tmp_path / "runs").exists()


# Training loss and hits


def test_training_accuracy_is_that_of_the_images_as_they_were_trained_on(trained: Callable[..., Run]) -> None:
    run = trained("optim.lr=1e-12", "data.augment.crop=null", "data.augment.flip=0", "trainer.max_epochs=1")
    row = run.epochs()[0]
    n = run.environment()["data"]["splits"]["train"]["n"]
    used = n - 1 if n % 4 == 1 else n
    assert row["train"]["accuracy"] * used == pytest.approx(round(row["train"]["accuracy"] * used))
    assert set(row["train"]) == {"loss", "accuracy"}
    assert set(trained("data.augment.mixup=0.2", name="mixed").epochs()[0]["train"]) == {"loss"}


def test_a_loss_that_is_not_finite_stops_with_the_names_of_the_images(
    trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = Classify.loss
    bad: list[int] = []

    def broken(self, logits, batch):  # type: ignore[no-untyped-def]
        given = loss(self, logits, batch)
        if logits.requires_grad and not bad:
            bad.append(int(batch.index[2]))
            return ImageLoss(given.total.index_fill(0, torch.tensor([2]), float("nan")), given.weight)
        return given

    monkeypatch.setattr(Classify, "loss", broken)
    with pytest.raises(SaccadeError, match=r"the training loss of epoch 1 is not finite for \S+\.\w+, in a batch of 4"):
        trained()
    assert len(bad) == 1


def test_gpu_memory_needs_a_gpu(trained: Callable[..., Run]) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ConfigError, match=r"trainer.log_gpu_memory: there is no GPU here"):
        trained("trainer.log_gpu_memory=true")


# How much of the training is over


@pytest.mark.parametrize("by_the_clock", [False, True])
def test_the_task_is_told_how_much_of_the_training_is_over(
    trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, by_the_clock: bool
) -> None:
    told: list[float] = []

    def learn(self: Classify, network: Network, batch: Batch, *, epoch: int, trained: float) -> Learned:
        told.append(trained)
        return Task.learn(self, network, batch, epoch=epoch)

    monkeypatch.setattr(Classify, "learn", learn)
    if by_the_clock:  # a counter: every look at it is a second
        seconds = iter(range(1, 10**6))
        monkeypatch.setattr("saccade.engine.clock.perf_counter", lambda: float(next(seconds)))
        trained("trainer.max_time=60s")
        assert 0 < told[0] < 0.1
        assert told == sorted(told)
        assert 0.9 < told[-1] <= 1
    else:
        trained("trainer.limit_batches=2", "trainer.max_epochs=3")
        assert told == [k / 6 for k in range(6)]


# A moving average of the weights


def test_the_moving_average_is_what_is_scored_and_kept(trained: Callable[..., Run]) -> None:
    """torch's AveragedModel starts as a copy of the weights after the first step."""
    settings = ("trainer.max_epochs=1", "optim.schedule=constant")
    run = trained("optim.ema=0.9", "trainer.limit_batches=2", *settings)
    first, second = (
        state(trained(f"trainer.limit_batches={k}", *settings, name=f"plain{k}").checkpoints / "last.ckpt")
        for k in (1, 2)
    )
    content = checkpoint.load(run.checkpoints / "last.ckpt")
    assert same(content["current_model_state"], second)
    for key, value in content["state_dict"].items():
        if value.is_floating_point():
            torch.testing.assert_close(value, 0.9 * first[key] + 0.1 * second[key], rtol=1e-6, atol=1e-7)


def test_a_run_with_a_moving_average_goes_on_as_if_it_had_not_stopped(trained: Callable[..., Run]) -> None:
    settings = ("optim.ema=0.9", "trainer.max_epochs=3", "trainer.keep_checkpoints=all")
    whole = trained(*settings)
    again = resume(whole.checkpoint_of(1))
    assert again.metrics_file.read_bytes() == whole.metrics_file.read_bytes()
    assert same(state(again.checkpoints / "last.ckpt"), state(whole.checkpoints / "last.ckpt"))


# By the clock


@pytest.mark.slow
def test_by_the_clock_the_rate_ends_annealed_and_the_time_is_noted(
    trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is a counter here: every look at it is a second."""
    seconds = iter(range(1, 10**6))
    monkeypatch.setattr("saccade.engine.clock.perf_counter", lambda: float(next(seconds)))
    run = trained("trainer.max_time=5min", "trainer.keep_checkpoints=all", "optim.schedule=cosine")
    rows = run.epochs()
    assert len(rows) > 2
    assert 290 < rows[-1]["seconds"] < 330
    assert [row["lr"] for row in rows] == sorted((row["lr"] for row in rows), reverse=True)
    assert rows[-1]["lr"] < 0.02 * 3e-4
    assert "cannot be repeated to the bit" in run.report_file.read_text()
    stopped = resume(run.path)
    assert stopped.epochs() == rows


@pytest.mark.parametrize(
    ("setting", "message", "instead"),
    [
        ("optim.schedule=step", "optim.schedule: is step, which counts epochs", "cosine"),
        ("optim.warmup_epochs=2", "optim.warmup_epochs: is 2, which counts epochs", "0"),
        ("data.progressive=[16]", "data.progressive: is [16], which counts epochs", "[]"),
    ],
)
def test_the_clock_knows_no_epochs(trained: Callable[..., Run], setting: str, message: str, instead: str) -> None:
    with pytest.raises(ConfigError) as raised:
        trained("trainer.max_time=1min", setting)
    assert message in str(raised.value).replace(" (command line)", "")
    assert f"set {setting.split('=')[0]}={instead} (" in str(raised.value)
    with pytest.raises(ConfigError, match=r"trainer\.max_time"):
        trained("trainer.max_time=7")


def test_the_clock_scores_its_last_epoch(trained: Callable[..., Run]) -> None:
    with pytest.raises(
        ConfigError, match=r"check_val_every_n_epoch .*: is 2, and trainer.max_time ends a training in any"
    ):
        trained("trainer.max_time=1min", "trainer.check_val_every_n_epoch=2", "trainer.max_epochs=4")
    with pytest.raises(ConfigError, match=r"trainer.max_time .*: is 0s"):
        trained("trainer.max_time=0s")
    with pytest.raises(ConfigError, match=r"a time such as 90s, 7min or 1.5h"):
        trained("trainer.max_time=7m")


# Settings that would lose or lie


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["trainer.overfit_batches=1", "loader.sampler=balanced"], "loader.sampler .*: is balanced"),
        (
            ["model.name=resnet18", "model.zero_init_last=true", "model.weights=w.pth"],
            "model.zero_init_last .*: is true",
        ),
        (["trainer.fast_dev_run=true", "trainer.max_epochs=0"], "trainer.fast_dev_run .*: trains one batch"),
        (["data.fold=2"], "data.fold .*: is 2, and data.folds is 0"),
        (["model.name=dogs_cnn", "data.progressive=[16]"], "data.progressive: dogs_cnn cannot take images of 16x16"),
        (["model.cache_features=true"], "model.cache_features: is true, and model.freeze is not backbone"),
    ],
)
def test_settings_that_cannot_be_together(trained: Callable[..., Run], settings: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        trained(*settings)


def test_images_that_are_learned_from_are_not_scored(trained: Callable[..., Run]) -> None:
    with pytest.raises(DataError, match=r"data.val: \d+ of the \d+ images of train are training images too"):
        trained("data.val=train")


def test_a_batch_of_one_is_not_among_the_few(trained: Callable[..., Run]) -> None:
    run = trained("trainer.overfit_batches=1", "loader.batch_size=8", "data.holdout=0.25", "trainer.max_epochs=1")
    assert run.environment()["data"]["splits"]["overfit"]["n"] == 8
    run = trained("trainer.overfit_batches=0.99", "loader.batch_size=8", "data.holdout=0.25", "trainer.max_epochs=1")
    assert run.environment()["data"]["splits"]["overfit"]["n"] == 8  # of 9


@pytest.mark.slow
def test_training_goes_on_from_an_epoch_before_the_first_scored_one(trained: Callable[..., Run]) -> None:
    whole = trained("trainer.max_epochs=4", "trainer.check_val_every_n_epoch=2", "trainer.keep_checkpoints=all")
    again = resume(whole.checkpoint_of(1))
    assert again.metrics_file.read_bytes() == whole.metrics_file.read_bytes()
