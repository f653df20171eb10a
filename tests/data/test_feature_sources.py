"""Features of others, in files made here as their publications describe them, arrive under the images' names."""

from __future__ import annotations

import base64
import sys
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from saccade.data.captions import Captions
from saccade.data.feature_files import FeatureFile, Pool
from saccade.data.feature_sources import convert, open_source
from saccade.data.listing import Listing
from saccade.data.paths import PathList
from saccade.errors import DataError

IMAGES = ["train2014/COCO_0042.jpg", "train2014/COCO_0007.jpg", "train2014/COCO_0009.jpg"]
IDS = [42, 7, 9]
FEATURES = np.random.default_rng(0).random((3, 4, 5), dtype=np.float32)
STORED = FEATURES.astype(np.float16)


def listing(images: Sequence[str], ids: Sequence[int], root: Path = Path("none")) -> Listing:
    captions = Captions.gathered(ids, [["words"]] * len(ids))
    return Listing(root, PathList(images), np.zeros((len(ids), 0), np.int8), (), captions=captions)


def converted(
    source: Path,
    images: Sequence[str] = IMAGES,
    *,
    ids: Sequence[int] = IDS,
    regions: int | None = None,
    pool: Pool = "none",
) -> FeatureFile:
    """The store that a source becomes."""
    path = source.parent / "ours" / "train.npy"
    found, described = open_source(source, images), listing(images, ids[: len(images)])
    convert(found, path, described, origin=str(source), made={"source": "theirs"}, regions=regions, pool=pool)
    store = FeatureFile(path)
    store.verify()
    assert list(store.names) == list(images)
    return store


def tsv_line(i: int, k: int = 4) -> bytes:
    """Image ``i``, 100 wide and 50 high, with its first k regions; box r is (10 r, 5 r, 100, 50)."""
    boxes = np.array([[10 * r, 5 * r, 100, 50] for r in range(k)], dtype="<f4")
    coded = (base64.b64encode(np.ascontiguousarray(part)) for part in (boxes, FEATURES[i, :k]))
    return b"\t".join([str(IDS[i]).encode(), b"100", b"50", str(k).encode(), *coded]) + b"\n"


def test_one_array(tmp_path: Path) -> None:
    np.save(tmp_path / "all.npy", FEATURES)
    store = converted(tmp_path / "all.npy")
    assert np.array_equal(store.array, STORED)
    assert store.boxes is None
    assert store.made == {"source": "theirs"}
    assert store.sizes.tolist() == [-1] * 3


def test_one_array_has_a_row_an_image(tmp_path: Path) -> None:
    np.save(tmp_path / "all.npy", FEATURES[:2])
    with pytest.raises(DataError, match=r"all\.npy: has 2 rows for 3 images; it takes one an image"):
        open_source(tmp_path / "all.npy", IMAGES)


@pytest.mark.parametrize("key", ["name", "stem", "id"])
def test_one_file_an_image_by_any_of_its_names(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    for image, image_id, rows in zip(IMAGES, IDS, FEATURES, strict=True):
        name = {"name": Path(image).name, "stem": Path(image).stem, "id": str(image_id)}[key]
        np.save(folder / f"{name}.npy", rows)
    assert np.array_equal(converted(folder).array, STORED)


def folder_of(folder: Path, **files: float) -> Path:
    """An ``.npy`` for each key, full of its number."""
    for name, value in files.items():
        path = folder / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.full((2, 3), value))
    return folder


def test_images_of_one_name_in_two_folders_have_features_of_their_own(tmp_path: Path) -> None:
    images, ids = ["a/1.jpg", "b/1.jpg"], [11, 12]
    several = r"one: what is called 1 would be the features of 2 images, 'a/1\.jpg', 'b/1\.jpg'; name the features of"
    with pytest.raises(DataError, match=several):
        converted(folder_of(tmp_path / "one", **{"1": 1}), images, ids=ids)
    assert not (tmp_path / "ours").exists()
    store = converted(folder_of(tmp_path / "two", **{"a/1": 1, "b/1": 2, "1": 3}), images, ids=ids)
    assert store.array[:, 0, 0].tolist() == [1, 2]


