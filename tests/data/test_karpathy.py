"""Karpathy's splits, in the form of COCO (with folders and restval) and of Flickr8k (without)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from saccade.data import karpathy
from saccade.errors import DataError


def image(i: int, split: str, *captions: str, coco: bool = True) -> dict[str, Any]:
    sentences = [
        {"tokens": c.lower().rstrip(" .").split(), "raw": c, "imgid": i, "sentid": 10 * i + k}
        for k, c in enumerate(captions)
    ]
    about = {"filename": f"{i}.jpg", "imgid": i, "split": split, "sentids": [], "sentences": sentences}
    return {**about, "filepath": "train2014" if i % 2 else "val2014", "cocoid": 1000 + i} if coco else about


COCO = [
    image(0, "test", "A test."),
    image(1, "train", "A Dog runs .", "One dog"),
    image(2, "restval", "A bird"),
    image(3, "val", "Two men"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path, COCO)


def write(root: Path, images: Any) -> Path:
    (root / "dataset.json").write_text(json.dumps({"images": images, "dataset": "coco"}))
    return root / "dataset.json"


def test_training_takes_restval_too(path: Path, tmp_path: Path) -> None:
    listing = karpathy.read(path, "train", root=tmp_path, images=".")
    assert list(listing.images) == ["train2014/1.jpg", "val2014/2.jpg"]
    assert listing.captions is not None
    assert listing.captions.ids.tolist() == [1001, 1002]
    assert [listing.captions.of(i) for i in range(2)] == [("A Dog runs .", "One dog"), ("A bird",)]
    assert karpathy.splits(path) == ["test", "train", "val"]
    assert list(karpathy.read(path, "val", root=tmp_path, images="coco").images) == ["coco/train2014/3.jpg"]


def test_flickr_has_neither_folders_nor_cocoids(tmp_path: Path) -> None:
    path = write(tmp_path, [image(i, split, "x", coco=False) for i, split in enumerate(("train", "val", "train"))])
    (tmp_path / "Flicker8k_Dataset").mkdir()
    (tmp_path / "Flicker8k_Dataset" / "0.jpg").write_bytes(b"")
    listing = karpathy.read(path, "train", root=tmp_path)
    assert list(listing.images) == ["Flicker8k_Dataset/0.jpg", "Flicker8k_Dataset/2.jpg"]
    assert listing.captions is not None
    assert listing.captions.ids.tolist() == [0, 2]


@pytest.mark.parametrize("split", ["restval", "dev"])
def test_an_unknown_split_names_those_that_are_there(path: Path, tmp_path: Path, split: str) -> None:
    with pytest.raises(DataError, match=rf"no image of split '{split}'; it has 'test', 'train', 'val'"):
        karpathy.read(path, split, root=tmp_path)


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"sentences": []}, "images[1].sentences is empty; an image has at least one caption"),
    ({"sentences": [{"raw": " "}]}, "images[1].sentences[0] has no words in 'raw'"),
    ({"sentences": [{"tokens": ["x"]}]}, "images[1].sentences[0] has no 'raw'; it takes text"),
    ({"sentences": "x"}, "images[1] has 'sentences': \"x\"; it takes a list"),
    ({"cocoid": "7"}, "images[1] has 'cocoid': '7'; it takes a whole number"),
    ({"cocoid": 1002}, "images[2] has 'cocoid': 1002, as images[1] has already"),
    ({"split": 3}, "images[1] has 'split': 3; it takes text"),
    ({"filepath": "val2014", "filename": "2.jpg"}, "as images[0] has already"),
]


@pytest.mark.parametrize(("change", "said"), FAULTS, ids=[said for _, said in FAULTS])
def test_what_does_not_hold_is_told_with_its_place(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = write(tmp_path, [COCO[0], {**COCO[1], **change}, *COCO[2:]])
    with pytest.raises(DataError) as caught:
        karpathy.read(path, "train", root=tmp_path, images=".")
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
