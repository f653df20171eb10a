"""Image files that are named on the command line: found, each once, and read or reported."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from saccade.data.images import read_rgb
from saccade.data.loose import LooseBatch, LooseImages, collate_loose, find_images
from saccade.data.transforms import evaluation_transform
from saccade.errors import DataError

TRANSFORM = evaluation_transform(8, resize="crop", crop_share=1.0, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


@pytest.fixture
def photos(tmp_path: Path, jpeg: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """``photos/{b,a}.jpg``, ``photos/deep/er/c.JPG``, ``photos/[odd].jpg``, ``photos/notes.txt``; the parent is cwd."""
    for i, name in enumerate(("b.jpg", "a.jpg", "deep/er/c.JPG", "[odd].jpg")):
        jpeg(tmp_path / "photos" / name, seed=i)
    (tmp_path / "photos" / "notes.txt").write_text("none")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


EVERYTHING = ["photos/[odd].jpg", "photos/a.jpg", "photos/b.jpg", "photos/deep/er/c.JPG"]


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["photos/b.jpg"], ["photos/b.jpg"]),
        (["photos/b.jpg", "photos/a.jpg"], ["photos/b.jpg", "photos/a.jpg"]),  # files stay in the order of the words
        (["photos"], EVERYTHING),
        (["photos/"], EVERYTHING),
        (["photos/deep"], ["photos/deep/er/c.JPG"]),
        (["photos/*.jpg"], ["photos/[odd].jpg", "photos/a.jpg", "photos/b.jpg"]),
        (["photos/?.jpg"], ["photos/a.jpg", "photos/b.jpg"]),
        (["photos/[ab].jpg"], ["photos/a.jpg", "photos/b.jpg"]),
        (["photos/[odd].jpg"], ["photos/[odd].jpg"]),  # a file of that name comes before the pattern
        (["photos/**/*.JPG"], ["photos/deep/er/c.JPG"]),
        (["photos/a**"], ["photos/a.jpg"]),
        (["empty/../photos/[ab].jpg"], ["empty/../photos/a.jpg", "empty/../photos/b.jpg"]),
        (["photos/notes.txt"], ["photos/notes.txt"]),  # named outright: reading it says what is wrong
        (["photos/*"], ["photos/[odd].jpg", "photos/a.jpg", "photos/b.jpg", "photos/notes.txt"]),  # no folders
        (["", "photos/a.jpg"], ["photos/a.jpg"]),
    ],
)
def test_files_folders_and_patterns(photos: Path, arguments: list[str], found: list[str]) -> None:
    assert find_images(arguments) == found


def test_absolute_paths_stay_absolute(photos: Path) -> None:
    assert find_images([str(photos)]) == [str(photos.parent / name) for name in EVERYTHING]
    assert find_images([f"{photos}/?.jpg"]) == [f"{photos}/a.jpg", f"{photos}/b.jpg"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["photos/a.jpg", "photos/a.jpg"],
        ["photos/a.jpg", "./photos/a.jpg"],
        ["photos/a.jpg", "photos/deep/../a.jpg"],
        ["photos/a.jpg", "photos//a.jpg"],
        ["photos/a.jpg", "photos/a.*"],
        ["photos/a.jpg", "{cwd}/photos/a.jpg"],
    ],
)
def test_a_file_named_twice_is_done_once(photos: Path, arguments: list[str]) -> None:
    assert find_images([argument.format(cwd=photos.parent) for argument in arguments]) == ["photos/a.jpg"]


def test_a_folder_adds_what_was_not_named_before(photos: Path) -> None:
    found = find_images(["photos/b.jpg", "photos", "./photos"])
    assert found == ["photos/b.jpg", "photos/[odd].jpg", "photos/a.jpg", "photos/deep/er/c.JPG"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no images to read; name files, folders, or patterns such as 'photos/*.jpg'"),
        ([""], "no images to read; name files, folders, or patterns such as 'photos/*.jpg'"),
        (["nowhere.jpg"], "nowhere.jpg: no such file or folder, and as a pattern it fits nothing"),
        (["photos/*.png"], "photos/*.png: no such file or folder, and as a pattern it fits nothing"),
        (["nowhere/*"], "nowhere/*: no such file or folder, and as a pattern it fits nothing"),
        (["photos/d*"], "photos/d*: no such file or folder, and as a pattern it fits nothing"),  # folders are no files
        (
            ["empty"],
            "empty: no image in this folder; images end in "
            ".bmp, .gif, .jpeg, .jpg, .pgm, .png, .ppm, .tif, .tiff, .webp",
        ),
        (["photos", "nowhere.jpg"], "nowhere.jpg: no such file or folder, and as a pattern it fits nothing"),
    ],
)
def test_what_names_nothing_is_an_error(photos: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(DataError) as raised:
        find_images(arguments)
    assert str(raised.value) == message


def test_names_that_are_no_utf8_are_found_and_read(photos: Path) -> None:
    name = os.fsdecode(b"photos/deep/\xff.png")
    Image.new("RGB", (4, 4), "red").save(name, format="PNG")
    found = find_images(["photos/deep"])
    assert name in found
    _, read = LooseImages(found, TRANSFORM)[found.index(name)]
    assert not isinstance(read, str)
    assert read[1] == (4, 4)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_file_is_reported_and_the_rest_is_done(photos: Path, workers: int) -> None:
    (photos / "zero.jpg").touch()
    names = ["photos/a.jpg", "photos/notes.txt", "photos/b.jpg", "photos/zero.jpg", "photos/gone.jpg"]
    loader = DataLoader(LooseImages(names, TRANSFORM), batch_size=3, collate_fn=collate_loose, num_workers=workers)
    first, second = list(loader)
    assert first.index == (0, 2)
    expected = torch.stack([TRANSFORM(read_rgb(Path(names[i]))) for i in (0, 2)])
    assert torch.equal(first.image, expected)
    assert first.failures == ((1, "photos/notes.txt: cannot be read as an image (it has no known image format)"),)
    assert second.index == ()
    assert second.image.shape == (0, 3, 0, 0)
    assert second.size.shape == (0, 2)
    assert second.failures == (
        (3, "photos/zero.jpg: cannot be read as an image (the file is empty)"),
        (4, "photos/gone.jpg: image not found"),
    )


def test_a_batch_moves_with_its_failures() -> None:
    batch = LooseBatch((1,), torch.zeros(1, 3, 2, 2), torch.tensor([[20, 30]]), ((0, "why"),))
    moved = batch.to(torch.device("meta"))
    assert moved.size.tolist() == [[20, 30]]
    assert (moved.index, moved.failures, moved.image.device.type) == ((1,), ((0, "why"),), "meta")
