"""``saccade convert``: a run folder like any other that computes the same, and what it refuses."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from torch import Tensor, nn

from saccade.browse.app import create_app
from saccade.commands.convert import ConvertedRun, convert
from saccade.commands.evaluate import evaluate
from saccade.commands.predict import predict
from saccade.commands.report import report
from saccade.commands.resume import resume
from saccade.commands.summary import summary
from saccade.commands.train import train
from saccade.config.load import load
from saccade.engine import checkpoint, trainer
from saccade.errors import CheckpointError, ConfigError, RunError
from saccade.nn.small import SmallCNN
from saccade.nn.standardized_conv import StandardizedConv2d
from saccade.runs import Run
from saccade.surgery.difference import Difference
from trees import SMALL, caption_tree, class_tree, mask_tree, picture, word_tree

WAYS: dict[str, dict[str, Any]] = {
    "statistics": {"to": "weight-standardized"},
    "affine": {"to": "weight-standardized", "compensate": "affine"},
    "folded": {"to": "folded"},
}
SETTINGS = [*SMALL, "trainer.max_epochs=2", "optim.warmup_epochs=0", "optim.lr=0.01"]
LAYERS = [f"features.{place}.0" for place in (0, 2, 3, 5, 6, 8)]
"""The convolutions of small_cnn."""


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A binary classifier whose threshold was chosen on the holdout, of random weights by a scheme."""
    folder = tmp_path_factory.mktemp("convert")
    root = class_tree(folder / "classes", train=8)
    for split in ("train", "val"):
        shutil.rmtree(root / split / "green")
    more = ["data.holdout=0.25", "task.threshold=holdout", "task.positive=red", "model.init=kaiming_normal"]
    run = train("folder-classify", [f"data.root={root}", *SETTINGS, *more], runs=folder / "runs", name="c")
    return Run(run.path)


@pytest.fixture(scope="module")
def made(old: Run) -> dict[str, ConvertedRun]:
    return {way: convert(old, **how) for way, how in WAYS.items()}


def scores(run: Run) -> np.ndarray[Any, Any]:
    return np.stack(run.evaluation("val").predictions()["scores"].to_list())


def weights(run: Run) -> dict[str, Tensor]:
    found: dict[str, Tensor] = checkpoint.load(run.checkpoints / "best.ckpt")["state_dict"]
    return found


def network(run: Run) -> nn.Module:
    config = load(run.config_file)
    task, found = trainer.build_task(config)
    trainer.load_network(task, found, run.checkpoints / "best.ckpt")
    return found.eval()


@pytest.mark.parametrize("way", WAYS)
def test_the_new_run_gives_the_same_answers(way: str, old: Run, made: dict[str, ConvertedRun], tmp_path: Path) -> None:
    new = made[way].run
    assert new.path.parent == old.path.parent
    evaluation = evaluate(new)
    np.testing.assert_allclose(scores(new), scores(old), atol=1e-6)
    before = old.evaluation("val")
    assert evaluation.metrics()["metrics"] == pytest.approx(before.metrics()["metrics"], abs=1e-5)
    # the threshold that was chosen with the epoch goes with the weights
    assert evaluation.about() == {**before.about(), "data_root": evaluation.about()["data_root"]}
    picture(["red"], 5).save(tmp_path / "a.png")
    tables = [predict(run, [str(tmp_path / "a.png")], output=tmp_path / "a.parquet").table for run in (old, new)]
    assert tables[0]["prediction"].to_list() == tables[1]["prediction"].to_list()
    assert summary(new.config_file).name == "small_cnn"


@pytest.mark.parametrize("way", WAYS)
def test_what_is_told_is_what_was_done(way: str, old: Run, made: dict[str, ConvertedRun]) -> None:
    found = made[way]
    assert list(found.surgery.converted) == LAYERS
    assert found.surgery.refused == {}
    assert found.surgery.difference.images == 4
    assert 0 < found.surgery.difference.relative < 1e-5
    kind = nn.Conv2d if way == "folded" else StandardizedConv2d
    new = network(found.run)
    assert {type(new.get_submodule(name)) for name in LAYERS} == {kind}
    changed = {
        key.rpartition(".")[2] for key, value in weights(found.run).items() if _differs(value, weights(old), key)
    }
    assert (
        changed
        == {
            "statistics": {"running_mean", "running_var"},
            "affine": {"weight", "bias"},
            "folded": {"weight", "bias"},
        }[way]
    )
    environment = found.run.environment()
    assert environment["converted_from"] == {
        "run": old.title,
        "checkpoint": "best.ckpt",
        "epoch": old.environment()["selection"]["best_epoch"],
        **({} if way == "folded" else {"compensate": way}),
        "to": WAYS[way]["to"],
    }
    assert environment["model"]["parameters"] == sum(parameter.numel() for parameter in new.parameters())
    assert environment["notes"][0].startswith("Nothing was trained here: the network is that of c/001, best.ckpt")
    assert environment["data"] == old.environment()["data"]


