"""Counts by hand; faults by their names; and the cache, by counting how often a mask is read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saccade.data import mask_scan
from saccade.data.listing import Listing, Masks
from saccade.data.mask_scan import mask_faults, scan
from saccade.data.masks import MaskCoding, palette_png
from saccade.data.paths import PathList
from saccade.errors import DataError

CODING = MaskCoding(ids=(0, 1, 2))
CLASSES = ("sky", "road", "car")
PALETTE = np.zeros((256, 3), dtype=np.uint8)


def write(root: Path, name: str, ids: list[list[int]], size: tuple[int, int] | None = None) -> None:
    """An image and its mask; ``size``, width and height, where the image has another one."""
    for folder in ("images", "masks"):
        (root / folder).mkdir(exist_ok=True)
    mask = np.array(ids, dtype=np.uint8)
    Image.new("RGB", size or mask.shape[::-1]).save(root / "images" / f"{name}.jpg")
    (root / "masks" / f"{name}.png").write_bytes(palette_png(mask, PALETTE))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three masks of unlike sizes."""
    root = tmp_path / "data"
    root.mkdir()
    write(root, "a", [[0, 0, 1], [0, 255, 255]])
    write(root, "b", [[2, 2]])
    write(root, "c", [[255], [0]])
    return root


def paths(*names: str) -> tuple[PathList, PathList]:
    names = names or ("a", "b", "c")
    return PathList(f"images/{n}.jpg" for n in names), PathList(f"masks/{n}.png" for n in names)


