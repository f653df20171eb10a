"""The same seed gives the same numbers, whatever the number of workers and wherever a run stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from saccade.commands.resume import resume
from saccade.commands.train import train
from saccade.engine import callbacks, checkpoint
from saccade.engine.module import Module
from saccade.errors import ConfigError, DataError
from saccade.files import copy_file
from saccade.runs import Run

SETTINGS = [
    "model.name=small_cnn",
    "model.drop_rate=0.3",
    "data.image_size=32",
    "data.holdout=0.25",
    "data.augment.jitter=0.4",
    "data.augment.randaugment=1",
    "loader.batch_size=4",
    "loader.workers=0",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=3",
]


@pytest.fixture
def trained(tmp_path: Path, voc_on_disk: Path) -> Callable[..., Run]:
    def start(*overrides: str, name: str = "run") -> Run:
        given = ["model.pretrained=false", f"data.root={voc_on_disk}", *SETTINGS, *overrides]
        return train("voc-multilabel", given, runs=tmp_path / "runs", name=name)

    return start


def weights(run: Run, name: str) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = checkpoint.load(run.checkpoints / name)["state_dict"]
    return found


def assert_equal_runs(one: Run, other: Run) -> None:
    assert one.metrics_file.read_text() == other.metrics_file.read_text()
    for name in ("last.ckpt", "best.ckpt"):
        a, b = weights(one, name), weights(other, name)
        assert a.keys() == b.keys()
        assert all(torch.equal(a[key], b[key]) for key in a)
    assert one.evaluation("val").predictions().equals(other.evaluation("val").predictions())
    assert one.evaluation("val").metrics() == other.evaluation("val").metrics()


def test_same_seed_with_no_and_with_two_workers_and_another_seed(trained: Callable[..., Run]) -> None:
    one, other = trained(), trained("loader.workers=2")
    assert_equal_runs(one, other)
    assert one.metrics_file.read_text() != trained("seed=1").metrics_file.read_text()


@pytest.mark.parametrize(
    "schedule",
    [
        ["optim.schedule=onecycle", "optim.warmup_epochs=0"],
        pytest.param(["optim.schedule=plateau", "optim.patience=1"], marks=pytest.mark.slow),
        pytest.param(["model.freeze=2", "optim.name=sgd"], marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize(
    "where",
    [
        pytest.param("in the second epoch", marks=pytest.mark.slow),
        "in the second epoch, with workers",
        pytest.param("before the second checkpoint", marks=pytest.mark.slow),
    ],
)
def test_a_stopped_run_resumes_to_the_same_bits(
    trained: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
    schedule: list[str],
    where: str,
    tmp_path: Path,
) -> None:
    if where.endswith("with workers"):
        schedule = [*schedule, "loader.workers=2"]
    whole = trained(*schedule)
    with monkeypatch.context() as patch:
        if where.startswith("in the second epoch"):
            original = Module.training_step

            def stop(self: Module, batch: Any, batch_idx: int) -> Any:
                if self.current_epoch == 1 and batch_idx == 1:
                    raise RuntimeError("the power failed")
                return original(self, batch, batch_idx)

            patch.setattr(Module, "training_step", stop)
        else:
            save = checkpoint.save

            def fail(content: dict[str, Any], path: Path) -> None:
                if content["epoch"] == 1:
                    raise RuntimeError("the power failed")
                save(content, path)

            patch.setattr(checkpoint, "save", fail)
        with pytest.raises(RuntimeError, match="the power failed"):
            trained(*schedule, name="stopped")
    stopped = Run(tmp_path / "runs" / "stopped" / "001")
    assert not (stopped.path / "evaluation").exists()
    assert_equal_runs(whole, resume(stopped.path))


def test_more_epochs_can_be_added_and_other_settings_cannot(trained: Callable[..., Run]) -> None:
    run = trained("optim.schedule=constant", "trainer.max_epochs=2")
    resume(run.path, ["trainer.max_epochs=3"])
    assert_equal_runs(run, trained("optim.schedule=constant", name="whole"))
    with pytest.raises(ConfigError, match=r"optim\.lr"):
        resume(run.path, ["optim.lr=1"])


@pytest.mark.parametrize("schedule", ["cosine", "onecycle"])
@pytest.mark.slow
def test_a_longer_schedule_goes_on_at_its_own_rate(trained: Callable[..., Run], schedule: str) -> None:
    settings = [f"optim.schedule={schedule}", "optim.warmup_epochs=0", "optim.name=sgd"]
    short, long = trained(*settings, "trainer.max_epochs=2"), trained(*settings, "trainer.max_epochs=4", name="long")
    resume(short.path, ["trainer.max_epochs=4"])
    assert [row["lr"] for row in short.epochs()[2:]] == pytest.approx([row["lr"] for row in long.epochs()[2:]])
    for key in ("momentum", "lr", "initial_lr"):
        groups = [checkpoint.load(run.checkpoints / "last.ckpt")["optimizer_states"][0] for run in (short, long)]
        assert [g[key] for g in groups[0]["param_groups"]] == pytest.approx([g[key] for g in groups[1]["param_groups"]])


def test_changed_data_are_not_resumed(trained: Callable[..., Run], voc_on_disk: Path) -> None:
    run = trained("trainer.max_epochs=1")
    annotation = voc_on_disk / "Annotations" / "train_000.xml"
    annotation.write_text(annotation.read_text().replace("<name>blue", "<name>green"))
    with pytest.raises(DataError, match="have changed since the run was started"):
        resume(run.path, ["trainer.max_epochs=2"])


def scripted(monkeypatch: pytest.MonkeyPatch, values: list[float]) -> None:
    """Let the monitored metric take these values, epoch by epoch."""
    monkeypatch.setattr(Module, "monitored", lambda self: values[self.current_epoch])


def test_a_crash_between_the_two_checkpoints_is_mended(
    trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever writing stops, the resumed run scores the weights of the epoch that it names as the best."""
    scripted(monkeypatch, [0.1, 0.2, 0.15])
    whole = trained()
    with monkeypatch.context() as patch:

        def fail(source: Path, target: Path) -> None:
            if checkpoint.load(source)["epoch"] == 1:
                raise RuntimeError("the power failed")
            copy_file(source, target)

        patch.setattr(callbacks, "copy_file", fail)
        with pytest.raises(RuntimeError, match="the power failed"):
            trained(name="stopped")
    stopped = resume(whole.path.parents[1] / "stopped" / "001")
    assert_equal_runs(whole, stopped)
    assert checkpoint.load(stopped.checkpoints / "best.ckpt")["epoch"] == 1


