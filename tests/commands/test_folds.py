"""Cross-validation: a run of runs. Numbers are recomputed from the folds' predictions, by NumPy and scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image
from sklearn import metrics as sk
from sklearn.utils.class_weight import compute_class_weight

from report.page import Page
from saccade.browse.app import create_app
from saccade.commands.evaluate import evaluate
from saccade.commands.predict import predict
from saccade.commands.report import report
from saccade.commands.resume import resume
from saccade.commands.train import train
from saccade.config.load import load
from saccade.data.listing import Listing
from saccade.engine import callbacks, checkpoint
from saccade.engine.ensemble import spread
from saccade.engine.module import Module
from saccade.engine.resolve import listing_of
from saccade.errors import CheckpointError, ConfigError, DataError, RunError, StoppedError
from saccade.files import copy_file
from saccade.report.words import number
from saccade.runs import Evaluation, Run
from trees import SMALL, class_tree, voc_tree

FOLDS = 3
SETTINGS = [
    *SMALL,
    f"data.folds={FOLDS}",
    "data.augment.crop=[0.8,1.0]",
    "trainer.max_epochs=2",
    "optim.lr=0.003",
    "optim.warmup_epochs=0",
]
OF_FOLDS = ["data.normalize=measured", "task.class_weights=balanced"]
"""What is measured on the images that a fold learns from."""


def unequal_classes(folder: Path) -> Path:
    """16 training images, 4 of them blue, and 12 validation and 9 test images."""
    root = class_tree(folder / "classes", train=6, val=4, test=3)
    for i in (4, 5):
        (root / "train" / "blue" / f"blue{i}.png").unlink()
    return root


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("classify")
    root = unequal_classes(folder)
    given = [f"data.root={root}", *SETTINGS, *OF_FOLDS, "task.label_smoothing=0"]
    return train("folder-classify", given, runs=folder / "runs", name="c")


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("multilabel")
    root = voc_tree(folder / "voc", train=18, val=12)
    return train("voc-multilabel", [f"data.root={root}", *SETTINGS, *OF_FOLDS], runs=folder / "runs", name="m")


@pytest.fixture(params=["classes", "labels"])
def run(request: pytest.FixtureRequest) -> Run:
    found: Run = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def without_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training ends without drawing: most of the time of so small a run."""
    for room in ("train", "folds"):
        monkeypatch.setattr(f"saccade.commands.{room}.report", lambda run: run.report_file)


def scores(evaluation: Evaluation) -> np.ndarray:
    return np.array(evaluation.predictions()["scores"].to_list(), dtype=np.float64)


def split(fold: Run, name: str) -> Listing:
    return listing_of(load(fold.config_file), name)


# What is in the folder


def test_one_run_folder_holds_a_whole_one_for_each_fold(run: Run) -> None:
    assert run.path.name == "001"
    assert [fold.path for fold in run.folds()] == [run.path / "folds" / str(k) for k in (1, 2, 3)]
    config = load(run.config_file)
    assert (config.data.folds, config.data.fold) == (FOLDS, None)
    assert not run.metrics_file.exists()
    assert not run.checkpoints.exists()
    for k, fold in enumerate(run.folds(), start=1):
        own = load(fold.config_file)
        assert own.data.fold == k
        shared = {"fold": None, "normalize": config.data.normalize}
        assert own.data.model_copy(update=shared) == config.data
        assert len(fold.epochs()) == 2
        assert {p.name for p in fold.checkpoints.iterdir()} == {"best.ckpt", "last.ckpt"}
        assert [e.name for e in fold.evaluations()][-1] == "val"
        assert fold.report_file.is_file()
        assert fold.environment()["selection"]["split"] == "holdout"
        assert fold.whole() == run
    assert run.whole() is None
    assert run.folds()[1].title == f"{run.path.parent.name}/001/folds/2"


def test_the_folds_hold_out_every_training_image_once(run: Run) -> None:
    everything = list(split(run, "train").images)
    held = [list(split(fold, "holdout").images) for fold in run.folds()]
    assert sorted(name for part in held for name in part) == sorted(everything)
    assert max(map(len, held)) - min(map(len, held)) <= 1
    for fold, part in zip(run.folds(), held, strict=True):
        assert set(split(fold, "train").images) == set(everything) - set(part)
        splits = fold.environment()["data"]["splits"]
        assert (splits["holdout"]["n"], splits["train"]["n"]) == (len(part), len(everything) - len(part))