def scanned(root: Path, cache: Path | None = None, coding: MaskCoding = CODING, names: str = "abc") -> Masks:
    return scan(root, *paths(*names), coding, CLASSES, cache=cache)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the masks that were read."""
    read: list[str] = []
    real = mask_scan.read_mask

    def counted(path: Path, *args: object, **kwargs: object) -> object:
        read.append(path.name)
        return real(path, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(mask_scan, "read_mask", counted)
    return read


def test_pixels_are_counted_by_class(root: Path) -> None:
    told: list[int] = []
    found = scan(root, *paths(), CODING, CLASSES, progress=told.append)
    assert found.pixels.tolist() == [[3, 1, 0], [0, 0, 2], [1, 0, 0]]
    assert found.void.tolist() == [2, 0, 1]
    assert found.heights_widths.tolist() == [[2, 3], [1, 2], [2, 1]]
    assert list(found.paths) == ["masks/a.png", "masks/b.png", "masks/c.png"]
    assert (found.pixels.dtype, found.void.dtype) == (np.int64, np.int64)
    assert sum(told) == 3


def test_void_as_background_is_counted_as_both(root: Path) -> None:
    found = scanned(root, coding=MaskCoding(ids=(0, 1, 2), void_is_background=True))
    assert found.pixels.tolist() == [[5, 1, 0], [0, 0, 2], [2, 0, 0]]
    assert found.void.tolist() == [2, 0, 1]


def test_no_mask_and_an_all_void_one(root: Path, tmp_path: Path) -> None:
    none = scan(root, PathList(()), PathList(()), CODING, CLASSES, cache=tmp_path)
    assert none.pixels.shape == (0, 3)
    write(root, "v", [[255, 255]])
    assert scanned(root, names="v").pixels.tolist() == [[0, 0, 0]]


def test_all_problems_are_told_at_once_with_file_and_value(root: Path) -> None:
    write(root, "stray", [[0, 9, 9]])
    write(root, "size", [[0, 1], [0, 1]], size=(4, 3))
    write(root, "short", np.random.default_rng(0).integers(0, 3, (64, 64)).tolist())
    whole = (root / "masks/short.png").read_bytes()
    (root / "masks/short.png").write_bytes(whole[: len(whole) // 2])
    names = ("a", "stray", "size", "short", "gone")
    with pytest.raises(DataError) as caught:
        scan(root, *paths(*names), CODING, CLASSES)
    stray, size, short, gone = str(caught.value).splitlines()
    assert stray.startswith(
        f"{root / 'masks/stray.png'}: id 9 in 2 pixels stands for no class; allowed: 0 to 2 and 255"
    )
    assert size == (
        f"{root / 'masks/size.png'}: the mask has 2 x 2 pixels (width x height), and its image images/size.jpg has "
        "4 x 3; a mask has the size of its image, turned upright"
    )
    assert short.startswith(f"{root / 'masks/short.png'}: cannot be read as a mask (")
    assert gone == f"{root / 'masks/gone.png'}: mask not found"


def test_eight_problems_are_named_and_the_rest_counted(root: Path) -> None:
    names = [f"gone{i}" for i in range(11)]
    with pytest.raises(DataError) as caught:
        scan(root, *paths(*names), CODING, CLASSES)
    lines = str(caught.value).splitlines()
    assert len(lines) == 9
    assert lines[-1] == "and 3 more of the kind"


def test_the_image_is_measured_upright(root: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (2, 3)).save(root / "images/a.jpg", exif=exif)  # stored on its side: 3 wide and 2 high as seen
    assert scanned(root).heights_widths[0].tolist() == [2, 3]
    Image.new("RGB", (3, 2)).save(root / "images/a.jpg", exif=exif)
    with pytest.raises(DataError, match=r"has 3 x 2 pixels .* has 2 x 3"):
        scanned(root)


def test_an_unreadable_image_is_left_to_who_reads_it(root: Path) -> None:
    (root / "images/a.jpg").write_text("no image")
    (root / "images/b.jpg").unlink()
    assert scanned(root).pixels.sum() == 7


def test_masks_of_0_and_255_are_not_taken_for_nothing_but_void(root: Path) -> None:
    write(root, "salt", [[0, 255, 255]])
    with pytest.raises(DataError) as caught:
        scan(root, *paths("salt"), MaskCoding(ids=(0, 1)), ("rock", "salt"))
    assert "255 stands for 'salt', set data.colours='{rock: [0, 0, 0], salt: [255, 255, 255]}'" in str(caught.value)
    coding = MaskCoding(ids=(0, 1), colours=((0, 0, 0), (255, 255, 255)))
    Image.fromarray(np.array([[0, 255, 255]], dtype=np.uint8)).save(root / "masks/salt.png")
    found = scan(root, *paths("salt"), coding, ("rock", "salt"))
    assert found.pixels.tolist() == [[1, 2]]


def test_the_second_time_nothing_is_read(root: Path, tmp_path: Path, reads: list[str]) -> None:
    first = scanned(root, tmp_path / "cache")
    assert sorted(reads) == ["a.png", "b.png", "c.png"]
    told: list[int] = []
    second = scan(root, *paths(), CODING, CLASSES, cache=tmp_path / "cache", progress=told.append)
    assert len(reads) == 3
    assert sum(told) == 3
    for name in ("pixels", "void", "heights_widths"):
        assert np.array_equal(getattr(first, name), getattr(second, name))
    assert [p.suffix for p in (tmp_path / "cache").iterdir()] == [".npz"]


@pytest.mark.parametrize("change", ["mask", "time", "image", "order", "coding", "void", "place"])
def test_every_change_is_seen(root: Path, tmp_path: Path, reads: list[str], change: str) -> None:
    cache = tmp_path / "cache"
    scanned(root, cache)
    reads.clear()
    coding, names = CODING, "abc"
    if change == "mask":
        write(root, "b", [[2, 1]])
    elif change == "time":
        os.utime(root / "masks/b.png", ns=(1, 1))
    elif change == "image":
        os.utime(root / "images/b.jpg", ns=(1, 1))
    elif change == "order":
        names = "bac"
    elif change == "coding":
        coding = MaskCoding(ids=(2, 1, 0))
    elif change == "void":
        coding = MaskCoding(ids=(0, 1, 2), void_is_background=True)
    else:
        root = root.rename(tmp_path / "elsewhere")
    found = scanned(root, cache, coding, names)
    assert len(reads) == 3
    fresh = scanned(root, None, coding, names)
    assert np.array_equal(found.pixels, fresh.pixels)


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "other"])
def test_a_damaged_cache_is_ignored_and_renewed(root: Path, tmp_path: Path, reads: list[str], damage: str) -> None:
    first = scanned(root, tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    if damage == "empty":
        kept.write_bytes(b"")
    elif damage == "text":
        kept.write_text("no archive")
    elif damage == "cut":
        kept.write_bytes(kept.read_bytes()[:-40])
    else:
        with kept.open("wb") as file:
            np.savez(file, pixels=np.zeros((2, 2), dtype=np.int64), void=first.void, heights_widths=first.void)
    again = scanned(root, tmp_path / "cache")
    assert np.array_equal(again.pixels, first.pixels)
    assert len(reads) == 6
    scanned(root, tmp_path / "cache")
    assert len(reads) == 6


def test_a_bad_split_is_not_kept(root: Path, tmp_path: Path) -> None:
    write(root, "a", [[9]])
    for _ in range(2):
        with pytest.raises(DataError, match="id 9"):
            scanned(root, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_cannot_be_written_stops_nothing(root: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert scanned(root, tmp_path / "file" / "cache").pixels.sum() == 7


def test_faults_that_came_later_are_found(root: Path) -> None:
    masks = scanned(root)
    listing = Listing(root, paths()[0], (masks.pixels > 0).astype(np.int8), CLASSES, masks)
    assert list(mask_faults(listing)) == []
    write(root, "b", [[7, 7]])
    (root / "masks/c.png").unlink()
    found = dict(mask_faults(listing))
    assert found["masks/b.png"].startswith("id 7 in 2 pixels")
    assert found["masks/c.png"] == "mask not found"
    plain = Listing(root, listing.images, listing.targets, CLASSES)
    assert list(mask_faults(plain)) == []
