"""COCO's captions read as they are written; what does not hold is told with file and place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.data import coco_captions
from saccade.data.folds import folds
from saccade.data.listing import counts
from saccade.data.splits import cut
from saccade.errors import DataError

IMAGES = [{"id": 9, "file_name": "b.jpg", "height": 8, "width": 8}, {"id": 4, "file_name": "a.jpg"}]
CAPTIONS = [
    {"id": 1, "image_id": 4, "caption": "A dog runs.\n"},
    {"id": 2, "image_id": 9, "caption": "Two cats, asleep"},
    {"id": 3, "image_id": 4, "caption": "  a brown dog"},
]


@pytest.fixture
def root(tmp_path: Path, jpeg: Callable[..., Path]) -> Path:
    for name in ("a", "b"):
        jpeg(tmp_path / "val2017" / f"{name}.jpg")
    write(tmp_path, IMAGES, CAPTIONS)
    return tmp_path


def write(root: Path, images: Any, annotations: Any) -> Path:
    path = root / "annotations" / "captions_val2017.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"info": {}, "licenses": [], "images": images, "annotations": annotations}))
    return path


def test_images_come_in_the_order_of_the_file_with_all_their_captions(root: Path) -> None:
    listing = coco_captions.read(root, "val2017")
    assert list(listing.images) == ["val2017/b.jpg", "val2017/a.jpg"]
    assert listing.captions is not None
    assert listing.captions.ids.tolist() == [9, 4]
    assert listing.captions.of(0) == ("Two cats, asleep",)
    assert listing.captions.of(1) == ("A dog runs.", "a brown dog")
    assert listing.classes == ()
    assert listing.targets.shape == (2, 0)


def test_such_a_listing_is_cut_and_folded_like_any_other(root: Path) -> None:
    listing = coco_captions.read(root, "val2017").take(np.array([0, 1] * 5))
    assert counts(listing) == {}
    kept, gone = cut(listing.targets, 0.3, seed=0)
    assert (len(kept), len(gone)) == (7, 3)
    assert sorted([*kept, *gone]) == list(range(10))
    assert sorted(i for part in folds(listing.targets, 5, 0) for i in part) == list(range(10))


@pytest.mark.parametrize("folder", ["val2017", "images/val2017", "JPEGImages", "images", "."])
def test_the_folder_of_images_is_found(tmp_path: Path, jpeg: Callable[..., Path], folder: str) -> None:
    jpeg(tmp_path / folder / "b.jpg")
    write(tmp_path, IMAGES, CAPTIONS)
    listing = coco_captions.read(tmp_path, "val2017")
    assert listing.images[0] == ("b.jpg" if folder == "." else f"{folder}/b.jpg")


def test_a_given_folder_of_images_is_taken(root: Path) -> None:
    assert coco_captions.read(root, "val2017", images="x/y").images[1] == "x/y/a.jpg"


def test_no_folder_of_images(tmp_path: Path) -> None:
    write(tmp_path, IMAGES, CAPTIONS)
    with pytest.raises(DataError, match=r"no image 'b\.jpg', the first of split val2017, in any of .*set data\.images"):
        coco_captions.read(tmp_path, "val2017")


def test_splits_are_the_files(root: Path) -> None:
    (root / "captions").mkdir()
    (root / "captions" / "captions_test.json").write_text("{}")
    (root / "annotations" / "instances_val2017.json").write_text("{}")
    assert coco_captions.splits(root) == ["test", "val2017"]
    assert coco_captions.splits(root / "nowhere") == []
    with pytest.raises(DataError, match=r"no file captions/captions_x\.json or .*it has .* 'test', 'val2017'"):
        coco_captions.read(root, "x")
    with pytest.raises(DataError, match=r"no such folder; set data\.root"):
        coco_captions.read(root / "nowhere", "val2017")


FAULTS = [
    ({"images": 3}, "has 'images': 3; it takes a list"),
    ({"images": []}, "'images' is empty"),
    ({"annotations": None}, "has 'annotations': null; it takes a list"),
    ({"annotations": []}, "images[0], id 9, has no caption in 'annotations'"),
    ({"images": [{"id": "9", "file_name": "b.jpg"}]}, "images[0] has 'id': \"9\"; it takes a whole number"),
    ({"images": [{"id": 9}]}, "images[0] has no 'file_name'; it takes text"),
    ({"images": [*IMAGES, {"id": 9, "file_name": "c.jpg"}]}, "images[2] has image 9, as images[0] has already"),
    (
        {"images": [*IMAGES, {"id": 5, "file_name": "c.jpg"}]},
        "images[2], id 5, has no caption in 'annotations'",
    ),
    (
        {"annotations": [*CAPTIONS, {"id": 4, "image_id": 77, "caption": "x"}]},
        "annotations[3] has image_id 77, which is the id of none of 'images'",
    ),
    (
        {"annotations": [*CAPTIONS, {"id": 4, "image_id": 9, "caption": " \n"}]},
        "annotations[3] has an empty caption, of image 9",
    ),
    (
        {"annotations": [*CAPTIONS, {"id": 4, "image_id": 9, "caption": None}]},
        "annotations[3] has 'caption': null; it takes text",
    ),
    (
        {"images": [IMAGES[0], {"id": 4, "file_name": "b.jpg"}]},
        "images[1] has the file name 'b.jpg', as images[0] has already",
    ),
    (
        {"annotations": [{"image_id": 10**20, "caption": "x"}], "images": [{"id": 10**20, "file_name": "a.jpg"}]},
        "64 bits",
    ),
    ({"annotations": [{"image_id": 4, "caption": "a \ud83d"}]}, "annotations[0] has half a letter"),
    (
        {"images": [IMAGES[0], {"id": 4, "file_name": "../a.jpg"}]},
        "images[1] has the file name '../a.jpg'; it is relative to the folder of images",
    ),
]


@pytest.mark.parametrize(("change", "said"), FAULTS, ids=[said[:40] for _, said in FAULTS])
def test_what_does_not_hold_is_told_with_its_place(root: Path, change: dict[str, Any], said: str) -> None:
    path = write(root, **{"images": IMAGES, "annotations": CAPTIONS, **change})
    with pytest.raises(DataError) as caught:
        coco_captions.read(root, "val2017")
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


def test_references_of_a_data_set_and_without_the_list_of_images(root: Path) -> None:
    path = root / "annotations" / "captions_val2017.json"
    expected = {9: ("Two cats, asleep",), 4: ("A dog runs.", "a brown dog")}
    assert coco_captions.read_references(path) == expected
    path.write_text(json.dumps({"annotations": CAPTIONS}))
    assert coco_captions.read_references(path) == expected
    path.write_text(json.dumps({"annotations": [{"image_id": "flickr-7", "caption": "x"}]}))
    assert coco_captions.read_references(path) == {"flickr-7": ("x",)}
    path.write_text(json.dumps({"annotations": []}))
    with pytest.raises(DataError, match="'annotations' is empty"):
        coco_captions.read_references(path)
    path.write_text('{"images": [], "dataset": "coco"}')
    with pytest.raises(DataError, match="has no list 'annotations', but 'dataset', 'images'; captions are read in"):
        coco_captions.read_references(path)


def test_results_hold_one_caption_an_image_and_it_may_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text('[{"image_id": 4, "caption": "a dog"}, {"image_id": 9, "caption": ""}]')
    assert coco_captions.read_results(path) == {4: "a dog", 9: ""}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "is an empty list; a file of results is a JSON list of"),
        ("7", "is no list; a file of results is"),
        ('{"annotations": []}', "as references do, which come second; a file of results is"),
        ('{"results": [], "model": "x"}', "is one object, with 'model', 'results'; a file of results is"),
        ('[{"image_id": 4}]', r"results\[0\] has no 'caption'; it takes text"),
        ('[{"image_id": 4.0, "caption": "x"}]', r"results\[0\] has 'image_id': 4\.0; it takes a whole number or text"),
        (
            '[{"image_id": 4, "caption": "x"}, {"image_id": 4, "caption": "y"}]',
            r"results\[1\] has image 4, as results\[0\] has already",
        ),
    ],
)
def test_results_that_do_not_hold(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(DataError, match=said):
        coco_captions.read_results(tmp_path / "results.json")


@pytest.mark.real
def test_flickr_photographs_have_five_captions_each(real_data: Path) -> None:
    """700 and 200 images with 5 captions each, by the README of the data; the first caption read from the file."""
    root = real_data / "flickr1k"
    assert coco_captions.splits(root) == ["train", "val"]
    for split, n in (("train", 700), ("val", 200)):
        listing = coco_captions.read(root, split)
        assert listing.captions is not None
        assert listing.captions.counts.tolist() == [5] * n
        assert all((root / name).is_file() for name in listing.images)
        references = coco_captions.read_references(root / "captions" / f"captions_{split}.json")
        assert list(references.values()) == [listing.captions.of(i) for i in range(n)]
    assert listing.images[0] == "JPEGImages/1998255400_0cd086908f.jpg"
    assert next(iter(references.values()))[0] == "a dog attempting to drink from an outdoor water faucet"