def test_weights_and_normalisation_are_those_of_the_fold_s_own_images(classes: Run) -> None:
    """Class weights by scikit-learn's "balanced", channel means by NumPy over the 32 x 32 files themselves."""
    weights, means = [], []
    for fold in classes.folds():
        listing, config = split(fold, "train"), load(fold.config_file)
        expected = compute_class_weight("balanced", classes=np.arange(3), y=listing.targets)
        given = config.task.class_weights
        assert [given[name] for name in listing.classes] == pytest.approx(expected, abs=1e-5)  # type: ignore[index]
        pixels = np.stack([np.asarray(Image.open(listing.root / name)) for name in listing.images]) / 255
        mean = config.data.normalize.mean  # type: ignore[union-attr]
        assert mean == pytest.approx(pixels.mean(axis=(0, 1, 2)), abs=1e-5)
        assert fold.environment()["normalize"]["mean"] == pytest.approx(mean)
        weights.append(tuple(given.values()))  # type: ignore[union-attr]
        means.append(mean)
    assert len(set(weights)) > 1
    assert len(set(means)) == FOLDS
    whole = load(classes.config_file)
    assert (whole.data.normalize, whole.task.class_weights) == ("measured", "balanced")


@pytest.mark.usefixtures("without_reports")
def test_one_fold_alone_is_that_fold(classes: Run, tmp_path: Path) -> None:
    alone = train(classes.config_file, ["data.fold=2"], runs=tmp_path)
    fold = classes.fold(2)
    assert alone.folds() == []
    assert alone.metrics_file.read_bytes() == fold.metrics_file.read_bytes()
    assert alone.evaluation("val").predictions().equals(fold.evaluation("val").predictions())


# The numbers of the average


def test_scores_are_the_mean_of_the_folds(run: Run) -> None:
    whole = run.evaluation("val").predictions()
    parts = [fold.evaluation("val") for fold in run.folds()]
    np.testing.assert_allclose(
        scores(run.evaluation("val")), np.mean([scores(part) for part in parts], axis=0), rtol=0, atol=1e-7
    )
    column = "target" if "target" in whole.columns else "targets"
    for part in parts:
        assert part.predictions().select("image", column).equals(whole.select("image", column))
        assert dict(part.predictions().schema) == dict(whole.schema)
        assert part.predictions().columns == whole.columns


def test_classify_numbers_by_scikit_learn(classes: Run) -> None:
    rows, mean = classes.evaluation("val").predictions(), scores(classes.evaluation("val"))
    document = classes.evaluation("val").metrics()
    found, names = document["metrics"], document["classes"]
    target = np.array([names.index(name) for name in rows["target"]])
    assert rows["prediction"].to_list() == [names[c] for c in mean.argmax(axis=1)]
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(target, mean.argmax(axis=1)))
    assert found["macro_f1"] == pytest.approx(sk.f1_score(target, mean.argmax(axis=1), average="macro"))
    assert found["balanced_accuracy"] == pytest.approx(sk.balanced_accuracy_score(target, mean.argmax(axis=1)))
    aps = [sk.average_precision_score(target == c, mean[:, c]) for c in range(3)]
    assert found["map"] == pytest.approx(np.mean(aps))
    assert [document["per_class"][name]["ap"] for name in names] == pytest.approx(aps)
    assert found["auroc"] == pytest.approx(np.mean([sk.roc_auc_score(target == c, mean[:, c]) for c in range(3)]))
    # the loss of an image is minus the logarithm of the averaged probability; that of the split weighs by class
    losses = -np.log(mean[np.arange(len(target)), target])
    np.testing.assert_allclose(rows["loss"], losses, rtol=0, atol=1e-6)
    given = [list(load(fold.config_file).task.class_weights.values()) for fold in classes.folds()]  # type: ignore[union-attr]
    weights = np.mean(given, axis=0)[target]
    assert found["loss"] == pytest.approx(np.average(losses, weights=weights), abs=1e-6)


