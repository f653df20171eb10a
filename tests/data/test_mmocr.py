"""MMOCR's JSON of words; what does not hold is told with file and place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.data import mmocr
from saccade.data.listing import Listing
from saccade.data.mended import Mended
from saccade.errors import DataError
from saccade.quads import area, sides

POLYGON = [10, 20, 90, 25, 88, 50, 12, 45]
INSTANCE = {"bbox": [10, 20, 90, 50], "bbox_label": 0, "polygon": POLYGON, "text": "Exit, 5", "ignore": False}


def write(root: Path, *instances: Any, images: Any = None, name: str = "textspotting_train") -> Path:
    """The file of a split: an image with ``instances`` and one without, or the entries ``images``."""
    entries = [{"img_path": "a.jpg", "height": 80, "width": 99, "instances": list(instances)}]
    entries += [{"img_path": "b.jpg", "height": 80, "width": 99, "instances": []}]
    metainfo = {
        "dataset_type": "TextSpotterDataset",
        "task_name": "textspotter",
        "category": [{"id": 0, "name": "text"}],
    }
    path = root / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"metainfo": metainfo, "data_list": entries if images is None else images}))
    return path


def read(root: Path) -> tuple[Listing, Mended]:
    return mmocr.read(root, "train", images=".")


def test_images_and_words_in_the_order_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, INSTANCE, {**INSTANCE, "text": "###", "ignore": True})
    listing, mended = read(tmp_path)
    assert list(listing.images) == ["a.jpg", "b.jpg"]
    assert (listing.targets.shape, listing.classes) == ((2, 0), ())
    assert listing.words is not None
    assert listing.words.counts.tolist() == [2, 0]
    assert list(listing.words.texts) == ["Exit, 5", "###"]
    assert listing.words.quads[0].ravel().tolist() == POLYGON
    assert mended == Mended()


@pytest.mark.parametrize(
    ("text", "ignore", "cared"),
    [
        ("x", False, True),
        ("x", True, False),
        ("###", False, False),
        ("###", None, False),
        ("x", None, True),
        ("x", 1, False),
    ],
)
def test_what_is_ignored_or_unreadable_is_not_cared_for(tmp_path: Path, text: str, ignore: Any, cared: bool) -> None:
    instance = {"polygon": POLYGON, "text": text} | ({} if ignore is None else {"ignore": ignore})
    write(tmp_path, instance)
    words = read(tmp_path)[0].words
    assert words is not None
    assert words.cared.tolist() == [cared]


def test_a_box_stands_for_a_missing_polygon(tmp_path: Path) -> None:
    write(tmp_path, {"bbox": [10, 20, 90.5, 50], "text": "x"}, {"polygon": None, "bbox": [1, 2, 30, 40], "text": "y"})
    words = read(tmp_path)[0].words
    assert words is not None
    assert words.quads[0].tolist() == [[10, 20], [90.5, 20], [90.5, 50], [10, 50]]
    assert words.quads[1, 2].tolist() == [30, 40]


def test_anticlockwise_polygons_are_turned_and_counted(tmp_path: Path) -> None:
    write(tmp_path, {**INSTANCE, "polygon": [10, 20, 12, 45, 88, 50, 90, 25]})
    listing, mended = read(tmp_path)
    assert listing.words is not None
    assert listing.words.quads[0].ravel().tolist() == POLYGON
    assert mended == Mended(turned=1)


def test_more_than_four_points_become_a_rectangle_and_are_counted(tmp_path: Path) -> None:
    write(tmp_path, INSTANCE, {**INSTANCE, "polygon": [0, 0, 50, 0, 100, 0, 100, 20, 50, 20, 0, 20]})
    listing, mended = read(tmp_path)
    assert listing.words is not None
    np.testing.assert_allclose(listing.words.quads[1], [[0, 0], [100, 0], [100, 20], [0, 20]], atol=1e-5)
    assert mended == Mended(polygons=1)


RECTANGLE = np.array([[62.344, 43.206], [141.129, 57.098], [137.656, 76.794], [58.871, 62.902]])


@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("clockwise", [True, False])
@pytest.mark.parametrize("between", [1, 2, 3])
def test_points_along_a_rectangle_give_it_back_from_where_reading_begins(
    start: int, clockwise: bool, between: int
) -> None:
    """The rectangle of the specification, turned by 10 degrees; ``between`` further points above and below the text."""
    corners = np.roll(RECTANGLE, -start, axis=0)
    shares = np.linspace(0, 1, between + 2)[:, None]
    above = corners[0] + shares * (corners[1] - corners[0])
    below = corners[2] + shares * (corners[3] - corners[2])
    points = np.concatenate([above, below])
    if not clockwise:
        points = np.concatenate([points[:1], points[:0:-1]])
    np.testing.assert_allclose(mmocr.least_rectangle(points), corners, atol=1e-2)


def test_no_turned_rectangle_around_a_polygon_has_less_area() -> None:
    """Against rectangles at 9000 angles; all points lie inside of the one that is found."""
    rng = np.random.default_rng(0)
    angles = np.arange(9000) * (np.pi / 2 / 9000)
    u = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    v = np.stack([-u[:, 1], u[:, 0]], axis=1)
    for n in range(5, 25):
        points = rng.uniform(0, 100, (n, 2)) * [1, rng.uniform(0.05, 1)] @ _turn(rng.uniform(0, np.pi))
        found = mmocr.least_rectangle(points)
        tried = np.ptp(u @ points.T, axis=1) * np.ptp(v @ points.T, axis=1)
        assert tried.min() * (1 - 1e-3) < area(found) <= tried.min() + 1e-9
        top, right, bottom, left = sides(found)
        assert (top, right) == pytest.approx((bottom, left))
        along, down = (found[1] - found[0]) / top, (found[3] - found[0]) / left
        assert along @ down == pytest.approx(0, abs=1e-9)
        assert ((points - found[0]) @ along).min() > -1e-9
        assert ((points - found[0]) @ along).max() < top + 1e-9
        assert ((points - found[0]) @ down).min() > -1e-9
        assert ((points - found[0]) @ down).max() < left + 1e-9


def test_an_outline_of_many_points_takes_no_more_than_it_must() -> None:
    """A circle of 20,000 points; also its points on one line, or all in one place."""
    angles = np.linspace(0, 2 * np.pi, 20_000, endpoint=False)
    points = 50 + 40 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert area(mmocr.least_rectangle(points)) == pytest.approx(80**2, rel=1e-6)
    flat = mmocr.least_rectangle(points * [1, 0])
    assert (flat.min(axis=0), flat.max(axis=0)) == (pytest.approx([10, 0]), pytest.approx([90, 0]))
    assert (mmocr.least_rectangle(np.full((9, 2), 3.0)) == 3).all()


def _turn(angle: float) -> np.ndarray[Any, Any]:
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


FAULTS = [
    ({"text": None}, "data_list[0].instances[1] has 'text': null; it takes text"),
    ({"text": "a \ud83d"}, "data_list[0].instances[1] has half a letter"),
    ({"text": "a\nb"}, "or an end of line in its text"),
    ({"ignore": "yes"}, "data_list[0].instances[1] has 'ignore': 'yes'; it takes true or false"),
    ({"polygon": None, "bbox": None}, "data_list[0].instances[1] has neither 'polygon' nor 'bbox'"),
    ({"polygon": "x"}, "data_list[0].instances[1] has 'polygon': \"x\"; it takes a list"),
    ({"polygon": [[1, 2], [3, 4]]}, "has something else than numbers in 'polygon'"),
    ({"polygon": [1, 2, 3, 4, 5, 6, True, 8]}, "has something else than numbers in 'polygon'"),
    ({"polygon": [1, 2, 3, 4, 5, 6, 7, 10**400]}, "has something else than numbers in 'polygon'"),
    ({"polygon": [1, 2, 3, 4, 5, 6]}, "has a polygon of 6 numbers; it takes x and y of at least 4 points"),
    ({"polygon": [*POLYGON, 9]}, "has a polygon of 9 numbers"),
    ({"polygon": []}, "has a polygon of 0 numbers"),
    ({"polygon": None, "bbox": [1, 2, 3]}, "has 'bbox': [1, 2, 3]; it takes x1, y1, x2, y2"),
    ({"polygon": None, "bbox": [9, 2, 3, 5]}, "has 'bbox': [9, 2, 3, 5]; it takes x1, y1, x2, y2"),
    ({"polygon": [float("nan"), *POLYGON[1:]]}, "data_list[0].instances[1]: the outline nan,20"),
    ({"polygon": [float("inf"), 1, *POLYGON]}, "not a finite number"),
    ({"polygon": [1, 1, 1, 1, 9, 9, 1, 9]}, "has two corners in one place"),
    ({"polygon": [3, 3] * 5}, "has two corners in one place"),
    ({"polygon": [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]}, "has two corners in one place"),
]


@pytest.mark.parametrize(("change", "said"), FAULTS, ids=[said[:40] for _, said in FAULTS])
def test_what_does_not_hold_is_told_with_its_place(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = write(tmp_path, INSTANCE, {**INSTANCE, **change})
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert str(caught.value).startswith(f"{path}: data_list[0].instances[1]")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (7, "has 'data_list': 7; it takes a list"),
        ([], "'data_list' is empty"),
        ([{"instances": []}], "data_list[0] has no 'img_path'; it takes text"),
        ([{"img_path": "a.jpg"}], "data_list[0] has no 'instances'; it takes a list"),
        ([{"img_path": "a.jpg", "instances": [3]}], "data_list[0].instances[0] is 3; it takes an object with 'text'"),
        ([{"img_path": "../a.jpg", "instances": []}], "data_list[0] has img_path '../a.jpg'; it is relative"),
        (
            [{"img_path": "a.jpg", "instances": []}] * 2,
            "data_list[1] has img_path 'a.jpg', as data_list[0] has already",
        ),
    ],
)
def test_images_that_do_not_hold(tmp_path: Path, images: Any, said: str) -> None:
    path = write(tmp_path, images=images)
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["textspotting_train", "annotations/textspotting_train", "train", "annotations/train"])
def test_the_file_of_a_split_is_found(tmp_path: Path, name: str) -> None:
    write(tmp_path, INSTANCE, name=name)
    assert mmocr.splits(tmp_path) == ["train"]
    assert len(read(tmp_path)[0]) == 2


def test_splits_are_the_files_for_spotting(tmp_path: Path) -> None:
    for name in ("textspotting_train", "textspotting_test", "textdet_train", "textrecog_train"):
        write(tmp_path, name=name)
    assert mmocr.splits(tmp_path) == ["test", "train"]
    with pytest.raises(
        DataError, match=r"no split 'val': there is no textspotting_val\.json, .*it has 'test', 'train'"
    ):
        mmocr.read(tmp_path, "val")
    with pytest.raises(DataError, match="nor that folder"):
        mmocr.read(tmp_path / "nowhere", "val")


@pytest.mark.parametrize("folder", [".", "train", "images"])
def test_the_folder_of_images_is_found(tmp_path: Path, jpeg: Callable[..., Path], folder: str) -> None:
    write(tmp_path, images=[{"img_path": "textdet_imgs/train/a.jpg", "instances": []}])
    jpeg(tmp_path / folder / "textdet_imgs" / "train" / "a.jpg")
    listing, _ = mmocr.read(tmp_path, "train")
    assert (tmp_path / listing.images[0]).is_file()


def test_no_folder_of_images(tmp_path: Path) -> None:
    write(tmp_path, INSTANCE)
    with pytest.raises(DataError, match=r"no image 'a\.jpg', the first of split train"):
        mmocr.read(tmp_path, "train")