def test_a_name_that_is_also_the_id_of_another_image_is_refused(tmp_path: Path) -> None:
    """Features called by ids would otherwise be taken for those called by names, and images get each other's."""
    images, ids = ["1.jpg", "2.jpg"], [2, 1]
    by_either = r"features of 1\.jpg are there under its name, 1, and under its id, 2, and .*whole file names"
    with pytest.raises(DataError, match=by_either):
        converted(folder_of(tmp_path / "either", **{"1": 1, "2": 2}), images, ids=ids)
    store = converted(folder_of(tmp_path / "names", **{"1": 9, "2": 9, "1.jpg": 1, "2.jpg": 2}), images, ids=ids)
    assert store.array[:, 0, 0].tolist() == [1, 2]
    same = converted(folder_of(tmp_path / "same" / "theirs", **{"1": 1, "2": 2}), images, ids=[1, 2])
    assert same.array[:, 0, 0].tolist() == [1, 2]


def test_the_size_of_each_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"1234")
    path = tmp_path / "ours" / "train.npy"
    source = open_source(folder_of(tmp_path / "theirs", **{"1": 1, "2": 2}), ["1.jpg", "2.jpg"])
    convert(source, path, listing(["1.jpg", "2.jpg"], [1, 2], tmp_path), origin="theirs", made={})
    assert FeatureFile(path).sizes.tolist() == [4, -1]


def test_one_vector_an_image(tmp_path: Path) -> None:
    folder = tmp_path / "features"
    folder.mkdir()
    for image_id, rows in zip(IDS, FEATURES, strict=True):
        np.save(folder / f"{image_id}.npy", rows[0])
    assert np.array_equal(converted(folder).array, STORED[:, 0])


def test_bottom_up_regions_with_boxes_as_shares(tmp_path: Path) -> None:
    """Published as several files, in an order of their own, with 10 to 100 regions an image."""
    folder = tmp_path / "tsv"
    folder.mkdir()
    (folder / "genome.tsv.0").write_bytes(tsv_line(2, 3) + tsv_line(0))
    (folder / "genome.tsv.1").write_bytes(tsv_line(1, 1))
    store = converted(folder, regions=3)
    assert store.array.shape == (3, 3, 5)
    assert np.array_equal(store.array[0], STORED[0, :3])
    assert np.array_equal(store.array[1, :1], STORED[1, :1])
    assert not store.array[1, 1:].any()
    assert np.array_equal(store.array[2], STORED[2, :3])
    assert store.boxes is not None
    assert store.boxes[2] == pytest.approx(np.array([[0, 0, 1, 1], [0.1, 0.1, 1, 1], [0.2, 0.2, 1, 1]]))
    assert not store.boxes[1, 1:].any()


@pytest.mark.parametrize("pool", ["max", "mean"])
def test_pooled_over_the_regions_that_are_kept(tmp_path: Path, pool: Pool) -> None:
    (tmp_path / "a.tsv").write_bytes(b"".join(tsv_line(i) for i in range(3)))
    store = converted(tmp_path / "a.tsv", regions=2, pool=pool)
    expected = getattr(FEATURES[:, :2], pool)(axis=1)
    assert store.array.shape == (3, 5)
    assert store.array == pytest.approx(expected, abs=1e-3)
    assert store.boxes is None


@pytest.mark.parametrize("pool", ["none", "max"])
def test_an_image_without_regions_is_named(tmp_path: Path, pool: Pool) -> None:
    (tmp_path / "a.tsv").write_bytes(tsv_line(0) + tsv_line(1, k=0) + tsv_line(2))
    with pytest.raises(DataError, match="has no region"):
        converted(tmp_path / "a.tsv", regions=2, pool=pool)


def test_unlike_numbers_of_regions_need_a_decision(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(tsv_line(0, 3) + tsv_line(1, 4) + tsv_line(2))
    with pytest.raises(DataError, match=r"COCO_0007\.jpg has features of shape \(4, 5\), .*say how many regions"):
        converted(tmp_path / "a.tsv")


@pytest.mark.parametrize("line", [b"42\t100\t50\n", b"42\t100\t50\t4\tAAAA\tBBBB\n", b"42\tx\t50\t4\t\t\n"])
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "a.tsv").write_bytes(line)
    with pytest.raises(DataError, match=r"a\.tsv: the line of image 42 is not image_id, image_w"):
        converted(tmp_path / "a.tsv", IMAGES[:1])


def test_images_without_features_are_named_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(tsv_line(0))
    with pytest.raises(DataError, match=r"no features of 2 images of 3, among them 'train2014/COCO_0007\.jpg'"):
        converted(tmp_path / "a.tsv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tsv"]


