"""Scenes on disk: layouts as their public definitions have them, written whole, never over other things."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from saccade.data import coco_captions, folder, scene_captions, scene_files, voc, voc_masks
from saccade.data.mask_layout import MaskLayout
from saccade.data.masks import palette_of
from saccade.data.scene_files import class_mask, class_states, ensure
from saccade.data.scenes import CLASSES, Scene, SceneObject, draw_scene
from saccade.errors import DataError

SETTINGS: dict[str, Any] = {"train": 40, "val": 24, "size": 32, "seed": 4, "layout": "voc"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("voc") / "scenes"
    assert ensure(path, **SETTINGS)
    return path


def contents(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def objects_of(root: Path, name: str) -> list[dict[str, str]]:
    """The objects of an annotation, each as tag and text; a bndbox becomes four entries."""
    tree = ET.parse(root / "Annotations" / f"{name}.xml")
    return [{e.tag: e.text or "" for e in item.iter() if len(e) == 0} for item in tree.iter("object")]


def ids(root: Path, split: str) -> list[str]:
    return (root / "ImageSets/Main" / f"{split}.txt").read_text().split()


def test_voc_sets_name_every_image_once(root: Path) -> None:
    assert ids(root, "train") == [f"train_{i:06d}" for i in range(40)]
    assert ids(root, "val") == [f"val_{i:06d}" for i in range(24)]
    assert ids(root, "trainval") == ids(root, "train") + ids(root, "val")
    for folder_name in ("JPEGImages", "Annotations"):
        assert sorted(p.stem for p in (root / folder_name).iterdir()) == ids(root, "trainval")


def test_voc_images_are_the_scenes_but_for_jpeg(root: Path) -> None:
    with Image.open(root / "JPEGImages/val_000003.jpg") as picture:
        assert picture.size == (32, 32)
        read = np.asarray(picture, dtype=int)
    drawn = draw_scene(4, 3, size=32, split="val")[0]
    assert np.abs(read - drawn).mean() < 12


def test_voc_boxes_are_tight_around_what_is_seen_counted_from_one(root: Path) -> None:
    for index in range(40):
        scene = draw_scene(4, index, size=32)[1]
        seen = [i for i in range(len(scene.objects)) if scene.mask(i).any()]
        written = objects_of(root, f"train_{index:06d}")
        assert [o["name"] for o in written] == [scene.objects[i].shape for i in seen]
        for i, item in zip(seen, written, strict=True):
            ys, xs = np.nonzero(scene.mask(i))
            box = [int(item[k]) for k in ("xmin", "ymin", "xmax", "ymax")]
            assert box == [xs.min() + 1, ys.min() + 1, xs.max() + 1, ys.max() + 1]
            assert item["difficult"] == str(int(scene.visible(i) < 0.3))


def test_voc_set_files_agree_with_the_annotations(root: Path) -> None:
    """VOC's development kit: 1 shown, -1 not shown, 0 shown by difficult objects only."""
    values = {1: 0, 0: 0, -1: 0}
    for split in ("train", "val", "trainval"):
        for name in CLASSES:
            lines = (root / "ImageSets/Main" / f"{name}_{split}.txt").read_text().splitlines()
            assert [line.split()[0] for line in lines] == ids(root, split)
            for line in lines:
                difficult = [o["difficult"] for o in objects_of(root, line.split()[0]) if o["name"] == name]
                expected = 1 if "0" in difficult else 0 if difficult else -1
                assert line == f"{line.split()[0]} {expected:2d}"
                values[expected] += 1
    assert all(values.values())  # each of the three occurs


def test_voc_annotation_holds_what_other_tools_look_for(root: Path) -> None:
    annotation = ET.parse(root / "Annotations/train_000000.xml").getroot()
    assert annotation.findtext("filename") == "train_000000.jpg"
    assert [annotation.findtext(f"size/{k}") for k in ("width", "height", "depth")] == ["32", "32", "3"]
    tags = {"name", "pose", "truncated", "occluded", "difficult", "xmin", "ymin", "xmax", "ymax"}
    assert set(objects_of(root, "train_000000")[0]) == tags


