"""``saccade data features`` by the command line, on a tiny tree in COCO's layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from saccade.data.feature_files import FeatureFile
from saccade.tasks.image_features import ImageFeatures
from trees import caption_tree

Saccade = Callable[..., Any]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Twelve training and two validation images, features of a map with weights of a file beside the config."""
    caption_tree(tmp_path / "coco")
    torch.manual_seed(0)
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "weights.pth")
    text = """
        name: tiny
        task: {name: caption}
        data:
          format: coco
          root: coco
          image_size: 64
          features: {path: features, network: test_resnet, weights: weights.pth}
        loader: {workers: 0, batch_size: 4}
        trainer: {accelerator: cpu}
        """
    (tmp_path / "tiny.yaml").write_text(text)
    return tmp_path / "tiny.yaml"


def test_every_split_gets_a_file(config: Path, saccade: Saccade) -> None:
    said = saccade("data", "features", config)
    assert said.code == 0, said.err
    folder = config.parent / "features"
    written = f"{folder / 'train.npy'}, {folder / 'val.npy'}: 14 images, 4 x 96 float16 of each, 11.0 kB, "
    assert said.out.startswith(written)
    assert said.out.endswith(" s\n")
    assert [len(FeatureFile(folder / f"{split}.npy").names) for split in ("train", "val")] == [12, 2]
    again = saccade("data", "features", config)
    assert again.out == f"{written}all there already\n"


def test_stopped_by_ctrl_c(config: Path, saccade: Saccade, monkeypatch: pytest.MonkeyPatch) -> None:
    really, seen = ImageFeatures.regions, []

    def stopping(self: ImageFeatures, image: torch.Tensor, size: torch.Tensor) -> Any:
        seen.append(len(image))
        if len(seen) == 3:
            raise KeyboardInterrupt
        return really(self, image, size)

    monkeypatch.setattr(ImageFeatures, "regions", stopping)
    stopped = saccade("data", "features", config)
    assert stopped.code == 130
    assert "stopped; the same command goes on after the images that are done" in stopped.err
    again = saccade("data", "features", config)
    assert again.code == 0
    assert "train.npy: going on after 8 of 12 images" in again.err.replace("\n", " ")
    assert seen == [4, 4, 4, 4, 2]


def test_a_test_split_that_is_there_gets_one_too(config: Path, saccade: Saccade) -> None:
    captions = config.parent / "coco" / "captions"
    (captions / "captions_test.json").write_bytes((captions / "captions_val.json").read_bytes())
    (config.parent / "coco" / "val").rename(config.parent / "coco" / "JPEGImages")
    said = saccade("data", "features", config)
    assert said.code == 0, said.err
    files = sorted(path.name for path in (config.parent / "features").glob("*.npy"))
    assert files == ["test.npy", "train.npy", "val.npy"]


def test_verify(config: Path, saccade: Saccade) -> None:
    nothing = saccade("data", "features", config, "--verify")
    assert nothing.code == 2
    assert "no features in it" in nothing.err
    saccade("data", "features", config)
    folder = config.parent / "features"
    assert saccade("data", "features", config, "--verify").out == "".join(
        f"{folder / split}.npy: as it was written\n" for split in ("train", "val")
    )
    raw = bytearray((folder / "val.npy").read_bytes())
    raw[-1] ^= 1
    (folder / "val.npy").write_bytes(raw)
    said = saccade("data", "features", config, "--verify")
    assert said.code == 2
    assert "val.npy: its checksum is not that of its index" in said.err


def test_features_of_others_are_converted(config: Path, saccade: Saccade) -> None:
    for split, n in (("train", 12), ("val", 2)):
        (config.parent / "coco" / "theirs").mkdir(exist_ok=True)
        np.save(config.parent / "coco" / "theirs" / f"{split}.npy", np.ones((n, 5, 7)))
    settings = ["data.features.source=theirs/{split}.npy", "data.features.weights=null"]
    said = saccade("data", "features", config, *settings)
    assert said.code == 0, said.err
    assert "14 images, 5 x 7 float16 of each" in said.out
    store = FeatureFile(config.parent / "features" / "val.npy")
    assert store.made == {"source": "theirs/{split}.npy", "pool": "none"}
    other = saccade("data", "features", config)
    assert other.code == 2
    assert "was made with source theirs/{split}.npy, and the config asks for network test_resnet" in other.err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["data.features.path=null"], "data.features.path: is null; set it to the folder"),
        (["data.features.weights=null"], "test_resnet has random weights, whose features are worth nothing"),
        (["data.features.network=resnt18"], "data.features.network: no network is called 'resnt18'; did you mean"),
        (["data.features.network=test_convnext"], "does not fit the network; choose the data.features.network that"),
        (["data.features.weights=none.pth"], "none.pth not found"),
        (["data.features.regins=3"], "did you mean data.features.regions?"),
        (["data.root=nowhere"], "nowhere is not a folder"),
        (["data.normalize=measured"], "data.normalize: is measured"),
        (["data.features.source=none.tsv", "data.features.weights=null"], "none.tsv: no such file or folder"),
    ],
)
def test_mistakes(config: Path, saccade: Saccade, settings: list[str], said: str) -> None:
    done = saccade("data", "features", config, *settings)
    assert done.code == 2
    assert said in done.err.replace("\n", " ")
    assert not list(config.parent.glob("features/*.npy"))


def test_images_that_came_or_changed_after_the_features_were_made(config: Path, saccade: Saccade) -> None:
    """What the message says to do is enough."""
    saccade("data", "features", config)
    folder, root = config.parent / "features", config.parent / "coco"
    Image.new("RGB", (50, 50)).save(root / "val" / "val_001.jpg")
    captions = root / "captions" / "captions_train.json"
    document = json.loads(captions.read_text())
    document["images"].append({"id": 99, "file_name": "new.jpg"})
    document["annotations"].append({"id": 99, "image_id": 99, "caption": "new"})
    captions.write_text(json.dumps(document))
    Image.new("RGB", (50, 50)).save(root / "train" / "new.jpg")
    for split, told in (
        ("train", "train.npy: has no features of 1 image of 13, among them 'train/new.jpg'; remove it and train.json"),
        ("val", "val.npy: has features of files of other sizes for 1 image of 2, among them 'val/val_001.jpg'; remove"),
    ):
        said = saccade("data", "features", config)
        assert said.code == 2
        assert told in said.err.replace("\n", " ")
        for suffix in (".npy", ".json"):
            (folder / f"{split}{suffix}").unlink()
    assert saccade("data", "features", config).code == 0
    assert len(FeatureFile(folder / "train.npy").names) == 13


def test_another_task(saccade: Saccade, classes_on_disk: Path) -> None:
    done = saccade("data", "features", "folder-classify", f"data.root={classes_on_disk}")
    assert done.code == 2
    assert "task.name: is classify, and features of regions are what caption learns from" in done.err.replace("\n", " ")
