from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saccade.data.check import Finding, check, unreadable
from saccade.data.listing import Listing
from saccade.data.mask_layout import MaskLayout, listing_of
from saccade.data.paths import PathList
from saccade.errors import DataError


def listing(root: Path, targets: dict[str, int], classes: tuple[str, ...] = ("cat", "dog")) -> Listing:
    return Listing(root, PathList(targets), np.array(list(targets.values()), dtype=np.int64), classes)


@pytest.fixture
def root(tmp_path: Path, jpeg: Callable[..., Path]) -> Path:
    for i in range(6):
        jpeg(tmp_path / f"{i}.jpg", seed=i, size=(64, 64))
    return tmp_path


def test_nothing_wrong(root: Path) -> None:
    told: list[int] = []
    splits = {"train": listing(root, {"0.jpg": 0, "1.jpg": 1}), "val": listing(root, {"2.jpg": 1})}
    report = check(splits, progress=told.append)
    assert report.problems == ()
    assert report.notes == ()
    assert report.images == {"train": 2, "val": 1}
    assert report.classes["val"]["dog"] == {"n_positive": 1, "n_ignored": 0}
    assert report.classes["val"]["cat"] == {"n_positive": 0, "n_ignored": 0}
    assert sum(told) == 3


def damage(root: Path) -> dict[str, int]:
    """One file of each fault, and a good one."""
    (root / "empty.jpg").touch()
    whole = (root / "1.jpg").read_bytes()
    (root / "short.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "text.jpg").write_text("not an image")
    (root / "folder.jpg").mkdir()
    return dict.fromkeys(["0.jpg", "empty.jpg", "gone.jpg", "short.jpg", "text.jpg", "folder.jpg"], 0)


def test_every_fault_has_its_name(root: Path) -> None:
    report = check({"val": listing(root, damage(root))})
    assert [(f.kind, f.split, f.what) for f in report.problems] == [
        ("empty file", "val", "empty.jpg"),
        ("missing", "val", "gone.jpg"),
        ("truncated", "val", "short.jpg"),
        ("unreadable", "val", "text.jpg"),
        ("unreadable", "val", "folder.jpg"),
    ]
    assert report.images == {"val": 6}
    assert all(finding.detail and str(root) not in finding.detail.split("(")[0] for finding in report.problems)


def test_unreadable_tells_names_and_reasons(root: Path) -> None:
    told: list[int] = []
    found = unreadable(root, PathList(damage(root)), progress=told.append)
    assert [name for name, _ in found] == ["empty.jpg", "gone.jpg", "short.jpg", "text.jpg", "folder.jpg"]
    assert found[0][1] == "the file has 0 bytes"
    assert "truncated" in found[2][1]
    assert sum(told) == 6
    assert unreadable(root, ["0.jpg"]) == []
    assert unreadable(root, []) == []


def test_a_fault_within_a_decoder_is_found_too(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def trip(path: Path) -> None:
        raise IndexError("tile out of range")

    monkeypatch.setattr("saccade.data.check.read_rgb", trip)
    assert unreadable(root, ["0.jpg"]) == [("0.jpg", "IndexError('tile out of range')")]


def test_images_in_two_splits_by_content(root: Path) -> None:
    shutil.copy(root / "0.jpg", root / "copy.jpg")
    shutil.copy(root / "0.jpg", root / "again.jpg")
    report = check(
        {
            "train": listing(root, {"0.jpg": 0, "1.jpg": 1}),
            "val": listing(root, {"copy.jpg": 0, "2.jpg": 1}),
            "test": listing(root, {"again.jpg": 1, "3.jpg": 1}),
        }
    )
    assert report.problems == (
        Finding("in two splits", "val", "copy.jpg", "the same bytes as 0.jpg in train"),
        Finding("in two splits", "test", "again.jpg", "the same bytes as 0.jpg in train, with another label"),
    )
    assert report.notes == ()


def test_duplicates_within_a_split_are_notes(root: Path) -> None:
    for name in ("copy.jpg", "again.jpg"):
        shutil.copy(root / "0.jpg", root / name)
    report = check({"train": listing(root, {"0.jpg": 0, "copy.jpg": 0, "again.jpg": 1})})
    assert report.problems == ()
    assert report.notes == (
        Finding("duplicate", "train", "copy.jpg", "the same bytes as 0.jpg"),
        Finding("duplicate", "train", "again.jpg", "the same bytes as 0.jpg, with another label"),
    )


def test_empty_files_are_not_called_duplicates(root: Path) -> None:
    (root / "a.jpg").touch()
    (root / "b.jpg").touch()
    report = check({"train": listing(root, {"a.jpg": 0, "0.jpg": 1}), "val": listing(root, {"b.jpg": 0})})
    assert {finding.kind for finding in report.problems} == {"empty file"}
    assert report.notes == ()


def test_classes_without_a_training_example(root: Path) -> None:
    targets = np.array([[1, 0, -1], [1, 0, 0]], dtype=np.int8)
    many = Listing(root, PathList(["0.jpg", "1.jpg"]), targets, ("cat", "dog", "elk"))
    assert check({"train": many}).problems == (
        Finding("no training example", "train", "dog", "no image of train shows it"),
        Finding("no training example", "train", "elk", "no image of train shows it (1 are ignored)"),
    )
    assert check({"val": many}).problems == ()


def test_what_the_readers_refused_is_a_problem_beside_the_others(root: Path) -> None:
    refused = DataError("a.xml: unknown class 'elk'\nb.xml: unknown class 'emu'")
    report = check({"train": listing(root, {"0.jpg": 0, "gone.jpg": 1})}, errors={"val": refused})
    assert [(f.kind, f.split, f.detail) for f in report.problems] == [
        ("labels", "val", "a.xml: unknown class 'elk'"),
        ("labels", "val", "b.xml: unknown class 'emu'"),
        ("missing", "train", "there is no such file"),
    ]
    assert check({}, errors={}).problems == ()


def test_mask_faults_are_problems(root: Path) -> None:
    for name in ("0", "1"):
        Image.fromarray(np.eye(64, dtype=np.uint8)).save(root / f"{name}.png")
    listing = listing_of(root, ["0.jpg", "1.jpg"], ["0.png", "1.png"], MaskLayout(classes=("cat", "dog")))
    assert check({"train": listing}).problems == ()
    Image.fromarray(np.full((64, 64), 7, dtype=np.uint8)).save(root / "1.png")
    (problem,) = check({"train": listing}).problems
    assert (problem.kind, problem.split, problem.what) == ("mask", "train", "1.png")
    assert problem.detail.startswith("id 7 in 4096 pixels stands for no class")


@pytest.mark.real
def test_real_data_has_no_unreadable_image(real_data: Path) -> None:
    names = sorted(path.name for path in (real_data / "flickr1k/JPEGImages").iterdir())[:100]
    assert unreadable(real_data / "flickr1k/JPEGImages", names) == []
