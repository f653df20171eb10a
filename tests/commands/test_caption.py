"""Captioning from files to files: what is scored is what is said, from images and from stored features."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import timm
import torch
import yaml

from saccade.commands.evaluate import evaluate
from saccade.commands.predict import predict
from saccade.commands.resume import resume
from saccade.commands.score import score_captions
from saccade.commands.train import train
from saccade.data.feature_writer import FeatureWriter
from saccade.engine import checkpoint
from saccade.engine.module import Module
from saccade.errors import CheckpointError
from saccade.metrics.captions.meteor import Meteor
from saccade.metrics.captions.scores import caption_scores
from saccade.nn.small import SmallCNN
from saccade.runs import Evaluation, Run
from tiny_meteor import tiny_tables
from trees import caption_tree

Saccade = Callable[..., Any]
SETTINGS = [
    "task.min_count=1",
    "task.max_length=6",
    "data.format=coco",
    "data.image_size=32",
    "data.resize=squash",
    "data.holdout=0.25",
    "data.normalize=imagenet",
    "model.name=attention",
    "model.layers=null",
    "task.concepts=0",
    "model.embedding=8",
    "model.hidden=16",
    "loader.batch_size=4",
    "loader.workers=0",
    "trainer.accelerator=cpu",
    "trainer.monitor=metric",
    "trainer.max_epochs=1",
]
KEYS = ["loss", "bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "cider"]


pytestmark = pytest.mark.usefixtures("without_meteor")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return caption_tree(tmp_path / "coco", val=5)


@pytest.fixture
def trained(tmp_path: Path, root: Path) -> Callable[..., Run]:
    def start(*overrides: str, name: str = "run") -> Run:
        given = [f"data.root={root}", *SETTINGS, *overrides]
        return train("scenes-caption", given, runs=tmp_path / "runs", name=name)

    return start


def karpathy_tree(root: Path) -> Path:
    """The images of a COCO tree, described in one file; those of its training split are train and restval."""
    images = []
    for split in ("train", "val"):
        document = json.loads((root / "captions" / f"captions_{split}.json").read_text())
        for picture in document["images"]:
            raw = [a["caption"] for a in document["annotations"] if a["image_id"] == picture["id"]]
            images.append(
                {
                    "filename": picture["file_name"],
                    "filepath": split,
                    "cocoid": picture["id"] + 100 * len(split),
                    "split": "restval" if picture["id"] == 3 and split == "train" else split,
                    "sentences": [{"raw": text, "tokens": text.rstrip(".").split()} for text in raw],
                }
            )
    (root / "dataset_tiny.json").write_text(json.dumps({"images": images, "dataset": "tiny"}))
    return root


def features_of(root: Path, folder: Path, *, shape: tuple[int, ...] = (3, 4), boxes: bool = False) -> Path:
    """Stored features of a COCO tree: the mean colour of each image in its regions, in places that say which region."""
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        names = [f"{split}/{path.name}" for path in sorted((root / split).iterdir())]
        with FeatureWriter(folder / f"{split}.npy", names, shape, made={"source": "a test"}, boxes=boxes) as writer:
            where = np.tile(np.float32([0, 0, 0.5, 0.25]), (len(names), shape[0], 1)) if boxes else None
            writer.write(rng.random((len(names), *shape), dtype=np.float32), where)
    return folder


def references_file(path: Path, rows: pl.DataFrame, ids: list[int]) -> Path:
    """What was scored, as a COCO captions file."""
    annotations = [
        {"id": 10 * i + k, "image_id": i, "caption": text}
        for i, texts in zip(ids, rows["references"].to_list(), strict=True)
        for k, text in enumerate(texts)
    ]
    path.write_text(json.dumps({"annotations": annotations}))
    return path


def said(evaluation: Evaluation) -> list[str]:
    captions: list[str] = evaluation.predictions()["caption"].to_list()
    return captions


def weights(run: Run, name: str = "last.ckpt") -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = checkpoint.load(run.checkpoints / name)["state_dict"]
    return found


@pytest.mark.parametrize(
    "source",
    [
        "coco",
        pytest.param("karpathy", marks=pytest.mark.slow),
        "scenes",
        "features",
        pytest.param("boxes", marks=pytest.mark.slow),
    ],
)
def test_every_number_is_that_of_what_was_said(
    trained: Callable[..., Run], root: Path, tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    meteor = Meteor(tiny_tables(tmp_path))
    monkeypatch.setattr(Meteor, "load", classmethod(lambda cls, cache: meteor))
    scenes = ["data.format=scenes", f"data.root={tmp_path / 'scenes'}", "data.scenes={train: 12, val: 5, size: 32}"]
    settings = {
        "karpathy": ["data.format=karpathy"],
        "scenes": [*scenes, "data.normalize=measured"],
        "features": [f"data.features.path={tmp_path / 'features'}"],
        "boxes": [f"data.features.path={tmp_path / 'features'}"],
    }
    karpathy_tree(root)
    features_of(root, tmp_path / "features", boxes=source == "boxes")
    run = trained(*settings.get(source, []))
    val = run.evaluation("val")
    document, rows = val.metrics(), val.predictions()
    # of predictions.parquet
    assert rows.columns == [
        *("image", "references"),
        *(["boxes"] if source == "boxes" else []),
        *("caption", "attention", "bleu4", "meteor", "rouge_l", "cider", "loss"),
    ]
    found = caption_scores(rows["caption"].to_list(), rows["references"].to_list(), meteor=meteor)
    numbers = dict(document["metrics"])
    loss = numbers.pop("loss")
    assert numbers == found.metrics
    assert {name: rows[name].to_list() for name in found.per_image} == found.per_image
    assert (document["n"], document["classes"], document["per_class"]) == (5, [], {})
    # of saccade score, with the data set's own references
    results = json.loads((val.path / "captions.json").read_text())
    ids = [result["image_id"] for result in results]
    assert ids == {"karpathy": [300 + i for i in range(5)]}.get(source, ids)
    own = {
        "karpathy": lambda: references_file(tmp_path / "references.json", rows, ids),
        "scenes": lambda: tmp_path / "scenes" / "captions" / "captions_val.json",
    }.get(source, lambda: root / "captions" / "captions_val.json")()
    assert score_captions(val.path / "captions.json", own).metrics == pytest.approx(numbers, abs=1e-12)
    assert rows["loss"].min() <= loss <= rows["loss"].max()  # type: ignore[operator]
    # attention has a row for each word
    regions = 3 if source in ("features", "boxes") else 4 * 4
    for caption, looked in rows.select("caption", "attention").iter_rows():
        assert len(looked) == len(caption.split(" ")) if caption else not looked
        assert all(len(of_word) == regions and sum(of_word) == pytest.approx(1, abs=1e-5) for of_word in looked)
    about = val.about()
    kind = {"features": "boxes"}.get(source, source if source == "boxes" else "grid")
    assert about["regions"]["kind"] == kind
    assert set(about["pooling"]) == set(document["metrics"])


def test_what_stands_in_the_run_folder(trained: Callable[..., Run], root: Path) -> None:
    run = trained()
    words = json.loads((run.path / "vocabulary.json").read_text())["words"]
    assert words[:4] == ["<pad>", "<start>", "<unk>", "<end>"]
    # 18 times in the captions of the 9 images that are learned from; equally frequent ones by alphabet
    assert words[4:7] == ["a", "is", "square"]
    assert sorted(words[7:]) == ["blue", "green", "red", "that", "there"]
    config = yaml.safe_load(run.config_file.read_text())
    assert config["task"]["vocabulary"] == "vocabulary.json"
    assert str(root) not in run.config_file.read_text()
    data = run.environment()["data"]
    assert {name: split["n"] for name, split in data["splits"].items()} == {"train": 9, "holdout": 3, "val": 5}
    assert all(split["classes"] == {} for split in data["splits"].values())
    assert run.environment()["selection"]["metric"] == "cider"
    assert list(run.epochs()[0]["holdout"]) == KEYS
    assert checkpoint.load(run.checkpoints / "best.ckpt")["saccade"]["outputs"] == words
    assert not list(run.path.rglob("*.tmp"))
    again = train(run.config_file, [], runs=run.path.parent.parent, name="again")
    assert again.metrics_file.read_text() == run.metrics_file.read_text()


@pytest.mark.parametrize("stored", [False, True])
def test_a_run_folder_that_was_moved_still_opens(
    trained: Callable[..., Run], root: Path, tmp_path: Path, stored: bool
) -> None:
    settings = [f"data.features.path={features_of(root, tmp_path / 'features')}"] if stored else []
    run = trained(*settings)
    before = run.evaluation("val")
    numbers, captions = before.metrics(), said(before)
    (tmp_path / "far" / "away").mkdir(parents=True)
    moved = Run.open(shutil.move(run.path, tmp_path / "far" / "away" / "it"))
    assert evaluate(moved).metrics() == numbers
    assert said(moved.evaluation("val")) == captions
    if stored:
        shutil.move(tmp_path / "features", tmp_path / "elsewhere")
        assert evaluate(moved, f"data.features.path={tmp_path / 'elsewhere'}").metrics() == numbers


def test_the_last_checkpoint_and_other_searches_are_scored_in_folders_of_their_own(
    trained: Callable[..., Run],
) -> None:
    run = trained("trainer.max_epochs=2")
    before = run.evaluation("val").metrics()
    last = evaluate(run, checkpoint="last")
    assert (last.name, last.about()["epoch"]) == ("val-last", 2)
    searched = evaluate(run, "task.beam=3", "task.length_penalty=avg")
    assert searched.name == "val-beam-3-length_penalty-avg"
    assert searched.about()["decoding"]["beam"] == 3
    assert searched.metrics()["metrics"]["loss"] == before["metrics"]["loss"]
    short = evaluate(run, "task.max_length=2")
    assert short.name == "val-max_length-2"
    assert max(len(caption.split(" ")) for caption in said(short)) <= 2
    assert run.evaluation("val").metrics() == before


@pytest.mark.parametrize("name", ["updown", pytest.param("transformer", marks=pytest.mark.slow)])
def test_numbers_do_not_depend_on_batches_or_workers(trained: Callable[..., Run], name: str) -> None:
    run = trained(f"model.name={name}", *(["model.embedding=null"] if name == "transformer" else []))
    once = run.evaluation("val")
    rows = once.predictions()
    again = evaluate(run, "loader.batch_size=2", "loader.workers=2")
    assert said(again) == said(once)
    assert again.predictions()["loss"].to_list() == pytest.approx(rows["loss"].to_list(), abs=1e-5)
    assert again.metrics()["metrics"] == pytest.approx(once.metrics()["metrics"], abs=1e-5)


def assert_equal_runs(one: Run, other: Run) -> None:
    assert one.metrics_file.read_text() == other.metrics_file.read_text()
    a, b = weights(one), weights(other)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[key], b[key]) for key in a)
    assert one.evaluation("val").predictions().equals(other.evaluation("val").predictions())


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["scheduled sampling", "self-critical"])
def test_a_stopped_run_goes_on_to_the_same_bits_with_any_number_of_workers(
    trained: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    if stage == "self-critical":
        first = trained("model.name=lstm", name="first")
        settings = [*second_stage(first), "model.name=lstm", "trainer.max_epochs=2", "optim.schedule=constant"]
        where = 1
    else:
        settings = ["model.name=lstm", "task.scheduled_sampling=0.5", "task.chunk=3", "trainer.max_epochs=7"]
        where = 6
    whole = trained(*settings)
    with monkeypatch.context() as patch:
        original = Module.training_step

        def stop(self: Module, batch: Any, batch_idx: int) -> Any:
            if self.current_epoch == where and batch_idx == 1:
                raise RuntimeError("the power failed")
            return original(self, batch, batch_idx)

        patch.setattr(Module, "training_step", stop)
        with pytest.raises(RuntimeError, match="the power failed"):
            trained(*settings, "loader.workers=2", name="stopped")
    assert_equal_runs(whole, resume(tmp_path / "runs" / "stopped" / "001"))


def second_stage(first: Run) -> list[str]:
    return [
        "task.loss=self_critical",
        f"task.vocabulary={first.path / 'vocabulary.json'}",
        f"model.weights={first.checkpoints / 'best.ckpt'}",
        "model.head=keep",
    ]


def test_a_second_stage_begins_where_the_first_one_ended(trained: Callable[..., Run]) -> None:
    first = trained("trainer.max_epochs=3", "optim.lr=0.02", "task.concepts=1")
    begun = trained(*second_stage(first), "trainer.max_epochs=0", name="begun")
    assert begun.evaluation("val").metrics() == first.evaluation("val").metrics()
    assert said(begun.evaluation("val")) == said(first.evaluation("val"))
    second = trained(*second_stage(first), "task.baseline=greedy", "task.samples=2", name="second")
    a, b = weights(first, "best.ckpt"), weights(second)
    assert a.keys() - b.keys() == {"network.concepts.weight", "network.concepts.bias"}
    assert not torch.equal(a["network.captioner.output.weight"], b["network.captioner.output.weight"])
    assert (second.path / "vocabulary.json").read_bytes() == (first.path / "vocabulary.json").read_bytes()
    assert yaml.safe_load(second.config_file.read_text())["task"]["vocabulary"] == "vocabulary.json"


def test_weights_of_other_words_are_refused(trained: Callable[..., Run], tmp_path: Path) -> None:
    first = trained(name="first")
    words = json.loads((first.path / "vocabulary.json").read_text())["words"]
    words[4], words[5] = words[5], words[4]
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"words": words}))
    other = trained(f"task.vocabulary={path}", name="other")
    told = f"12 there, 12 here; number 5 is '{words[5]}' there, '{words[4]}' here"
    with pytest.raises(CheckpointError) as refused:
        trained(*second_stage(first), f"task.vocabulary={path}", name="second")
    assert f"model.weights: {first.checkpoints / 'best.ckpt'} knows other words than this training ({told})" in str(
        refused.value
    )
    assert "set task.vocabulary to the vocabulary.json" in str(refused.value)
    with pytest.raises(CheckpointError, match=r"the checkpoint's outputs is <pad>, .* run's outputs is <pad>, "):
        evaluate(other, checkpoint=first.checkpoints / "best.ckpt")
    del words[-1]
    path.write_text(json.dumps({"words": words}))
    with pytest.raises(CheckpointError, match=r"knows other words than this training \(12 there, 11 here; number 5"):
        trained(*second_stage(first), f"task.vocabulary={path}", name="second")


def test_files_are_described_as_the_split_was(trained: Callable[..., Run], root: Path) -> None:
    run = trained("trainer.max_epochs=6", "optim.lr=0.02")
    rows = run.evaluation("val").predictions()
    answers = predict(run, [str(root / name) for name in rows["image"]])
    assert answers.table.columns == ["image", "caption", "attention"]
    assert answers.table["caption"].to_list() == rows["caption"].to_list()
    for looked, scored in zip(answers.table["attention"], rows["attention"], strict=True):
        assert np.array(looked.to_list()) == pytest.approx(np.array(scored.to_list()), abs=1e-5)
    assert pl.read_parquet(answers.file).equals(answers.table)


@pytest.mark.slow
def test_features_are_made_in_training_and_again_of_files(
    trained: Callable[..., Run], root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "weights.pth")
    features = {"path": "features", "network": "test_resnet", "weights": "weights.pth"}
    monkeypatch.chdir(tmp_path)
    run = trained(f"data.features={json.dumps(features)}", "data.image_size=64", "trainer.max_epochs=4")
    assert sorted(path.name for path in (tmp_path / "features").glob("*.npy")) == ["train.npy", "val.npy"]
    val = run.evaluation("val")
    assert val.about()["regions"] == {"kind": "grid", "height": 2, "width": 2, "resize": "squash", "resize_crop": 0.875}
    rows = val.predictions()
    answers = predict(run, [str(root / name) for name in rows["image"]])
    assert answers.table["caption"].to_list() == rows["caption"].to_list()
    for looked, scored in zip(answers.table["attention"], rows["attention"], strict=True):
        assert np.array(looked.to_list()) == pytest.approx(np.array(scored.to_list()), abs=1e-4)
    assert yaml.safe_load(run.config_file.read_text())["data"]["features"]["shape"] == [4, 96]


@pytest.mark.slow
def test_an_unreadable_image_is_left_out_of_features_too(
    trained: Callable[..., Run], root: Path, tmp_path: Path
) -> None:
    (root / "train" / "train_000.jpg").write_bytes(b"no image")
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "weights.pth")
    features = {"path": str(tmp_path / "features"), "network": "test_resnet", "weights": str(tmp_path / "weights.pth")}
    settings = [f"data.features={json.dumps(features)}", "data.image_size=64", "data.on_error=skip"]
    run = trained(*settings, "trainer.max_epochs=0")
    assert run.environment()["data"]["skipped"] == ["train/train_000.jpg"]
    assert {name: split["n"] for name, split in run.environment()["data"]["splits"].items()} == {
        **{"train": 8, "holdout": 3, "val": 5}
    }
    assert evaluate(run, split="train").metrics()["n"] == 8


def test_what_debugging_takes(trained: Callable[..., Run], tmp_path: Path) -> None:
    run = trained("trainer.fast_dev_run=true")
    assert not run.path.exists()
    untrained = trained("trainer.max_epochs=0", name="untrained")
    assert untrained.epochs() == []
    assert untrained.evaluation("val").metrics()["n"] == 5
    few = trained("trainer.limit_batches=1", name="few")
    assert len(few.epochs()) == 1


@pytest.mark.slow
def test_captions_are_learned_by_heart(trained: Callable[..., Run]) -> None:
    run = trained(
        *("trainer.overfit_batches=1", "trainer.max_epochs=40", "trainer.check_val_every_n_epoch=10"),
        *("optim.lr=0.01", "optim.schedule=constant", "task.max_length=10"),
        *("model.name=gru", "model.hidden=64", "model.embedding=32"),
    )
    assert run.environment()["data"]["splits"]["train"]["n"] == 4
    losses = [row["train"]["loss"] for row in run.epochs()]
    assert losses[-1] < 0.2 * losses[0]
    assert run.environment()["selection"]["split"] == "overfit"
    assert run.environment()["selection"]["best"] > 2
    assert len(set(said(evaluate(run, split="train")))) > 1


# Commands that look at data or networks


def test_the_summary_counts_words(saccade: Saccade, trained: Callable[..., Run], root: Path, tmp_path: Path) -> None:
    plain = [f"data.root={root}", *SETTINGS]
    seen = saccade("summary", "scenes-caption", *plain, "--json")
    assert seen.code == 0, seen.err
    found = json.loads(seen.out)
    run = trained("trainer.max_epochs=0")
    assert found["parameters"] == run.environment()["model"]["parameters"]
    assert found["output"][-1] == 12
    assert not list(tmp_path.glob("summary*"))
    nowhere = [*SETTINGS, f"data.root={tmp_path / 'none'}"]
    said = saccade("summary", "scenes-caption", *nowhere, "--classes", "12", "--json")
    assert json.loads(said.out)["parameters"] == found["parameters"]
    said = saccade("summary", "scenes-caption", *nowhere, f"task.vocabulary={run.path / 'vocabulary.json'}", "--json")
    assert json.loads(said.out)["parameters"] == found["parameters"]
    said = saccade("summary", "scenes-caption", *nowhere)
    assert said.code == 2
    assert "--classes NUMBER says how many words there are" in said.err
    stored = [*nowhere, "data.features.path=nothing", "--classes", "12"]
    said = saccade("summary", "scenes-caption", *stored)
    assert said.code == 2
    assert "data.features.shape=[REGIONS, NUMBERS]" in said.err
    assert "--classes NUMBER" not in said.err
    said = saccade("summary", "scenes-caption", *stored, "data.features.shape=[10, 7]")
    assert said.code == 0, said.err
    said = saccade("summary", "scenes-caption", *nowhere, "--classes", "4")
    assert said.code == 2
    assert "--classes: is 4" in said.err
    features = features_of(root, tmp_path / "features")
    said = saccade("summary", "scenes-caption", *plain, f"data.features.path={features}", "--json")
    assert json.loads(said.out)["input"] == [3, 4]


def test_a_learning_rate_is_found(saccade: Saccade, root: Path, tmp_path: Path) -> None:
    found = saccade(
        "find-lr", "scenes-caption", f"data.root={root}", *SETTINGS, "model.name=rnn", "--runs", tmp_path / "runs"
    )
    assert found.code == 0, found.err
    assert 1e-7 < float(re.search(r"optim\.lr=(\S+)", found.out)[1]) < 1  # type: ignore[index]
    stage = ["task.loss=self_critical", "model.weights=x.ckpt", "model.head=keep"]
    refused = saccade("find-lr", "scenes-caption", f"data.root={root}", *SETTINGS, *stage)
    assert refused.code == 2
    assert "task.loss: is self_critical, whose loss is about 0" in refused.err


def test_captions_are_counted(saccade: Saccade, root: Path) -> None:
    checked = saccade("data", "check", "scenes-caption", f"data.root={root}", *SETTINGS)
    assert checked.code == 0, checked.out + checked.err
    for table in (checked.out, saccade("data", "stats", "scenes-caption", f"data.root={root}", *SETTINGS).out):
        rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in table.splitlines() if "│" in line]
        counts = {row[0]: row[1:] for row in rows if len(row) == 6}
        # "a red square ." and "there is a square that is red", 3 and 7 words
        assert counts["val"] == ["5", "10", "2, 2, 2", "3, 5, 7", "8"]
    assert "class" not in checked.out
    (root / "val" / "val_001.jpg").write_bytes(b"")
    broken = saccade("data", "check", "scenes-caption", f"data.root={root}", *SETTINGS)
    assert broken.code == 1
    assert "val/val_001.jpg" in broken.out


@pytest.mark.parametrize("name", ["small_cnn", "test_resnet"])
def test_an_encoder_starts_from_weights_of_a_classifier(trained: Callable[..., Run], tmp_path: Path, name: str) -> None:
    """The head that told classes is left out, and every other weight is taken over."""
    torch.manual_seed(1)
    source = SmallCNN(7).features if name == "small_cnn" else timm.create_model(name, features_only=True)
    whole = SmallCNN(7) if name == "small_cnn" else timm.create_model(name)
    path = tmp_path / "classifier.pth"
    torch.save(whole.state_dict(), path)
    run = trained(f"model.encoder={name}", f"model.weights={path}", "trainer.max_epochs=0", "data.image_size=64")
    prefix = "network.encoder." if name == "small_cnn" else "network.encoder.body."
    mine = {key.removeprefix(prefix): value for key, value in weights(run).items() if key.startswith(prefix)}
    assert mine.keys() == source.state_dict().keys()
    theirs = whole.features.state_dict() if name == "small_cnn" else whole.state_dict()
    assert all(torch.equal(value, theirs[key]) for key, value in mine.items())