@pytest.mark.slow
def test_a_run_that_stopped_early_stays_stopped_unless_its_patience_grows(
    trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, [0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4])
    run = trained("trainer.max_epochs=7", "trainer.early_stopping=2")
    before = run.metrics_file.read_text()
    assert len(run.epochs()) == 3
    resume(run.path)
    assert run.metrics_file.read_text() == before
    resume(run.path, ["trainer.early_stopping=4"])
    assert len(run.epochs()) == 5


@pytest.mark.slow
def test_a_plateau_goes_on_at_its_lowered_rate_when_epochs_are_added(
    trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, [0.5] * 6)
    settings = ["optim.schedule=plateau", "optim.patience=1", "optim.warmup_epochs=1"]
    whole = trained(*settings, "trainer.max_epochs=6")
    rates = [row["lr"] for row in whole.epochs()]
    assert rates[-1] < rates[1]
    short = trained(*settings, "trainer.max_epochs=4", name="short")
    resume(short.path, ["trainer.max_epochs=6"])
    assert [row["lr"] for row in short.epochs()] == rates


def test_fewer_epochs_than_are_done_are_refused(trained: Callable[..., Run]) -> None:
    run = trained("trainer.max_epochs=2")
    with pytest.raises(ConfigError, match="2 epochs are done already"):
        resume(run.path, ["trainer.max_epochs=1"])
