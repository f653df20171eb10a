"""Which class has which id or colour: tables by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saccade.data.mask_layout import MaskLayout, class_colours, classes_and_coding, listing_of, read_classes
from saccade.data.masks import palette_png
from saccade.errors import DataError


def classes_file(root: Path, *lines: str) -> Path:
    (root / "classes.txt").write_text("\n".join(lines) + "\n")
    return root


def test_names_with_and_without_colours(tmp_path: Path) -> None:
    assert read_classes(tmp_path) is None
    assert read_classes(classes_file(tmp_path, "sky", "", "  traffic light ")) == {"sky": None, "traffic light": None}
    coloured = read_classes(classes_file(tmp_path, "sky 1 2 3", "traffic light\t255 0 0"))
    assert coloured == {"sky": (1, 2, 3), "traffic light": (255, 0, 0)}
    assert read_classes(classes_file(tmp_path, "level 1", "level 2")) == {"level 1": None, "level 2": None}
    assert read_classes(classes_file(tmp_path, "1 2 3")) == {"1 2 3": None}
    assert read_classes(classes_file(tmp_path, "sky 1 2 256")) == {"sky 1 2 256": None}


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["sky", "road", "sky"], r"classes\.txt:3: class 'sky' stands in an earlier line too"),
        (["sky 1 2 3", "road"], r"classes\.txt:2: found 'road'; all lines have a colour"),
        (["sky", "road 1 2 3"], r"classes\.txt:2: found 'road 1 2 3'; all lines have a colour"),
        (["", " "], r"classes\.txt: is empty"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, lines: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_classes(classes_file(tmp_path, *lines))


def test_classes_are_given_or_of_the_file_or_of_the_colours_or_the_default(tmp_path: Path) -> None:
    default = ("x", "y")
    assert classes_and_coding(tmp_path, MaskLayout(), default=default)[0] == default
    colours = {"a": (0, 0, 0), "void": (9, 9, 9), "b": (1, 1, 1)}
    classes, coding = classes_and_coding(tmp_path, MaskLayout(colours=colours, void_colour=(9, 9, 9)), default=default)
    assert (classes, coding.ids, coding.colours) == (("a", "b"), (0, 1), ((0, 0, 0), (1, 1, 1)))
    assert classes_and_coding(tmp_path, MaskLayout(classes=("p", "q")), default=default)[0] == ("p", "q")
    classes_file(tmp_path, "one", "two")
    assert classes_and_coding(tmp_path, MaskLayout(), default=default)[0] == ("one", "two")


def test_given_classes_are_matched_to_the_file_by_name(tmp_path: Path) -> None:
    """A run's classes in another order than those of the data set it is scored on, and one more of them."""
    classes_file(tmp_path, "sky 0 0 1", "road 0 0 2")
    classes, coding = classes_and_coding(tmp_path, MaskLayout(classes=("road", "car", "sky")))
    assert classes == ("road", "car", "sky")
    assert coding.ids == (1, -1, 0)
    assert coding.colours == ((0, 0, 2), None, (0, 0, 1))
    with pytest.raises(DataError, match=r"classes\.txt: unknown class 'sky'"):
        classes_and_coding(tmp_path, MaskLayout(classes=("road", "car")))


def test_a_name_in_the_place_or_colour_of_void_is_no_class(tmp_path: Path) -> None:
    classes_file(tmp_path, "nothing 0 0 0", "sky 0 0 1", "road 0 0 2")
    by_id = classes_and_coding(tmp_path, MaskLayout(void_id=0))
    by_colour = classes_and_coding(tmp_path, MaskLayout(void_colour=(0, 0, 0)))
    assert by_id[0] == by_colour[0] == ("sky", "road")
    assert by_id[1].ids == by_colour[1].ids == (1, 2)
    again = classes_and_coding(tmp_path, MaskLayout(classes=("sky", "road"), void_id=0))
    assert again == by_id


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        (MaskLayout(), r"nothing says which classes the masks hold; give data\.classes"),
        (MaskLayout(classes=("a", "b"), void_id=1), r"data\.void_id: is 1, which is the id of class 'b'"),
        (MaskLayout(classes=("a", "b"), colours={"a": (0, 0, 0)}), r"data\.colours: class 'b' has no colour"),
        (MaskLayout(classes=("a",), colours={"a": (0, 0, 0), "c": (1, 1, 1)}), r"data\.colours: unknown class 'c'"),
        (MaskLayout(classes=tuple(f"c{i}" for i in range(255))), r"255 classes; there can be 254 at most"),
    ],
)
def test_what_is_contradictory_is_refused(tmp_path: Path, layout: MaskLayout, said: str) -> None:
    with pytest.raises(DataError, match=said):
        classes_and_coding(tmp_path, layout)


def test_254_classes_are_told_apart(tmp_path: Path) -> None:
    names = tuple(f"c{i}" for i in range(254))
    ids = np.arange(254, dtype=np.uint8)[None]
    Image.new("RGB", (254, 1)).save(tmp_path / "a.jpg")
    (tmp_path / "a.png").write_bytes(palette_png(ids, np.zeros((256, 3), dtype=np.uint8)))
    listing = listing_of(tmp_path, ["a.jpg"], ["a.png"], MaskLayout(classes=names))
    assert listing.targets.tolist() == [[1] * 254]


def test_targets_say_which_classes_occur(tmp_path: Path) -> None:
    palette = np.random.default_rng(0).integers(0, 256, (256, 3), dtype=np.uint8)
    for name, row in (("a", [0, 2, 2]), ("b", [1, 255, 255])):
        Image.new("RGB", (3, 1)).save(tmp_path / f"{name}.jpg")
        (tmp_path / f"{name}.png").write_bytes(palette_png(np.array([row], dtype=np.uint8), palette))
    layout = MaskLayout(classes=("sky", "road", "car"))
    listing = listing_of(tmp_path, ["a.jpg", "b.jpg"], ["a.png", "b.png"], layout)
    assert listing.targets.dtype == np.int8
    assert listing.targets.tolist() == [[1, 0, 1], [0, 1, 0]]
    assert listing.masks is not None
    assert listing.masks.pixels.tolist() == [[1, 0, 2], [0, 1, 0]]
    assert class_colours(listing) == tuple(map(tuple, palette[:3].tolist()))
    table = {"sky": (1, 0, 0), "road": (2, 0, 0), "car": (3, 0, 0)}
    own = listing_of(tmp_path, ["a.jpg"], ["a.png"], MaskLayout(colours=table))
    assert class_colours(own) == ((1, 0, 0), (2, 0, 0), (3, 0, 0))
    Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8)).save(tmp_path / "a.png")
    assert class_colours(listing_of(tmp_path, ["a.jpg"], ["a.png"], layout)) is None
