"""Targets by hand, after the VOC development kit's readme: 1 present, -1 absent, 0 only difficult objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from saccade.data import voc
from saccade.errors import DataError

BOX = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>"


def annotation(root: Path, image_id: str, *objects: tuple[str, str], box: str = BOX) -> None:
    """Write an XML with objects of (name, difficult), where difficult may be left out as ""."""
    body = "".join(
        f"<object><name>{name}</name>{difficult and f'<difficult>{difficult}</difficult>'}{box}</object>"
        for name, difficult in objects
    )
    path = root / "Annotations" / f"{image_id}.xml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"<annotation>\n<filename>{image_id}.jpg</filename>\n{body}</annotation>")


def set_file(root: Path, name: str, *lines: str) -> None:
    path = root / "ImageSets" / "Main" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four images: dog; difficult cat; both, the dog once difficult and once not; nothing."""
    (tmp_path / "JPEGImages").mkdir()
    for name in ("a.jpg", "b.JPG", "c.png", "c.txt", "d.jpeg"):
        (tmp_path / "JPEGImages" / name).touch()
    set_file(tmp_path, "train", "a", "b", "", "c", "d")
    annotation(tmp_path, "a", ("dog", "0"))
    annotation(tmp_path, "b", ("cat", "1"), ("cat", "1"))
    annotation(tmp_path, "c", ("dog", "1"), ("dog", ""), ("cat", "0"), ("dog", "1"), box="")
    annotation(tmp_path, "d")
    return tmp_path


CAT_DOG = [[0, 1], [-1, 0], [1, 1], [0, 0]]


def test_reads_xml(root: Path) -> None:
    listing = voc.read(root, "train", classes=None)
    assert listing.classes == ("cat", "dog")
    assert list(listing.images) == [f"JPEGImages/{name}" for name in ("a.jpg", "b.JPG", "c.png", "d.jpeg")]
    assert listing.targets.dtype == np.int8
    assert listing.targets.tolist() == CAT_DOG


def test_classes_keep_the_order_they_are_given_in(root: Path) -> None:
    listing = voc.read(root, "train", classes=("dog", "elk", "cat"))
    assert listing.classes == ("dog", "elk", "cat")
    assert listing.targets.tolist() == [[dog, 0, cat] for cat, dog in CAT_DOG]


def test_parts_of_an_object_are_no_objects(root: Path) -> None:
    part = f"<part><name>head</name>{BOX}</part>"
    annotation(root, "d", ("dog", "0"), box=part)
    assert voc.read(root, "train", classes=None).classes == ("cat", "dog")


def test_set_files_come_before_the_xml(root: Path) -> None:
    set_file(root, "traffic_light_train", "a  1", "b -1", "c  0", "d -1")
    set_file(root, "bus_train", "d 1", "c\t-1", "b 0", "a 1", "not_listed 1")
    listing = voc.read(root, "train", classes=None)
    assert listing.classes == ("bus", "traffic_light")
    assert listing.targets.tolist() == [[1, 1], [-1, 0], [0, -1], [1, 0]]
    assert voc.read(root, "train", classes=("bus",)).targets.tolist() == [[1], [-1], [0], [1]]


def test_the_xml_is_read_where_a_class_has_no_set_file(root: Path) -> None:
    set_file(root, "cat_train", "a -1", "b -1", "c -1", "d -1")  # unlike the XML, to tell them apart
    assert voc.read(root, "train", classes=("cat", "dog")).targets.tolist() == CAT_DOG


def test_set_files_are_those_of_the_split_and_not_of_one_that_ends_alike(root: Path) -> None:
    set_file(root, "trainval", "a", "b")
    set_file(root, "val", "b")
    set_file(root, "small_val", "a")
    set_file(root, "dog_trainval", "a 1", "b -1")
    set_file(root, "traffic_light_val", "b 1")
    set_file(root, "dog_small_val", "a 1")
    assert voc.splits(root) == ["small_val", "train", "trainval", "val"]
    assert voc.read(root, "val", classes=None).classes == ("traffic_light",)
    assert voc.read(root, "trainval", classes=None).classes == ("dog",)
    assert voc.read(root, "small_val", classes=None).classes == ("dog",)
    assert voc.read(root, "train", classes=None).classes == ("cat", "dog")


def test_reads_a_byte_order_mark_windows_lines_and_ids_with_blanks(root: Path) -> None:
    (root / "ImageSets/Main/val.txt").write_bytes(b"\xef\xbb\xbfphoto 1\r\na\r\n")
    (root / "ImageSets/Main/dog_val.txt").write_bytes(b"\xef\xbb\xbfphoto 1 -1\r\na  1\r\n")
    listing = voc.read(root, "val", classes=None)
    assert list(listing.images) == ["JPEGImages/photo 1.jpg", "JPEGImages/a.jpg"]
    assert listing.targets.tolist() == [[0], [1]]


def test_an_image_that_is_not_there_is_listed(root: Path) -> None:
    (root / "JPEGImages/b.JPG").unlink()
    assert voc.read(root, "train", classes=None).images[1] == "JPEGImages/b.jpg"


def test_jpg_comes_before_png(root: Path) -> None:
    (root / "JPEGImages/a.png").touch()
    assert voc.read(root, "train", classes=None).images[0] == "JPEGImages/a.jpg"


def test_no_splits_without_a_folder(tmp_path: Path) -> None:
    assert voc.splits(tmp_path) == []


