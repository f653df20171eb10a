"""What people get wrong with captions: one clear message, exit code 2, no run folder, nothing computed before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch

from saccade.data.feature_writer import FeatureWriter
from trees import caption_tree

Saccade = Callable[..., Any]
SETTINGS = [
    *("task.min_count=1", "data.format=coco", "data.image_size=32", "data.holdout=0.25", "data.normalize=imagenet"),
    *(
        "model.name=attention",
        "model.layers=null",
        "task.concepts=0",
        "model.embedding=8",
        "model.hidden=16",
        "loader.batch_size=4",
        "loader.workers=0",
        "trainer.accelerator=cpu",
    ),
    "trainer.max_epochs=1",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return caption_tree(tmp_path / "coco")


@pytest.fixture
def refused(saccade: Saccade, root: Path, tmp_path: Path) -> Callable[..., str]:
    def train(*settings: str) -> str:
        given = [f"data.root={root}", *SETTINGS, *settings, "--runs", tmp_path / "runs"]
        said = saccade("train", "scenes-caption", *given)
        assert said.code == 2, (said.out, said.err)
        assert "Traceback" not in said.err
        assert said.out == ""
        assert not (tmp_path / "runs").exists()
        return str(said.err)

    return train


def features(folder: Path, *, splits: tuple[str, ...] = ("train", "val"), shape: tuple[int, ...] = (3, 4)) -> str:
    for split in splits:
        names = [f"{split}/{split}_{i:03d}.jpg" for i in range({"train": 12, "val": 2}[split])]
        with FeatureWriter(folder / f"{split}.npy", names, shape, made={"source": "x"}) as writer:
            writer.write(np.ones((len(names), *shape)))
    return f"data.features.path={folder}"


def test_the_wrong_root(refused: Callable[..., str], root: Path, tmp_path: Path) -> None:
    assert f"data.root: {tmp_path / 'none'} is not a folder" in refused(f"data.root={tmp_path / 'none'}")
    said = refused(f"data.root={root / 'captions'}")  # the folder of the JSON files
    assert "no image 'train_000.jpg', the first of split train, in any of" in said
    assert "set data.images to the folder of the images" in said


def test_no_captions(refused: Callable[..., str], root: Path) -> None:
    said = refused(f"data.root={root / 'train'}")  # the folder of the images
    assert "no file captions/captions_train.json or annotations/captions_train.json or captions_train.json; set" in said


def test_a_split_by_another_name(refused: Callable[..., str], root: Path) -> None:
    said = refused("data.train=train2017")
    assert "no file captions/captions_train2017.json" in said
    assert "it has captions of the splits 'train', 'val', which data.train, data.val and --split may name" in said
    assert "captions_vla.json" in refused("data.val=vla")


def test_captions_that_do_not_hold(refused: Callable[..., str], root: Path) -> None:
    path = root / "captions" / "captions_train.json"
    document = json.loads(path.read_text())
    document["annotations"][3]["caption"] = " "
    path.write_text(json.dumps(document))
    assert f"{path}: annotations[3] has an empty caption, of image 1" in refused()
    path.write_text("{")
    assert f"{path}:1: not well-formed JSON" in refused()
    path.write_text("[]")
    assert "captions_train.json" in refused()


def test_karpathy(refused: Callable[..., str], root: Path) -> None:
    assert "takes one dataset_<name>.json, and there is none; set data.captions" in refused("data.format=karpathy")
    assert f"{root / 'x.json'}: no such file" in refused("data.format=karpathy", "data.captions=x.json")
    for name in ("a", "b"):
        (root / f"dataset_{name}.json").write_text("{}")
    assert "and there is 2: 'dataset_a.json', 'dataset_b.json'; set data.cap" in refused("data.format=karpathy")


def test_networks(refused: Callable[..., str]) -> None:
    assert "no captioning network is called 'atention'; did you mean attention?" in refused("model.name=atention")
    assert "'resnet18'; choose one of rnn, gru, gru_torch, lstm, attention" in refused("model.name=resnet18")
    assert "model.encoder: no encoder is called 'resnt18'; did you mean resnet18" in refused("model.encoder=resnt18")
    assert "set model.layers=2 or more" in refused("model.layers=1")
    assert "set model.hidden=16" in refused("model.name=transformer", "model.embedding=null", "model.hidden=12")


def test_a_network_is_refused_before_features_are_made(refused: Callable[..., str], tmp_path: Path) -> None:
    """Which takes hours, of 100,000 images."""
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "a.pth")
    made = {"path": str(tmp_path / "f"), "network": "test_resnet", "weights": str(tmp_path / "a.pth")}
    for mistake, said in (
        ("model.name=atention", "did you mean attention?"),
        (f"task.vocabulary={tmp_path / 'none.json'}", "none.json: no such file"),
        ("task.vocabulary=[a, dog]", "task.vocabulary: found a list of 2 words"),
        (f"model.weights={tmp_path / 'none.ckpt'}", "none.ckpt not found"),
    ):
        assert said in refused(f"data.features={json.dumps(made)}", mistake)
        assert not (tmp_path / "f").exists()


def test_features(refused: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "features"
    said = refused(f"data.features.path={folder}")
    assert "fasterrcnn_resnet50_fpn_v2 has random weights, whose features are worth nothing; set data.fe" in said
    stored = features(folder)
    said = refused(stored, "data.features.shape=[10, 4]")
    assert "train.npy: has 3 x 4 features of an image, and the network takes 10 x 4" in said
    (folder / "train.npy").write_bytes(b"")
    assert "train.npy: cannot be read as an array" in refused(stored)


def test_features_of_other_images(refused: Callable[..., str], root: Path, tmp_path: Path) -> None:
    stored = features(tmp_path / "features")
    path = root / "captions" / "captions_train.json"
    document = json.loads(path.read_text())
    document["images"].append({"id": 99, "file_name": "new.jpg"})
    document["annotations"].append({"id": 99, "image_id": 99, "caption": "new"})
    path.write_text(json.dumps(document))
    assert "train.npy: has no features of 1 image of 13, among them 'train/new.jpg'" in refused(stored)


def test_features_whose_splits_have_other_shapes(refused: Callable[..., str], tmp_path: Path) -> None:
    folder = tmp_path / "features"
    features(folder, splits=("train",))
    stored = features(folder, splits=("val",), shape=(5, 4))
    assert "val.npy: has 5 x 4 features of an image, and the network takes 3 x 4" in refused(stored)


def test_words(refused: Callable[..., str], tmp_path: Path) -> None:
    said = refused("task.min_count=100")
    assert "task.min_count: no word occurs 100 times in 18 captions of 8 distinct words; lower task.min_count" in said
    path = tmp_path / "words.json"
    path.write_text('{"words": ["<pad>", "<start>", "<unk>", "<end>", "a dog"]}')
    assert "words[4] is 'a dog'; it takes one word" in refused(f"task.vocabulary={path}")
    path.write_text('["a"]')
    assert str(path) in refused(f"task.vocabulary={path}")


def test_weights(refused: Callable[..., str], tmp_path: Path) -> None:
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "a.pth")
    weights = f"model.weights={tmp_path / 'a.pth'}"
    said = refused(weights)  # those of an encoder, but of another
    assert f"model.weights: {tmp_path / 'a.pth'} does not fit the network; choose the model.encoder that it" in said
    assert "to load all weights of a caption network, set model.head=keep" in said
    assert "does not fit the network" in refused(weights, "model.head=keep")
    said = refused(weights, features(tmp_path / "features"))
    assert "would be for model.encoder, and data.features.path says that there is none" in said


def test_without_its_tables_meteor_is_left_out_and_a_message_says_so(
    saccade: Saccade, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pycocoevalcap" else find(name))
    given = [f"data.root={root}", *SETTINGS, "--runs", tmp_path / "runs"]
    said = saccade("train", "scenes-caption", *given)
    assert said.code == 0, said.err
    assert "without METEOR: " in said.err
    assert "saccade[captions]" in said.err
    numbers = json.loads((tmp_path / "runs/scenes-caption/001/evaluation/val/metrics.json").read_text())
    assert list(numbers["metrics"]) == ["loss", "bleu1", "bleu2", "bleu3", "bleu4", "rouge_l", "cider"]
    predicted = saccade("predict", tmp_path / "runs/scenes-caption/001", root / "val")
    assert predicted.code == 0, predicted.err
    assert "METEOR" not in predicted.err


def test_an_image_that_cannot_be_read(
    refused: Callable[..., str], saccade: Saccade, root: Path, tmp_path: Path
) -> None:
    (root / "train" / "train_002.jpg").write_bytes(b"x")
    given = [f"data.root={root}", *SETTINGS, "data.holdout=0", "--runs", tmp_path / "runs"]
    said = saccade("train", "scenes-caption", *given)
    assert said.code == 2
    assert str(root / "train" / "train_002.jpg") in said.err
    assert "data.on_error=skip" in said.err
