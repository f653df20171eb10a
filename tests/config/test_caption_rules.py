"""Rules about captions: what is set and means nothing is refused, with the key to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from saccade.config.load import load
from saccade.config.schema import Config
from saccade.errors import ConfigError

BASE = """
name: x
task: {name: caption}
data: {format: coco, root: coco}
model: {name: lstm}
"""
STORED = "data.features.path=features"
STAGE = ("task.loss=self_critical", "model.weights=best.ckpt", "model.head=keep")


def loaded(folder: Path, *overrides: str) -> Config:
    path = folder / "x.yaml"
    path.write_text(BASE)
    return load(path, overrides)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ["task.samples=3"],
            "task.samples (command line): is 3, which self_critical alone knows, and task.loss is cross",
        ),
        (["task.baseline=greedy"], "is greedy, which self_critical alone knows, and task.loss is cross_entropy; set"),
        (
            [*STAGE, "task.label_smoothing=0.1"],
            "is 0.1, which cross_entropy alone knows, and task.loss is self_critical",
        ),
        ([*STAGE, "task.scheduled_sampling=0.2"], "set task.scheduled_sampling=0"),
        ([*STAGE, "task.concepts=1"], "set task.concepts=0"),
        (["task.loss=self_critical"], "set model.weights to the checkpoint of a first stage, model.head=keep, and"),
        ([*STAGE[:2]], "task.loss (command line): is self_critical, which goes on from a network that can speak"),
        (["task.length_penalty=avg"], "is avg, which compares beams, and task.beam is 1; set task.beam=5 or"),
        (["task.samples=1", *STAGE], "task.samples"),
        (["task.beam=0"], "task.beam"),
        (["task.max_length=0"], "task.max_length"),
        (["task.min_count=0"], "task.min_count"),
        (["task.label_smoothing=1"], "task.label_smoothing"),
        (["task.vocabulary=[]"], "task.vocabulary"),
        (["task.beams=3"], "task.beam"),
        (
            [STORED, "task.concepts=1"],
            "task.concepts (command line): is 1.0, which is about model.encoder, and data.feat",
        ),
        ([STORED, "model.pretrained=true"], "model.pretrained (command line): is true, which is about model.encoder"),
        ([STORED, "model.freeze=backbone"], "model.freeze (command line): is backbone, which is about model.encoder"),
        (["model.pretrained=true", "model.head=keep"], "model.head (command line): is keep, and published weights are"),
        (["data.features.pretrained=true", "data.features.weights=a.pth"], "data.features.pretrained"),
        (["data.features.shape=[10]"], "data.features.shape"),
        (["data.features.pool=sum"], "data.features.pool"),
        (["data.captions=dataset.json"], "data.captions (command line): is dataset.json, and data.format is coco"),
        (
            ["data.format=voc"],
            "data.format (command line): is voc, and task.name is caption, which reads coco, karpathy",
        ),
        (["data.image_size=[32,40]"], "data.image_size (command line): is [32, 40], which task.name=caption does not"),
        (["data.folds=3"], "data.folds (command line): is 3, which task.name=caption does not know"),
        (["data.augment.mixup=0.2"], "data.augment.mixup (command line): is 0.2, which task.name=caption does not"),
        (["data.classes=[a, b]"], "data.classes (command line): is ['a', 'b'], which task.name=caption does not know"),
        (["model.width=8"], "model.width (command line): is 8, which task.name=caption does not know"),
        (["loader.sampler=balanced"], "loader.sampler (command line): is balanced, which draws by the one class"),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, overrides: list[str], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, *overrides)
    assert said in str(refused.value)


@pytest.mark.parametrize("key", ["layers=2", "embedding=8", "hidden=8"])
def test_what_other_tasks_do_not_know(key: str) -> None:
    name = key.partition("=")[0]
    with pytest.raises(ConfigError, match=rf"model\.{name} \(command line\): is \w+, which task\.name=classify does"):
        loaded_classify(f"model.{key}")


@pytest.mark.parametrize("key", ["data.images=x", "data.features.path=x"])
def test_data_that_other_tasks_do_not_know(key: str) -> None:
    with pytest.raises(ConfigError, match=r"which task\.name=classify does not know"):
        loaded_classify(key)


def loaded_classify(*overrides: str) -> Config:
    return load("folder-classify", overrides)


def test_paths_are_relative_to_where_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    found = loaded(tmp_path, "task.vocabulary=words.json", STORED)
    assert found.task.vocabulary == tmp_path / "here" / "words.json"  # type: ignore[union-attr]
    assert found.data.features.path == tmp_path / "here" / "features"
    assert found.data.root == tmp_path / "coco"
    words = loaded(tmp_path, "task.vocabulary=[<pad>, <start>, <unk>, <end>, no]")
    assert words.task.vocabulary == ("<pad>", "<start>", "<unk>", "<end>", "no")  # type: ignore[union-attr]
