"""VOC's layout for segmentation, after its development kit; and CamVid in that layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saccade.data import voc_masks
from saccade.data.listing import counts
from saccade.data.mask_layout import MaskLayout, class_colours
from saccade.data.masks import palette_png
from saccade.data.splits import cut
from saccade.errors import DataError

PALETTE = np.arange(768, dtype=np.uint16).astype(np.uint8).reshape(256, 3)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three images of unlike sizes, with aeroplane, tvmonitor and a void edge."""
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (tmp_path / folder).mkdir(parents=True)
    masks = {"a": [[0, 255, 1]], "b": [[0, 0], [20, 255]], "c": [[0]]}
    for name, ids in masks.items():
        mask = np.array(ids, dtype=np.uint8)
        Image.new("RGB", mask.shape[::-1]).save(tmp_path / "JPEGImages" / f"{name}.jpg")
        (tmp_path / "SegmentationClass" / f"{name}.png").write_bytes(palette_png(mask, PALETTE))
    (tmp_path / "ImageSets/Segmentation/train.txt").write_text("b\na\n")
    (tmp_path / "ImageSets/Segmentation/val.txt").write_text("c\n")
    return tmp_path


def test_images_and_masks_in_the_order_of_the_set_file(root: Path) -> None:
    listing = voc_masks.read(root, "train", MaskLayout())
    assert voc_masks.splits(root) == ["train", "val"]
    assert list(listing.images) == ["JPEGImages/b.jpg", "JPEGImages/a.jpg"]
    assert listing.masks is not None
    assert list(listing.masks.paths) == ["SegmentationClass/b.png", "SegmentationClass/a.png"]
    assert listing.masks.heights_widths.tolist() == [[2, 2], [1, 3]]


def test_the_default_is_vocs_21_classes(root: Path) -> None:
    """Ids of the development kit (VOCinit.m): 1 aeroplane, 15 person, 20 tvmonitor."""
    listing = voc_masks.read(root, "train", MaskLayout())
    assert len(listing.classes) == 21
    assert [listing.classes[i] for i in (0, 1, 15, 20)] == ["background", "aeroplane", "person", "tvmonitor"]
    present = {name for name, found in counts(listing).items() if found["n_positive"]}
    assert present == {"background", "aeroplane", "tvmonitor"}
    assert listing.masks is not None
    assert listing.masks.void.tolist() == [1, 1]


def test_void_as_background(root: Path) -> None:
    listing = voc_masks.read(root, "train", MaskLayout(void_is_background=True))
    assert listing.masks is not None
    assert listing.masks.pixels[:, 0].tolist() == [3, 2]


def test_classes_of_the_file_or_given(root: Path) -> None:
    (root / "classes.txt").write_text("".join(f"class{i}\n" for i in range(21)))
    assert voc_masks.read(root, "val", MaskLayout()).classes == tuple(f"class{i}" for i in range(21))
    (root / "classes.txt").write_text("ground\nplane\n")
    with pytest.raises(DataError, match=r"b\.png: id 20 in 1 pixel stands for no class; allowed: 0 to 1 and 255"):
        voc_masks.read(root, "train", MaskLayout())


@pytest.mark.parametrize("folder", ["JPEGImages", "SegmentationClass", "ImageSets/Segmentation"])
def test_a_missing_folder_is_named(root: Path, folder: str) -> None:
    (root / folder).rename(root / "away")
    with pytest.raises(DataError, match=f"this one lacks {folder}"):
        voc_masks.read(root, "train", MaskLayout())


def test_a_missing_split_or_mask_is_named(root: Path) -> None:
    with pytest.raises(DataError, match=r"test\.txt: no such split; .* has 'train', 'val'"):
        voc_masks.read(root, "test", MaskLayout())
    (root / "SegmentationClass/a.png").unlink()
    with pytest.raises(DataError, match=r"SegmentationClass/a\.png: mask not found"):
        voc_masks.read(root, "train", MaskLayout())
    assert voc_masks.splits(root / "nowhere") == []


@pytest.mark.real
def test_camvid_is_read_whole(real_data: Path, tmp_path: Path) -> None:
    """Numbers of images and classes of its README; pixels counted by NumPy over the files."""
    root = real_data / "camvid_voc"
    layout = MaskLayout(cache=tmp_path)
    train, val = (voc_masks.read(root, split, layout) for split in ("train", "val"))
    assert (len(train), len(val), len(train.classes)) == (367, 101, 11)
    assert train.classes[0] == "sky"
    assert train.masks is not None
    assert val.masks is not None
    assert (val.masks.heights_widths == (360, 480)).all()
    expected = np.zeros(256, dtype=np.int64)
    for name in val.masks.paths:
        with Image.open(root / name) as image:
            expected += np.bincount(np.asarray(image).ravel(), minlength=256)
    assert val.masks.pixels.sum(axis=0).tolist() == expected[:11].tolist()
    assert val.masks.void.sum() == expected[255] == expected[11:].sum()
    assert train.masks.void.sum() / (367 * 360 * 480) == pytest.approx(0.0395, abs=5e-5)
    assert class_colours(train) is not None
    kept, away = cut(train.targets, 0.1, 0)
    held = train.take(away)
    assert held.masks is not None
    assert len(held) == 37
    assert np.array_equal(held.masks.pixels, train.masks.pixels[away])
    assert len(kept) + len(away) == 367
