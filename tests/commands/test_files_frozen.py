"""The files that others read: their keys and columns are frozen here, and their numbers recomputed by scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sk

from saccade.commands.evaluate import evaluate
from saccade.commands.train import train
from saccade.runs import Evaluation, Run
from trees import class_tree, voc_tree

SMALL = [
    "model.name=small_cnn",
    "model.pretrained=false",
    "data.image_size=32",
    "loader.batch_size=8",
    "loader.workers=0",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=1",
]


@pytest.fixture(scope="module")
def multilabel(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("multilabel")
    root = voc_tree(folder / "voc", train=24, val=30)
    return train("voc-multilabel", [f"data.root={root}", *SMALL], runs=folder / "runs")


@pytest.fixture(scope="module")
def classify(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("classify")
    root = class_tree(folder / "classes", train=8, val=10)
    return train("folder-classify", [f"data.root={root}", "task.top_k=2", *SMALL], runs=folder / "runs")


def table(evaluation: Evaluation) -> tuple[pl.DataFrame, np.ndarray, dict[str, Any]]:
    frame = evaluation.predictions()
    return frame, np.array(frame["scores"].to_list(), dtype=np.float32), evaluation.metrics()


def test_metrics_json(multilabel: Run, classify: Run) -> None:
    for run in (multilabel, classify):
        document = run.evaluation("val").metrics()
        assert list(document) == ["split", "n", "classes", "metrics", "per_class"]
        assert document["split"] == "val"
        assert list(document["per_class"]) == document["classes"] == ["blue", "green", "red"]
    found = multilabel.evaluation("val").metrics()
    assert list(found["metrics"]) == [
        "loss", "map", "map_11point", "micro_f1", "macro_f1", "accuracy", "tail_accuracy",
    ]  # fmt: skip
    assert list(found["per_class"]["red"]) == [
        "ap", "ap_11point", "n_positive", "n_negative", "n_ignored", "accuracy", "precision", "recall", "f1",
        "tail_accuracy",
    ]  # fmt: skip
    found = classify.evaluation("val").metrics()
    assert list(found["metrics"]) == [
        "loss", "accuracy", "top2_accuracy", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1", "map",
        "auroc",
    ]  # fmt: skip
    assert list(found["per_class"]["red"]) == [
        "n_positive", "n_predicted", "accuracy", "precision", "recall", "f1", "ap", "auroc",
    ]  # fmt: skip


def test_predictions_parquet(multilabel: Run, classify: Run) -> None:
    frame = multilabel.evaluation("val").predictions()
    assert dict(frame.schema) == {
        "image": pl.String,
        "targets": pl.List(pl.Int8),
        "scores": pl.List(pl.Float32),
        "loss": pl.Float32,
    }
    assert frame["image"][0] == "JPEGImages/val_000.jpg"
    assert set(np.array(frame["targets"].to_list()).ravel()) == {1, 0, -1}
    frame = classify.evaluation("val").predictions()
    assert dict(frame.schema) == {
        "image": pl.String,
        "target": pl.String,
        "prediction": pl.String,
        "scores": pl.List(pl.Float32),
        "loss": pl.Float32,
    }
    assert frame["image"][0] == "val/blue/blue0.png"


@pytest.fixture(scope="module", params=["a tree of tiny images", "scenes"])
def any_multilabel(request: pytest.FixtureRequest, multilabel: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return multilabel if request.param != "scenes" else scenes("scenes-multilabel", tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module", params=["a tree of tiny images", "scenes"])
def any_classify(request: pytest.FixtureRequest, classify: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return classify if request.param != "scenes" else scenes("scenes-classify", tmp_path_factory.mktemp("scenes"))


def scenes(preset: str, folder: Path) -> Run:
    settings = [f"data.root={folder / 'data'}", "data.scenes.train=160", "data.scenes.val=80", "data.scenes.size=32"]
    return train(preset, [*settings, *SMALL, "trainer.max_epochs=2"], runs=folder / "runs")


def test_multilabel_numbers_by_scikit_learn(any_multilabel: Run) -> None:
    frame, scores, document = table(any_multilabel.evaluation("val"))
    targets = np.array(frame["targets"].to_list())
    aps = []
    for c, name in enumerate(document["classes"]):
        valid = targets[:, c] >= 0
        aps.append(sk.average_precision_score(targets[valid, c], scores[valid, c]))
        assert document["per_class"][name]["ap"] == pytest.approx(aps[-1], abs=1e-6)
        assert document["per_class"][name]["n_ignored"] == (~valid).sum()
        f1 = sk.f1_score(targets[valid, c], scores[valid, c] > 0.5, zero_division=0)
        assert document["per_class"][name]["f1"] == pytest.approx(f1, abs=1e-6)
    assert document["metrics"]["map"] == pytest.approx(np.mean(aps), abs=1e-6)
    valid = targets >= 0
    micro = sk.f1_score(targets[valid], scores[valid] > 0.5, zero_division=0)
    assert document["metrics"]["micro_f1"] == pytest.approx(micro, abs=1e-6)
    loss = sk.log_loss(targets[valid], scores[valid].astype(np.float64))
    assert document["metrics"]["loss"] == pytest.approx(loss, abs=1e-5)
    assert np.average(frame["loss"].to_numpy(), weights=valid.sum(axis=1)) == pytest.approx(loss, abs=1e-5)


def test_classify_numbers_by_scikit_learn(any_classify: Run) -> None:
    frame, scores, document = table(any_classify.evaluation("val"))
    target, answer, classes = frame["target"].to_list(), frame["prediction"].to_list(), document["classes"]
    found = document["metrics"]
    assert answer == [classes[i] for i in scores.argmax(axis=1)]
    k = min(5, len(classes) - 1) if "top5_accuracy" in found else 2
    wanted = {
        "accuracy": sk.accuracy_score(target, answer),
        f"top{k}_accuracy": sk.top_k_accuracy_score(target, scores, k=k, labels=classes),
        "balanced_accuracy": sk.balanced_accuracy_score(target, answer),
        "macro_precision": sk.precision_score(target, answer, average="macro", zero_division=0, labels=classes),
        "macro_recall": sk.recall_score(target, answer, average="macro", zero_division=0, labels=classes),
        "macro_f1": sk.f1_score(target, answer, average="macro", zero_division=0, labels=classes),
        "auroc": sk.roc_auc_score(target, scores / scores.sum(1, keepdims=True), multi_class="ovr", labels=classes),
    }
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, abs=1e-6), name
    for c, name in enumerate(classes):
        ap = sk.average_precision_score(np.array(target) == name, scores[:, c])
        assert document["per_class"][name]["ap"] == pytest.approx(ap, abs=1e-6)


def test_another_tree_of_the_same_classes_gets_a_folder_of_its_own(classify: Run, tmp_path: Path) -> None:
    before = classify.evaluation("val").metrics()
    other = class_tree(tmp_path / "other tree", train=1, val=3)
    found = evaluate(classify, f"data.root={other}")
    assert found.name.startswith("val-other-tree-")
    assert found.metrics()["n"] == 9
    assert classify.evaluation("val").metrics() == before


def test_a_tree_with_an_unknown_class_is_refused(classify: Run, tmp_path: Path, saccade: Callable[..., Any]) -> None:
    other = class_tree(tmp_path / "other", train=1, val=1)
    (other / "val" / "red").rename(other / "val" / "rde")
    said = saccade("evaluate", classify.path, f"data.root={other}")
    assert said.code == 2
    assert "rde" in said.err
    assert "red" in said.err
    assert "Traceback" not in said.err


def test_a_moved_run_folder_still_works(classify: Run, tmp_path: Path, saccade: Callable[..., Any]) -> None:
    import shutil

    moved = tmp_path / "elsewhere" / "my run"
    shutil.copytree(classify.path, moved)
    assert saccade("evaluate", moved).code == 0
    assert saccade("report", moved).code == 0
    assert Run.open(moved).evaluation("val").metrics() == classify.evaluation("val").metrics()