def test_the_voc_reader_reads_the_same_from_set_files_and_from_xml(root: Path, tmp_path: Path) -> None:
    listing = voc.read(root, "val", classes=None)
    assert listing.classes == CLASSES
    expected = [class_states(draw_scene(4, i, size=32, split="val")[1]) for i in range(24)]
    as_listed = {1: 1, 0: -1, -1: 0}  # our targets put the ignored one at -1
    assert listing.targets.tolist() == [[as_listed[s[name]] for name in CLASSES] for s in expected]
    copy = tmp_path / "copy"
    (copy / "ImageSets/Main").mkdir(parents=True)
    (copy / "ImageSets/Main/val.txt").write_text((root / "ImageSets/Main/val.txt").read_text())
    for name in ("JPEGImages", "Annotations"):
        (copy / name).symlink_to(root / name)
    assert np.array_equal(voc.read(copy, "val", classes=None).targets, listing.targets)


def test_folder_layout_holds_one_shape_an_image_and_the_reader_reads_it(tmp_path: Path) -> None:
    root = tmp_path / "scenes"
    ensure(root, **{**SETTINGS, "layout": "folder"})
    for split, count in (("train", 40), ("val", 24)):
        listing = folder.read(root, split, classes=None)
        assert listing.classes == CLASSES
        assert np.bincount(listing.targets).tolist() == [count // 8] * 8
        for path, target in zip(listing.images, listing.targets, strict=True):
            scene = draw_scene(4, int(Path(path).stem), size=32, split=split, max_objects=1)[1]  # type: ignore[arg-type]
            assert [o.shape for o in scene.objects] == [CLASSES[target]]


def test_a_hidden_object_is_left_out_and_a_difficult_one_gives_way_to_a_plain_one() -> None:
    kinds = ("circle", "circle", "star", "ring")
    things = tuple(SceneObject(k, "red", (1.0, 0.0, 0.0), "plain", (5.0, 0.5), 5.0, 0.0) for k in kinds)
    owner = np.array([[1, 2, 2, 2, 2, 2, 2, 3, 0, 0]], np.uint8)
    states = class_states(Scene(10, "noise", things, owner, (10, 10, 10, 10), (10, 10, 10, 10)))
    assert states == {**dict.fromkeys(CLASSES, -1), "circle": 1, "star": 0}


def test_fewer_scenes_are_the_first_of_more(root: Path, tmp_path: Path) -> None:
    ensure(tmp_path / "few", **{**SETTINGS, "train": 5, "val": 3})
    many = contents(root)
    few = {k: v for k, v in contents(tmp_path / "few").items() if k.startswith(("JPEGImages", "Annotations"))}
    assert len(few) == 16
    assert all(many[name] == data for name, data in few.items())


def test_progress_counts_every_scene(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    ensure(tmp_path / "a", **{**SETTINGS, "train": 3, "val": 2}, progress=lambda *args: told.append(args))
    assert told == [(i, 5) for i in range(1, 6)]


def test_existing_scenes_of_the_same_settings_are_kept(root: Path) -> None:
    before = contents(root)
    assert not ensure(root, **SETTINGS, progress=lambda *_: pytest.fail("it drew again"))
    assert contents(root) == before


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert ensure(tmp_path / "empty", **SETTINGS)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty"]


def test_other_settings_are_refused_naming_them(root: Path) -> None:
    before = contents(root)
    with pytest.raises(DataError) as caught:
        ensure(root, **{**SETTINGS, "train": 41, "size": 64})
    message = str(caught.value)
    assert "train 40 there and 41 wanted, size 32 there and 64 wanted" in message
    assert str(root) in message
    assert "seed" not in message
    assert "delete that folder" in message
    assert contents(root) == before


@pytest.mark.parametrize("record", [None, "not JSON", "[]", '{"generator": "another"}'])
def test_other_things_are_refused_and_left_alone(tmp_path: Path, record: str | None) -> None:
    (tmp_path / "thesis.txt").write_text("do not lose")
    if record is not None:
        (tmp_path / "scenes.json").write_text(record)
    before = contents(tmp_path)
    with pytest.raises(DataError, match=r"is not a folder of built-in scenes.*set data\.root to a new or empty folder"):
        ensure(tmp_path, **SETTINGS)
    assert contents(tmp_path) == before


def test_a_file_in_the_place_of_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "scenes").write_text("a file")
    with pytest.raises(DataError, match="is not a folder of built-in scenes"):
        ensure(tmp_path / "scenes", **SETTINGS)
    assert (tmp_path / "scenes").read_text() == "a file"


@pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyboardInterrupt()])
def test_an_end_in_the_middle_leaves_nothing(tmp_path: Path, error: BaseException) -> None:
    def stop(done: int, total: int) -> None:
        if done == 7:
            raise error

    with pytest.raises(type(error)):
        ensure(tmp_path / "scenes", **SETTINGS, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_in_one_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(scene_files, "_save_jpeg", full)
    with pytest.raises(DataError, match=r"data\.root: the scenes could not be written to .*No space left on device"):
        ensure(tmp_path / "scenes", **SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_the_slower_of_two_processes_keeps_what_the_quicker_one_wrote(tmp_path: Path) -> None:
    root, drawn = tmp_path / "scenes", []

    def overtake(done: int, total: int) -> None:
        if done == 7:
            drawn.append(ensure(root, **SETTINGS))

    assert not ensure(root, **SETTINGS, progress=overtake)
    assert drawn == [True]
    assert [p.name for p in tmp_path.iterdir()] == ["scenes"]


def test_a_quicker_process_with_other_settings_is_told_of(tmp_path: Path) -> None:
    root = tmp_path / "scenes"

    def overtake(done: int, total: int) -> None:
        if done == 7:
            ensure(root, **{**SETTINGS, "seed": 5})

    with pytest.raises(DataError, match="seed 5 there and 4 wanted"):
        ensure(root, **SETTINGS, progress=overtake)
    assert json.loads((root / "scenes.json").read_text())["seed"] == 5


def test_real_processes_at_once_end_with_one_whole_folder(root: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=ensure, args=(tmp_path / "scenes",), kwargs=SETTINGS) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert contents(tmp_path / "scenes") == contents(root)
    assert [p.name for p in tmp_path.iterdir()] == ["scenes"]


def test_masks_are_the_classes_of_what_is_seen(root: Path, tmp_path: Path) -> None:
    """Counted from the scenes themselves, shape by shape; the images are those of the other layout."""
    ensure(tmp_path / "scenes", **{**SETTINGS, "layout": "masks"})
    assert voc_masks.splits(tmp_path / "scenes") == ["train", "trainval", "val"]
    for split, count in (("train", 40), ("val", 24)):
        listing = voc_masks.read(tmp_path / "scenes", split, MaskLayout())
        assert listing.classes == ("background", *CLASSES)
        assert listing.masks is not None
        assert listing.masks.void.sum() == 0
        assert len(listing) == count
        for i in range(count):
            scene = draw_scene(4, i, size=32, split=split)[1]  # type: ignore[arg-type]
            expected = np.zeros(9, dtype=int)
            for k, thing in enumerate(scene.objects):
                expected[1 + CLASSES.index(thing.shape)] += scene.mask(k).sum()
            expected[0] = 32 * 32 - expected.sum()
            assert listing.masks.pixels[i].tolist() == expected.tolist()
            assert np.array_equal(class_mask(scene) > 0, scene.owner > 0)
    images = {k: v for k, v in contents(tmp_path / "scenes").items() if k.startswith("JPEGImages")}
    assert images == {k: v for k, v in contents(root).items() if k.startswith("JPEGImages")}


def test_masks_show_each_class_in_a_colour_of_its_own(tmp_path: Path) -> None:
    ensure(tmp_path / "scenes", **{**SETTINGS, "train": 1, "val": 1, "layout": "masks"})
    palette = palette_of(tmp_path / "scenes/SegmentationClass/train_000000.png")
    assert palette is not None
    assert palette[0].tolist() == [0, 0, 0]
    assert len(np.unique(palette[:9], axis=0)) == 9


def test_captions_are_those_of_the_scenes_and_the_reader_reads_them(tmp_path: Path) -> None:
    ensure(tmp_path / "scenes", **{**SETTINGS, "layout": "captions"})
    assert coco_captions.splits(tmp_path / "scenes") == ["train", "val"]
    seen: set[int] = set()
    for split, count in (("train", 40), ("val", 24)):
        listing = coco_captions.read(tmp_path / "scenes", split)
        assert list(listing.images) == [f"JPEGImages/{split}_{i:06d}.jpg" for i in range(count)]
        assert listing.captions is not None
        for i in range(count):
            image, scene = draw_scene(4, i, size=32, split=split, max_objects=2)  # type: ignore[arg-type]
            assert listing.captions.of(i) == scene_captions.captions(scene, seed=4, index=i)
            with Image.open(listing.root / listing.images[i]) as picture:
                assert np.abs(np.asarray(picture, dtype=int) - image).mean() < 12
        seen.update(listing.captions.ids.tolist())
    assert len(seen) == 64
    document = json.loads((tmp_path / "scenes/captions/captions_val.json").read_text())
    assert len({annotation["id"] for annotation in document["annotations"]}) == 5 * 24
    assert document["images"][3] == {"id": 1000003, "file_name": "val_000003.jpg", "height": 32, "width": 32}