def test_a_conversion_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    np.save(tmp_path / "all.npy", FEATURES)
    path, told = tmp_path / "ours" / "train.npy", []

    def stop(n: int) -> None:
        told.append(n)
        if len(told) == 3:
            raise KeyboardInterrupt

    for progress in (stop, told.append):
        try:
            source = open_source(tmp_path / "all.npy", IMAGES)
            convert(source, path, listing(IMAGES, IDS), origin="all", made={}, progress=progress)
        except KeyboardInterrupt:
            pass
    assert told == [0, 1, 1, 2, 1]
    assert np.array_equal(FeatureFile(path).array, STORED)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.npy", r"none\.npy: no such file or folder of features"),
        ("a.mat", r"a\.mat: features are read from \.npy, \.h5, \.hdf5 or \.tsv"),
        ("bad.npy", r"bad\.npy: cannot be read as an array"),
    ],
)
def test_what_is_no_source_of_features(tmp_path: Path, name: str, said: str) -> None:
    for file in ("a.mat", "bad.npy"):
        (tmp_path / file).write_bytes(b"x")
    with pytest.raises(DataError, match=said):
        open_source(tmp_path / name, IMAGES)


def test_without_h5py_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.h5").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(
        DataError, match=r"a\.h5: to read HDF5 takes the package h5py; install it with: pip install h5py"
    ):
        open_source(tmp_path / "a.h5", IMAGES)


@pytest.mark.parametrize("name", ["{}", "{}_features"])
def test_hdf5_with_one_dataset_an_image(tmp_path: Path, name: str) -> None:
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        for image_id, rows in zip(IDS, FEATURES, strict=True):
            file[name.format(image_id)] = rows
    assert np.array_equal(converted(tmp_path / "a.hdf5").array, STORED)


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.array([["a", "b"]] * 3), r"has <U1 of shape \[3, 2\]; one array for all images takes numbers, \(N, D\) or"),
        (np.float32(3), r"has float32 of shape \[\]"),
        (np.zeros(3), r"has float64 of shape \[3\]"),
        (np.zeros((3, 2, 2, 5)), r"has float64 of shape \[3, 2, 2, 5\]"),
        (np.zeros((3, 2), bool), r"has bool of shape"),
    ],
)
def test_an_array_that_holds_no_features(tmp_path: Path, array: np.ndarray, told: str) -> None:
    np.save(tmp_path / "all.npy", array)
    with pytest.raises(DataError, match=r"all\.npy: " + told):
        open_source(tmp_path / "all.npy", IMAGES)
    folder = tmp_path / "each"
    folder.mkdir()
    for image_id in IDS:
        np.save(folder / f"{image_id}.npy", array)
    if array.shape != (3,):  # which is one vector of an image
        with pytest.raises(DataError, match=r"each: has .* for 42; an image takes numbers, \(D,\) or \(R, D\)"):
            converted(folder)


def test_an_archive_of_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "all.npz", FEATURES)
    (tmp_path / "all.npz").rename(tmp_path / "all.npy")
    with pytest.raises(DataError, match=r"all\.npy: is an archive of arrays; save the one with the features by numpy"):
        open_source(tmp_path / "all.npy", IMAGES)


@pytest.mark.parametrize("name", ["features/{}", "{}/features"])
def test_hdf5_with_groups(tmp_path: Path, name: str) -> None:
    """What lies in groups is not looked for."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for image_id, rows in zip(IDS, FEATURES, strict=True):
            file[name.format(image_id)] = rows
        file["gone"] = h5py.SoftLink("/nowhere")
    with pytest.raises(DataError, match=r"a\.h5: no features of 3 images of 3, among them .*and by id$"):
        converted(tmp_path / "a.h5")


@pytest.mark.parametrize("rows", ["words", ["a", "b"], 3.0])
def test_hdf5_without_numbers(tmp_path: Path, rows: object) -> None:
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["features"] = rows
    with pytest.raises(DataError, match=r"one\.h5: has .* of shape .*; one array for all images takes numbers"):
        open_source(tmp_path / "one.h5", IMAGES)
    with h5py.File(tmp_path / "each.h5", "w") as file:
        for image_id in IDS:
            file[str(image_id)] = rows
    with pytest.raises(DataError, match=r"each\.h5: has .* for 42; an image takes numbers"):
        converted(tmp_path / "each.h5")


def test_hdf5_with_one_array(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["features"] = FEATURES
    assert np.array_equal(converted(tmp_path / "a.h5").array, STORED)
    (tmp_path / "bad.h5").write_bytes(b"x")
    with pytest.raises(DataError, match=r"bad\.h5: cannot be read as HDF5"):
        open_source(tmp_path / "bad.h5", IMAGES)