def _differs(value: Tensor, others: dict[str, Tensor], key: str) -> bool:
    return key not in others or not torch.equal(value, others[key])


def test_the_old_run_stays_as_it_is(old: Run) -> None:
    before = files(old)
    convert(old, to="folded", checkpoint="last")
    assert files(old) == before


def files(run: Run) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file() and path.name != ".lock"}


def test_another_checkpoint(old: Run) -> None:
    new = convert(old, to="folded", checkpoint="last").run
    assert new.environment()["converted_from"]["checkpoint"] == "last.ckpt"
    assert evaluate(new).about()["epoch"] == 2


def test_it_is_browsed_and_reported(made: dict[str, ConvertedRun]) -> None:
    new = made["statistics"].run
    shutil.rmtree(new.path / "evaluation", ignore_errors=True)
    assert "has not been scored yet: score it with saccade evaluate." in report(new).read_text()
    evaluate(new)
    page = report(new).read_text()
    assert "Nothing was trained here: the network is that of c/001" in page
    assert TestClient(create_app(new), base_url="http://127.0.0.1").get("/").status_code == 200


@pytest.mark.parametrize(
    "way", ["statistics", *(pytest.param(way, marks=pytest.mark.slow) for way in ("affine", "folded"))]
)
def test_a_training_starts_from_it(way: str, made: dict[str, ConvertedRun], tmp_path: Path) -> None:
    # moved away from all else: it is whole by itself
    new = Run(shutil.copytree(made[way].run.path, tmp_path / "elsewhere" / "001"))
    root = f"data.root={load(made[way].run.config_file).data.root}"
    untrained = train(new.config_file, [root, "trainer.max_epochs=0", "task.threshold=0.5"], runs=tmp_path / "runs")
    np.testing.assert_allclose(scores(untrained), scores_of(made[way].run), atol=1e-6)
    trained = train(new.config_file, [root, "optim.lr=1e-3"], runs=tmp_path / "runs")
    assert len(trained.epochs()) == 2
    assert any(_differs(value, weights(new), key) for key, value in weights(trained).items())
    assert load(trained.config_file).model.convert == WAYS[way]["to"]
    resumed = resume(trained.path, ["trainer.max_epochs=3"])
    assert len(resumed.epochs()) == 3


def scores_of(run: Run) -> np.ndarray[Any, Any]:
    evaluate(run)
    return scores(run)


@pytest.mark.slow
def test_a_training_that_is_stopped_and_resumed_ends_in_the_same_bits(
    made: dict[str, ConvertedRun], tmp_path: Path
) -> None:
    source = made["statistics"].run.config_file
    whole = train(source, ["trainer.max_epochs=3", "optim.schedule=constant"], runs=tmp_path)
    short = train(source, ["trainer.max_epochs=2", "optim.schedule=constant"], runs=tmp_path)
    resume(short.path, ["trainer.max_epochs=3"])
    assert short.metrics_file.read_bytes() == whole.metrics_file.read_bytes()


def test_a_standardised_network_is_folded(old: Run, made: dict[str, ConvertedRun]) -> None:
    again = convert(made["affine"].run, to="folded")
    assert list(again.surgery.converted) == LAYERS
    evaluate(again.run)
    np.testing.assert_allclose(scores(again.run), scores(old), atol=1e-6)
    for key, value in weights(made["folded"].run).items():
        torch.testing.assert_close(weights(again.run)[key], value, rtol=1e-4, atol=1e-6)


def test_converted_in_a_config(old: Run, tmp_path: Path) -> None:
    # as in the preset voc-multilabel-ws: weights of a plain network are converted once they are loaded
    start = [f"model.weights={old.checkpoints / 'best.ckpt'}", "model.head=keep", "model.init=default"]
    run = train(
        old.config_file,
        [*start, "model.convert=weight-standardized", "trainer.max_epochs=0", "task.threshold=0.5"],
        runs=tmp_path,
    )
    np.testing.assert_allclose(scores(run), scores(old), atol=1e-6)
    assert isinstance(network(run).get_submodule(LAYERS[0]), StandardizedConv2d)


