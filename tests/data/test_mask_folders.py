"""Images and masks in folders of their own, in each of the ways they are usually laid out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saccade.data import mask_folders
from saccade.data.mask_layout import MaskLayout
from saccade.errors import DataError

LAYOUT = MaskLayout(classes=("ground", "thing"))


def put(root: Path, image: str, mask: str | None, ids: tuple[int, ...] = (0, 1)) -> None:
    for name in filter(None, (image, mask)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (len(ids), 1)).save(root / image)
    if mask is not None:
        Image.fromarray(np.array([ids], dtype=np.uint8)).save(root / mask)


def names(root: Path, split: str, layout: MaskLayout = LAYOUT) -> list[tuple[str, str]]:
    listing = mask_folders.read(root, split, layout)
    assert listing.masks is not None
    return list(zip(listing.images, listing.masks.paths, strict=True))


def test_flat(tmp_path: Path) -> None:
    put(tmp_path, "images/b.jpg", "masks/b.png")
    put(tmp_path, "images/a.PNG", "masks/a.bmp")
    put(tmp_path, "images/.hidden.jpg", "masks/other.png")
    assert mask_folders.splits(tmp_path) == ["."]
    assert names(tmp_path, ".") == [("images/a.PNG", "masks/a.bmp"), ("images/b.jpg", "masks/b.png")]


def test_splits_inside(tmp_path: Path) -> None:
    for split in ("train", "val"):
        put(tmp_path, f"images/{split}/a.jpg", f"masks/{split}/a.png")
    put(tmp_path, "images/train/city/deep/b.jpg", "masks/train/city/deep/b.png")
    assert mask_folders.splits(tmp_path) == ["train", "val"]
    assert names(tmp_path, "val") == [("images/val/a.jpg", "masks/val/a.png")]
    assert names(tmp_path, "train")[1] == ("images/train/city/deep/b.jpg", "masks/train/city/deep/b.png")
    assert len(names(tmp_path, ".")) == 3
    assert names(tmp_path, "train/city") == [("images/train/city/deep/b.jpg", "masks/train/city/deep/b.png")]


def test_splits_outside(tmp_path: Path) -> None:
    for split in ("train", "test"):
        put(tmp_path, f"{split}/images/a.jpg", f"{split}/masks/a.png")
    (tmp_path / "notes").mkdir()
    assert mask_folders.splits(tmp_path) == ["test", "train"]
    assert names(tmp_path, "test") == [("test/images/a.jpg", "test/masks/a.png")]


def test_masks_with_a_suffix_and_a_stem_with_dots(tmp_path: Path) -> None:
    put(tmp_path, "images/a.v2.jpg", "masks/a.v2_L.png")
    layout = MaskLayout(classes=("ground", "thing"), mask_suffix="_L")
    assert names(tmp_path, ".", layout) == [("images/a.v2.jpg", "masks/a.v2_L.png")]
    with pytest.raises(DataError) as caught:
        mask_folders.read(tmp_path, ".", LAYOUT)
    assert f"{tmp_path / 'images/a.v2.jpg'}: has no mask a.v2.png in {tmp_path / 'masks'}" in str(caught.value)
    assert "there is 'a.v2_L.png': set data.mask_suffix=_L" in str(caught.value)


def test_all_missing_masks_are_told(tmp_path: Path) -> None:
    put(tmp_path, "images/a.jpg", "masks/a.png")
    for i in range(10):
        put(tmp_path, f"images/x{i}.jpg", None)
    with pytest.raises(DataError) as caught:
        mask_folders.read(tmp_path, ".", LAYOUT)
    lines = str(caught.value).splitlines()
    assert len(lines) == 9
    assert "x0.jpg: has no mask x0.png" in lines[0]
    assert lines[-1] == "and 2 more of the kind"


def test_one_name_of_two_files_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "images/a.jpg", "masks/a.png")
    put(tmp_path, "images/a.png", "masks/a.png")
    with pytest.raises(DataError, match=r"a\.png: 'a\.jpg' has the same name"):
        mask_folders.read(tmp_path, ".", LAYOUT)
    (tmp_path / "images/a.png").unlink()
    put(tmp_path, "images/a.jpg", "masks/a.bmp")
    with pytest.raises(DataError, match=r"has the masks 'a\.bmp', 'a\.png'"):
        mask_folders.read(tmp_path, ".", LAYOUT)


def test_classes_must_be_known(tmp_path: Path) -> None:
    put(tmp_path, "images/a.jpg", "masks/a.png")
    with pytest.raises(DataError, match=r"nothing says which classes the masks hold.*classes\.txt with one"):
        mask_folders.read(tmp_path, ".", MaskLayout())
    (tmp_path / "classes.txt").write_text("ground\nthing\n")
    assert mask_folders.read(tmp_path, ".", MaskLayout()).classes == ("ground", "thing")


def test_masks_in_colour(tmp_path: Path) -> None:
    put(tmp_path, "images/a.jpg", "masks/a.png")
    Image.fromarray(np.array([[(9, 0, 0), (0, 0, 7)]], dtype=np.uint8)).save(tmp_path / "masks/a.png")
    found = mask_folders.read(tmp_path, ".", MaskLayout(colours={"ground": (0, 0, 7), "thing": (9, 0, 0)}))
    assert found.masks is not None
    assert found.masks.pixels.tolist() == [[1, 1]]
    assert found.classes == ("ground", "thing")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    put(tmp_path, "images/train/a.jpg", "masks/train/a.png")
    with pytest.raises(DataError, match=r"no split 'val': there is no images/val/ with masks/val/ or val/images/"):
        mask_folders.read(tmp_path, "val", LAYOUT)
    with pytest.raises(DataError, match="nor that folder"):
        mask_folders.read(tmp_path / "nowhere", "val", LAYOUT)
    assert mask_folders.splits(tmp_path / "nowhere") == []
    (tmp_path / "images/train/a.jpg").unlink()
    with pytest.raises(DataError, match="images/train: no image in it"):
        mask_folders.read(tmp_path, "train", LAYOUT)
