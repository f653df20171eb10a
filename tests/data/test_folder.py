from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from saccade.data import folder
from saccade.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two splits of two classes, with files that are no images among them."""
    for name in (
        "train/dog/2.jpg",
        "train/dog/1.PNG",
        "train/dog/deep/er/0.jpeg",
        "train/dog/.hidden.jpg",
        "train/dog/Thumbs.db",
        "train/dog/.cache/3.jpg",
        "train/cat/9.webp",
        "train/.DS_Store",
        "train/.git/x.jpg",
        "train/loose.txt",
        "val/cat/1.jpg",
        "val/dog/notes.txt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_lists_images_by_folder_and_path(root: Path) -> None:
    listing = folder.read(root, "train", classes=None)
    names = ["train/cat/9.webp", "train/dog/1.PNG", "train/dog/2.jpg", "train/dog/deep/er/0.jpeg"]
    assert listing.classes == ("cat", "dog")
    assert list(listing.images) == names
    assert listing.targets.dtype == np.int64
    assert listing.targets.tolist() == [0, 1, 1, 1]


def test_root_as_one_tree_of_classes(root: Path) -> None:
    listing = folder.read(root / "train", ".", classes=None)
    assert listing.images[0] == "cat/9.webp"
    assert listing.targets.tolist() == [0, 1, 1, 1]


def test_split_in_a_deeper_folder(root: Path) -> None:
    assert folder.read(root.parent, f"{root.name}/val", classes=None).images[0] == f"{root.name}/val/cat/1.jpg"


def test_classes_are_matched_by_name(root: Path) -> None:
    listing = folder.read(root, "train", classes=("elk", "dog", "cat"))
    assert listing.classes == ("elk", "dog", "cat")
    assert listing.targets.tolist() == [2, 1, 1, 1]


def test_an_empty_folder_is_a_class_without_images(root: Path) -> None:
    listing = folder.read(root, "val", classes=None)
    assert listing.classes == ("cat", "dog")
    assert listing.targets.tolist() == [0]


def test_links_are_followed_but_not_in_circles(root: Path) -> None:
    (root / "train/elk").symlink_to(root / "train/cat")
    (root / "train/cat/up").symlink_to(root / "train")
    listing = folder.read(root, "train", classes=None)
    assert [name for name in listing.images if "elk" in name] == ["train/elk/9.webp"]
    assert len(listing) == 5


def test_a_folder_named_like_an_image_is_a_folder(root: Path) -> None:
    (root / "train/cat/odd.jpg").mkdir()
    (root / "train/cat/odd.jpg/1.jpg").touch()
    assert list(folder.read(root, "train", classes=None).images)[:2] == [
        "train/cat/9.webp",
        "train/cat/odd.jpg/1.jpg",
    ]


def test_splits_are_the_folders(root: Path) -> None:
    assert folder.splits(root) == ["train", "val"]
    assert folder.splits(root / "nowhere") == []
    assert folder.is_class_tree(root / "train")
    assert not folder.is_class_tree(root)


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


class TestSplitsInAnotherCase:
    def test_are_found(self, tmp_path: Path) -> None:
        root = tree(tmp_path, "Train/cat/1.jpg", "VAL/dog/2.jpg", "Test/dog/3.jpg", "Extra/dog/4.jpg")
        assert folder.splits(root) == ["Extra", "test", "train", "val"]
        assert list(folder.read(root, "train", classes=None).images) == ["Train/cat/1.jpg"]
        assert list(folder.read(root, "val", classes=None).images) == ["VAL/dog/2.jpg"]
        assert list(folder.read(root, "Train", classes=None).images) == ["Train/cat/1.jpg"]

    def test_stay_what_they_are_where_two_are_alike(self, tmp_path: Path) -> None:
        root = tree(tmp_path, "Train/cat/1.jpg", "TRAIN/cat/2.jpg", "Val/cat/3.jpg", "val/cat/4.jpg")
        if len(list(root.iterdir())) < 4:
            pytest.skip("this file system does not tell upper from lower case")
        assert folder.splits(root) == ["TRAIN", "Train", "Val", "val"]
        assert list(folder.read(root, "val", classes=None).images) == ["val/cat/4.jpg"]
        assert message(root, "train").endswith("has the folders 'TRAIN', 'Train', 'Val', 'val'")

    def test_are_classes_where_images_lie_in_them(self, tmp_path: Path) -> None:
        root = tree(tmp_path, "Train/1.jpg", "Bus/2.jpg", "Car/3.jpg")
        assert folder.splits(root) == ["Bus", "Car", "Train"]
        assert folder.read(root, ".", classes=None).classes == ("Bus", "Car", "Train")

    def test_classes_within_a_split_keep_their_case(self, tmp_path: Path) -> None:
        root = tree(tmp_path, "train/Train/deep/1.jpg", "train/Bus/2.jpg", "train/Train/fast/cars/3.jpg")
        assert folder.read(root, "train", classes=None).classes == ("Bus", "Train")


class TestOtherNames:
    CALLED: ClassVar = {"n02": "tench", "n01": "hen"}

    def test_order_is_that_of_the_folders(self, tmp_path: Path) -> None:
        root = tree(tmp_path, "train/n01/1.jpg", "train/n02/2.jpg", "train/n03/3.jpg")
        listing = folder.read(root, "train", classes=None, called=self.CALLED)
        assert listing.classes == ("hen", "tench", "n03")
        assert list(listing.images) == ["train/n01/1.jpg", "train/n02/2.jpg", "train/n03/3.jpg"]
        assert listing.targets.tolist() == [0, 1, 2]

    def test_given_classes_may_be_either(self, tmp_path: Path) -> None:
        root = tree(tmp_path, "train/n01/1.jpg", "train/n02/2.jpg")
        for classes in (("tench", "hen"), ("n02", "n01"), ("tench", "n01"), ("n02", "hen")):
            assert folder.read(root, "train", classes=classes, called=self.CALLED).targets.tolist() == [1, 0]

    def test_unknown_ones_are_refused_by_their_name(self, tmp_path: Path) -> None:
        root = tree(tmp_path, "train/n01/1.jpg", "train/n02/2.jpg")
        with pytest.raises(DataError) as caught:
            folder.read(root, "train", classes=("tenches", "hen"), called=self.CALLED)
        assert str(caught.value) == f"{root}/train/n02: unknown class 'tench'; the nearest is 'tenches'"

    def test_a_name_that_another_folder_has(self, tmp_path: Path) -> None:
        root = tree(tmp_path, "train/n01/1.jpg", "train/hen/2.jpg")
        with pytest.raises(DataError) as caught:
            folder.read(root, "train", classes=None, called=self.CALLED)
        assert str(caught.value).splitlines() == [
            f"{root}/train/hen: class 'hen' is the name of another folder too",
            f"{root}/train/n01: class 'hen' is the name of another folder too",
        ]


def message(root: Path, split: str, classes: tuple[str, ...] | None = None) -> str:
    with pytest.raises(DataError) as caught:
        folder.read(root, split, classes=classes)
    return str(caught.value)


class TestRefusals:
    def test_missing_split(self, root: Path) -> None:
        assert message(root, "test") == f"{root}/test: no such folder; {root} has the folders 'train', 'val'"
        assert message(root / "x", "test") == f"{root}/x/test: no such folder; data.root {root}/x is no folder either"

    def test_missing_split_where_the_root_is_a_tree_of_classes(self, root: Path) -> None:
        assert message(root / "train", "train").endswith(
            "has the folders 'cat', 'dog'; they look like classes: set data.train=. data.val=null to split them"
        )

    def test_no_class_folders(self, root: Path) -> None:
        assert message(root, "train/cat") == (
            f"{root}/train/cat: no folder of a class, 1 image directly in it; images lie in <split>/<class>/"
        )

    def test_no_images(self, root: Path) -> None:
        (root / "val/cat/1.jpg").unlink()
        assert message(root, "val") == (
            f"{root}/val: no image in any of its folders 'cat', 'dog'; images lie in <split>/<class>/"
        )

    def test_unknown_class(self, root: Path) -> None:
        assert message(root, "train", ("cat", "dogs")) == (
            f"{root}/train/dog: unknown class 'dog'; the nearest is 'dogs'"
        )


@pytest.mark.real
def test_real_data(real_data: Path) -> None:
    """Numbers of images from the data's own README."""
    dogs = folder.read(real_data / "dogs", "train", classes=None)
    assert len(dogs) == 600
    assert len(dogs.classes) == 5
    cats = folder.read(real_data / "cats_dogs", "train", classes=None)
    assert np.bincount(cats.targets).tolist() == [200, 10]
    cifar = folder.read(real_data / "cifar10_test500", ".", classes=None)
    assert np.bincount(cifar.targets).tolist() == [50] * 10
