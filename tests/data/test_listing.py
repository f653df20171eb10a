from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from saccade.data.captions import Captions
from saccade.data.listing import Listing, Masks, counts, fingerprint
from saccade.data.masks import MaskCoding
from saccade.data.paths import PathList


def listing(root: Path) -> Listing:
    for i in range(3):
        (root / f"{i}.jpg").parent.mkdir(parents=True, exist_ok=True)
        (root / f"{i}.jpg").write_bytes(b"x" * i)
    targets = np.array([[1, 0], [-1, 1], [1, -1]], dtype=np.int8)
    return Listing(root, PathList([f"{i}.jpg" for i in range(3)]), targets, ("cat", "dog"))


def test_take_keeps_images_and_targets_together(tmp_path: Path) -> None:
    taken = listing(tmp_path).take(np.array([2, 0]))
    assert list(taken.images) == ["2.jpg", "0.jpg"]
    assert taken.targets.tolist() == [[1, -1], [1, 0]]


def test_counts_by_hand(tmp_path: Path) -> None:
    many = listing(tmp_path)
    assert counts(many) == {
        "cat": {"n_positive": 2, "n_ignored": 1},
        "dog": {"n_positive": 1, "n_ignored": 1},
    }
    one = Listing(tmp_path, many.images, np.array([1, 1, 0]), ("cat", "dog", "elk"))
    assert {name: count["n_positive"] for name, count in counts(one).items()} == {
        "cat": 1,
        "dog": 2,
        "elk": 0,
    }
    assert all(count["n_ignored"] == 0 for count in counts(one).values())


def test_fingerprint_is_that_of_the_data_and_not_of_their_place(tmp_path: Path) -> None:
    here, there = listing(tmp_path / "here"), listing(tmp_path / "there")
    assert fingerprint(here) == fingerprint(there)
    assert len(fingerprint(here)) == 32


@pytest.mark.parametrize("change", ["class", "name", "target", "kind", "size", "missing", "order"])
def test_fingerprint_sees_every_change(tmp_path: Path, change: str) -> None:
    before = listing(tmp_path)
    first, after = fingerprint(before), before
    if change == "class":
        after = replace(before, classes=("cat", "dogs"))
    elif change == "name":
        (tmp_path / "0.png").write_bytes(b"")
        after = replace(before, images=PathList(["0.png", "1.jpg", "2.jpg"]))
    elif change == "target":
        after = replace(before, targets=-before.targets)
    elif change == "kind":
        after = replace(before, targets=np.array([0, 1, 1]))
    elif change == "size":
        (tmp_path / "1.jpg").write_bytes(b"xxxx")
    elif change == "missing":
        (tmp_path / "0.jpg").unlink()
    else:
        after = before.take(np.array([0, 2, 1]))
    assert fingerprint(after) != first


def test_fingerprint_does_not_depend_on_memory_order(tmp_path: Path) -> None:
    before = listing(tmp_path)
    assert fingerprint(replace(before, targets=np.asfortranarray(before.targets))) == fingerprint(before)
    big = replace(before, targets=np.array([0, 1, 1]))
    assert fingerprint(replace(big, targets=big.targets.astype(">i8"))) == fingerprint(big)


def test_fingerprint_stays_what_it_was(tmp_path: Path) -> None:
    """A recorded value: runs of today and of later must be comparable."""
    assert fingerprint(listing(tmp_path)) == "26ded95a9cf0c0100db99983b1104c3c"


def with_masks(root: Path) -> Listing:
    masks = Masks(
        paths=PathList([f"{i}.png" for i in range(3)]),
        pixels=np.array([[3, 0], [0, 2], [1, 1]]),
        void=np.array([0, 1, 2]),
        heights_widths=np.array([[1, 3], [3, 1], [2, 2]]),
        coding=MaskCoding(ids=(0, 1)),
    )
    return replace(listing(root), targets=(masks.pixels > 0).astype(np.int8), masks=masks)


def test_take_keeps_masks_with_their_images(tmp_path: Path) -> None:
    taken = with_masks(tmp_path).take(np.array([2, 0]))
    assert taken.masks is not None
    assert list(taken.masks.paths) == ["2.png", "0.png"]
    assert taken.masks.pixels.tolist() == [[1, 1], [3, 0]]
    assert taken.masks.void.tolist() == [2, 0]
    assert taken.masks.heights_widths.tolist() == [[2, 2], [1, 3]]
    assert counts(taken)["dog"] == {"n_positive": 1, "n_ignored": 0}


@pytest.mark.parametrize("change", ["none", "path", "pixels", "void"])
def test_fingerprint_sees_the_masks(tmp_path: Path, change: str) -> None:
    before = with_masks(tmp_path)
    assert before.masks is not None
    masks: Masks | None = before.masks
    if change == "none":
        masks = None
    elif change == "path":
        masks = replace(before.masks, paths=PathList(["0.png", "1.png", "3.png"]))
    elif change == "pixels":
        masks = replace(before.masks, pixels=before.masks.pixels * [1, 2])
    else:
        masks = replace(before.masks, void=before.masks.void * 2)
    assert fingerprint(replace(before, masks=masks)) != fingerprint(before)


def with_captions(root: Path) -> Listing:
    captions = Captions.gathered([7, 8, 9], [["a", "b"], ["c"], ["d", "e", "f"]])
    return replace(listing(root), targets=np.zeros((3, 0), dtype=np.int8), classes=(), captions=captions)


def test_take_keeps_captions_with_their_images(tmp_path: Path) -> None:
    taken = with_captions(tmp_path).take(np.array([2, 0]))
    assert taken.captions is not None
    assert [taken.captions.of(i) for i in range(2)] == [("d", "e", "f"), ("a", "b")]
    assert taken.captions.ids.tolist() == [9, 7]
    assert list(taken.images) == ["2.jpg", "0.jpg"]


@pytest.mark.parametrize("change", ["none", "word", "place"])
def test_fingerprint_sees_the_captions(tmp_path: Path, change: str) -> None:
    before = with_captions(tmp_path)
    captions: Captions | None = None
    if change == "word":
        captions = Captions.gathered([7, 8, 9], [["a", "b"], ["x"], ["d", "e", "f"]])
    elif change == "place":
        captions = Captions.gathered([7, 8, 9], [["a"], ["b", "c"], ["d", "e", "f"]])
    assert fingerprint(replace(before, captions=captions)) != fingerprint(before)
    assert fingerprint(with_captions(tmp_path)) == fingerprint(before)