def test_multilabel_numbers_by_scikit_learn(labels: Run) -> None:
    rows, mean = labels.evaluation("val").predictions(), scores(labels.evaluation("val"))
    document = labels.evaluation("val").metrics()
    targets = np.array(rows["targets"].to_list())
    valid = targets >= 0
    aps = [sk.average_precision_score(targets[valid[:, c], c], mean[valid[:, c], c]) for c in range(3)]
    assert document["metrics"]["map"] == pytest.approx(np.mean(aps))
    f1 = sk.f1_score(targets[valid], mean[valid] > 0.5)
    assert document["metrics"]["micro_f1"] == pytest.approx(f1)
    given = [list(load(fold.config_file).task.class_weights.values()) for fold in labels.folds()]  # type: ignore[union-attr]
    terms = -np.where(targets == 1, np.log(mean), np.log1p(-mean)) * np.mean(given, axis=0) * valid
    np.testing.assert_allclose(rows["loss"], terms.sum(axis=1) / valid.sum(axis=1), rtol=0, atol=1e-6)
    assert document["metrics"]["loss"] == pytest.approx(terms.sum() / valid.sum(), abs=1e-6)


def test_each_fold_s_numbers_stand_beside(run: Run) -> None:
    about = run.evaluation("val").about()
    folds = about["folds"]
    assert list(folds["metrics"]) == list(run.evaluation("val").metrics()["metrics"])
    for name, found in folds["metrics"].items():
        values = [fold.evaluation("val").metrics()["metrics"][name] for fold in run.folds()]
        assert found["values"] == values
        assert found["mean"] == pytest.approx(np.mean(values))
        assert found["std"] == pytest.approx(np.std(values, ddof=1))
    metric = folds["holdout"]["metric"]
    curves = [[(row["holdout"][metric], -row["holdout"]["loss"]) for row in fold.epochs()] for fold in run.folds()]
    assert folds["holdout"]["values"] == [max(curve)[0] for curve in curves]
    assert folds["epochs"] == [1 + curve.index(max(curve)) for curve in curves]
    assert (about["optimistic"], about["out_of_fold"], about["epoch"]) == (False, False, None)
    assert "averaged probabilities" in about["pooling"]["loss"]
    noted = run.environment()["folds"]
    assert [each["best"] for each in noted] == folds["holdout"]["values"]
    assert [each["fold"] for each in noted] == [1, 2, 3]


@pytest.mark.parametrize(
    ("values", "mean", "std"),
    [([0.25, 0.75], 0.5, 0.125**0.5), ([0.5, 0.5, 0.5], 0.5, 0.0), ([0.5, None], None, None)],
)
def test_spread(values: list[float | None], mean: float | None, std: float | None) -> None:
    """By hand: (0.25, 0.75) deviate by 0.25 each, and 2 * 0.0625 / (2 - 1) is 0.125."""
    assert spread(values) == {"values": values, "mean": mean, "std": pytest.approx(std)}


# Scoring and answering with the whole run


def test_another_split_and_the_last_checkpoint(classes: Run) -> None:
    test = evaluate(classes, split="test")
    assert test.path == classes.path / "evaluation" / "test"
    assert test.metrics()["n"] == 9
    parts = [fold.evaluation("test") for fold in classes.folds()]
    np.testing.assert_allclose(scores(test), np.mean([scores(p) for p in parts], axis=0), rtol=0, atol=1e-7)
    last = evaluate(classes, checkpoint="last")
    assert last.name == "val-last"
    assert last.about()["checkpoint"] == "last.ckpt"
    assert last.about()["folds"]["epochs"] == [2, 2, 2]
    assert "as it was at its last epoch (epochs 2, 2, 2)" in Page(report_of(classes, "val-last")).text


def report_of(run: Run, name: str) -> Path:
    """The report with this evaluation on top: written where no other stands beside it."""
    hidden = [run.evaluation(e.name) for e in run.evaluations() if e.name != name]
    for each in hidden:
        each.metrics_file.rename(each.path / "hidden")
    try:
        return report(run)
    finally:
        for each in hidden:
            (each.path / "hidden").rename(each.metrics_file)