def message(root: Path, split: str = "train", classes: tuple[str, ...] | None = None) -> str:
    with pytest.raises(DataError) as caught:
        voc.read(root, split, classes=classes)
    return str(caught.value)


class TestRefusals:
    def test_root(self, root: Path) -> None:
        assert message(root / "nowhere") == (
            f"{root}/nowhere: no such folder; set data.root to the folder that holds JPEGImages/"
        )
        assert message(root / "Annotations") == (
            f"{root}/Annotations: a VOC data set holds JPEGImages/ and ImageSets/Main/; this one lacks "
            "JPEGImages and ImageSets/Main; there is: 'a.xml', 'b.xml', 'c.xml', 'd.xml'; data.format says how "
            "a data set is laid out"
        )

    def test_root_above_the_data(self, root: Path, tmp_path: Path) -> None:
        inner = tmp_path / "VOCdevkit" / "VOC2012"
        for name in ("JPEGImages", "ImageSets/Main"):
            (inner / name).mkdir(parents=True)
        assert message(tmp_path / "VOCdevkit").endswith(f"lacks JPEGImages and ImageSets/Main; set data.root={inner}")

    def test_split(self, root: Path) -> None:
        set_file(root, "dog_train", "a 1")
        path = root / "ImageSets/Main"
        assert message(root, "tain") == f"{path}/tain.txt: no such split; {path} has 'train'"

    def test_empty_split(self, root: Path) -> None:
        set_file(root, "val", "", " ")
        assert "val.txt: the split is empty" in message(root, "val")

    def test_image_twice(self, root: Path) -> None:
        set_file(root, "val", "a", "b", "a")
        assert message(root, "val").endswith("val.txt:3: image 'a' is already in line 1")

    def test_malformed_lines_are_named_all_at_once(self, root: Path) -> None:
        set_file(root, "dog_train", "a 1", "b 2", "c", "d -1")
        path = root / "ImageSets/Main/dog_train.txt"
        assert message(root).splitlines() == [
            f"{path}:2: found 'b 2'; a line holds an image id and 1, 0 or -1",
            f"{path}:3: found 'c'; a line holds an image id and 1, 0 or -1",
        ]

    def test_contradicting_lines(self, root: Path) -> None:
        set_file(root, "dog_train", "a 1", "a -1")
        assert "dog_train.txt:2: image 'a' has another value in an earlier line" in message(root)

    def test_image_without_a_line(self, root: Path) -> None:
        set_file(root, "dog_train", "a 1", "b -1", "c 1")
        assert message(root).endswith("dog_train.txt: no line for image 'd', which the split lists")

    def test_not_text(self, root: Path) -> None:
        (root / "ImageSets/Main/val.txt").write_bytes(b"a\n\xff\n")
        assert "val.txt: not UTF-8 text (invalid start byte at byte 2)" in message(root, "val")

    def test_unknown_class(self, root: Path) -> None:
        assert message(root, classes=("cats", "dog")) == (
            f"{root}/Annotations/b.xml: unknown class 'cat'; the nearest is 'cats'"
        )
        assert message(root, classes=("dog",)) == (f"{root}/Annotations/b.xml: unknown class 'cat'; expected: 'dog'")

    def test_no_annotations(self, root: Path) -> None:
        for path in (root / "Annotations").iterdir():
            path.unlink()
        assert len(message(root).splitlines()) == 4
        assert "Annotations/a.xml: no such annotation, though the split lists the image" in message(root)
        (root / "Annotations").rmdir()
        assert message(root).endswith("Annotations: no such folder, and no class has a set file of this split")
        set_file(root, "dog_train", "a 1", "b -1", "c 1", "d 1")
        assert message(root, classes=("dog", "dig")).endswith(
            "Annotations: no such folder; set files: unknown class 'dig'; the nearest is 'dog'"
        )

    def test_no_object_at_all(self, root: Path) -> None:
        set_file(root, "val", "d")
        assert "the annotations of the split hold no object" in message(root, "val")

    @pytest.mark.parametrize(
        ("text", "part"),
        [
            ("<annotation>\n<object>\n", ":3: not well-formed XML"),
            ("", ":1: not well-formed XML"),
            ("<annotation><object/></annotation>", ": object 1 has no name"),
            (
                "<annotation><object><name>dog</name><difficult>yes</difficult></object></annotation>",
                ": object 1 (dog) has difficult='yes'; it is 0 or 1",
            ),
        ],
    )
    def test_bad_xml(self, root: Path, text: str, part: str) -> None:
        (root / "Annotations/c.xml").write_text(text)
        assert f"{root}/Annotations/c.xml{part}" in message(root)


@pytest.mark.real
@pytest.mark.parametrize("split", ["train", "val"])
def test_set_files_and_xml_agree_on_real_data(real_data: Path, tmp_path: Path, split: str) -> None:
    root = real_data / "flickr1k"
    by_set_file = voc.read(root, split, classes=None)
    assert len(by_set_file.classes) == 20
    for name in ("Annotations", "JPEGImages"):
        (tmp_path / name).symlink_to(root / name)
    set_file(tmp_path, split, *(root / f"ImageSets/Main/{split}.txt").read_text().split())
    by_xml = voc.read(tmp_path, split, classes=None)
    assert by_xml.classes == by_set_file.classes
    assert list(by_xml.images) == list(by_set_file.images)
    assert np.array_equal(by_xml.targets, by_set_file.targets)
    assert all((root / name).is_file() for name in by_set_file.images)