def test_weights_know_what_they_are(old: Run, made: dict[str, ConvertedRun], tmp_path: Path) -> None:
    def starting(way: str, *settings: str) -> str:
        file = made[way].run.checkpoints / "best.ckpt"
        given = [f"model.weights={file}", "model.init=default", "model.head=keep", *settings]
        with pytest.raises(CheckpointError) as raised:
            train(old.config_file, given, runs=tmp_path)
        return str(raised.value).replace(str(file), "FILE")

    assert starting("statistics") == (
        "model.weights: FILE is of a network that is weight-standardized, and the one that it is to go into is not; "
        "set model.convert=weight-standardized, or name other weights"
    )
    assert starting("folded", "model.convert=weight-standardized") == (
        "model.weights: FILE is of a network that is folded, and the one that it is to go into is weight-standardized; "
        "set model.convert=folded, or name other weights"
    )
    assert starting("folded", "model.convert=folded", "data.classes=[red, blue]") == (
        "model.weights: the outputs of FILE mean something else than those of this training (2 there, 2 here; number 1 "
        "is 'blue' there, 'red' here); name the weights of a run on the same data, or set model.head=replace"
    )


def test_the_backbone_of_a_converted_network_is_taken_over(made: dict[str, ConvertedRun], tmp_path: Path) -> None:
    new = made["statistics"].run
    root = class_tree(tmp_path / "three")
    settings = ["model.head=replace", "task.positive=null", "task.threshold=argmax", "trainer.max_epochs=0"]
    run = train(new.config_file, [f"data.root={root}", "data.classes=null", *settings], runs=tmp_path)
    assert len(scores(run)[0]) == 3
    assert all(torch.equal(v, weights(new)[k]) for k, v in weights(run).items() if "features" in k)


def test_checkpoints_of_a_run_that_is_not_so_converted_are_refused(old: Run, made: dict[str, ConvertedRun]) -> None:
    with pytest.raises(CheckpointError, match="checkpoint's convert is folded, and the run's convert is None"):
        evaluate(old, checkpoint=made["folded"].run.checkpoints / "best.ckpt")


@pytest.mark.parametrize(
    ("way", "how", "text"),
    [
        ("statistics", {"to": "weight-standardized"}, "is weight-standardized already; convert the run that it was"),
        ("folded", {"to": "weight-standardized"}, "is folded already; convert the run that it was made from"),
        ("folded", {"to": "folded"}, "is folded already; convert the run that it was made from"),
    ],
)
def test_what_is_converted_already_is_refused(
    way: str, how: dict[str, Any], text: str, made: dict[str, ConvertedRun]
) -> None:
    with pytest.raises(ConfigError, match=text):
        convert(made[way].run, **how)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"to": "sparse"}, "--to: is sparse; choose weight-standardized or folded"),
        ({"to": "weight-standardized", "compensate": "x"}, "--compensate: is x; choose statistics or affine"),
        (
            {"to": "folded", "compensate": "affine"},
            "--compensate: is affine, which --to weight-standardized alone knows; leave it out",
        ),
    ],
)
def test_options_that_do_not_hold(how: dict[str, Any], text: str, old: Run) -> None:
    with pytest.raises(ConfigError) as raised:
        convert(old, **how)
    assert str(raised.value) == text


def test_there_is_no_training_to_resume(made: dict[str, ConvertedRun]) -> None:
    with pytest.raises(ConfigError, match=r"saccade convert made it, .*train on from its weights with `saccade train "):
        resume(made["folded"].run.path)


@pytest.mark.slow
def test_folds(tmp_path: Path) -> None:
    root = class_tree(tmp_path / "classes")
    whole = train("folder-classify", [f"data.root={root}", *SMALL, "data.folds=2"], runs=tmp_path / "runs", name="f")
    with pytest.raises(ConfigError, match=r"is cross-validated, .* convert one of .*folds/1, .*folds/2$"):
        convert(whole, to="folded")
    new = convert(whole.fold(2), to="folded").run
    assert new.path.name == "002"
    assert new.path.parent == whole.path.parent.resolve()
    assert [fold.path.name for fold in whole.folds()] == ["1", "2"]
    np.testing.assert_allclose(scores_of(new), scores_of(whole.fold(2)), atol=1e-6)


