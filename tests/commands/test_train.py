"""What the settings of a training do to the run folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from saccade.commands.evaluate import evaluate
from saccade.commands.train import train
from saccade.config.data_section import MeanStd
from saccade.config.load import load
from saccade.engine import checkpoint
from saccade.engine.module import UNDEFINED, Module
from saccade.errors import CheckpointError, DataError, SaccadeError
from saccade.runs import Run
from trees import SMALL, class_tree

SETTINGS = [*SMALL, "data.holdout=0.25", "trainer.max_epochs=2", "optim.warmup_epochs=0"]


@pytest.fixture
def trained(tmp_path: Path, classes_on_disk: Path) -> Callable[..., Run]:
    def start(*overrides: str) -> Run:
        return train("folder-classify", [f"data.root={classes_on_disk}", *SETTINGS, *overrides], runs=tmp_path / "runs")

    return start


def state(run: Run, name: str = "best.ckpt") -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = checkpoint.load(run.checkpoints / name)["state_dict"]
    return found


def test_the_best_checkpoint_is_that_of_the_best_holdout_metric(trained: Callable[..., Run]) -> None:
    run = trained("trainer.max_epochs=6")
    values = [(row["holdout"]["accuracy"], -row["holdout"]["loss"]) for row in run.epochs()]
    selection = run.environment()["selection"]
    assert selection["metric"] == "accuracy"
    assert selection["split"] == "holdout"
    assert selection["best"] == max(values)[0]
    assert selection["best_epoch"] - 1 == values.index(max(values))
    assert checkpoint.load(run.checkpoints / "best.ckpt")["saccade"]["epoch"] == selection["best_epoch"]
    assert checkpoint.load(run.checkpoints / "last.ckpt")["epoch"] == 5
    again = evaluate(run, split="holdout").metrics()["metrics"]
    assert again == pytest.approx(run.epochs()[selection["best_epoch"] - 1]["holdout"], abs=1e-6)


@pytest.mark.parametrize("constant", [0.0, UNDEFINED])
def test_of_equal_metrics_the_lowest_loss_is_the_best(
    trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, constant: float
) -> None:
    monkeypatch.setattr(Module, "monitored", lambda self: constant)
    run = trained("trainer.max_epochs=3")
    losses = [row["holdout"]["loss"] for row in run.epochs()]
    assert losses.index(min(losses)) > 0, "the first epoch would have been kept anyway"
    assert run.environment()["selection"]["best_epoch"] == 1 + losses.index(min(losses))


def test_the_loss_may_choose_the_epoch(trained: Callable[..., Run]) -> None:
    run = trained("trainer.max_epochs=6", "trainer.monitor=loss", "optim.lr=0.01")
    losses = [row["holdout"]["loss"] for row in run.epochs()]
    assert run.environment()["selection"] == {
        "metric": "loss",
        "split": "holdout",
        "best": min(losses),
        "best_epoch": 1 + losses.index(min(losses)),
    }
    assert checkpoint.load(run.checkpoints / "best.ckpt")["saccade"]["epoch"] == 1 + losses.index(min(losses))
    assert evaluate(run, split="holdout").metrics()["metrics"]["loss"] == pytest.approx(min(losses), abs=1e-6)


def test_early_stopping_waits_its_patience_and_no_longer(
    trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted = [0.5, 0.6, 0.4, 0.5, 0.9, 0.9]
    monkeypatch.setattr(Module, "monitored", lambda self: scripted[self.current_epoch])
    run = trained("trainer.max_epochs=6", "trainer.early_stopping=2")
    assert len(run.epochs()) == 4
    assert run.environment()["selection"]["best_epoch"] == 2


def test_plateau_lowers_the_rate_after_its_patience(
    trained: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted = [0.5, 0.4, 0.4, 0.4, 0.4]
    monkeypatch.setattr(Module, "monitored", lambda self: scripted[self.current_epoch])
    run = trained(
        "trainer.max_epochs=5", "optim.schedule=plateau", "optim.patience=1", "optim.gamma=0.5", "optim.lr=0.01"
    )
    # torch lowers it when more than `patience` epochs have passed without a better value
    assert [row["lr"] for row in run.epochs()] == pytest.approx([0.01, 0.01, 0.01, 0.005, 0.005])


def test_a_frozen_backbone_keeps_every_bit_until_its_epoch(trained: Callable[..., Run]) -> None:
    start, frozen = state(trained("trainer.max_epochs=0")), state(trained("model.freeze=2"), "last.ckpt")
    thawed = state(trained("model.freeze=1"), "last.ckpt")
    backbone = [key for key in start if ".head." not in key]
    assert all(torch.equal(start[key], frozen[key]) for key in backbone)
    assert not torch.equal(start["network.head.weight"], frozen["network.head.weight"])
    assert not any(torch.equal(start[key], thawed[key]) for key in backbone)


def test_no_epochs_score_the_weights_as_they_are(trained: Callable[..., Run], tmp_path: Path) -> None:
    first = trained("seed=3")
    weights = tmp_path / "w.safetensors"
    save_file({key.removeprefix("network."): value.contiguous() for key, value in state(first).items()}, weights)
    for source in (weights, first.checkpoints / "best.ckpt"):
        run = trained("trainer.max_epochs=0", f"model.weights={source}", "model.head=keep")
        assert run.epochs() == []
        assert run.environment()["selection"] == {"metric": "accuracy", "split": None, "best": None, "best_epoch": None}
        assert run.evaluation("val").metrics() == first.evaluation("val").metrics()
        assert run.evaluation("val").about()["optimistic"] is False
        assert run.report_file.is_file()


@pytest.mark.slow
def test_a_head_is_fresh_unless_it_is_kept(trained: Callable[..., Run], tmp_path: Path) -> None:
    first = trained("seed=3", "trainer.max_epochs=1")
    source, fresh = first.checkpoints / "best.ckpt", state(trained("trainer.max_epochs=0"))
    replaced = state(trained("trainer.max_epochs=0", f"model.weights={source}"))
    for key, value in replaced.items():
        assert torch.equal(value, fresh[key] if ".head." in key else state(first)[key]), key
    weights = {key: value[:2] if ".head." in key else value for key, value in state(first).items()}
    torch.save(weights, tmp_path / "two.pth")
    with pytest.raises(CheckpointError, match=r"head in .*two\.pth has 2 outputs where the data have 3 classes; set"):
        trained("trainer.max_epochs=0", f"model.weights={tmp_path / 'two.pth'}", "model.head=keep")
    # a run of kept weights is opened again without the file
    kept = trained("trainer.max_epochs=0", f"model.weights={source}", "model.head=keep")
    source.unlink()
    assert evaluate(kept).metrics() == kept.evaluation("val").metrics()


def test_starting_weights_by_formula(trained: Callable[..., Run]) -> None:
    """A uniform distribution of variance v ends at sqrt(3 v): sqrt(6 / fan out), and sqrt(6 / (fan in + fan out))."""
    kaiming = state(trained("trainer.max_epochs=0", "model.init=kaiming_uniform", "model.init_fan=out"))
    xavier = state(trained("trainer.max_epochs=0", "model.init=xavier_uniform"))
    for weights, fan in ((kaiming, 3), (xavier, 3 + 128)):
        assert weights["network.head.weight"].abs().max() == pytest.approx((6 / fan) ** 0.5, rel=0.02)
        assert not weights["network.head.bias"].any()


@pytest.mark.slow
def test_group_norm_trains_and_is_built_again_for_scoring(trained: Callable[..., Run]) -> None:
    run = trained("model.name=resnet18", "model.norm=group", "trainer.max_epochs=1")
    assert not any("running" in key for key in state(run))
    assert evaluate(run).metrics() == run.evaluation("val").metrics()


def test_choosing_on_the_validation_split_is_called_optimistic(trained: Callable[..., Run]) -> None:
    honest, optimistic = trained(), trained("data.holdout=0")
    assert set(optimistic.epochs()[0]) == {"epoch", "step", "lr", "train", "val"}
    assert optimistic.evaluation("val").about()["optimistic"] is True
    assert honest.evaluation("val").about()["optimistic"] is False
    assert "optimistic" in optimistic.report_file.read_text()
    assert "optimistic" not in honest.report_file.read_text()


def test_one_tree_of_classes_is_split_by_seed(trained: Callable[..., Run], classes_on_disk: Path) -> None:
    tree = f"data.root={classes_on_disk / 'train'}"
    run = trained(tree, "data.val_fraction=0.25")
    splits = {name: split["n"] for name, split in run.environment()["data"]["splits"].items()}
    assert splits == {"train": 7, "holdout": 2, "val": 3}
    rows = [evaluate(run, split=name).predictions()["image"].to_list() for name in ("train", "holdout", "val")]
    assert sorted([*rows[0], *rows[1], *rows[2]]) == sorted(
        str(p.relative_to(classes_on_disk / "train")) for p in (classes_on_disk / "train").rglob("*.png")
    )


def test_measured_statistics_are_those_of_the_training_images_alone(
    trained: Callable[..., Run], classes_on_disk: Path
) -> None:
    run = trained("data.normalize=measured")
    images = evaluate(run, split="train").predictions()["image"]
    pixels = np.stack([np.asarray(Image.open(classes_on_disk / name).convert("RGB")) for name in images]) / 255
    given = load(run.config_file).data.normalize
    assert isinstance(given, MeanStd)
    assert given.mean == pytest.approx(pixels.mean((0, 1, 2)), abs=1e-6)
    assert given.std == pytest.approx(pixels.std((0, 1, 2)), abs=1e-6)


def test_balanced_weights_stand_as_numbers_in_the_config(trained: Callable[..., Run], classes_on_disk: Path) -> None:
    for i in range(3):
        (classes_on_disk / "train" / "red" / f"red{i}.png").unlink()
    run = trained("task.class_weights=balanced", "data.holdout=0")
    weights = load(run.config_file).task.class_weights
    # scikit-learn's rule, n / (classes * n_class): 9 images, 4 blue, 4 green, 1 red
    assert weights == pytest.approx({"blue": 0.75, "green": 0.75, "red": 3.0})


@pytest.mark.parametrize(
    "settings",
    [
        ["trainer.precision=bf16-mixed"],
        ["trainer.accumulate=2", "trainer.gradient_clip=1.0", "optim.schedule=onecycle"],
        ["task.label_smoothing=0.1", "optim.name=sgd", "optim.lr=0.1", "optim.schedule=step", "optim.step_epochs=[1]"],
        ["loader.batch_size=64"],
    ],
)
@pytest.mark.slow
def test_settings_that_change_how_it_learns(trained: Callable[..., Run], settings: list[str]) -> None:
    plain, changed = trained(), trained(*settings)
    assert len(changed.epochs()) == 2
    assert not torch.equal(state(plain)["network.head.weight"], state(changed)["network.head.weight"])
    assert changed.evaluation("val").metrics()["n"] == 6


def test_clipping_bounds_the_step_of_plain_sgd(trained: Callable[..., Run]) -> None:
    settings = ["optim.name=sgd", "optim.momentum=0", "optim.weight_decay=0", "optim.lr=1.0", "optim.schedule=constant"]
    start = state(trained("trainer.max_epochs=0"))
    one_step = ["trainer.max_epochs=1", "loader.batch_size=64", "data.holdout=0"]
    clipped = state(trained(*settings, *one_step, "trainer.gradient_clip=0.001"), "last.ckpt")
    learned = [key for key in start if key.endswith(("weight", "bias"))]
    moved = torch.cat([(clipped[key] - start[key]).flatten() for key in learned]).norm()
    assert float(moved) == pytest.approx(0.001, rel=1e-3)


def test_cut_splits_are_scored_only_while_the_tree_is_the_same(
    trained: Callable[..., Run], classes_on_disk: Path
) -> None:
    tree = classes_on_disk / "train"
    run = trained(f"data.root={tree}")
    (tree / "red" / "new.png").write_bytes((tree / "red" / "red0.png").read_bytes())
    for split in ("train", "holdout", "val"):
        with pytest.raises(DataError, match="have changed since the run was made"):
            evaluate(run, split=split)


def test_a_root_behind_a_link_is_the_same_root(trained: Callable[..., Run], classes_on_disk: Path) -> None:
    link = classes_on_disk.with_name("link")
    link.symlink_to(classes_on_disk, target_is_directory=True)
    run = trained(f"data.root={link}")
    assert [evaluation.name for evaluation in run.evaluations()] == ["val"]
    assert evaluate(run, f"data.root={classes_on_disk}").name == "val"


def test_run_and_data_moved_together_stay_together(trained: Callable[..., Run], tmp_path: Path) -> None:
    run = trained()
    together = tmp_path / "elsewhere"
    together.mkdir()
    for name in ("runs", "classes"):
        (tmp_path / name).rename(together / name)
    moved = Run.open(together / run.path.relative_to(tmp_path))
    assert evaluate(moved).name == "val"
    assert [evaluation.name for evaluation in moved.evaluations()] == ["val"]


def test_other_images_under_the_name_of_a_split_get_a_folder_of_their_own(trained: Callable[..., Run]) -> None:
    run = trained()
    before = run.evaluation("val").metrics()
    other = evaluate(run, "data.val=train")
    assert other.name != "val"
    assert other.metrics()["n"] == 12
    assert run.evaluation("val").metrics() == before
    elsewhere = run.path.parent / "copy.ckpt"
    elsewhere.write_bytes((run.checkpoints / "last.ckpt").read_bytes())
    assert evaluate(run, checkpoint=elsewhere).name.startswith("val-copy-")


def test_optimistic_goes_by_the_images_that_chose_the_epoch(
    trained: Callable[..., Run], classes_on_disk: Path, tmp_path: Path
) -> None:
    run = trained("data.holdout=0")
    (classes_on_disk / "val").rename(classes_on_disk / "valid")
    assert evaluate(run, "data.val=valid", split="valid").about()["optimistic"] is False  # other paths, other images
    other = class_tree(tmp_path / "other", train=1, val=1)
    assert evaluate(run, f"data.root={other}").about()["optimistic"] is False
    stopped = trained("data.root=" + str(class_tree(tmp_path / "third")), "data.holdout=0", "trainer.early_stopping=1")
    assert evaluate(stopped, checkpoint="last").about()["optimistic"] is True


def test_a_tree_that_moved_keeps_its_own_validation_part(
    trained: Callable[..., Run], classes_on_disk: Path, tmp_path: Path
) -> None:
    run = trained(f"data.root={classes_on_disk / 'train'}")
    moved = (classes_on_disk / "train").rename(tmp_path / "moved")
    again = evaluate(run, f"data.root={moved}")
    assert (again.name, again.metrics()["n"]) == ("val", 2)
    other = class_tree(tmp_path / "other", train=3, val=0) / "train"
    assert evaluate(run, f"data.root={other}").metrics()["n"] == 9


def test_a_skip_list_is_for_the_tree_that_it_was_made_on(
    trained: Callable[..., Run], classes_on_disk: Path, tmp_path: Path
) -> None:
    (classes_on_disk / "train" / "red" / "red0.png").write_bytes(b"")
    run = trained("data.on_error=skip")
    whole = class_tree(tmp_path / "whole", train=5)
    assert evaluate(run, f"data.root={whole}", split="train").metrics()["n"] + 4 == 15
    assert evaluate(run, split="train").metrics()["n"] + 3 == 11


def test_an_unreadable_image_in_the_part_cut_for_validation_stops(
    trained: Callable[..., Run], classes_on_disk: Path
) -> None:
    for image in (classes_on_disk / "train").rglob("*.png"):
        image.write_bytes(b"")
    with pytest.raises(DataError, match="becomes the validation split"):
        trained(f"data.root={classes_on_disk / 'train'}", "data.on_error=skip")


def test_folders_of_folders_are_not_taken_for_classes(trained: Callable[..., Run], classes_on_disk: Path) -> None:
    (classes_on_disk / "train").rename(classes_on_disk / "Training")
    with pytest.raises(DataError, match="Training"):
        trained()


def test_a_diverged_training_says_so(trained: Callable[..., Run]) -> None:
    with pytest.raises(SaccadeError, match="diverged"):
        trained("optim.name=sgd", "optim.lr=1e30", "optim.schedule=constant")
