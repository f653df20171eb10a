"""Stored features come back as they were written, to float16; a damaged or unfinished store is never taken."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from saccade.data.feature_files import FeatureFile, StoredFeatures, differing, pooled, store_of
from saccade.data.feature_writer import FeatureWriter
from saccade.data.listing import Listing
from saccade.data.paths import PathList
from saccade.errors import DataError
from saccade.samples import SampleKey

NAMES = [f"images/{i}.jpg" for i in range(5)]
FEATURES = np.random.default_rng(0).random((5, 3, 4), dtype=np.float32)
BOXES = np.random.default_rng(1).random((5, 3, 4), dtype=np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "features" / "train.npy"
    with FeatureWriter(path, NAMES, (3, 4), made={"backbone": "x"}, boxes=True) as writer:
        writer.write(FEATURES, BOXES)
    return path


def listing(*names: str, root: Path = Path("none"), split: str | None = None) -> Listing:
    return Listing(root, PathList(names), np.arange(len(names)), tuple("abcde"), split=split)


def vectors(path: Path, *names: str, **made: str) -> Path:
    """A store of a vector an image."""
    with FeatureWriter(path, names, (4,), made=made) as writer:
        writer.write(FEATURES[: len(names), 0])
    return path


def test_a_store_gives_back_what_was_written(path: Path) -> None:
    store = FeatureFile(path)
    assert store.array.dtype == np.float16
    assert np.array_equal(store.array, FEATURES.astype(np.float16))
    assert store.boxes is not None
    assert np.array_equal(store.boxes, BOXES)
    assert list(store.names) == NAMES
    assert store.made == {"backbone": "x"}
    assert isinstance(store.array, np.memmap)
    store.verify()


def test_numpy_alone_reads_the_file(path: Path) -> None:
    assert np.array_equal(np.load(path), FEATURES.astype(np.float16))
    about = json.loads(path.with_suffix(".json").read_text())
    assert about["names"] == NAMES
    assert (about["shape"], about["dtype"]) == ([5, 3, 4], "float16")


def test_the_checksum_is_that_of_sha256sum(path: Path) -> None:
    import hashlib

    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    assert json.loads(path.with_suffix(".json").read_text())["sha256"] == expected
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match=r"train\.npy: its checksum is not that of its index"):
        FeatureFile(path).verify()


def test_a_store_is_pickled_as_its_path(path: Path) -> None:
    text = pickle.dumps(FeatureFile(path))
    assert len(text) < 300
    assert np.array_equal(pickle.loads(text).array, FEATURES.astype(np.float16))


def test_rows_are_found_by_name(path: Path) -> None:
    store = FeatureFile(path)
    assert store.rows(listing(NAMES[3], NAMES[0])).tolist() == [3, 0]
    anew = r"; remove it and train\.json, and `saccade data features CONFIG` makes it anew, or set data\.features\.path"
    with pytest.raises(DataError, match=r"no features of 2 images of 3, among them 'x\.jpg', 'y\.jpg'" + anew):
        store.rows(listing("x.jpg", NAMES[0], "y.jpg"))


def test_features_of_other_images_with_the_same_names_are_refused(tmp_path: Path) -> None:
    """A file is told by its size, where one was known then and is known now."""
    for i, name in enumerate("abc"):
        (tmp_path / name).write_bytes(b"x" * i)
    path, names = tmp_path / "train.npy", ["a", "b", "c", "gone"]
    with FeatureWriter(path, names, (4,), made={}, sizes=[0, 9, -1, 9]) as writer:
        writer.write(FEATURES[:4, 0])
    store = FeatureFile(path)
    assert store.sizes.tolist() == [0, 9, -1, 9]
    assert store.rows(listing("c", "gone", "a", root=tmp_path)).tolist() == [2, 3, 0]
    with pytest.raises(DataError, match=r"train\.npy: has features of files of other sizes for 1 image of 2"):
        store.rows(listing("c", "b", root=tmp_path))


def test_samples_are_the_rows_of_their_images(path: Path) -> None:
    data = StoredFeatures(listing(NAMES[4], NAMES[1]), FeatureFile(path))
    assert len(data) == 2
    sample = pickle.loads(pickle.dumps(data))[SampleKey(0, 1)]
    assert sample.image.dtype == torch.float32
    assert sample.image.tolist() == FEATURES[1].astype(np.float16).astype(np.float32).tolist()
    assert (sample.index, int(sample.target)) == (1, 1)


def test_one_vector_an_image_is_one_region(tmp_path: Path) -> None:
    with FeatureWriter(tmp_path / "a.npy", NAMES, (4,), made={}) as writer:
        writer.write(FEATURES[:, 0])
    image = StoredFeatures(listing(*NAMES), FeatureFile(tmp_path / "a.npy"))[SampleKey(0, 2)].image
    assert image.tolist() == [FEATURES[2, 0].astype(np.float16).astype(np.float32).tolist()]


def test_the_file_of_a_split_is_called_by_its_name(tmp_path: Path) -> None:
    asked = listing(NAMES[1], split="val")
    vectors(tmp_path / "all.npy", *NAMES, source="old")
    own = vectors(tmp_path / "val.npy", *NAMES, source="new")
    assert store_of(tmp_path, asked).path == own
    assert store_of(tmp_path, asked, {"source": "new"}).path == own
    said = r"val\.npy: was made with source new, and the features that the network learned from with source old; set"
    with pytest.raises(DataError, match=said):
        store_of(tmp_path, asked, {"source": "old"})
    own.write_bytes(b"")
    with pytest.raises(DataError, match=r"val\.npy: cannot be read"):
        store_of(tmp_path, asked)


def test_without_one_the_features_are_looked_for_among_the_others(tmp_path: Path) -> None:
    for name, images, source in (("a", ["x.jpg"], "new"), ("b", NAMES, "old"), ("c", NAMES, "new")):
        vectors(tmp_path / f"{name}.npy", *images, source=source)
    for name in ("0", "bad"):
        vectors(tmp_path / f"{name}.npy", *NAMES, source="new").write_bytes(b"")
    (tmp_path / "no_index.npy").write_bytes(b"")
    asked = listing(NAMES[1], split="val")
    assert store_of(tmp_path, asked).path == tmp_path / "b.npy"
    assert store_of(tmp_path, asked, {"source": "new"}).path == tmp_path / "c.npy"
    with pytest.raises(DataError, match=rf"features of {NAMES[1]}, made as those that the network learned from; `sacc"):
        store_of(tmp_path, asked, {"source": "another"})
    with pytest.raises(DataError, match=r"holds no finished file with features of new\.jpg; `saccade data features"):
        store_of(tmp_path, listing("new.jpg", split="val"))


def test_how_features_differ_is_told_in_words() -> None:
    made = {"network": "a", "size": 3, "grid": [2, 2]}
    assert differing(made, made) is None
    assert differing(made, {"network": "a"}) is None  # nothing else is asked for
    assert differing(made, {"network": "b", "size": 4}) == ("network a, size 3", "network b, size 4")
    assert differing(made, {"source": "x", "pool": "max"}) == ("network a", "source x")
    assert differing({"source": "x"}, made) == ("source x", "network a")


def test_pooling_by_hand() -> None:
    """Two regions of three features, one of them negative, and two rows of padding."""
    regions = np.array([[1, -4, 0], [3, -2, 0], [0, 0, 0], [0, 0, 0]], dtype=np.float32)
    assert pooled(regions, "max").tolist() == [3, -2, 0]
    assert pooled(regions, "mean").tolist() == [2, -3, 0]
    assert pooled(regions, "none") is regions
    both = pooled(np.stack([regions, np.zeros_like(regions)]), "mean")
    assert both.tolist() == [[2, -3, 0], [0, 0, 0]]
    assert pooled(np.zeros((2, 3), np.float32), "max").tolist() == [0, 0, 0]
    assert pooled(regions, "mean").dtype == pooled(regions, "max").dtype == np.float32


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("no index", r"train\.json: no such file"),
        ("no file", r"train\.npy: no such file, though its index is there"),
        ("cut", r"train\.npy: cannot be read as an array"),
        ("other", r"holds float32 \[2\], and its index says float16 \[5, 3, 4\]"),
        ("names", r"train\.json: 4 names, and the shape \[5, 3, 4\]; a row has one name"),
        ("numbers", r"'names' holds something else than names"),
        ("sizes", r"train\.json: 'sizes' holds something else than the bytes of each image's file"),
        ("index", r"train\.json: has no 'made'; it takes an object"),
        ("part", r"is not written to the end"),
    ],
)
def test_a_damaged_store_is_refused(path: Path, damage: str, said: str) -> None:
    index = path.with_suffix(".json")
    about = json.loads(index.read_text())
    if damage == "no index":
        index.unlink()
    elif damage == "no file":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif damage == "other":
        np.save(path, np.zeros(2, np.float32))
    elif damage == "names":
        index.write_text(json.dumps({**about, "names": NAMES[:4]}))
    elif damage == "numbers":
        index.write_text(json.dumps({**about, "names": [1, 2, 3, 4, 5]}))
    elif damage == "sizes":
        index.write_text(json.dumps({**about, "sizes": [1, 2]}))
    elif damage == "index":
        index.write_text(json.dumps({k: v for k, v in about.items() if k != "made"}))
    else:
        index.rename(path.with_suffix(".part.json"))
    with pytest.raises(DataError, match=said):
        FeatureFile(path)


def test_the_ending_says_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"ends in \.npy"):
        FeatureFile(tmp_path / "train.h5")