def test_on_the_command_line(
    made: dict[str, ConvertedRun], old: Run, saccade: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = saccade("convert", old.path, "--to", "weight-standardized", "--json")
    assert said.code == 0, said.err
    document = json.loads(said.out)
    assert document.keys() == {"run", "converted", "refused", "max_abs", "mean_abs", "relative"}
    assert document["converted"] == LAYERS
    assert document["refused"] == []
    assert 0 < document["mean_abs"] < document["max_abs"] < 1e-3
    assert document["relative"] < 1e-5
    assert "warning" not in said.err
    # more than rounding explains
    apart = Difference(max_abs=0.2, mean_abs=0.1, relative=3e-4, images=6)
    monkeypatch.setattr("saccade.surgery.convert.difference", lambda *_: apart)
    said = saccade("convert", old.path, "--to", "folded")
    assert said.code == 0, said.err
    assert "warning: the outputs differ by 3.0e-04 (relative, in norm)" in said.err
    assert "6 of 6 convolutions converted" in said.out
    assert Run.open(said.out.splitlines()[-1]).environment()["converted_from"]["to"] == "folded"
    assert "train on" not in said.err
    assert "it is for inference" in said.err
    for how, hint in (
        ("statistics", "optim.lr=1e-4 trainer.max_epochs=5"),
        ("affine", "affine breaks down in training"),
    ):
        said = saccade("convert", old.path, "--to", "weight-standardized", "--compensate", how)
        assert hint in said.err


class Hidden(SmallCNN):
    """Uses the weights of a convolution once more, and no tensor of the graph of torch.fx tells so."""

    def forward(self, image: Tensor) -> Tensor:
        kernel = self.features[0][0].weight  # type: ignore[index]  # a convolution, a norm, and an activation
        logits: Tensor = super().forward(image) + kernel.abs().sum() * torch.tensor([1.0, -1.0])
        return logits


def test_what_is_another_network_is_not_written(old: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saccade.tasks.labels.build", lambda name, *, classes, **_: Hidden(classes))
    before = sorted(old.path.parent.iterdir())
    with pytest.raises(RunError) as raised:
        convert(old, to="folded")
    assert re.fullmatch(
        r"--to: what small_cnn becomes is not the same network: the outputs differ by \d\.\de[+-]\d\d \(relative, in "
        r"norm\) on 4 validation images, so that no run was made; it may use its weights in a way that torch.fx does "
        r"not see",
        str(raised.value),
    )
    assert sorted(old.path.parent.iterdir()) == before
    # weights that are divided anew in each pass are the same themselves: what uses them besides sees no change
    assert convert(old, to="weight-standardized").surgery.difference.relative < 1e-5


def test_messages_name_what_was_asked_for(old: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*settings: str) -> str:
        start = ["model.init=default", "trainer.max_epochs=0", "task.threshold=0.5", *settings]
        with pytest.raises(ConfigError) as raised:
            train(old.config_file, start, runs=tmp_path / "runs")
        return str(raised.value)

    first, *_, last = asked("model.convert=folded", "model.name=dogs_cnn").splitlines()
    assert first == "model.convert: none of the 4 convolutions of dogs_cnn can be folded:"
    assert last == "set model.convert=null, or choose another network"
    hint = "torch.fx cannot follow what SmallCNN computes (no), so that nothing is known of what comes after its conv"

    def fails(*_: Any) -> Any:
        raise ValueError("no")

    with monkeypatch.context() as patched:
        patched.setattr("saccade.nn.tracing._Tracer.trace", fails)
        assert asked("model.convert=folded") == (
            f"model.convert: {hint}olutions; set model.convert=null, or choose another network"
        )
        with pytest.raises(ConfigError) as raised:
            convert(old, to="folded")
        assert str(raised.value) == f"--to: {hint}olutions"


def test_refused_convolutions_are_listed(tmp_path: Path, saccade: Callable[..., Any]) -> None:
    root = class_tree(tmp_path / "classes")
    settings = [f"data.root={root}", *SETTINGS, "model.name=mobilenetv3_small_050", "trainer.max_epochs=0"]
    run = train("folder-classify", settings, runs=tmp_path / "runs")
    said = saccade("convert", run.path, "--to", "folded", "--json")
    refused = {each["name"]: each["reason"] for each in json.loads(said.out)["refused"]}
    assert len(refused) == 19
    assert refused["conv_head"] == "is followed by act2 (Hardswish) and not by a BatchNorm2d"
    table = saccade("convert", run.path, "--to", "folded").out
    assert "34 of 53 convolutions converted" in table
    assert all(name in table for name in refused)
    bare = train("folder-classify", [*settings, "model.name=dogs_cnn"], runs=tmp_path / "runs")
    said = saccade("convert", bare.path, "--to", "folded")
    assert said.code == 2
    assert "--to: none of the 4 convolutions of dogs_cnn can be folded:\n  conv1 is followed by relu" in said.err
    assert "model.convert" not in said.err
    assert not (tmp_path / "runs" / "folder-classify" / "005").exists()


OTHERS: dict[str, Callable[[Path], list[str]]] = {
    "voc2007-unet": lambda root: [
        f"data.root={mask_tree(root)}", "data.augment.size=null", "model.depth=2", "model.width=4",
    ],
    "scenes-spot": lambda root: [
        f"data.root={word_tree(root)}", "data.format=icdar", "data.val=val", "data.image_size=96",
        "data.longer_side=null", "data.augment.longer_side=null", "trainer.check_val_every_n_epoch=1",
    ],
    "scenes-caption": lambda root: [
        f"data.root={caption_tree(root)}", "data.format=coco", "data.train=train", "data.val=val",
        "model.encoder=small_cnn",
    ],
}  # fmt: skip
"""Of each further task a preset and what makes it small."""


@pytest.mark.slow
@pytest.mark.usefixtures("without_meteor")
@pytest.mark.parametrize("preset", OTHERS)
def test_every_task(preset: str, tmp_path: Path) -> None:
    small = [setting for setting in SMALL if not setting.startswith("model.name=")]
    given = [*small, "data.holdout=0.25", "trainer.max_epochs=1", "trainer.max_time=null"]
    run = train(preset, [*given, *OTHERS[preset](tmp_path / "data")], runs=tmp_path / "runs")
    for number, way in enumerate(("statistics", "folded"), start=2):
        found = convert(run, **WAYS[way])
        assert found.surgery.difference.relative < 1e-5
        assert found.surgery.converted
        evaluate(found.run)
        before, after = (each.evaluation("val").metrics()["metrics"] for each in (run, found.run))
        assert after["loss"] == pytest.approx(before["loss"], rel=1e-4)
        on = train(found.run.config_file, ["trainer.max_epochs=1"], runs=tmp_path / "runs")
        assert len(on.epochs()) == 1, number


@pytest.mark.slow
@pytest.mark.usefixtures("without_meteor")
def test_a_second_stage_of_captions_starts_from_a_converted_network(tmp_path: Path) -> None:
    small = [setting for setting in SMALL if not setting.startswith("model.name=")]
    given = [
        *small,
        "data.holdout=0.25",
        "trainer.max_time=null",
        "task.min_count=1",
        "task.concepts=1",
        "trainer.max_epochs=1",
    ]
    first = train("scenes-caption", [*given, *OTHERS["scenes-caption"](tmp_path / "data")], runs=tmp_path / "runs")
    new = convert(first, to="weight-standardized").run
    file = new.checkpoints / "best.ckpt"
    assert {key for key in weights(new) if "concepts." in key} == {"network.concepts.weight", "network.concepts.bias"}
    # what the first stage told words with is of no use any more, as with weights that were never converted
    settings = ["task.concepts=0", "task.loss=self_critical", "task.samples=2", "trainer.max_epochs=0"]
    second = train(new.config_file, settings, runs=tmp_path / "runs")
    expected = {key: value for key, value in weights(new).items() if "concepts." not in key}
    assert weights(second).keys() == expected.keys()
    assert all(torch.equal(value, expected[key]) for key, value in weights(second).items())
    with pytest.raises(CheckpointError, match=r"knows other words than this training .* set task\.vocabulary to the"):
        train(new.config_file, ["task.vocabulary=null", "task.min_count=13"], runs=tmp_path / "runs")
    with pytest.raises(CheckpointError) as raised:
        train(new.config_file, ["model.head=replace"], runs=tmp_path / "runs")
    assert str(raised.value) == (
        f"model.weights: {file} is of a network that is weight-standardized, and model.encoder is given weights of one "
        "that is not, which are then converted; name such weights, or set model.head=keep to load all weights of a "
        "caption network"
    )