def test_training_images_are_scored_out_of_fold(run: Run) -> None:
    found = evaluate(run, split="train")
    rows, about = found.predictions(), found.about()
    assert rows["image"].to_list() == list(split(run, "train").images)
    assert found.metrics()["split"] == found.name == "train"
    by_image: dict[str, list[float]] = {}
    for fold in run.folds():
        part = fold.evaluation("holdout").predictions()
        assert set(part["image"]) == set(split(fold, "holdout").images)
        by_image |= dict(zip(part["image"], part["scores"].to_list(), strict=True))
    assert rows["scores"].to_list() == [by_image[name] for name in rows["image"]]
    assert (about["out_of_fold"], about["optimistic"]) == (True, True)
    own = [fold.evaluation("holdout").metrics()["metrics"]["loss"] for fold in run.folds()]
    assert about["folds"]["metrics"]["loss"]["values"] == own
    held = evaluate(run, split="holdout")
    assert held.predictions().equals(rows)
    text = Page(report_of(run, "train")).text
    assert "each image of the training split is scored by the one of 3 networks that did not learn from it" in text
    assert "slightly optimistic" in text
    assert "had no part in choosing" not in text


def test_what_was_learned_from_is_not_scored_by_the_average(classes: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--split test: 16 of its 16 images are training images.*say --split train"):
        evaluate(classes, "data.test=train", split="test")
    other = class_tree(tmp_path / "other", train=2)
    with pytest.raises(DataError, match=r"--split train: .* its own training images.* is another tree"):
        evaluate(classes, f"data.root={other}", split="train")
    found = evaluate(classes, f"data.root={other}", "data.test=train", split="test")
    assert found.metrics()["n"] == 6
    assert found.name.startswith("test-other-")


def test_a_path_is_the_checkpoint_of_one_network(classes: Run) -> None:
    path = classes.fold(2).checkpoints / "best.ckpt"
    image = Path(classes.evaluation("val").about()["data_root"]) / "val" / "red" / "red0.png"
    with pytest.raises(CheckpointError, match=r"best\.ckpt is one network, and .* has one for each fold"):
        evaluate(classes, checkpoint=path)
    with pytest.raises(CheckpointError, match=r"best\.ckpt is one network, and .* has one for each fold"):
        predict(classes, [str(image)], checkpoint=path)
    assert evaluate(classes.fold(2), checkpoint=path).metrics()["n"] == 12


def test_predict_answers_by_the_average(run: Run, tmp_path: Path) -> None:
    scored = run.evaluation("val")
    root = Path(scored.about()["data_root"])
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    images = [str(root / name) for name in scored.predictions()["image"]]
    answers = predict(run, [*images, str(broken)])
    assert answers.table["image"].to_list() == images
    np.testing.assert_allclose(np.array(answers.table["scores"].to_list()), scores(scored), rtol=0, atol=1e-6)
    assert [path for path, _ in answers.failures] == [str(broken)]
    if "prediction" in answers.table.columns:
        assert answers.table["prediction"].equals(scored.predictions()["prediction"])
    assert answers.file == run.path / "predictions" / answers.file.name
    assert predict(run, [str(broken)]).table.height == 0


# Showing it


def test_the_report_shows_each_fold_and_their_spread(run: Run) -> None:
    page = Page(report_of(run, "val"))
    about, metrics = run.evaluation("val").about(), run.evaluation("val").metrics()["metrics"]
    folds = about["folds"]
    head, epochs, held, *rows = page.tables["Folds"]
    assert head == ["metric", "fold 1", "fold 2", "fold 3", "mean", "standard deviation", "averaged"]
    assert epochs[1:4] == [str(epoch) for epoch in folds["epochs"]]
    assert held[0].endswith(" on its own fold")
    assert held[1:4] == [number(value) for value in folds["holdout"]["values"]]
    assert len(rows) == len(metrics)
    for row, (key, found) in zip(rows, folds["metrics"].items(), strict=True):
        assert row[1:] == [number(v) for v in (*found["values"], found["mean"], found["std"], metrics[key])]
    assert "the scores are the mean of the probabilities of 3 networks" in page.text
    assert "the val split had no part in choosing them" in page.text
    assert (run.figures / "curves.svg").is_file()
    assert "Loss of each fold on the images that it holds out" in page.text
    assert f"{run.path.parent.name}/001/folds/2" in Page(report(run.fold(2))).text


def test_browse_shows_the_average(run: Run) -> None:
    for opened, folds in ((run, FOLDS), (run.fold(2), None)):
        client = TestClient(create_app(opened, evaluation="val"), base_url="http://127.0.0.1")
        found = client.get("/api/val/summary").json()
        assert (found["folds"], found["n"]) == (folds, 12)
        assert opened.title in client.get("/").text


@pytest.mark.slow
def test_the_terminal_shows_mean_and_spread(classes: Run, saccade: Callable[..., Any]) -> None:
    found = classes.evaluation("val").about()["folds"]["metrics"]["loss"]
    done = saccade("evaluate", classes.path)
    line = next(line for line in done.out.splitlines() if " loss " in line)
    assert f"{found['mean']:.4f}" in line
    assert f"{found['std']:.4f}" in line
    again = saccade("train", "--resume", classes.path)
    said = classes.evaluation("val").about()["folds"]["metrics"]["accuracy"]
    assert f"accuracy of the 3 folds on 12 validation images: {said['mean']:.4f} ± {said['std']:.4f}" in again.err
    assert again.out == f"{classes.path}\n"


# Stopping and going on


def assert_same(one: Run, other: Run) -> None:
    for a, b in zip(one.folds(), other.folds(), strict=True):
        assert a.metrics_file.read_bytes() == b.metrics_file.read_bytes()
        for name in ("best.ckpt", "last.ckpt"):
            x, y = (checkpoint.load(r.checkpoints / name)["state_dict"] for r in (a, b))
            assert x.keys() == y.keys()
            assert all(torch.equal(x[key], y[key]) for key in x)
        assert a.evaluation("val").predictions().equals(b.evaluation("val").predictions())
    assert one.evaluation("val").predictions().equals(other.evaluation("val").predictions())
    assert one.evaluation("val").metrics() == other.evaluation("val").metrics()
    assert one.evaluation("val").about() == other.evaluation("val").about()
    assert one.environment()["folds"] == other.environment()["folds"]


def stopping_at(monkeypatch: pytest.MonkeyPatch, fold: int, epoch: int) -> None:
    """Training fails at the second batch of an epoch (from 1) of a fold."""
    step = Module.training_step

    def stop(self: Module, batch: Any, batch_idx: int) -> Any:
        if self.task.config.data.fold == fold and self.current_epoch == epoch - 1 and batch_idx == 1:
            raise RuntimeError("the power failed")
        return step(self, batch, batch_idx)

    monkeypatch.setattr(Module, "training_step", stop)


@pytest.mark.parametrize("epoch", [1, 2])
@pytest.mark.usefixtures("without_reports")
def test_a_stopped_run_goes_on_in_its_fold_to_the_same_bits(
    classes: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, epoch: int
) -> None:
    with monkeypatch.context() as patch:
        stopping_at(patch, 2, epoch)
        with pytest.raises(RuntimeError, match="the power failed"):
            train(classes.config_file, runs=tmp_path)
    stopped = Run(tmp_path / "c" / "001")
    assert [each["fold"] for each in stopped.environment()["folds"]] == [1]
    assert not (stopped.path / "evaluation").exists()
    first = {p: p.stat().st_mtime_ns for p in stopped.fold(1).path.rglob("*") if p.is_file() and p.name != ".lock"}
    with pytest.raises(RunError, match=r"fold 2 of 3 has not been trained to its end; .*--resume"):
        evaluate(stopped)
    assert "1 fold has been trained to the end" in Page(report(stopped)).text
    resume(stopped.path)
    assert_same(classes, stopped)
    assert {p: p.stat().st_mtime_ns for p in first} == first


@pytest.mark.usefixtures("without_reports")
@pytest.mark.slow
def test_a_row_without_its_checkpoint_is_not_kept(
    classes: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The power fails between the first row of a fold and its last.ckpt: the fold begins anew."""
    with monkeypatch.context() as patch:

        def fail(source: Path, target: Path) -> None:
            if "folds/2/" in target.as_posix():
                raise RuntimeError("the power failed")
            copy_file(source, target)

        patch.setattr(callbacks, "copy_file", fail)
        with pytest.raises(RuntimeError, match="the power failed"):
            train(classes.config_file, runs=tmp_path)
    stopped = Run(tmp_path / "c" / "001")
    assert len(stopped.fold(2).epochs()) == 1
    resume(stopped.path)
    assert_same(classes, stopped)


@pytest.mark.usefixtures("without_reports")
@pytest.mark.slow
def test_more_epochs_go_to_every_fold_also_after_another_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = [*SETTINGS, "data.folds=2", "optim.schedule=constant", f"data.root={unequal_classes(tmp_path)}"]
    run = train("folder-classify", [*settings, "trainer.max_epochs=1"], runs=tmp_path, name="short")
    with monkeypatch.context() as patch:
        stopping_at(patch, 2, 2)
        with pytest.raises(RuntimeError, match="the power failed"):
            resume(run.path, ["trainer.max_epochs=2"])
    assert [len(fold.epochs()) for fold in run.folds()] == [2, 1]
    resume(run.path)
    assert_same(run, train("folder-classify", settings, runs=tmp_path, name="long"))
    with pytest.raises(ConfigError, match="2 epochs are done already"):
        resume(run.path, ["trainer.max_epochs=1"])
    with pytest.raises(ConfigError, match=r"optim\.lr cannot be changed here"):
        resume(run.path, ["optim.lr=1"])
    next((tmp_path / "classes" / "train" / "red").iterdir()).unlink()
    with pytest.raises(DataError, match="have changed since the run was started"):
        resume(run.path)


def test_ctrl_c_names_the_whole_run(classes: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(self: Module, batch: Any, batch_idx: int) -> Any:
        raise SystemExit(0)  # what Lightning makes of Ctrl-C

    monkeypatch.setattr(Module, "training_step", stop)
    with pytest.raises(StoppedError) as raised:
        train(classes.config_file, runs=tmp_path)
    run = tmp_path / "c" / "001"
    assert str(raised.value) == f"stopped in fold 1 of 3; go on with `saccade train --resume {run}`"


@pytest.mark.usefixtures("without_reports")
def test_a_fold_has_no_branches(tmp_path: Path) -> None:
    settings = [*SETTINGS, "data.folds=2", "trainer.max_epochs=1", "trainer.keep_checkpoints=all"]
    run = train("folder-classify", [f"data.root={unequal_classes(tmp_path)}", *settings], runs=tmp_path)
    with pytest.raises(CheckpointError, match=r"belongs to a fold of .*001, which goes on from its last epoch alone"):
        resume(run.fold(1).checkpoint_of(1))


# What makes no sense


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["trainer.max_epochs=0"], "data.folds: is 3, and trainer.max_epochs=0 trains nothing"),
        (["trainer.overfit_batches=2"], "data.folds: is 3, and trainer.overfit_batches=2 leaves nothing to hold out"),
        (["data.folds=1"], "data.folds: is 1, and cross-validation takes 2 or more"),
        (["data.fold=4"], "data.fold: is 4, and data.folds is 3"),
        (["data.folds=17"], "data.folds: 17 folds of 16 training images"),
        (["task.positive=violet"], "task.positive: no class is called 'violet'"),
        (['task.class_weights={"violet": 2}'], "task.class_weights: no class is called 'violet'"),
        (["model.name=resnet17"], "model.name: "),
    ],
)
def test_refused_before_a_run_folder_is_made(tmp_path: Path, settings: list[str], message: str) -> None:
    given = [f"data.root={unequal_classes(tmp_path)}", *SETTINGS, *settings]
    with pytest.raises((ConfigError, DataError)) as raised:
        train("folder-classify", given, runs=tmp_path / "runs")
    assert message in str(raised.value).replace(" (command line)", "")
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_leaves_nothing(tmp_path: Path) -> None:
    given = [f"data.root={unequal_classes(tmp_path)}", *SETTINGS, "trainer.fast_dev_run=true"]
    assert not train("folder-classify", given, runs=tmp_path / "runs").path.exists()
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("without_reports")
def test_validation_images_are_cut_off_before_the_folds(tmp_path: Path) -> None:
    """A tree without a validation split: the same images are set aside for every fold, and no fold has them."""
    root = class_tree(tmp_path / "tree", train=8, val=1) / "train"
    given = [f"data.root={root}", *SETTINGS, "data.folds=2", "trainer.max_epochs=1", "data.val_fraction=0.25"]
    run = train("folder-classify", given, runs=tmp_path / "runs")
    val = set(run.evaluation("val").predictions()["image"])
    assert len(val) == 6
    rest = {p.relative_to(root).as_posix() for p in root.rglob("*.png")} - val
    assert set(evaluate(run, split="train").predictions()["image"]) == rest
    with pytest.raises(DataError, match=r"18 of its 24 images are training images"):
        evaluate(run, split=".")
    strangers = evaluate(run, f"data.root={tmp_path / 'tree' / 'val'}")
    assert strangers.predictions()["image"].to_list() == ["blue/blue0.png", "green/green0.png", "red/red0.png"]
